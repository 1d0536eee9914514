# METADATA
# title: Facts that several rules share
# description: |
#   What the request and the organisation's tables say together: the risk tier and why, the level
#   that counts, whether the change only reads.
package changegate.facts

# METADATA
# title: Whether the change leaves the usual script
off_script if input.request.off_script

# METADATA
# title: Whether the change answers an incident
emergency if input.request.type == "emergency"

# METADATA
# title: The organisation's tables
# description: Looked up once, because the interpreter goes through all packages for it.
org := data.org

# METADATA
# title: The tiers that the change has, each with why
# description: Several actions bring the highest tier and the union of what each asks for.
tier_reasons contains {"tier": named, "because": sprintf("`%s` is %s in the catalog", [action.action, named])} if {
	some action in input.request.actions
	named := org.actions[action.action].tier
}

tier_reasons contains {"tier": "high", "because": "off-script is never below high"} if off_script

tier_reasons contains {"tier": input.request.risk, "because": sprintf("the request declares %s", [input.request.risk])} if input.request.risk

# METADATA
# title: All tiers among them
tiers := {reason.tier | some reason in tier_reasons}

# METADATA
# title: The risk tier, the highest among them, or low
tier := [named | some named in ["critical", "high", "medium", "low"]; named in tiers | {"low"}][0]

# METADATA
# title: Whether the tier is high or critical
high if tier in {"high", "critical"}

# METADATA
# title: Whether the change only reads, and is bound by no window
# description: Every action is read-only, the tier low, and the script followed. It still needs a ticket.
exempt if {
	tier == "low"
	not off_script
	every action in input.request.actions {
		org.actions[action.action].read_only
	}
}

# METADATA
# title: The level that counts, the lowest among all performers
# description: |
#   Whoever asks for it, performs it or contributed to it, so that nobody borrows a level. Null, which
#   is lower than every level, if one of them holds none, or if nobody is known.
level := lowest if {
	requesters := {login | some part in ["requester", "implementer"]; login := input.request[part]}
	contributors := {contributor.login | some contributor in input.pull_request.contributors}
	lowest := min([input.people[login].level | some login in requesters | contributors])
} else := null

# METADATA
# title: What a decision says about the tier
about := {"tier": tier, "tier_because": sort([reason.because | some reason in tier_reasons; reason.tier == tier])} if {
	input.request != null
} else := {"tier": null, "tier_because": []}
