package changegate.rules.pull_request_test

import data.changegate.rules.pull_request
import data.changegate.tables_test as tables

codes(document) := found if {
	found := {finding.code | some finding in pull_request.findings} with input as document with data.org as tables.org
}

named(path) := codes({"path": path, "request": {"id": "CHG-1"}})

test_the_file_has_the_ticket_number if {
	named("CHG-1.yaml") == set()
	named("requests/2026/CHG-1.yaml") == set()
	named("requests/XCHG-1.yaml") == {"request/file-name"}
	named("requests/CHG-1.yml") == {"request/file-name"}
}

test_an_id_is_unique if {
	document := {"path": "CHG-1.yaml", "request": {"id": "CHG-1"}, "same_id": ["chg-1.yaml"]}
	codes(document) == {"request/duplicate-id"}
}

test_one_thing_at_a_time if {
	codes({"pull_request": {"other_files": ["src/main.c"]}}) == {"request/split"}
	codes({"pull_request": {"other_files": []}}) == set()
	other := {"pull_request": {"other_files": ["src/main.c"]}, "change": {"kind": "other"}}
	codes(other) == {"request/other-paths"}
}

test_the_base_is_protected if {
	codes({"pull_request": {"base_ref": "next"}}) == {"request/base"}
	codes({"pull_request": {"base_ref": "main"}}) == set()
	codes({"pull_request": {"base_ref": null}}) == set()
}

test_the_strictest_verdict_counts if {
	document := {"pull_request": {"same_head": [
		{"number": 3, "verdict": "denied"},
		{"number": 4, "verdict": "pending"},
		{"number": 5, "verdict": "approved"},
	]}}
	effects := {finding.effect | some finding in pull_request.findings} with input as document
	effects == {"deny", "pending"}
}

test_a_draft_waits if codes({"pull_request": {"draft": true}}) == {"request/draft"}

test_nobody_asks_in_anothers_name if {
	codes({"request": {"requester": "alice"}, "pull_request": {"author": "bob"}}) == {"request/requester"}
	codes({"request": {"requester": "alice"}, "pull_request": {"author": "alice"}}) == set()
	codes({"request": {"requester": "alice"}, "pull_request": {"author": null}}) == set()
}

executed(own, material) := codes({
	"path": "CHG-1.yaml",
	"request": {"id": "CHG-1"},
	"change": {"material": material},
	"operations": {"own": own},
})

test_what_was_executed_does_not_change if {
	executed({"begun": true, "changed": false}, []) == set()
	executed({"begun": true, "changed": true}, []) == {"request/executing"}
	executed({"begun": true, "changed": false}, ["/summary"]) == {"request/executing"}
	executed({"begun": false, "changed": false}, ["/summary"]) == set()
}
