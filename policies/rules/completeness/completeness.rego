# METADATA
# title: What a request must hold
# description: |
#   A field that is blank or a placeholder such as TBD is left out of the input, and so is a list of
#   nothing else: both count as missing.
package changegate.rules.completeness

# METADATA
# title: Something is missing
# description: Each request says what, why, who, to what, with which impact and how to undo it; riskier ones say more.
# scope: document
# custom:
#   code: request/missing
#   effect: deny
#   rule: "4"
#   resolve: Fill in the field; a placeholder doesn't count.
#   controls: [SOC2:CC8.1, "PCI:6.5.1", NIST:CM-3]
findings contains finding if {
	some field in ["id", "summary", "reason", "requester", "actions"]
	not input.request[field]
	finding := missing("", field)
}

findings contains finding if {
	some i, action in input.request.actions
	some field in ["action", "target"]
	not action[field]
	finding := missing(sprintf("/actions/%v", [i]), field)
}

findings contains finding if {
	some field in ["services", "users", "operations"]
	not input.request.impact[field]
	finding := missing("/impact", field)
}

findings contains {
	"code": "request/missing",
	"effect": "deny",
	"message": "a request says how to undo the change",
	"help": sprintf("list the steps in `rollback.steps:`; for %s the catalog says: %s", [name, object.get(catalog, [name, "rollback", "text"], "nothing")]),
	"pointer": "/rollback/steps",
} if {
	not input.request.rollback.steps
	catalog := data.changegate.facts.org.actions
	some action in input.request.actions
	is_object(action)
	name := object.get(action, "action", "an action without a name")
	not catalog[name].rollback.needed == false
}

findings contains finding if {
	not input.request.rollback.owner
	data.changegate.facts.high
	finding := missing("/rollback", "owner")
}

findings contains finding if {
	input.request != null
	not data.changegate.facts.exempt
	some section, fields in {
		"schedule": ["start", "end"],
		"verification": ["monitor", "health_checks", "error_rates"],
	}
	part := object.get(input.request, section, {})
	some field in fields
	not part[field]
	finding := missing(sprintf("/%s", [section]), field)
}

# Of a request that follows the script, the second line is undefined, and so is all of this.
findings contains finding if {
	some [section, part, fields] in [
		["", input.request, ["description", "risks", "business_alignment", "contingency", "approvals"]],
		["/off_script", input.request.off_script, ["script", "justification"]],
	]
	some field in fields
	not part[field]
	finding := missing(section, field)
}

findings contains finding if {
	some i, risk in input.request.risks
	some field in ["risk", "mitigation"]
	not risk[field]
	finding := missing(sprintf("/risks/%v", [i]), field)
}

findings contains finding if {
	data.changegate.facts.emergency
	some field in ["incident", "severity", "why_now"]
	not input.request.emergency[field]
	finding := missing("/emergency", field)
}

missing(section, field) := {
	"code": "request/missing",
	"effect": "deny",
	"message": message,
	"help": help,
	"pointer": sprintf("%s/%s", [section, field]),
} if {
	[message, help] := words(field)
}

# Why a field is asked for, and what to do when it is missing.
words(field) := object.get(
	{
		"id": ["a request has a ticket number", "add `id:`, the same as the file's name"],
		"summary": ["a request says in one line what is going to be done", "fill in `summary:`"],
		"reason": ["a request says why the change has to be done", "fill in `reason:`"],
		"requester": ["a request says who asks", "add `requester:` with your login"],
		"actions": ["a request says what is done, to what", "add `actions:` with an action from the catalog and its target"],
		"action": ["an action has a name", "add `action:` with a name from the catalog"],
		"target": ["an action has a target", "add `target:`, what the action is done to"],
		"services": ["a request says which services are affected", "list them in `impact.services:` by their names in the roster"],
		"users": ["a request says what users notice", "fill in `impact.users:`, with \"none\" if that is so"],
		"operations": ["a request says what operations have to do or know", "fill in `impact.operations:`, with \"none\" if that is so"],
		"owner": [sprintf("a %s-risk change names who performs the rollback", [data.changegate.facts.tier]), "add `rollback.owner:` with a login that holds the level that the catalog asks for"],
		"start": ["a change that isn't read-only says when it begins", "add `schedule.start:`"],
		"end": ["a change that isn't read-only says when it is over", "add `schedule.end:`"],
		"monitor": ["a change is monitored afterwards", "add `verification.monitor:`, 15m or more"],
		"health_checks": ["a change names the health checks that have to pass", "list them in `verification.health_checks:`"],
		"error_rates": ["a change names where error rates are read", "list the sources in `verification.error_rates:`"],
		"description": ["an off-script request describes the change", "fill in `description:`"],
		"script": ["an off-script request names the usual script", "fill in `off_script.script:`"],
		"justification": ["an off-script request says why the script can't be followed", "fill in `off_script.justification:`"],
		"risks": ["an off-script request names its risks", "list them in `risks:`, each with a mitigation"],
		"risk": ["a risk says what could go wrong", "fill in `risk:`"],
		"mitigation": ["each risk has a mitigation", "fill in `mitigation:`, what is done about it"],
		"business_alignment": ["an off-script request says how it serves the business's goals", "fill in `business_alignment:`"],
		"contingency": ["an off-script request has a contingency plan", "fill in `contingency:`, what is done if the change and its rollback both fail"],
		"approvals": ["an off-script request says who has to sign", "list them in `approvals:`, at least `{role: devops-lead}` and `{role: service-owner}`"],
		"incident": ["an emergency names its incident", "add `emergency.incident:` with the INC number"],
		"severity": ["an emergency names the incident's severity", "add `emergency.severity:`, P1 or P2"],
		"why_now": ["an emergency says why it can't wait", "fill in `emergency.why_now:`"],
	},
	field,
	[],
)

# METADATA
# title: The schedule ends before it starts
# description: The planned interval runs from its start to a later end.
# custom:
#   code: request/schedule-order
#   effect: deny
#   rule: "4"
#   resolve: Correct the start or the end.
findings contains {
	"code": "request/schedule-order",
	"effect": "deny",
	"message": sprintf("the change is planned to end at %s, which is not after its start at %s", [input.request.schedule.end, input.request.schedule.start]),
	"help": "correct `start:` or `end:`",
	"pointer": "/schedule/end",
} if {
	input.request.schedule.end <= input.request.schedule.start
}

# METADATA
# title: The roster doesn't know the service
# description: Affected services are those of the roster, so that each has an owner.
# custom:
#   code: request/unknown-service
#   effect: deny
#   rule: "3"
#   resolve: Correct the service's name, or have it added to the roster.
#   controls: [NIST:CM-4]
findings contains {
	"code": "request/unknown-service",
	"effect": "deny",
	"message": sprintf("the roster has no service `%s`", [service]),
	"help": sprintf("correct the name, or have the service added to the roster, which has %s", [concat(", ", [name | some name, _ in data.changegate.facts.org.roster.services])]),
	"pointer": sprintf("/impact/services/%v", [i]),
} if {
	known := data.changegate.facts.org.roster.services
	some i, service in input.request.impact.services
	service != null
	not known[service]
}

# METADATA
# title: The rollback's owner may not perform it
# description: Whoever owns the rollback holds at least the level that the catalog asks for it, and some level where it asks for none.
# custom:
#   code: rollback/owner-level
#   effect: deny
#   rule: "4"
#   resolve: Name somebody who holds the level.
#   controls: [SOC2:CC7.5]
findings contains {
	"code": "rollback/owner-level",
	"effect": "deny",
	"message": sprintf("%s can't perform the rollback: it takes %s or above", [input.request.rollback.owner, asked]),
	"help": sprintf("name somebody in `rollback.owner:` who holds it: %s", [concat(", ", [login | some login, person in data.changegate.facts.org.roster.people; person.level >= asked])]),
	"pointer": "/rollback/owner",
} if {
	data.changegate.facts.high
	owner := input.people[input.request.rollback.owner]
	catalog := data.changegate.facts.org.actions
	asked := max({"L1"} | {catalog[action.action].rollback.level | some action in input.request.actions})
	owner.level < asked # null, which is nobody's, is lower than every level
}

# METADATA
# title: The monitoring is too short
# description: After any change the affected service is monitored for at least 15 minutes.
# custom:
#   code: verification/monitor
#   effect: deny
#   rule: "4"
#   resolve: Plan to monitor for 15 minutes or more.
#   controls: [SOC2:CC7.2]
findings contains {
	"code": "verification/monitor",
	"effect": "deny",
	"message": sprintf("the service is to be monitored for %s, and at least 15m is asked for", [input.request.verification.monitor]),
	"help": "write `monitor: 15m` or longer",
	"pointer": "/verification/monitor",
} if {
	not data.changegate.facts.exempt
	time.parse_duration_ns(input.request.verification.monitor) < 900000000000 # 15 minutes
}
