package changegate.rules.risk_test

import data.changegate.rules.risk
import data.changegate.tables_test as tables

codes(request) := found if {
	document := {"request": request}
	found := {finding.code | some finding in risk.findings} with input as document with data.org as tables.org
}

test_declaring_less_is_denied if {
	codes({"actions": [{"action": "rotate-secrets"}], "risk": "high"}) == {"risk/understated"}
}

test_declaring_more_is_fine if codes({"actions": [{"action": "pull-logs"}], "risk": "high"}) == set()

test_an_unknown_action_is_denied if {
	codes({"actions": [{"action": "no-such"}, {"target": "cdn"}]}) == {"risk/unknown-action"}
}

test_an_unknown_action_is_fine_off_script if codes({"actions": [{"action": "no-such"}], "off_script": {}}) == set()
