package changegate.rules.conflict_test

import data.changegate.rules.conflict
import data.changegate.tables_test as tables

# The effects of another request's overlap with a change of the CDN.
effects(action, other) := found if {
	planned := {"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T11:00:00Z"}
	document := {
		"request": {"actions": [{"action": action, "target": "cdn"}]},
		"services": ["edge"],
		"active": [object.union({"id": "CHG-2", "services": ["edge"], "targets": ["cdn"], "planned": planned}, other)],
	}
	found := {finding.effect | some finding in conflict.findings} with input as document with data.org as tables.org
}

test_a_merged_change_denies_a_risky_one if effects("blacklist-ip", {"merged": true}) == {"deny"}

test_a_merged_change_warns_a_harmless_one if effects("purge-cache", {"merged": true}) == {"warn"}

test_an_open_request_warns if effects("blacklist-ip", {"merged": false}) == {"warn"}

test_another_target_is_no_conflict if effects("blacklist-ip", {"merged": true, "targets": ["edge-fra-1"]}) == set()

test_another_service_is_no_conflict if effects("blacklist-ip", {"merged": true, "services": ["checkout"]}) == set()

# What is found of a merged request that can't be read.
unread(request) := findings if {
	document := {"request": request, "active": [], "unread": ["requests/CHG-2.yaml"]}
	findings := conflict.findings with input as document with data.org as tables.org
}

test_one_that_is_not_readable_warns if {
	{[finding.code, finding.effect] | some finding in unread({"schedule": {}})} == {["conflict/unread", "warn"]}
}

test_without_a_schedule_nothing_is_in_the_way if unread({}) == set()

test_an_emergency_is_only_warned if {
	request := {"type": "emergency", "actions": [{"action": "blacklist-ip", "target": "cdn"}]}
	planned := {"start": "", "end": ""}
	other := {"id": "CHG-2", "merged": true, "services": ["edge"], "targets": ["cdn"], "planned": planned}
	document := {"request": request, "services": ["edge"], "active": [other]}
	effects_of(document) == {"warn"}
	effects_of(object.union(document, {"operations": {"own": {"break_glass": true}}})) == set()
}

effects_of(document) := found if {
	found := {finding.effect | some finding in conflict.findings} with input as document with data.org as tables.org
}
