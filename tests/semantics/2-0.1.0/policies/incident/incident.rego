# METADATA
# title: The incident that an emergency answers
# description: |
#   The findings of the rules for emergencies: those about the request, and those about the record of
#   the incident, which are asked again when something is executed. This is not a package of
#   `changegate.rules`, because those judge every change, and these only emergencies.
package changegate.incident

# METADATA
# title: The emergency names no incident ticket
# description: An emergency responds to an incident, so it names an INC number.
# custom:
#   code: emergency/incident
#   effect: deny
#   rule: "6"
#   help: name the incident's INC number
findings contains {
	"code": "emergency/incident",
	"effect": "deny",
	"message": sprintf("%s is not an incident ticket", [ticket]),
	"pointer": "/emergency/incident",
} if {
	ticket := input.request.emergency.incident
	not startswith(ticket, "INC-")
}

# METADATA
# title: The incident isn't severe enough
# description: The emergency route is available for P1 and P2 only.
# custom:
#   code: emergency/severity
#   effect: deny
#   rule: "6"
#   help: plan the change in a deployment window
findings contains {
	"code": "emergency/severity",
	"effect": "deny",
	"message": sprintf("the emergency route is available for P1 and P2, but the incident is %s", [severity]),
	"pointer": "/emergency/severity",
} if {
	severity := input.request.emergency.severity
	not severity in {"P1", "P2"}
}

# METADATA
# title: The incident record differs
# description: |
#   If there is a record of the incident, the record decides: what is resolved, or less severe than the
#   request says, is no reason for an emergency. What is more severe counts as recorded.
# custom:
#   code: emergency/incident-record
#   effect: deny
#   rule: "6"
#   help: write the record's severity; once the incident is resolved, plan the change in a deployment window
recorded contains {
	"code": "emergency/incident-record",
	"effect": "deny",
	"message": sprintf("the record of %s says that it is resolved", [id]),
	"help": "plan the change in a deployment window",
	"pointer": "/emergency/incident",
} if {
	input.incident.status == "resolved"
	id := input.incident.id
}

recorded contains {
	"code": "emergency/incident-record",
	"effect": "deny",
	"message": sprintf("the record of %s says %s, but the request says %s", [id, severity, declared]),
	"help": "write the record's severity",
	"pointer": "/emergency/severity",
} if {
	severity := input.incident.severity
	declared := input.request.emergency.severity
	severity > declared # P2 is less severe than P1
	id := input.incident.id
}

# METADATA
# title: Break glass isn't available
# description: |
#   Signing within 24 hours after execution needs records of executions, to find missing sign-offs. Without
#   an operations log there are none, so every sign-off comes first.
# custom:
#   code: emergency/break-glass
#   effect: deny
#   rule: "6"
#   help: "write `break_glass: false` and get the sign-offs first, or begin the log with `changegate init --operations`"
findings contains {
	"code": "emergency/break-glass",
	"effect": "deny",
	"message": concat("", [
		"`break_glass` needs records of executions, and there is no operations log: ",
		"signing after execution can't be followed up",
	]),
	"pointer": "/emergency/break_glass",
} if {
	input.request.emergency.break_glass
	not has_log
}

has_log if is_object(input.operations)
