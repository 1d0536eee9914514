package changegate.facts_test

import data.changegate.facts
import data.changegate.tables_test as tables

test_the_highest_tier_wins if {
	document := {"request": {
		"actions": [
			{"action": "purge-cache"},
			{"action": "rotate-secrets"},
			{"action": "no-such"},
			{"action": "reviewed"},
		],
		"risk": "high",
	}}
	facts.tier == "critical" with input as document with data.org as tables.org
	because := facts.tier_because with input as document with data.org as tables.org
	because == {"`rotate-secrets` is critical in the catalog"}
}

test_every_tier_counts if {
	document := {"request": {
		"actions": [{"action": "pull-logs"}, {"action": "deploy"}],
		"risk": "critical",
		"off_script": {"script": "usual.md"},
	}}
	tiers := facts.tiers with input as document with data.org as tables.org
	tiers == {"low", "medium", "high", "critical"}
}

test_a_change_without_actions_is_low if {
	facts.tier == "low" with input as {"request": {}} with data.org as tables.org
	not facts.high with input as {"request": {}} with data.org as tables.org
}

test_off_script_is_high if facts.high with input as {"request": {"off_script": {}}}

is_exempt(request) if facts.exempt with input as {"request": request} with data.org as tables.org

test_reading_is_exempt if is_exempt({"actions": [{"action": "pull-logs"}]})

test_a_change_is_not_exempt if {
	not is_exempt({"actions": [{"action": "pull-logs"}, {"action": "deploy"}]})
}

test_off_script_is_not_exempt if {
	not is_exempt({"actions": [{"action": "pull-logs"}], "off_script": {}})
}

test_the_lowest_level_counts if {
	facts.level == "L1" with input as {
		"request": {"requester": "erin", "implementer": "bob"},
		"pull_request": {"contributors": [{"login": "erin"}, {"login": "alice"}, {"email": "nobody@acme.example"}]},
		"people": {"erin": {"level": "L3"}, "bob": {"level": "L2"}, "alice": {"level": "L1"}},
	}
}

test_no_level_is_the_lowest if {
	facts.level == null with input as {
		"request": {"requester": "erin", "implementer": "ivan"},
		"people": {"erin": {"level": "L3"}, "ivan": {"level": null}},
	}
}

test_nobody_has_no_level if {
	facts.level == null with input as {"request": null}
	facts.tier == null with input as {"request": null}
	facts.tier_because == set() with input as {"request": null}
}

test_break_glass_is_settled_by_the_merge if {
	facts.breaks_glass with input as {"request": {"emergency": {"break_glass": true}}}
	not facts.settling with input as {"operations": {"own": {"break_glass": false}}}
	facts.settling with input as {"operations": {"own": {"break_glass": true}}}
	not facts.settling with input as {"purpose": "execute", "operations": {"own": {"break_glass": true}}}
}
