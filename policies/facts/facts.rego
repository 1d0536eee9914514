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
# description: |
#   Everybody who contributed to the amendment counts, and not only who submitted it first: who adds to somebody's
#   own amendment takes it over.
taken_over if {
	is_object(input.previous)
	not input.pull_request.author in former
}

taken_over if {
	is_object(input.previous)
	some contributor in input.pull_request.contributors
	not contributor.login in former
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
} else := "low" if {
	under_incident
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
# description: |
#   Every action is read-only, the tier is low, and the script is followed. It still needs a ticket, which an
#   open incident is, too.
exempt if {
	tier == "low"
	not input.request.off_script
	catalog := data.org.actions
	every action in input.request.actions {
		catalog[action.action].read_only
	}
}

exempt if under_incident

# METADATA
# title: Whether an open incident is the only ticket
# description: Under it something is read, and nothing else, without a request.
under_incident if is_string(input.execution.incident)

# METADATA
# title: Whether the change reacts to an open incident, and may run outside windows
# description: |
#   It has the incident's number, acts on one of its services and is direct, and the settings let changes of its
#   tier run outside windows. In a freeze it waits like any other.
reactive if {
	settings := data.org.settings
	tier in settings.reactive_outside_windows
	some incident in input.operations.incidents
	incident.id == input.request.id
	some service in incident.services
	service in input.services
	direct
}

# Whether nobody has to sign it off: as it was approved, or by the matrix as long as nothing adds to that.
direct if input.approval.mode == "direct"

direct if {
	not executing
	not input.request.off_script
	not input.request.approvals
	not separated
	matrix := data.org.matrix
	row := matrix[tier]
	object.get(row, level, row.L1) == "direct"
}

separated if {
	high
	data.org.settings.strict_separation
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
# title: Whether the change is a use of a template
# description: |
#   What a template says was decided by two independent L3 once, for all its uses; the rules on templates deny what
#   isn't just that.
standard if {
	input.request.type == "standard"
	input.template.known
}

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
# title: How long services are watched at least after a change
monitor_at_least := object.get(data.org.settings, ["outcome", "monitor_at_least"], "15m")

# METADATA
# title: Whether what is merged was executed under break-glass
# description: |
#   Then the merge asks for form and sign-off alone: a signature after the planned end has to count.
settling if {
	not executing
	input.operations.own.break_glass
}

# METADATA
# title: Whether the sign-offs may come after the execution
# description: The incident commander's approval comes first all the same, and until then the change is pending.
breaks_glass if input.request.emergency.break_glass

# METADATA
# title: Whether it is to be executed from its open pull request, and the incident commander is missing
# description: Then it needn't be merged first.
awaits_commander if {
	breaks_glass
	input.execution.break_glass
	input.execution.awaits_commander
	not input.approval
	input.operations.own.pull == "open"
	input.operations.own.verdict != "denied"
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
