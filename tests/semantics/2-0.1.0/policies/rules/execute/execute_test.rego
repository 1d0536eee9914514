# Not below `changegate.rules`: the tests of the entry point evaluate all packages there, tests too.
package changegate.execute_test

import data.changegate.rules.execute
import data.changegate.tables_test as tables

# An approved change of the CDN by alice that nothing happened to, at 10:10 of 10:00 to 11:00.
question := {
	"purpose": "execute",
	"now": "2026-11-24T10:10:00Z",
	"request": {"requester": "alice", "type": "normal", "actions": [{"action": "purge-cache", "target": "cdn"}]},
	"calendar": {
		"planned": {"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T11:00:00Z"},
		"now": {"windows": [{"name": "standard", "for": ["medium"], "open_until": "2026-11-24T10:50:00Z"}]},
	},
	"execution": {
		"steps": [step],
		"rollback": false,
		"parameters": {},
		"actor": {"login": "alice", "machine": null, "as": "implementer", "may": null, "proven": true},
		"entitled": ["alice"],
		"alike": [],
	},
	"approval": {"proof": "merge", "tier": "medium", "signed_by": [], "material_holds": true},
	"operations": {"own": {"pull": "merged", "verdict": null, "begun": false, "running": null}},
}

step := {"number": 1, "action": "purge-cache", "target": "cdn", "parameters": {"path": "/"}, "done": null}

# The findings with other facts of the execution, and of the whole document.
codes(execution, others) := found if {
	asked := object.union(question, {"execution": execution})
	document := object.union(asked, others)
	found := {finding.code | some finding in execute.findings} with input as document with data.org as tables.org
}

test_an_approved_change if codes({}, {}) == set()

test_no_request if codes({}, {"request": null}) == {"execute/unknown"}

# Reading under an incident, without a request.
reading(execution, others) := codes(asked, object.union({"request": null, "services": ["checkout"]}, others)) if {
	read := {"action": "pull-logs", "target": "checkout-web"}
	asked := object.union({"incident": "INC-042", "steps": [read]}, execution)
}

open_incident := {"operations": {"incidents": [{"id": "INC-042", "services": ["checkout"]}]}}

test_an_incident_is_a_ticket_for_reading if {
	reading({}, open_incident) == set()
	reading({}, {}) == {"execute/incident"}
	reading({"steps": []}, open_incident) == {"execute/incident"}
	reading({"steps": [{"action": "deploy", "target": "checkout-web"}]}, open_incident) == {"execute/incident"}
	reading({"rollback": true}, open_incident) & {"execute/incident"} == {"execute/incident"}
	reading({"parameters": {"since": "1h"}}, open_incident) == {"execute/incident"}
	reading({}, object.union(open_incident, {"incident": {"status": "resolved"}})) == {"execute/incident"}
	nobody := {"actor": {"login": "zoe", "as": null}}
	reading(nobody, open_incident) == {"execute/actor"}
}

test_no_facts if {
	found := {finding.code | some finding in execute.findings} with input as {"purpose": "execute", "request": {}}
	{"execute/actor", "execute/unproven"} & found == {"execute/actor", "execute/unproven"}
}

test_another_step if {
	codes({"asked": "step 2", "wanted": 1, "steps": []}, {}) == {"execute/step"}
	codes({"asked": "step 1", "wanted": 1}, {}) == set()
	codes({"steps": []}, {}) == {"execute/empty"}
}

test_a_step_is_done_once if {
	done := object.union(step, {"done": {"by": "bob", "at": "2026-11-24T10:05:00Z"}})
	codes({"steps": [done]}, {}) == {"execute/step-done"}
}

test_parameters_are_the_approved_ones if {
	codes({"parameters": {"path": "/"}}, {}) == set()
	codes({"parameters": {"path": "/all"}}, {}) == {"execute/parameters"}
	codes({"parameters": {"force": "true"}}, {}) == {"execute/parameters"}
}

test_who_acts if {
	codes({"actor": {"as": null}}, {}) == {"execute/actor"}
	codes({"actor": {"approved_this": true, "as": null}}, {}) == {"execute/approver"}
	codes({"actor": {"as": "stand-in", "stands_in": true}}, {}) == {"execute/stand-in"}
	codes({"actor": {"machine": "deploy", "as": null, "may": false}}, {}) == {"execute/machine"}
	codes({"actor": {"proven": false}}, {}) == {"execute/actor"}
}

test_time if {
	codes({}, {"now": "2026-11-24T09:59:59Z"}) == {"execute/too-early"}
	codes({"expected_end": "2026-11-24T10:50:01Z"}, {}) == {"execute/too-late"}
	codes({"expected_end": "2026-11-24T10:50:00Z"}, {}) == set()
}

test_the_approval if {
	codes({}, {"approval": {"material_holds": false}}) == {"execute/changed"}
	codes({}, {"approval": {"tier": "low"}}) == {"execute/tier-raised"}
	codes({}, {"approval": null, "unproven": {"awaited": true}}) == {"execute/unproven"}
}

test_what_happened_so_far if {
	codes({}, {"operations": {"own": {"closed": {"by": "bob", "at": "10:00"}}}}) == {"execute/closed"}
	codes({}, {"operations": {"own": {"cancelled": {"by": "bob", "at": "10:00"}}}}) == {"execute/cancelled"}
	codes({}, {"operations": {"own": {"state": "escalated"}}}) == {"execute/escalated"}
	codes({}, {"operations": {"own": {"running": running(false)}}}) == {"execute/running"}
	codes({}, {"operations": {"own": {"running": running(true)}}}) == {"execute/lost"}
}

running(lost) := {"by": "bob", "since": "10:00", "lease_until": "11:00", "lost": lost}

test_a_rollback_needs_something_to_undo if {
	codes({"rollback": true}, {}) == {"execute/empty"}
	frozen := {"now": "2026-11-24T19:00:00Z", "operations": {"own": {"begun": true, "running": running(true)}}}
	codes({"rollback": true}, frozen) == set()
}
