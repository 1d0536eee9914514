# METADATA
# title: Facts that several rules share
# description: |
#   What the request and the organisation's tables say together: the risk tier and why, the level
#   that counts, whether the change only reads.
package changegate.facts

# METADATA
# title: Whether a request is judged, and not a change of the policies themselves
has_request if input.request != null

# METADATA
# title: Whether the change leaves the usual script
off_script if input.request.off_script

# METADATA
# title: Whether the change answers an incident
emergency if input.request.type == "emergency"

tier_rank := {"low": 0, "medium": 1, "high": 2, "critical": 3}

level_rank := {"L1": 1, "L2": 2, "L3": 3}

# METADATA
# title: The tiers that the change has, each with why
# description: Several actions bring the highest tier and the union of what each asks for.
tier_reasons contains {"tier": entry.tier, "because": sprintf("`%s` is %s in the catalog", [action.action, entry.tier])} if {
	some action in input.request.actions
	entry := data.org.actions[action.action]
}

tier_reasons contains {"tier": "high", "because": "off-script is never below high"} if off_script

tier_reasons contains {"tier": input.request.risk, "because": sprintf("the request declares %s", [input.request.risk])}

# METADATA
# title: All tiers among them
tiers := {reason.tier | some reason in tier_reasons}

# METADATA
# title: The risk tier, the highest among them
default tier := "low"

tier := [name | some name in ["critical", "high", "medium", "low"]; name in tiers][0]

# METADATA
# title: Whether the tier is high or critical
high if tier_rank[tier] >= tier_rank.high

# METADATA
# title: Whether the change only reads, and is bound by no window
# description: Every action is read-only, the tier low, and the script followed. It still needs a ticket.
exempt if {
	tier == "low"
	not off_script
	every action in input.request.actions {
		data.org.actions[action.action].read_only
	}
}

# Whoever asks for it, performs it or contributed to it, so that nobody borrows a level.
performers contains input.request.requester

performers contains input.request.implementer

performers contains contributor.login if some contributor in input.pull_request.contributors

# METADATA
# title: The rank of the level that counts, the lowest among all performers
# description: 0 for a person without a level.
lowest := min({object.get(level_rank, [input.people[login].level], 0) | some login in performers})

# METADATA
# title: The level that counts, or null
level := object.get({1: "L1", 2: "L2", 3: "L3"}, lowest, null)

# METADATA
# title: What a decision says about the change itself
about := {"tier": tier, "tier_because": sort([reason.because | some reason in tier_reasons; reason.tier == tier]), "level": level} if has_request

about := {"tier": null, "tier_because": [], "level": level} if not has_request
