package changegate.rules.outcome_test

import data.changegate.rules.outcome

test_records_are_refused if {
	document := {"request": {"outcome": {}, "cancelled": {}}}
	pointers := {finding.pointer | some finding in outcome.findings} with input as document
	pointers == {"/outcome", "/cancelled"}
}

test_a_plain_request_passes if {
	count(outcome.findings) == 0 with input as {"request": {"id": "CHG-1"}}
}
