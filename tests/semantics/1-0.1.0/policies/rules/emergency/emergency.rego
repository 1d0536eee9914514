# METADATA
# title: Emergencies
# description: A response to a P1 or P2 incident, with the incident commander's approval in person.
package changegate.rules.emergency

import data.changegate.incident

# METADATA
# title: The incident commander hasn't approved
# description: The incident commander's review is always needed before execution, in person.
# custom:
#   code: emergency/commander
#   effect: pending
#   rule: "6"
#   help: ask the incident commander on duty to approve the change
#   controls: [SOC2:CC7.4]
required contains {
	"kind": "commander",
	"code": "emergency/commander",
	"because": "an emergency needs the incident commander in person",
	"pointer": "/emergency",
} if {
	input.request.type == "emergency"
}

# METADATA
# title: Emergency details on another type
# description: Only a change of type emergency names an incident.
# custom:
#   code: emergency/unexpected
#   effect: deny
#   rule: "4"
#   help: "remove `emergency:`, or write `type: emergency`"
findings contains {
	"code": "emergency/unexpected",
	"effect": "deny",
	"message": sprintf("the request has `emergency:`, but its type is %s", [type]),
	"pointer": "/emergency",
} if {
	input.request.emergency
	type := input.request.type
	type != "emergency"
}

# METADATA
# title: Findings about the incident
findings contains finding if {
	input.request.type == "emergency"
	some finding in incident.findings
}
