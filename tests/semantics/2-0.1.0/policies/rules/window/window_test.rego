package changegate.rules.window_test

import data.changegate.rules.window
import data.changegate.tables_test as tables

standard := {"name": "standard", "for": ["medium", "high"], "preferred_for": [], "fits": false, "next_opening": null}

off_peak := object.union(standard, {"name": "off-peak", "preferred_for": ["high"]})

# The findings at 12:00 about an action that is planned for these hours of the same day.
findings(action, from, to, calendar) := found if {
	planned := {"start": sprintf("2026-11-24T%s:00Z", [from]), "end": sprintf("2026-11-24T%s:00Z", [to])}
	document := {
		"now": "2026-11-24T12:00:00Z",
		"request": {"type": "normal", "actions": [{"action": action}]},
		"calendar": object.union({"planned": planned}, calendar),
	}
	found := window.findings with input as document with data.org as tables.org
}

codes(action, calendar) := {finding.code | some finding in findings(action, "13:00", "14:00", calendar)}

fits(table) := object.union(table, {"fits": true})

opens(table, start, end) := object.union(table, {"next_opening": {"start": start, "end": end}})

test_inside_a_window if codes("deploy", {"windows": [fits(standard)]}) == set()

test_outside_every_window if {
	calendar := {"windows": [
		opens(standard, "2026-11-25T09:00:00Z", "2026-11-25T16:00:00Z"),
		opens(off_peak, "2026-11-24T22:00:00Z", "2026-11-25T06:00:00Z"),
	]}
	helps := {finding.help | some finding in findings("deploy", "13:00", "14:00", calendar)}
	helps == {"the next opening that fits is 2026-11-24T22:00:00Z to 2026-11-25T06:00:00Z (off-peak)"}
}

test_no_window_for_so_long if {
	found := findings("deploy", "13:00", "14:00", {"windows": [standard, off_peak]})
	help := "no window opens for that long in the coming year: plan a shorter change, or split it"
	{finding.help | some finding in found} == {help}
	{finding.code | some finding in found} == {"window/closed"}
}

test_a_window_for_other_tiers if codes("rotate-secrets", {"windows": [fits(standard)]}) == {"window/closed"}

test_reading_takes_no_window if codes("pull-logs", {"windows": [standard]}) == set()

test_a_freeze_beats_the_window if {
	freeze := {"name": "year-end", "end": "2027-01-04T00:00:00Z", "overlaps": true}
	codes("deploy", {"windows": [fits(standard)], "freezes": [freeze]}) == {"window/freeze"}
	codes("pull-logs", {"freezes": [freeze]}) == set()
}

test_only_p1_runs_in_a_freeze if {
	frozen("P1") == set()
	frozen("P2") == {"window/freeze"}
}

frozen(severity) := found if {
	document := {
		"request": {"type": "emergency", "emergency": {"severity": severity}, "risk": "medium"},
		"calendar": {"freezes": [{"name": "year-end", "end": "2027-01-04T00:00:00Z", "overlaps": true}]},
	}
	found := {finding.code | some finding in window.findings} with input as document with data.org as tables.org
}

test_another_window_is_preferred if {
	codes("blacklist-ip", {"windows": [fits(standard), off_peak]}) == {"window/not-preferred"}
	codes("blacklist-ip", {"windows": [standard, fits(off_peak)]}) == set()
	codes("deploy", {"windows": [fits(standard), off_peak]}) == set()
}

test_the_start_has_passed if {
	found := findings("deploy", "11:00", "13:00", {"windows": [fits(standard)]})
	help := "get the missing sign-offs before 2026-11-24T13:00:00Z, or reschedule"
	{[finding.code, finding.help, finding.signed] | some finding in found} == {["window/past", help, false]}
}

test_the_end_has_passed if {
	found := findings("deploy", "11:00", "12:00", {"windows": [fits(standard)]})
	helps := {finding.help | some finding in found}
	helps == {"the planned end has passed, too: reschedule"}
	{finding.code | some finding in found} == {"window/past", "window/expired"}
}

test_a_quarter_that_is_not_announced if {
	codes("deploy", {"windows": [fits(standard)], "unannounced": ["2027-Q2"]}) == {"window/freeze-unannounced"}
}
