# METADATA
# title: The fields that a request must contain
# description: The message and help for a missing field; `changegate.rules.completeness` decides which are required.
package changegate.fields

# METADATA
# title: The finding that a field of a section is missing
missing(section, field) := {
	"code": "request/missing",
	"effect": "deny",
	"message": message,
	"help": help,
	"pointer": sprintf("%s/%s", [section, field]),
} if {
	[message, help] := words[field]
}

# METADATA
# title: Why a field is required, and what to do if it is missing
words := {
	"id": ["a request has a ticket number", "add `id:`, the same as the file's name"],
	"summary": ["a request says in one line what is going to be done", "fill in `summary:`"],
	"reason": ["a request says why the change has to be done", "fill in `reason:`"],
	"requester": ["a request names its requester", "add `requester:` with your login"],
	"actions": [
		"a request says what is done, to what",
		"add `actions:` with an action from the catalog and its target",
	],
	"action": ["an action has a name", "add `action:` with a name from the catalog"],
	"target": ["an action has a target", "add `target:`, the object of the action"],
	"services": [
		"a request says which services are affected",
		"list them in `impact.services:` by their names in the roster",
	],
	"users": ["a request says what users notice", "fill in `impact.users:`, with \"none\" if that is so"],
	"operations": [
		"a request says what operations have to do or know",
		"fill in `impact.operations:`, with \"none\" if that is so",
	],
	"start": ["a change that isn't read-only says when it begins", "add `schedule.start:`"],
	"end": ["a change that isn't read-only says when it is over", "add `schedule.end:`"],
	"monitor": ["a change is monitored afterwards", "add `verification.monitor:`, 15m or more"],
	"health_checks": [
		"a change names the health checks that have to pass",
		"list them in `verification.health_checks:`",
	],
	"error_rates": ["a change names where error rates are read", "list the sources in `verification.error_rates:`"],
	"description": ["an off-script request describes the change", "fill in `description:`"],
	"script": ["an off-script request names the usual script", "fill in `off_script.script:`"],
	"justification": [
		"an off-script request says why the script can't be followed",
		"fill in `off_script.justification:`",
	],
	"risks": ["an off-script request names its risks", "list them in `risks:`, each with a mitigation"],
	"risk": ["a risk says what could go wrong", "fill in `risk:`"],
	"mitigation": ["each risk has a mitigation", "fill in `mitigation:`, what is done about it"],
	"business_alignment": [
		"an off-script request says how it serves the business's goals",
		"fill in `business_alignment:`",
	],
	"contingency": [
		"an off-script request has a contingency plan",
		"fill in `contingency:`, what is done if the change and its rollback both fail",
	],
	"approvals": [
		"an off-script request says who has to sign",
		"list them in `approvals:`, at least `{role: devops-lead}` and `{role: service-owner}`",
	],
	"incident": ["an emergency names its incident", "add `emergency.incident:` with the INC number"],
	"severity": ["an emergency names the incident's severity", "add `emergency.severity:`, P1 or P2"],
	"why_now": ["an emergency says why it can't wait", "fill in `emergency.why_now:`"],
}
