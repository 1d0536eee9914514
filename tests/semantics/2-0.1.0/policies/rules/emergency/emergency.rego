# METADATA
# title: Emergencies
# description: A response to a P1 or P2 incident, with the incident commander's approval in person.
package changegate.rules.emergency

import data.changegate.facts
import data.changegate.incident

# METADATA
# title: The questions that these rules answer
purposes := {"merge", "execute"}

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

findings contains {
	"code": "emergency/commander",
	"effect": "pending",
	"message": "an emergency needs the incident commander's approval before it is executed",
	"pointer": "/emergency",
} if {
	facts.advancing
	facts.emergency
	input.approval
	not has_commander
}

findings contains {
	"code": "emergency/commander",
	"effect": "pending",
	"message": "the incident commander hasn't approved it yet, so that it can't be executed under break-glass",
	"pointer": "/emergency",
	"help": sprintf("ask an incident commander (%s) to approve it: `changegate review %s --approve`", [who, id]),
} if {
	facts.advancing
	facts.awaits_commander
	id := input.request.id
	who := concat(", ", commanders)
}

commanders := [login | some login, person in data.org.roster.people; "incident-commander" in person.roles]

has_commander if is_string(input.approval.commander)

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
	facts.emergency
	not facts.executing
	some finding in incident.findings
}

# METADATA
# title: Findings about the record of the incident
findings contains finding if {
	facts.emergency
	not input.execution.rollback
	not facts.settling
	some finding in incident.recorded
}

# METADATA
# title: Sign-offs are owed
# description: |
#   Under break-glass the change is executed from its open pull request; the sign-offs that are missing
#   are given afterwards.
# custom:
#   code: emergency/debt
#   effect: info
#   rule: "6"
#   help: get the sign-offs that are owed, and merge the change
findings contains {
	"code": "emergency/debt",
	"effect": "info",
	"message": sprintf("%s owes sign-offs for this (%d), the first until %s", [debtor, count(owed), due_at]),
} if {
	owed := input.approval.owed
	due_at := min([entry.due_at | some entry in owed])
	debtor := input.operations.debtor
}

findings contains {
	"code": "emergency/debt",
	"effect": "info",
	"message": sprintf("executed under break-glass: its merge settles what %s owes until %s", [debtor, due_at]),
} if {
	facts.settling
	some debt in input.operations.debts
	debt.change == input.request.id
	debtor := debt.debtor
	due_at := debt.due_at
}

# METADATA
# title: Sign-offs are overdue
# description: |
#   Who owes sign-offs for an execution under break-glass that are overdue gets nothing else merged but
#   emergencies, and can't execute anything else that way. Approved changes go on, with a warning.
# custom:
#   code: emergency/debt-overdue
#   effect: deny
#   rule: "6"
#   help: get the sign-offs that are overdue first
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "emergency/debt-overdue",
	"effect": effect,
	"message": sprintf("%s owes sign-offs for %s since %s", [debtor, change, due_at]),
	"help": sprintf("get the sign-offs of %s first", [change]),
} if {
	not input.execution.rollback
	some debt in input.operations.debts
	debt.overdue
	debt.debtor == input.operations.debtor
	not settled_now(debt)
	effect := overdue_effect
	debtor := debt.debtor
	change := debt.change
	due_at := debt.due_at
}

# Merging the change itself settles what is owed for it.
settled_now(debt) if {
	not facts.executing
	debt.change == input.request.id
}

overdue_effect := "deny" if {
	input.approval.proof == "open"
	count(input.approval.owed) > 0
} else := "deny" if {
	not facts.executing
	not facts.emergency
} else := "warn"
