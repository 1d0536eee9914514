# METADATA
# title: Conflicts
# description: Two changes conflict when they share a service and a target and their planned intervals overlap.
package changegate.rules.conflict

import data.changegate.facts

# METADATA
# title: Another change acts on the same target at the same time
# description: |
#   A conflict with a merged change denies at high and critical, and warns below; one with another open
#   request warns on both.
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
} else := "warn"
