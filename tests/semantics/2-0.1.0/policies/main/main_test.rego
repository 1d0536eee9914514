package changegate_test

import data.changegate
import data.changegate.tables_test as tables

request := {
	"id": "CHG-1",
	"requester": "alice",
	"type": "normal",
	"actions": [{"action": "blacklist-ip", "target": "waf-ip-set"}],
}

people := {"alice": {"known": true, "level": "L1"}}

decided(document) := decision if {
	decision := changegate.decision with input as document with data.org as tables.org
}

test_a_request_is_judged_by_every_package if {
	decision := decided({"request": request, "people": people, "path": "requests/CHG-2.yaml"})
	decision.tier == "high"
	decision.level == "L1"
	codes := {finding.code | some finding in decision.findings}
	{"request/file-name", "request/missing"} & codes == {"request/file-name", "request/missing"}
	{sign_off.any_of | some sign_off in decision.required} == {["L2", "L3"]}
}

test_a_change_of_policies_is_judged_by_few if {
	decision := decided({
		"request": null,
		"change": {"kind": "governance"},
		"pull_request": {"draft": true, "pushers": []},
		"overdue_reviews": ["roster"],
		"calendar": {"unannounced": ["2027-Q1"]},
	})
	decision.tier == null
	{finding.code | some finding in decision.findings} == {"request/draft", "policy/review-overdue"}
	{sign_off.code | some sign_off in decision.required} == {"signoff/governance"}
}

test_unknown_pushers_keep_every_sign_off_pending if {
	decision := decided({
		"request": {"type": "emergency", "actions": [{"action": "pull-logs"}]},
		"pull_request": {"pushers": null},
	})
	"signoff/pushers-unknown" in {finding.code | some finding in decision.findings}
}
