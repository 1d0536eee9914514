# METADATA
# title: Execution
# description: |
#   Whether somebody may now execute what was approved. Sign-off is that of the decision that let the
#   change in; here it is asked whether it is that change, that step and that time, and who acts. Undoing
#   what was begun is always allowed to those who may undo it, until the change is closed.
package changegate.rules.execute

import data.changegate.facts

# METADATA
# title: The questions that these rules answer
purposes := {"execute"}

# What the operations log says of the change, and who acts.
own := input.operations.own

actor := input.execution.actor

known if is_object(input.request)
# Whether anything can be executed: a request, or what may be read under an incident.
named if known

named if facts.under_incident

entitled if is_string(actor.as)

is_machine if is_string(actor.machine)

# METADATA
# title: There is no such change
# description: The base branch has no request of this id, and no open pull request brings one.
# custom:
#   code: execute/unknown
#   effect: deny
#   rule: "8"
#   help: correct the id, or submit a request first
findings contains {
	"code": "execute/unknown",
	"effect": "deny",
	"message": "there is no request of this id",
	"help": help,
} if {
	not named
	help := unknown_help
}

unknown_help := sprintf("did you mean %s?", [concat(" or ", alike)]) if {
	alike := input.execution.alike
	count(alike) > 0
} else := "correct the id, or submit a request first"

# METADATA
# title: The incident doesn't permit it
# description: |
#   An open incident is a ticket for reading: anybody of the roster executes what only reads, by the catalog,
#   on a target of its services. Everything else needs a request.
# custom:
#   code: execute/incident
#   effect: deny
#   rule: "8"
#   help: "read on a target of its services, with an action that only reads; submit a request for anything else"
findings contains {
	"code": "execute/incident",
	"effect": "deny",
	"message": message,
} if {
	facts.under_incident
	some message in not_permitted
}

not_permitted contains sprintf("%s is resolved", [id]) if {
	input.incident.status == "resolved"
	id := input.execution.incident
}

not_permitted contains "it doesn't say what is read: name it with `--action` and `--target`" if {
	count(input.execution.steps) != 1
}

not_permitted contains sprintf("`%s` isn't an action that only reads", [action]) if {
	some step in input.execution.steps
	action := step.action
	not only_reads(action)
}

not_permitted contains sprintf("%s isn't a target of the services of %s", [target, id]) if {
	some step in input.execution.steps
	not affected
	target := step.target
	id := input.execution.incident
}

not_permitted contains "nothing that only reads is rolled back" if input.execution.rollback

not_permitted contains sprintf("there is no approved parameter: leave out `%s`", [name]) if {
	some name, _ in input.execution.parameters
}

only_reads(action) if {
	catalog := data.org.actions
	catalog[action].read_only
}

# Whether what is read belongs to a service of the incident; those of one that is resolved don't matter any more.
affected if input.incident.status == "resolved"

affected if {
	some incident in input.operations.incidents
	incident.id == input.execution.incident
	some service in incident.services
	service in input.services
}

# METADATA
# title: The change isn't merged
# description: |
#   What is executed is what was merged. Only an emergency under break-glass is executed from its open
#   pull request.
# custom:
#   code: execute/not-merged
#   effect: deny
#   rule: "8"
#   help: get it approved and merged first
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "execute/not-merged",
	"effect": effect,
	"message": message,
	"help": sprintf("get it approved and merged%s: `changegate show %s` says what it waits for", [otherwise, id]),
} if {
	id := object.get(input, ["request", "id"], "ID")
	facts.advancing
	some [effect, message] in unmerged
	not break_glass
	not facts.awaits_commander
	otherwise := how_else
}

how_else := ", or execute it now with `--break-glass`" if {
	facts.breaks_glass
	not input.execution.break_glass
	own.pull == "open"
	own.verdict != "denied"
} else := " first"

break_glass if input.approval.proof == "open"

unmerged contains ["deny", "its pull request was closed without being merged"] if own.pull == "given-up"

unmerged contains ["deny", "it isn't merged, and denied as it stands"] if {
	own.pull == "open"
	own.verdict == "denied"
}

unmerged contains ["pending", "it isn't merged yet"] if {
	own.pull == "open"
	own.verdict != "denied"
}

# METADATA
# title: Nothing proves that the change was approved
# description: |
#   A merge is executed if the ledger, the merge itself or the forge's reviews prove that it was approved.
#   What came to the base in another way is never executed.
# custom:
#   code: execute/unproven
#   effect: deny
#   rule: "8"
#   help: submit it again as a new change, and get it approved
#   controls: [SOC2:CC8.1, NIST:CM-3]
findings contains {
	"code": "execute/unproven",
	"effect": "deny",
	"message": message,
} if {
	facts.advancing
	known
	count(unmerged) == 0
	not input.approval.proof
	not input.unproven.awaited
	message := unproven_message
}

unproven_message := sprintf("nothing proves that it was approved: %s", [why]) if {
	why := input.unproven.why
} else := "nothing proves that it was approved"

findings contains {
	"code": "execute/unproven",
	"effect": "pending",
	"message": "the ledger hasn't recorded its merge yet",
	"help": "wait until the ledger has recorded it",
} if {
	facts.advancing
	count(unmerged) == 0
	input.unproven.awaited
}

# METADATA
# title: The request isn't what was approved
# description: What approvals are bound to was changed on the base branch since the change was approved.
# custom:
#   code: execute/changed
#   effect: deny
#   rule: "8"
#   help: restore what was approved, or get the change of it approved
#   controls: [SOC2:CC8.1, NIST:CM-3]
findings contains {
	"code": "execute/changed",
	"effect": "deny",
	"message": "the request on the base branch isn't what was approved",
	"help": sprintf("restore what %s approved, or get the change of it approved", [approval]),
} if {
	approval := approved_at
	facts.advancing
	input.approval.proof
	not input.approval.material_holds
}

approved_at := input.approval.at if {
	is_string(input.approval.at)
} else := "its review"

# METADATA
# title: An approval doesn't permit execution any more
# description: |
#   The settings say that what this person approved before a certain time doesn't permit execution: their
#   key was stolen, for example.
# custom:
#   code: execute/approval-revoked
#   effect: deny
#   rule: "8"
#   help: get the change approved again
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "execute/approval-revoked",
	"effect": "deny",
	"message": sprintf("%s approved it at %s, and approvals by %s count from %s on", [login, given, login, revoked]),
} if {
	facts.advancing
	some signature in input.approval.signed_by
	login := signature.login
	given := signature.at
	settings := data.org.settings
	revoked := settings.approvals_not_before[login]
	given < revoked
}

# METADATA
# title: The change is closed
# description: Its outcome is recorded, so nothing of it is executed or undone any more.
# custom:
#   code: execute/closed
#   effect: deny
#   rule: "8"
#   help: request a new change
findings contains {
	"code": "execute/closed",
	"effect": "deny",
	"message": sprintf("%s recorded its outcome at %s", [who, when]),
} if {
	who := own.closed.by
	when := own.closed.at
}

# METADATA
# title: The change was cancelled
# description: A change that was cancelled is never executed.
# custom:
#   code: execute/cancelled
#   effect: deny
#   rule: "8"
#   help: request a new change
findings contains {
	"code": "execute/cancelled",
	"effect": "deny",
	"message": sprintf("%s cancelled it at %s", [who, when]),
} if {
	who := own.cancelled.by
	when := own.cancelled.at
}

# METADATA
# title: The change led to an incident
# description: While the incident to which it led is open, the change can only be rolled back.
# custom:
#   code: execute/escalated
#   effect: deny
#   rule: "8"
#   help: roll it back, or wait until the incident is resolved
findings contains {
	"code": "execute/escalated",
	"effect": "deny",
	"message": "it led to an incident that is still open",
	"help": sprintf(
		"roll it back: `changegate exec %s --rollback -- COMMAND`, or wait until the incident is resolved",
		[id],
	),
} if {
	id := object.get(input, ["request", "id"], "ID")
	facts.advancing
	own.state == "escalated"
}

# METADATA
# title: The planned start is yet to come
# description: A change runs in its planned interval.
# custom:
#   code: execute/too-early
#   effect: pending
#   rule: "8"
#   help: wait until the planned start
findings contains {
	"code": "execute/too-early",
	"effect": "pending",
	"message": sprintf("it is planned to start at %s", [start]),
	"help": sprintf("wait until %s, with --wait if that is within a day", [start]),
	"pointer": "/schedule/start",
} if {
	facts.advancing
	facts.early
	start := input.calendar.planned.start
}

# METADATA
# title: There isn't enough time left
# description: What is expected to take longer than the planned interval, or than the window, isn't begun.
# custom:
#   code: execute/too-late
#   effect: deny
#   rule: "8"
#   help: reschedule it
findings contains {
	"code": "execute/too-late",
	"effect": "deny",
	"message": sprintf("it would go on until %s, but has to end by %s", [ends, latest]),
	"pointer": "/schedule/end",
} if {
	facts.advancing
	facts.due
	ends := input.execution.expected_end
	latest := min(limits)
	ends > latest
}

limits contains end if end := input.calendar.planned.end

limits contains end if {
	not facts.emergency
	not facts.exempt
	not facts.reactive
	end := max([window.open_until | some window in facts.open_windows])
}

# METADATA
# title: It isn't an approved step
# description: |
#   The approval covers the request's actions alone, each with its target. If several are alike, only the
#   number says which is meant.
# custom:
#   code: execute/step
#   effect: deny
#   rule: "8"
#   help: name one of the approved steps
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "execute/step",
	"effect": "deny",
	"message": sprintf("%s: %s", [asked, what]),
	"help": sprintf("the approved steps are %s", [concat("; ", steps)]),
	"pointer": "/actions",
} if {
	known
	asked := input.execution.asked
	found := count(input.execution.steps)
	found != input.execution.wanted
	what := step_problem(found > 1)
	steps := [sprintf("%d: %s on %s", [index + 1, step.action, step.target]) |
		some index, step in input.request.actions
	]
}

step_problem(true) := "several approved steps, so say which by its number"

step_problem(false) := "not among the approved steps"

# METADATA
# title: A parameter isn't the approved one
# description: The approval covers the parameters of each step, too. The command gets the approved ones.
# custom:
#   code: execute/parameters
#   effect: deny
#   rule: "8"
#   help: leave it out, and take the approved parameters
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "execute/parameters",
	"effect": "deny",
	"message": sprintf("`%s` was stated as %s; approved is %s", [name, stated, approved]),
	"pointer": sprintf("/actions/%v/parameters", [number - 1]),
} if {
	facts.advancing
	some step in input.execution.steps
	some name, stated in input.execution.parameters
	approved := object.get(step.parameters, name, "no such parameter")
	approved != stated
	number := step.number
}

# METADATA
# title: The step is done already
# description: Each step is done once. One that failed or was stopped may be tried again.
# custom:
#   code: execute/step-done
#   effect: deny
#   rule: "8"
#   help: request a new change to do it again
findings contains {
	"code": "execute/step-done",
	"effect": "deny",
	"message": sprintf("%s did step %v already, at %s", [who, number, when]),
	"pointer": sprintf("/actions/%v", [number - 1]),
} if {
	facts.advancing
	some step in input.execution.steps
	who := step.done.by
	when := step.done.at
	number := step.number
}

# METADATA
# title: There is nothing to execute
# description: To do nothing is never a success, so it isn't allowed either.
# custom:
#   code: execute/empty
#   effect: deny
#   rule: "8"
#   help: record the outcome of the change
findings contains {
	"code": "execute/empty",
	"effect": "deny",
	"message": "no step is left",
	"help": sprintf("`changegate show %s` says what comes next", [id]),
} if {
	id := object.get(input, ["request", "id"], "ID")
	known
	not input.execution.asked
	count(input.execution.steps) == 0
}

findings contains {
	"code": "execute/empty",
	"effect": "deny",
	"message": "nothing was executed, so there is nothing to roll back",
	"help": "roll back what was executed, and nothing else",
} if {
	known
	input.execution.rollback
	not own.begun
}

# METADATA
# title: Who asks may not execute it
# description: |
#   A change is executed by its implementer; in their place by a person of at least the level that the
#   decision counted, who is in the same team or owns an affected service and signed nothing of it. It is
#   rolled back by the rollback's owner, a person of the level that the catalog asks for, or an incident
#   commander.
# custom:
#   code: execute/actor
#   effect: deny
#   rule: "8"
#   help: ask one of those who may
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "execute/actor",
	"effect": "deny",
	"message": sprintf("%s may not %s", [who, what]),
	"help": help,
} if {
	named
	not entitled
	not is_unfit
	not is_approver
	who := who_acts
	what := what_is_done
	help := actor_help
}

findings contains {
	"code": "execute/actor",
	"effect": "deny",
	"message": sprintf("nothing proves that it is %s who asks", [who]),
	"help": "sign with a key that the roster lists",
} if {
	not is_machine
	not actor.proven
	who := who_acts
}

who_acts := actor.login if {
	is_string(actor.login)
} else := sprintf("machine %s, acting for nobody,", [name]) if {
	name := actor.machine
} else := "nobody"

what_is_done := "roll it back" if {
	input.execution.rollback
} else := "execute it"

actor_help := "have a person start it, or say for whom it acts: `--for LOGIN`" if {
	actor.login == null
} else := sprintf("ask %s", [concat(" or ", people)]) if {
	people := input.execution.entitled
	count(people) > 0
} else := "ask somebody of the roster" if {
	facts.under_incident
} else := "nobody in the roster may: have the roster or the request changed"

# METADATA
# title: The machine may not do it
# description: |
#   A machine does the actions, on the targets and in the environments, that its entry in the roster
#   lists, and proves what it is.
# custom:
#   code: execute/machine
#   effect: deny
#   rule: "8"
#   help: "list it under `machines.<name>.may` in policies/org/roster, or have a person do it"
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "execute/machine",
	"effect": "deny",
	"message": sprintf("the machine %s may not do this", [name]),
} if {
	named
	is_unfit
	name := actor.machine
}

is_unfit if actor.may == false

findings contains {
	"code": "execute/machine",
	"effect": "deny",
	"message": sprintf("nothing proves that it is the machine %s that asks", [name]),
	"help": "it needs a token of the job, or a key, that its entry in the roster names",
} if {
	is_machine
	name := actor.machine
	not actor.proven
}

# METADATA
# title: Who approved a change doesn't execute it
# description: Approving and executing are up to two people.
# custom:
#   code: execute/approver
#   effect: deny
#   rule: "8"
#   help: ask one of those who may
#   controls: [SOC2:CC6.1, "PCI:6.5.1"]
findings contains {
	"code": "execute/approver",
	"effect": "deny",
	"message": sprintf("%s approved this change", [who]),
	"help": help,
} if {
	is_approver
	who := actor.login
	help := actor_help
}

is_approver if {
	facts.advancing
	actor.approved_this
}

# METADATA
# title: Somebody acts in the implementer's place
# description: They may, and it is recorded.
# custom:
#   code: execute/stand-in
#   effect: warn
#   rule: "8"
#   help: leave it to the implementer if it can wait
findings contains {
	"code": "execute/stand-in",
	"effect": "warn",
	"message": sprintf("%s acts in the place of %s, the implementer", [who, implementer]),
} if {
	actor.stands_in
	entitled
	who := actor.login
	implementer := object.get(input.request, "implementer", input.request.requester)
}

# METADATA
# title: The change is being executed
# description: At most one execution of a change goes on at a time.
# custom:
#   code: execute/running
#   effect: pending
#   rule: "8"
#   help: wait until it has ended
findings contains {
	"code": "execute/running",
	"effect": "pending",
	"message": sprintf("%s executes it since %s%s", [who, since, host]),
	"help": sprintf(
		"wait until it has ended, by %s; if it hangs: `changegate end %s --result stopped --why \"it hangs\"`",
		[until, id],
	),
} if {
	id := object.get(input, ["request", "id"], "ID")
	running := own.running
	not running.lost
	who := running.by
	since := running.since
	until := running.lease_until
	host := on_host
}

on_host := sprintf(" on %s", [host]) if {
	host := own.running.host
} else := ""

# METADATA
# title: Nobody knows how an execution ended
# description: |
#   It was interrupted, or recorded as unknown. Until somebody says what came of it, the change can only be
#   rolled back.
# custom:
#   code: execute/lost
#   effect: deny
#   rule: "8"
#   help: find out what came of it, and record its end
findings contains {
	"code": "execute/lost",
	"effect": "deny",
	"message": sprintf("nobody knows how the execution by %s since %s ended", [who, since]),
	"help": sprintf(
		"find out how it ended, and say so: `changegate end %s --result failed --why \"looked at it\"`",
		[id],
	),
} if {
	id := object.get(input, ["request", "id"], "ID")
	facts.advancing
	running := own.running
	running.lost
	who := running.by
	since := running.since
}

# METADATA
# title: The catalog has raised the tier since
# description: The approval remains valid; the windows and conflicts of the higher tier count.
# custom:
#   code: execute/tier-raised
#   effect: warn
#   rule: "8"
#   help: have the change approved again if it can wait
findings contains {
	"code": "execute/tier-raised",
	"effect": "warn",
	"message": sprintf("it was approved as %s, and is %s by today's catalog", [approved, tier]),
} if {
	facts.advancing
	approved := input.approval.tier
	tier := facts.tier
	tier != approved
}

# METADATA
# title: Decided without the newest facts
# description: Nothing newer could be fetched, so what happened since isn't known.
# custom:
#   code: execute/offline
#   effect: warn
#   rule: "8"
#   help: fetch, and ask again
findings contains {
	"code": "execute/offline",
	"effect": "warn",
	"message": sprintf("what is known is %s old", [age]),
} if {
	age := input.execution.age
}
