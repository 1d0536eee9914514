# METADATA
# title: Conflicts
# description: |
#   Two changes conflict when they share a service and a target and their planned intervals overlap. When
#   one is executed, those count that are being executed, whatever was planned; and an incident may pause it.
package changegate.rules.conflict

import data.changegate.facts

# METADATA
# title: The questions that these rules answer
purposes := {"merge", "execute"}

# METADATA
# title: Another change acts on the same target at the same time
# description: |
#   A conflict with a merged change denies at high and critical, and warns below and in an emergency; one with
#   another open request warns on both.
# custom:
#   code: conflict/overlap
#   effect: deny
#   rule: "7"
#   help: move the schedule, or agree with the other change's requester on who goes first
#   controls: [NIST:CM-3]
findings contains {
	"code": "conflict/overlap",
	"effect": effect,
	"message": sprintf("%s acts on %s of %s from %s to %s", [
		id,
		concat(", ", targets),
		concat(", ", services),
		start,
		end,
	]),
	"help": sprintf("move the schedule, or agree with the requester of %s on who goes first", [id]),
	"pointer": "/schedule",
} if {
	not facts.settling
	some other in input.active
	services := {service | some service in other.services; service in input.services}
	targets := {action.target | some action in input.request.actions; action.target in other.targets}
	count(services) > 0
	count(targets) > 0
	effect := effect_of(other.merged)
	id := other.id
	start := other.planned.start
	end := other.planned.end
}

# METADATA
# title: A merged request can't be read
# description: |
#   Whether it acts on the same targets at the same time can't be told.
# custom:
#   code: conflict/unread
#   effect: warn
#   rule: "7"
#   help: have its requester correct the file, in a pull request of its own
#   controls: [NIST:CM-3]
findings contains {
	"code": "conflict/unread",
	"effect": "warn",
	"message": sprintf("%s is merged and can't be read, so that it may be in the way", [path]),
} if {
	input.request.schedule
	some path in input.unread
}

effect_of(merged) := "deny" if {
	merged
	facts.high
	not facts.emergency
} else := "warn"

# METADATA
# title: Another change is being executed on the same target
# description: |
#   Where one of the two is high or critical, the second waits until the first has ended; below that, and
#   for emergencies, rollbacks and what is read under an incident, it is a warning. An execution whose end
#   nobody knows counts, too.
# custom:
#   code: conflict/running
#   effect: pending
#   rule: "7"
#   help: wait until the other execution has ended
#   controls: [NIST:CM-3]
findings contains {
	"code": "conflict/running",
	"effect": effect,
	"message": sprintf("%s is being executed on %s of %s since %s", [
		id,
		concat(", ", targets),
		concat(", ", services),
		since,
	]),
	"help": sprintf("wait until %s has ended; it is taken to go on until %s", [id, until]),
} if {
	some other in input.operations.running
	services := {service | some service in other.services; service in input.services}
	targets := {step.target | some step in input.execution.steps; step.target in other.targets}
	count(services) > 0
	count(targets) > 0
	effect := running_effect({other.tier, facts.tier})
	id := other.change
	since := other.since
	until := other.lease_until
}

running_effect(tiers) := "pending" if {
	facts.advancing
	not facts.emergency
	not facts.under_incident
	count(tiers & {"high", "critical"}) > 0
} else := "warn"

# METADATA
# title: An incident pauses the change
# description: |
#   While an incident pauses changes to its services, or all changes, nothing else is merged or executed
#   there: except emergencies, rollbacks and changes that only read.
# custom:
#   code: conflict/escalation-pause
#   effect: deny
#   rule: "8"
#   help: wait until the incident is resolved, or its commander lifts the pause
#   controls: [SOC2:CC7.4]
findings contains {
	"code": "conflict/escalation-pause",
	"effect": "deny",
	"message": sprintf("%s pauses %s", [id, what]),
	"help": sprintf("wait until it is resolved, or %s lifts the pause", [commander]),
} if {
	not input.execution.rollback
	some incident in input.operations.incidents
	what := paused_by(incident)
	not facts.emergency
	not facts.exempt
	id := incident.id
	commander := commander_of(incident)
}

paused_by(incident) := "all changes" if {
	incident.pauses == "all"
}

paused_by(incident) := sprintf("changes to %s", [concat(", ", services)]) if {
	incident.pauses == "services"
	services := {service | some service in incident.services; service in input.services}
	count(services) > 0
}

commander_of(incident) := incident.commander if {
	is_string(incident.commander)
} else := "an incident commander"
