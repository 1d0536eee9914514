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

# The effects of what a team owes that is overdue.
overdue(document) := found if {
	debt := {"debtor": "payments", "change": "INC-9", "due_at": "2026-11-20T00:00:00Z", "overdue": true}
	operations := {"operations": {"debts": [debt], "debtor": "payments", "own": {}}}
	found := {finding.effect |
		some finding in emergency.findings
		finding.code == "emergency/debt-overdue"
	} with input as object.union(document, operations)
}

test_who_owes_sign_offs_gets_nothing_else_merged if {
	overdue({"request": {"id": "CHG-1", "type": "normal"}}) == {"deny"}
	overdue({"request": {"id": "CHG-1", "type": "emergency"}}) == {"warn"}
	overdue({"request": {"id": "INC-9", "type": "emergency"}}) == set()
	overdue({"purpose": "execute", "request": {"id": "CHG-1"}, "approval": {"proof": "merge"}}) == {"warn"}
	glass := {"purpose": "execute", "request": {"id": "CHG-1"}}
	overdue(object.union(glass, {"approval": {"proof": "open", "owed": [{"kind": "level"}]}})) == {"deny"}
	overdue(object.union(glass, {"approval": {"proof": "open", "owed": []}})) == {"warn"}
}
