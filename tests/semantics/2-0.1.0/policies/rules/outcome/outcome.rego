# METADATA
# title: After the change
# description: |
#   What came of a change is recorded in the operations log, never in its file. Whether it may be closed as
#   somebody says that it went follows from what was executed and measured. Changes that only read need no
#   verification.
package changegate.rules.outcome

import data.changegate.facts

# METADATA
# title: The questions that these rules answer
purposes := {"merge", "outcome"}

# METADATA
# title: A request doesn't record what came of it
# description: |
#   What was executed, measured and decided about its outcome is in the operations log, written by the verbs
#   that do it. A request file never holds it.
# custom:
#   code: outcome/record
#   effect: deny
#   rule: "8"
#   help: leave it out; once the change is merged, the verbs exec, verify, outcome and cancel of changegate record it
findings contains {
	"code": "outcome/record",
	"effect": "deny",
	"message": sprintf("`%s` records what came of the change, which no request file holds", [field]),
	"pointer": sprintf("/%s", [field]),
} if {
	some field in ["execution", "verification_result", "outcome", "escalation", "cancelled"]
	input.request[field]
}

closing if facts.purpose == "outcome"

# What the operations log says of the change, and what somebody says of it.
own := input.operations.own if said

said := input.outcome

verified := own.verified

result := said.result

succeeded if result == "successful"

# METADATA
# title: Nothing was executed
# description: A change of which nothing was executed has no outcome. It can be cancelled.
# custom:
#   code: outcome/not-executed
#   effect: deny
#   rule: "8"
#   help: cancel it if it won't be executed
findings contains {
	"code": "outcome/not-executed",
	"effect": "deny",
	"message": "nothing of it was executed",
} if {
	closing
	not own.begun
}

# METADATA
# title: It is being executed
# description: How a change went is known when its last execution has ended.
# custom:
#   code: outcome/running
#   effect: pending
#   rule: "8"
#   help: wait until it has ended
findings contains {
	"code": "outcome/running",
	"effect": "pending",
	"message": sprintf("%s executes it since %s", [who, since]),
	"help": sprintf("wait until it has ended; what is done by hand ends with `changegate end %s`", [id]),
} if {
	id := object.get(input, ["request", "id"], "ID")
	running := own.running
	not running.lost
	who := running.by
	since := running.since
}

# METADATA
# title: Nobody knows how an execution ended
# description: Somebody says first what came of it.
# custom:
#   code: outcome/lost
#   effect: deny
#   rule: "8"
#   help: find out what came of it, and record its end
findings contains {
	"code": "outcome/lost",
	"effect": "deny",
	"message": sprintf("nobody knows how the execution by %s since %s ended", [who, since]),
	"help": sprintf(
		"find out how it ended, and say so: `changegate end %s --result failed --why \"looked at it\"`",
		[id],
	),
} if {
	id := object.get(input, ["request", "id"], "ID")
	running := own.running
	running.lost
	who := running.by
	since := running.since
}

# METADATA
# title: Who says it may not
# description: |
#   How a change went is said by its requester, its implementer, who executed it, an owner of an affected
#   service or an incident commander.
# custom:
#   code: outcome/who
#   effect: deny
#   rule: "8"
#   help: ask the requester, the implementer, who executed it, an owner of an affected service or an incident commander
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "outcome/who",
	"effect": "deny",
	"message": sprintf("%s may not say how it went", [who]),
} if {
	closing
	not entitled
	who := who_says
}

entitled if {
	said.by.may
	said.by.proven
}

who_says := said.by.login if {
	is_string(said.by.login)
} else := object.get(input, ["outcome", "by", "machine"], "nobody")

# METADATA
# title: It wasn't watched for long enough
# description: |
#   Services are watched after the last execution: for at least 15 minutes, and a successful change for as
#   long as its request says.
# custom:
#   code: outcome/monitoring
#   effect: deny
#   rule: "8"
#   help: verify it
#   controls: [SOC2:CC7.2]
findings contains {
	"code": "outcome/monitoring",
	"effect": "deny",
	"message": message,
	"help": sprintf("watch it for %s: `changegate verify %s`", [asked, id]),
} if {
	needs_watching
	not is_watched
	asked := duration_asked
	message := watching_message
	id := object.get(input.request, "id", "ID")
}

# A change that failed before a step was done has nothing to be watched.
needs_watching if {
	not facts.exempt
	result in {"successful", "with-issues", "rolled-back"}
}

needs_watching if {
	not facts.exempt
	something_done
}

is_watched if {
	verified.current
	from := time.parse_rfc3339_ns(verified.from)
	to := time.parse_rfc3339_ns(verified.to)
	to - from >= time.parse_duration_ns(duration_asked)
}

duration_asked := asked if {
	succeeded
	asked := input.request.verification.monitor
	time.parse_duration_ns(asked) > time.parse_duration_ns(facts.monitor_at_least)
} else := facts.monitor_at_least

watching_message := "it wasn't verified" if {
	own.verified == null
} else := "it was verified before its last execution had ended" if {
	not verified.current
} else := sprintf("it was watched from %s to %s, which is less than %s", [verified.from, verified.to, duration_asked])

# METADATA
# title: A health check didn't pass
# description: |
#   All health checks pass after a successful change and after a rollback: nearly all answers and the last ones
#   are good, and somebody says of each check that no program can answer that it passed.
# custom:
#   code: outcome/health
#   effect: deny
#   rule: "8"
#   help: correct what is wrong and verify it again, or close it as with-issues
#   controls: [SOC2:CC7.2]
findings contains {
	"code": "outcome/health",
	"effect": "deny",
	"message": sprintf("these health checks didn't pass: %s", [failed]),
} if {
	result in {"successful", "rolled-back"}
	not verified.health == "passed"
	failed := concat("; ", verified.failed)
}

# METADATA
# title: The error rate was raised
# description: |
#   After a successful change the error rate isn't higher than before, beyond the tolerance of the settings:
#   1.25 times and 0.1 percentage points.
# custom:
#   code: outcome/error-rate
#   effect: deny
#   rule: "8"
#   help: correct what is wrong and verify it again, or close it as with-issues
#   controls: [SOC2:CC7.2]
findings contains {
	"code": "outcome/error-rate",
	"effect": "deny",
	"message": sprintf("the error rate rose from %s %% to %s %%", [before, after]),
} if {
	succeeded
	rate := verified.error_rate
	not rate.raised == false
	before := rate.before
	after := rate.after
}

# METADATA
# title: Something happened that the request didn't foresee
# description: A change with unexpected impact isn't successful.
# custom:
#   code: outcome/impact
#   effect: deny
#   rule: "8"
#   help: close it as with-issues, with a note
#   controls: [SOC2:CC7.3]
findings contains {
	"code": "outcome/impact",
	"effect": "deny",
	"message": sprintf("it had unexpected impact: %s", [impact]),
} if {
	succeeded
	impact := verified.unexpected_impact
	is_string(impact)
}

# METADATA
# title: Its steps aren't as it is said
# description: |
#   Of a successful change all steps are done and weren't rolled back, or it is said why one wasn't needed; in
#   an emergency one that wasn't executed wasn't needed. Of a change with issues something is done.
# custom:
#   code: outcome/steps
#   effect: deny
#   rule: "8"
#   help: execute them, or say with --skipped why one wasn't needed
findings contains {
	"code": "outcome/steps",
	"effect": "deny",
	"message": "nothing of it is done",
	"help": "close it as failed or rolled-back, with a note",
} if {
	own.begun
	result in {"successful", "with-issues"}
	not something_done
}

something_done if count(own.done) > 0

findings contains {
	"code": "outcome/steps",
	"effect": "deny",
	"message": sprintf("step %v, %s on %s, isn't done", [number, action, target]),
	"pointer": sprintf("/actions/%v", [number - 1]),
} if {
	succeeded
	something_done
	not facts.emergency
	some number, step in numbered
	not number in own.done
	not number in skipped
	action := step.action
	target := step.target
}

findings contains {
	"code": "outcome/steps",
	"effect": "deny",
	"message": sprintf("step %v isn't skipped: %s", [number, why]),
	"help": "leave it out of --skipped",
} if {
	some number in skipped
	why := not_skipped(number)
}

numbered := {index + 1: step | some index, step in input.request.actions}

skipped := {step.number | some step in said.skipped}

not_skipped(number) := "it is done" if {
	number in own.done
} else := "the request has no such step" if {
	not numbered[number]
}

# METADATA
# title: An incident to which it led is open
# description: A change that led to an incident is closed when the incident is resolved.
# custom:
#   code: outcome/incident
#   effect: deny
#   rule: "8"
#   help: resolve the incident first
#   controls: [SOC2:CC7.4]
findings contains {
	"code": "outcome/incident",
	"effect": "deny",
	"message": "it led to an incident that is still open",
} if {
	own.state == "escalated"
}

findings contains {
	"code": "outcome/incident",
	"effect": "deny",
	"message": sprintf("%s is still open", [id]),
} if {
	succeeded
	id := said.incident
	some incident in input.operations.incidents
	incident.id == id
}

# METADATA
# title: A note is missing
# description: Whatever didn't go well has a note, from which a later reader learns why.
# custom:
#   code: outcome/note
#   effect: deny
#   rule: "8"
#   help: say with --note what happened
findings contains {
	"code": "outcome/note",
	"effect": "deny",
	"message": sprintf("a change that is %s needs a note", [result]),
} if {
	result in {"with-issues", "rolled-back", "failed"}
	not has_note
}

has_note if {
	text := said.note
	is_string(text)
	note := lower(trim_space(text))
	note != ""
	not note in object.get(data.org.settings, "placeholders", [])
}

# METADATA
# title: It wasn't rolled back
# description: A change counts as rolled back if undoing it is the last thing that was done.
# custom:
#   code: outcome/rollback
#   effect: deny
#   rule: "8"
#   help: roll it back first, or say what else came of it
findings contains {
	"code": "outcome/rollback",
	"effect": "deny",
	"message": "undoing it isn't the last thing that was done",
} if {
	own.begun
	result == "rolled-back"
	not own.rolled_back
}

# METADATA
# title: Outcomes are missing
# description: |
#   What was executed has an outcome within a day after its planned end, or after its last execution if that
#   ends later. Who requested it is reminded with the next request.
# custom:
#   code: outcome/missing
#   effect: warn
#   rule: "8"
#   help: record what came of it
findings contains {
	"code": "outcome/missing",
	"effect": "warn",
	"message": sprintf("%s was executed, and nobody has said since %s what came of it", [change, over_at]),
} if {
	some missing in input.operations.missing
	change := missing.change
	over_at := missing.over_at
}
