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
	not data.changegate.facts.emergency
	input.request.emergency
	type := input.request.type
}

# METADATA
# title: The emergency names no incident ticket
# description: An emergency answers an incident, and so names an INC number.
# custom:
#   code: emergency/incident
#   effect: deny
#   rule: "6"
#   resolve: Name the incident's INC number.
findings contains {
	"code": "emergency/incident",
	"effect": "deny",
	"message": sprintf("%s is not an incident ticket", [input.request.emergency.incident]),
	"help": "name the incident's INC number",
	"pointer": "/emergency/incident",
} if {
	data.changegate.facts.emergency
	not startswith(input.request.emergency.incident, "INC-")
	input.request.emergency.incident
}

# METADATA
# title: The incident isn't severe enough
# description: The emergency route is open for P1 and P2 only.
# custom:
#   code: emergency/severity
#   effect: deny
#   rule: "6"
#   resolve: Use a deployment window; below P2 there is no emergency route.
findings contains {
	"code": "emergency/severity",
	"effect": "deny",
	"message": sprintf("the emergency route is open for P1 and P2, and the incident is %s", [input.request.emergency.severity]),
	"help": "plan the change in a deployment window",
	"pointer": "/emergency/severity",
} if {
	data.changegate.facts.emergency
	not input.request.emergency.severity in {"P1", "P2"}
	input.request.emergency.severity
}

# METADATA
# title: The incident record says otherwise
# description: Where a record of the incident exists on the base branch, it rules.
# custom:
#   code: emergency/incident-record
#   effect: deny
#   rule: "6"
#   resolve: Correct the severity; once the incident is resolved, use a deployment window.
findings contains {
	"code": "emergency/incident-record",
	"effect": "deny",
	"message": sprintf("the record of %s says that it is resolved", [id]),
	"help": "plan the change in a deployment window",
	"pointer": "/emergency/incident",
} if {
	data.changegate.facts.emergency
	input.incident.status == "resolved"
	id := input.incident.id
}

findings contains {
	"code": "emergency/incident-record",
	"effect": "deny",
	"message": sprintf("the record of %s says %s, and the request %s", [id, input.incident.severity, input.request.emergency.severity]),
	"help": "write the record's severity",
	"pointer": "/emergency/severity",
} if {
	data.changegate.facts.emergency
	input.incident.severity != input.request.emergency.severity
	id := input.incident.id
}

# METADATA
# title: Break glass isn't available
# description: |
#   Signing within 24 hours after execution takes records of executions, from which the debt is
#   worked out. This version keeps none, so that every sign-off comes first.
# custom:
#   code: emergency/break-glass
#   effect: deny
#   rule: "6"
#   resolve: Write break_glass false and get the sign-offs before execution.
findings contains {
	"code": "emergency/break-glass",
	"effect": "deny",
	"message": "`break_glass` takes records of executions, which this version doesn't keep yet: signing after execution can't be followed up",
	"help": "write `break_glass: false` and get the sign-offs first",
	"pointer": "/emergency/break_glass",
} if {
	data.changegate.facts.emergency
	input.request.emergency.break_glass
}
