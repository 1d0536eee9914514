# METADATA
# title: Facts that several rules share
# description: |
#   Facts from the request and the organisation's tables together: the risk tier and why, the level
#   that counts, whether the change only reads.
package changegate.facts

# METADATA
# title: All tiers that the change has
# description: |
#   Those of its actions, the one that it declares, and high if it is off-script. Each asks for its
#   own sign-off. When it is executed, the tier that was approved, too: the catalog may have changed.
tiers := tiers_of(object.get(input, "request", null)) | {approved | approved := input.approval.tier}

tiers_of(request) := of_actions | of_off_script | declared if {
	of_actions := {catalog[action.action].tier |
		catalog := data.org.actions
		some action in request.actions
	}
	of_off_script := {"high" | request.off_script}
	declared := {named | named := request.risk}
}

# METADATA
# title: Who requested and performs the merged request that is amended
former := {login | some part in ["requester", "implementer"]; login := input.previous[part]}

# METADATA
# title: Whether somebody amends a merged request who neither requested nor performs it
taken_over if {
	is_object(input.previous)
	not input.pull_request.author in former
}

# METADATA
# title: The tiers that ask for sign-off
# description: |
#   Those of the change, and if somebody else amends a merged request, those of that one, too: who
#   amends it can't make it less of a risk by themselves.
signed_tiers := tiers | tiers_of(input.previous) if {
	taken_over
} else := tiers

# METADATA
# title: The risk tier, the highest among them, or low; null for a change of policies
tier := "critical" if {
	"critical" in tiers
} else := "high" if {
	"high" in tiers
} else := "medium" if {
	"medium" in tiers
} else := "low" if {
	input.request != null
} else := null

# METADATA
# title: The reasons for the tier
tier_because := of_actions | of_off_script | declared | approved if {
	of_actions := {sprintf("`%s` is %s in the catalog", [action.action, tier]) |
		catalog := data.org.actions
		some action in input.request.actions
		catalog[action.action].tier == tier
	}
	of_off_script := {"off-script is never below high" | tier == "high"; input.request.off_script}
	declared := {sprintf("the request declares %s", [tier]) | input.request.risk == tier}
	approved := {sprintf("it was approved as %s", [tier]) | input.approval.tier == tier}
}

# METADATA
# title: Whether the tier is high or critical
high if tier in {"high", "critical"}

# METADATA
# title: Whether the change only reads, and needs no window
# description: Every action is read-only, the tier is low, and the script is followed. It still needs a ticket.
exempt if {
	tier == "low"
	not input.request.off_script
	catalog := data.org.actions
	every action in input.request.actions {
		catalog[action.action].read_only
	}
}

# METADATA
# title: The level that counts, the lowest among all performers
# description: |
#   Everyone who requests, performs or contributed to the change counts, so that nobody borrows a level.
#   Null, which is below every level, if one of them has no level, or if nobody is known.
level := lowest if {
	requesters := {login | some part in ["requester", "implementer"]; login := input.request[part]}
	contributors := {contributor.login | some contributor in input.pull_request.contributors}
	lowest := min([input.people[login].level | some login in requesters | contributors])
} else := null

# METADATA
# title: The question
purpose := object.get(input, "purpose", "merge")

# METADATA
# title: Whether the question is whether the change may be executed now
executing if purpose == "execute"

# METADATA
# title: Whether something is to be executed that isn't a rollback
# description: Undoing what was begun is bound by no window, freeze, pause or interval.
advancing if {
	executing
	not input.execution.rollback
}

# METADATA
# title: Whether the planned start is yet to come
early if input.now < input.calendar.planned.start

# METADATA
# title: Whether the planned end has passed
over if input.calendar.planned.end <= input.now

# METADATA
# title: Whether it is time, or there is no plan
due if {
	not early
	not over
}

# METADATA
# title: Whether the change responds to an incident
emergency if input.request.type == "emergency"

# METADATA
# title: The severity of the incident
# description: Where there is a record of it, the record decides.
severity := recorded if {
	recorded := input.incident.severity
} else := input.request.emergency.severity

# METADATA
# title: The windows that are open now and take the tier
open_windows := [window |
	some window in input.calendar.now.windows
	tier in window["for"]
]
