# Not below `changegate.rules`: the tests of the entry point evaluate all packages there, tests too.
package changegate.outcome_test

import data.changegate.rules.outcome
import data.changegate.tables_test as tables

test_records_are_refused if {
	document := {"purpose": "merge", "request": {"outcome": {}, "cancelled": {}}}
	pointers := {finding.pointer | some finding in outcome.findings} with input as document with data.org as tables.org
	pointers == {"/outcome", "/cancelled"}
}

test_a_plain_request_passes if {
	count(outcome.findings) == 0 with input as {"request": {"id": "CHG-1"}} with data.org as tables.org
}

# A change of the CDN that was executed until 10:10, and watched for 15 minutes, closed as successful.
closing := {
	"purpose": "outcome",
	"request": {
		"id": "CHG-1",
		"type": "normal",
		"actions": [{"action": "purge-cache", "target": "cdn"}],
		"verification": {"monitor": "15m"},
	},
	"outcome": {
		"result": "successful",
		"skipped": [],
		"note": null,
		"incident": null,
		"by": {"login": "alice", "machine": null, "may": true, "proven": true},
	},
	"operations": {
		"own": {
			"state": "verified",
			"begun": true,
			"running": null,
			"done": [1],
			"rolled_back": false,
			"verified": verified,
		},
		"incidents": [],
	},
}

verified := {
	"from": "2026-11-24T10:10:00Z",
	"to": "2026-11-24T10:25:00Z",
	"current": true,
	"health": "passed",
	"failed": [],
	"error_rate": null,
	"unexpected_impact": null,
}

# The findings with something else said, and with other facts of what happened.
codes(said, own) := found if {
	document := object.union(closing, {"outcome": said, "operations": {"own": own}})
	found := {finding.code | some finding in outcome.findings} with input as document with data.org as tables.org
}

test_a_successful_change if codes({}, {}) == set()

test_no_facts if {
	document := {"purpose": "outcome", "request": {}, "outcome": {"result": "successful"}}
	found := {finding.code | some finding in outcome.findings} with input as document with data.org as tables.org
	found == {"outcome/not-executed", "outcome/who", "outcome/monitoring"}
}

test_who_says_it if {
	codes({"by": {"may": false}}, {}) == {"outcome/who"}
	codes({"by": {"proven": false}}, {}) == {"outcome/who"}
	codes({"by": {"login": null, "machine": "deploy", "may": false}}, {}) == {"outcome/who"}
}

test_watching if {
	codes({}, {"verified": {"from": "2026-11-24T10:10:01Z"}}) == {"outcome/monitoring"}
	codes({}, {"verified": {"current": false}}) == {"outcome/monitoring"}
	codes({}, {"verified": null}) == {"outcome/monitoring"}
}

test_measures if {
	codes({}, {"verified": {"health": "failed"}}) == {"outcome/health"}
	codes({}, {"verified": {"error_rate": rate(true)}}) == {"outcome/error-rate"}
	codes({}, {"verified": {"error_rate": rate(false)}}) == set()
	codes({}, {"verified": {"unexpected_impact": "no carts"}}) == {"outcome/impact"}
}

rate(raised) := {"before": "0.2", "after": "0.4", "raised": raised}

test_steps if {
	codes({}, {"done": []}) == {"outcome/steps"}
	codes({"skipped": [{"number": 1, "why": "x"}]}, {}) == {"outcome/steps"}
	codes({"skipped": [{"number": 2, "why": "x"}]}, {}) == {"outcome/steps"}
}

test_results_with_a_note if {
	codes({"result": "with-issues", "note": "carts were empty"}, {}) == set()
	codes({"result": "with-issues"}, {}) == {"outcome/note"}
	codes({"result": "failed", "note": "no image"}, {"done": [], "verified": null}) == set()
	codes({"result": "failed", "note": "no image"}, {"verified": null}) == {"outcome/monitoring"}
	codes({"result": "rolled-back", "note": "it lagged"}, {}) == {"outcome/rollback"}
	codes({"result": "rolled-back", "note": "it lagged"}, {"rolled_back": true}) == set()
}

test_what_goes_on if {
	codes({}, {"running": running(false)}) == {"outcome/running"}
	codes({}, {"running": running(true)}) == {"outcome/lost"}
	codes({}, {"state": "escalated"}) == {"outcome/incident"}
}

running(lost) := {"by": "bob", "since": "10:00", "lost": lost}

test_an_incident_that_is_open if {
	document := object.union(closing, {
		"outcome": {"incident": "INC-042"},
		"operations": {"incidents": [{"id": "INC-042"}]},
	})
	found := {finding.code | some finding in outcome.findings} with input as document with data.org as tables.org
	found == {"outcome/incident"}
}

test_missing_outcomes_are_told if {
	missing := [{"change": "CHG-9", "over_at": "2026-11-22T09:00:00Z"}]
	codes := {finding.code | some finding in outcome.findings} with input as {"operations": {"missing": missing}}
	codes == {"outcome/missing"}
}
