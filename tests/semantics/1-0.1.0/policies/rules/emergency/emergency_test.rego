package changegate.rules.emergency_test

import data.changegate.rules.emergency

codes(request) := found if {
	found := {finding.code | some finding in emergency.findings} with input as {"request": request}
}

test_the_commander_signs if {
	kinds := {sign_off.kind | some sign_off in emergency.required} with input as {"request": {"type": "emergency"}}
	kinds == {"commander"}
}

test_nobody_commands_a_normal_change if {
	count(emergency.required) == 0 with input as {"request": {"type": "normal"}}
}

test_details_on_another_type if codes({"type": "normal", "emergency": {"severity": "P3"}}) == {"emergency/unexpected"}

test_an_emergency_answers_its_incident if {
	details := {"incident": "INC-1", "severity": "P3"}
	codes({"type": "emergency", "emergency": details}) == {"emergency/severity"}
}
