package changegate.rules.completeness_test

import data.changegate.rules.completeness
import data.changegate.tables_test as tables

# The findings about a document, with the tests' own tables.
findings(document) := found if {
	found := completeness.findings with input as document with data.org as tables.org
}

codes(document) := {finding.code | some finding in findings(document)}

# The pointers of the fields that a request with only these fields lacks.
pointers(request) := {finding.pointer |
	some finding in findings({"request": request})
	finding.code == "request/missing"
}

always := {"/id", "/summary", "/reason", "/requester", "/impact/services", "/impact/users", "/impact/operations"}

of_a_change := {
	"/schedule/start",
	"/schedule/end",
	"/verification/monitor",
	"/verification/health_checks",
	"/verification/error_rates",
}

test_an_empty_request if pointers({}) == (always | of_a_change) | {"/actions"}

test_a_complete_request if {
	codes({
		"request": {
			"id": "CHG-1",
			"summary": "Restart",
			"reason": "It leaks memory",
			"requester": "alice",
			"actions": [{"action": "restart-pods", "target": "portal-web"}],
			"impact": {"services": ["learning-portal"], "users": "none", "operations": "none"},
			"schedule": {"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T11:00:00Z"},
			"rollback": {"steps": ["roll back"]},
			"verification": {"monitor": "15m", "health_checks": ["/healthz"], "error_rates": ["5xx"]},
		},
		"people": {"alice": {"level": "L1"}},
	}) == set()
}

test_reading_needs_no_schedule if pointers({"actions": [{"action": "pull-logs", "target": "login-web"}]}) == always

test_an_action_without_its_parts if {
	of_an_action := {"/actions/0/action", "/actions/0/target", "/rollback/steps"}
	pointers({"actions": [{}]}) == (always | of_a_change) | of_an_action
}

test_a_rollback_quotes_the_catalog if {
	request := {"actions": [{"action": "scale-service"}, {"action": "purge-cache"}, {"action": "no-such"}]}
	helps := {finding.help | some finding in findings({"request": request}); finding.pointer == "/rollback/steps"}
	helps == {
		"list the steps in `rollback.steps:`; for scale-service the catalog says: scale back",
		"list the steps in `rollback.steps:`; for no-such the catalog says: nothing",
	}
}

test_a_risky_change_names_the_rollback_owner if {
	found := findings({"request": {"risk": "high"}})
	messages := {finding.message | some finding in found; finding.pointer == "/rollback/owner"}
	messages == {"a high-risk change names who performs the rollback"}
}

test_an_off_script_request_says_more if {
	asked := {
		"/description", "/off_script/script", "/off_script/justification", "/risks",
		"/business_alignment", "/contingency", "/approvals",
	}
	asked & pointers({"off_script": {"script": ""}}) == asked - {"/off_script/script"}
	asked & pointers({"off_script": {}}) == asked
}

test_a_risk_has_a_mitigation if {
	found := pointers({"risks": [{"risk": "it breaks"}, {"mitigation": "fix it"}]})
	{"/risks/0/mitigation", "/risks/1/risk"} & found == {"/risks/0/mitigation", "/risks/1/risk"}
}

test_an_emergency_names_its_incident if {
	asked := {"/emergency/incident", "/emergency/severity", "/emergency/why_now"}
	asked & pointers({"type": "emergency"}) == asked
}

test_the_schedule_is_in_order if {
	schedule := {"start": "2026-11-24T11:00:00Z", "end": "2026-11-24T11:00:00Z"}
	"request/schedule-order" in codes({"request": {"schedule": schedule}})
}

test_services_are_those_of_the_roster if {
	found := findings({"request": {"impact": {"services": ["edge", null, "no-such"]}}})
	unknown := {finding.pointer | some finding in found; finding.code == "request/unknown-service"}
	unknown == {"/impact/services/2"}
}

test_the_rollback_owner_holds_the_level if {
	request := {"actions": [{"action": "failover-region"}], "rollback": {"owner": "bob"}}
	"rollback/owner-level" in codes({"request": request, "people": {"bob": {"level": "L2"}}})
	not "rollback/owner-level" in codes({"request": request, "people": {"bob": {"level": "L3"}}})
}

test_the_rollback_owner_holds_any_level if {
	request := {"actions": [{"action": "maintenance-mode"}], "rollback": {"owner": "bob"}}
	"rollback/owner-level" in codes({"request": request, "people": {"bob": {"level": null}}})
	not "rollback/owner-level" in codes({"request": request, "people": {"bob": {"level": "L1"}}})
}

test_monitoring_takes_a_quarter_of_an_hour if {
	"verification/monitor" in codes({"request": {"verification": {"monitor": "14m"}}})
	not "verification/monitor" in codes({"request": {"verification": {"monitor": "15m"}}})
}
