# METADATA
# title: What a request must hold
# description: A field that is blank or a placeholder such as TBD is left out of the input, and so counts as missing.
package changegate.rules.completeness

import data.changegate.facts

missing(pointer, message, help) := {
	"code": "request/missing",
	"effect": "deny",
	"message": message,
	"help": help,
	"pointer": pointer,
}

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
findings contains missing("/id", "a request has a ticket number", "add `id:`, the same as the file's name") if not input.request.id

findings contains missing("/summary", "a request says in one line what is going to be done", "fill in `summary:`") if not input.request.summary

findings contains missing("/reason", "a request says why the change has to be done", "fill in `reason:`") if not input.request.reason

findings contains missing("/requester", "a request says who asks", "add `requester:` with your login") if not input.request.requester

findings contains missing("/actions", "a request says what is done, to what", "add `actions:` with an action from the catalog and its target") if not input.request.actions

findings contains missing(sprintf("/actions/%v/action", [i]), "an action has a name", "add `action:` with a name from the catalog") if {
	some i, action in input.request.actions
	not action.action
}

findings contains missing(sprintf("/actions/%v/target", [i]), "an action has a target", "add `target:`, what the action is done to") if {
	some i, action in input.request.actions
	not action.target
}

findings contains missing("/impact/services", "a request says which services are affected", "list them in `impact.services:` by their names in the roster") if not any_text(input.request.impact.services)

findings contains missing("/impact/users", "a request says what users notice", "fill in `impact.users:`, with \"none\" if that is so") if not input.request.impact.users

findings contains missing("/impact/operations", "a request says what operations have to do or know", "fill in `impact.operations:`, with \"none\" if that is so") if not input.request.impact.operations

findings contains missing("/rollback/steps", "a request says how to undo the change", sprintf("list the steps in `rollback.steps:`; for %s the catalog says: %s", [action.action, object.get(data.org.actions, [action.action, "rollback", "text"], "nothing")])) if {
	some action in input.request.actions
	not data.org.actions[action.action].rollback.needed == false
	not any_text(input.request.rollback.steps)
}

# A placeholder in a list is null.
any_text(texts) if {
	some text in texts
	text != null
}

findings contains missing("/rollback/owner", sprintf("a %s-risk change names who performs the rollback", [facts.tier]), "add `rollback.owner:` with a login that holds the level that the catalog asks for") if {
	facts.high
	not input.request.rollback.owner
}

findings contains missing("/schedule/start", "a change that isn't read-only says when it begins", "add `schedule.start:`") if {
	not facts.exempt
	not input.request.schedule.start
}

findings contains missing("/schedule/end", "a change that isn't read-only says when it is over", "add `schedule.end:`") if {
	not facts.exempt
	not input.request.schedule.end
}

findings contains missing("/verification/monitor", "a change is monitored afterwards", "add `verification.monitor:`, 15m or more") if {
	not facts.exempt
	not input.request.verification.monitor
}

findings contains missing("/verification/health_checks", "a change names the health checks that have to pass", "list them in `verification.health_checks:`") if {
	not facts.exempt
	not any_text(input.request.verification.health_checks)
}

findings contains missing("/verification/error_rates", "a change names where error rates are read", "list the sources in `verification.error_rates:`") if {
	not facts.exempt
	not any_text(input.request.verification.error_rates)
}

findings contains missing("/description", "an off-script request describes the change", "fill in `description:`") if {
	facts.off_script
	not input.request.description
}

findings contains missing("/off_script/script", "an off-script request names the usual script", "fill in `off_script.script:`") if {
	facts.off_script
	not input.request.off_script.script
}

findings contains missing("/off_script/justification", "an off-script request says why the script can't be followed", "fill in `off_script.justification:`") if {
	facts.off_script
	not input.request.off_script.justification
}

findings contains missing("/risks", "an off-script request names its risks", "list them in `risks:`, each with a mitigation") if {
	facts.off_script
	not input.request.risks
}

findings contains missing(sprintf("/risks/%v/risk", [i]), "a risk says what could go wrong", "fill in `risk:`") if {
	some i, risk in input.request.risks
	not risk.risk
}

findings contains missing(sprintf("/risks/%v/mitigation", [i]), "each risk has a mitigation", "fill in `mitigation:`, what is done about it") if {
	some i, risk in input.request.risks
	not risk.mitigation
}

findings contains missing("/business_alignment", "an off-script request says how it serves the business's goals", "fill in `business_alignment:`") if {
	facts.off_script
	not input.request.business_alignment
}

findings contains missing("/contingency", "an off-script request has a contingency plan", "fill in `contingency:`, what is done if the change and its rollback both fail") if {
	facts.off_script
	not input.request.contingency
}

findings contains missing("/approvals", "an off-script request says who has to sign", "list them in `approvals:`, at least `{role: devops-lead}` and `{role: service-owner}`") if {
	facts.off_script
	not input.request.approvals
}

findings contains missing("/emergency/incident", "an emergency names its incident", "add `emergency.incident:` with the INC number") if {
	facts.emergency
	not input.request.emergency.incident
}

findings contains missing("/emergency/severity", "an emergency names the incident's severity", "add `emergency.severity:`, P1 or P2") if {
	facts.emergency
	not input.request.emergency.severity
}

findings contains missing("/emergency/why_now", "an emergency says why it can't wait", "fill in `emergency.why_now:`") if {
	facts.emergency
	not input.request.emergency.why_now
}

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
	"help": sprintf("correct the name, or have the service added to the roster, which has %s", [concat(", ", [name | some name, _ in data.org.roster.services])]),
	"pointer": sprintf("/impact/services/%v", [i]),
} if {
	some i, service in input.request.impact.services
	service != null
	not data.org.roster.services[service]
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
	"message": sprintf("%s can't perform the rollback: it takes L%v or above", [input.request.rollback.owner, asked]),
	"help": sprintf("name somebody in `rollback.owner:` who holds it: %s", [concat(", ", [login | some login, person in data.org.roster.people; object.get(facts.level_rank, [person.level], 0) >= asked])]),
	"pointer": "/rollback/owner",
} if {
	facts.high
	owner := input.people[input.request.rollback.owner]
	asked := max({1} | {facts.level_rank[data.org.actions[action.action].rollback.level] | some action in input.request.actions})
	object.get(facts.level_rank, [owner.level], 0) < asked
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
	not facts.exempt
	time.parse_duration_ns(input.request.verification.monitor) < time.parse_duration_ns("15m")
}
