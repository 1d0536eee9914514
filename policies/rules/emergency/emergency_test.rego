package changegate.rules.emergency_test

import data.changegate.rules.emergency

# What is said about an emergency with these details, and this record of its incident.
codes(details, incident) := found if {
	document := {
		"request": {"type": "emergency", "emergency": object.union({"incident": "INC-1", "severity": "P1"}, details)},
		"incident": incident,
	}
	found := {finding.code | some finding in emergency.findings} with input as document
}

test_a_sound_emergency if {
	codes({}, null) == set()
	codes({}, {"id": "INC-1", "severity": "P1", "status": "open"}) == set()
}

test_the_commander_signs if {
	kinds := {sign_off.kind | some sign_off in emergency.required} with input as {"request": {"type": "emergency"}}
	kinds == {"commander"}
}

test_nobody_commands_a_normal_change if {
	count(emergency.required) == 0 with input as {"request": {"type": "normal"}}
}

test_details_on_another_type if {
	found := {finding.code | some finding in emergency.findings} with input as {"request": {"type": "normal", "emergency": {}}}
	found == {"emergency/unexpected"}
}

test_a_change_is_no_incident if codes({"incident": "CHG-1"}, null) == {"emergency/incident"}

test_a_lesser_incident if codes({"severity": "P3"}, null) == {"emergency/severity"}

test_a_resolved_incident if codes({}, {"id": "INC-1", "severity": "P1", "status": "resolved"}) == {"emergency/incident-record"}

test_a_downgraded_incident if codes({}, {"id": "INC-1", "severity": "P2", "status": "open"}) == {"emergency/incident-record"}

test_break_glass if codes({"break_glass": true}, null) == {"emergency/break-glass"}
