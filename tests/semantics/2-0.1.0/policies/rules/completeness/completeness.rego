# METADATA
# title: What a request must hold
# description: |
#   A field that is blank or a placeholder such as TBD is left out of the input, and so is a list of
#   nothing else: both count as missing.
package changegate.rules.completeness

import data.changegate.facts
import data.changegate.fields

# METADATA
# title: Something is missing
# description: Each request says what, why, who, to what, with which impact and how to undo it; riskier ones need more.
# scope: document
# custom:
#   code: request/missing
#   effect: deny
#   rule: "4"
#   help: fill in the field; a placeholder doesn't count
#   controls: [SOC2:CC8.1, "PCI:6.5.1", NIST:CM-3]
findings contains finding if {
	some field in ["id", "summary", "reason", "requester", "actions"]
	not input.request[field]
	finding := fields.missing("", field)
}

findings contains finding if {
	some field in ["services", "users", "operations"]
	not input.request.impact[field]
	finding := fields.missing("/impact", field)
}

findings contains finding if {
	some i, action in input.request.actions
	some field in ["action", "target"]
	not action[field]
	finding := fields.missing(sprintf("/actions/%v", [i]), field)
}

findings contains {
	"code": "request/missing",
	"effect": "deny",
	"message": "a request says how to undo the change",
	"help": sprintf("list the steps in `rollback.steps:`; for %s the catalog says: %s", [name, text]),
	"pointer": "/rollback/steps",
} if {
	not input.request.rollback.steps
	catalog := data.org.actions
	some action in input.request.actions
	is_object(action)
	name := object.get(action, "action", "an action without a name")
	not catalog[name].rollback.needed == false
	text := object.get(catalog, [name, "rollback", "text"], "nothing")
}

findings contains {
	"code": "request/missing",
	"effect": "deny",
	"message": sprintf("a %s-risk change names who performs the rollback", [tier]),
	"help": "add `rollback.owner:` with a login that holds the level that the catalog asks for",
	"pointer": "/rollback/owner",
} if {
	not input.request.rollback.owner
	facts.high
	tier := facts.tier
}

findings contains finding if {
	some field in ["start", "end"]
	not input.request.schedule[field]
	not facts.exempt
	finding := fields.missing("/schedule", field)
}

findings contains finding if {
	some field in ["monitor", "health_checks", "error_rates"]
	not input.request.verification[field]
	not facts.exempt
	finding := fields.missing("/verification", field)
}

findings contains finding if {
	input.request.off_script
	some field in ["description", "risks", "business_alignment", "contingency", "approvals"]
	not input.request[field]
	finding := fields.missing("", field)
}

findings contains finding if {
	off_script := input.request.off_script
	some field in ["script", "justification"]
	not off_script[field]
	finding := fields.missing("/off_script", field)
}

findings contains finding if {
	some i, risk in input.request.risks
	some field in ["risk", "mitigation"]
	not risk[field]
	finding := fields.missing(sprintf("/risks/%v", [i]), field)
}

findings contains finding if {
	input.request.type == "emergency"
	some field in ["incident", "severity", "why_now"]
	not input.request.emergency[field]
	finding := fields.missing("/emergency", field)
}

# METADATA
# title: The schedule ends before it starts
# description: The planned interval runs from its start to a later end.
# custom:
#   code: request/schedule-order
#   effect: deny
#   rule: "4"
#   help: "correct `start:` or `end:`"
findings contains {
	"code": "request/schedule-order",
	"effect": "deny",
	"message": sprintf("the change is planned to end at %s, which is not after its start at %s", [end, start]),
	"pointer": "/schedule/end",
} if {
	end := input.request.schedule.end
	start := input.request.schedule.start
	end <= start
}

# METADATA
# title: The service isn't in the roster
# description: Affected services have to be in the roster, so that each has an owner.
# custom:
#   code: request/unknown-service
#   effect: deny
#   rule: "3"
#   help: correct the service's name, or have it added to the roster
#   controls: [NIST:CM-4]
findings contains {
	"code": "request/unknown-service",
	"effect": "deny",
	"message": sprintf("the roster has no service `%s`", [service]),
	"help": sprintf("correct the name, or have the service added to the roster, which has %s", [names]),
	"pointer": sprintf("/impact/services/%v", [i]),
} if {
	known := data.org.roster.services
	some i, service in input.request.impact.services
	service != null
	not known[service]
	names := concat(", ", object.keys(known))
}

# METADATA
# title: The rollback's owner isn't allowed to perform it
# description: |
#   The owner of the rollback holds at least the level that the catalog requires for it, or any level
#   if it requires none.
# custom:
#   code: rollback/owner-level
#   effect: deny
#   rule: "4"
#   help: name somebody who holds the level
#   controls: [SOC2:CC7.5]
findings contains {
	"code": "rollback/owner-level",
	"effect": "deny",
	"message": sprintf("%s can't perform the rollback: it requires %s or above", [login, asked]),
	"help": sprintf("name somebody in `rollback.owner:` who holds it: %s", [concat(", ", holders)]),
	"pointer": "/rollback/owner",
} if {
	login := input.request.rollback.owner
	facts.high
	owner := input.people[login]
	catalog := data.org.actions
	asked := max({"L1"} | {catalog[action.action].rollback.level | some action in input.request.actions})
	owner.level < asked # null, for people without a level, is below every level
	holders := [name | some name, person in data.org.roster.people; person.level >= asked]
}

# METADATA
# title: The monitoring is too short
# description: After any change the affected service is monitored for at least 15 minutes, or as the settings say.
# custom:
#   code: verification/monitor
#   effect: deny
#   rule: "4"
#   help: watch it for longer
#   controls: [SOC2:CC7.2]
findings contains {
	"code": "verification/monitor",
	"effect": "deny",
	"message": sprintf("the service is monitored for %s, but at least %s is required", [monitor, least]),
	"help": sprintf("write `monitor: %s` or longer", [least]),
	"pointer": "/verification/monitor",
} if {
	monitor := input.request.verification.monitor
	least := facts.monitor_at_least
	time.parse_duration_ns(monitor) < time.parse_duration_ns(least)
	not facts.exempt
}
