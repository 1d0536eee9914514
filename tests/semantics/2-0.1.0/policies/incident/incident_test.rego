package changegate.incident_test

import data.changegate.incident

# The findings about an emergency with these details, and this record of its incident.
codes(details, record) := found if {
	document := {
		"request": {"emergency": object.union({"incident": "INC-1", "severity": "P1"}, details)},
		"incident": record,
	}
	found := {finding.code | some finding in incident.findings | incident.recorded} with input as document
}

test_a_sound_emergency if {
	codes({}, null) == set()
	codes({}, {"id": "INC-1", "severity": "P1", "status": "open"}) == set()
}

test_a_change_is_no_incident if codes({"incident": "CHG-1"}, null) == {"emergency/incident"}

test_a_lesser_incident if codes({"severity": "P3"}, null) == {"emergency/severity"}

test_a_resolved_incident if {
	codes({}, {"id": "INC-1", "severity": "P1", "status": "resolved"}) == {"emergency/incident-record"}
}

test_a_downgraded_incident if {
	codes({}, {"id": "INC-1", "severity": "P2", "status": "open"}) == {"emergency/incident-record"}
}

test_a_worse_incident if codes({"severity": "P2"}, {"id": "INC-1", "severity": "P1", "status": "open"}) == set()

test_break_glass if codes({"break_glass": true}, null) == {"emergency/break-glass"}

test_break_glass_with_a_log if {
	details := {"incident": "INC-1", "severity": "P1", "break_glass": true}
	document := {"request": {"emergency": details}, "operations": {"own": {}}}
	count(incident.findings) == 0 with input as document
}
