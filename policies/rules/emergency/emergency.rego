# METADATA
# title: Emergencies
# description: In answer to a P1 or P2 incident, with the incident commander's approval in person.
package changegate.rules.emergency

# METADATA
# title: The incident commander hasn't approved
# description: The incident commander's review is always needed before execution, in person.
# custom:
#   code: emergency/commander
#   effect: pending
#   rule: "6"
#   resolve: Ask the incident commander on duty to approve the pull request.
#   controls: [SOC2:CC7.4]
required contains {
	"kind": "commander",
	"code": "emergency/commander",
	"because": "an emergency needs the incident commander in person",
	"pointer": "/emergency",
} if {
	data.changegate.facts.emergency
}

# METADATA
# title: Emergency details on another type
# description: Only a change of type emergency names an incident to answer.
# custom:
#   code: emergency/unexpected
#   effect: deny
#   rule: "4"
#   resolve: Remove the emergency section, or write type emergency.
findings contains {
	"code": "emergency/unexpected",
	"effect": "deny",
	"message": sprintf("the request has `emergency:` and is of type %s", [type]),
	"help": "remove `emergency:`, or write `type: emergency`",
	"pointer": "/emergency",
} if {
	input.request.emergency
	not data.changegate.facts.emergency
	type := input.request.type
}

# METADATA
# title: What is wrong with the incident
findings contains finding if {
	data.changegate.facts.emergency
	some finding in data.changegate.incident.findings
}
