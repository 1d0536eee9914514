# METADATA
# title: The incident that an emergency answers
# description: |
#   What the emergency rules have to say about it. They stand apart from them, so that only an
#   emergency is held against them.
package changegate.incident

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
	input.request.emergency.break_glass
}
