package changegate.rules.template_test

import data.changegate.rules.template

known := {
	"name": "scale",
	"known": true,
	"parameters": [],
	"differs": [],
	"tier_at_most": "medium",
	"suspended_by": [],
}

codes(request, changes) := {finding.code |
	some finding in template.findings with input as {
		"request": request,
		"template": object.union(known, changes),
	}
		with data.org.actions as {"scale-service": {"tier": "medium", "read_only": false}}
}

standard := {"type": "standard", "actions": [{"action": "scale-service", "target": "web"}]}

test_a_use if codes(standard, {}) == set()

test_without_a_template if {
	found := {finding.code | some finding in template.findings with input as {"request": standard}}
	found == {"template/missing"}
}

test_without_a_name if codes(standard, {"name": null, "known": false}) == {"template/missing"}

test_an_unknown_one if codes(standard, {"known": false}) == {"template/unknown"}

test_a_parameter if {
	codes(standard, {"parameters": [{"name": "to", "why": "it is missing"}]}) == {"template/parameter"}
}

test_what_differs if codes(standard, {"differs": ["/summary"]}) == {"template/differs"}

test_another_type if codes(object.union(standard, {"type": "normal"}), {}) == {"template/differs"}

test_off_script if {
	codes(object.union(standard, {"off_script": {"script": "x"}}), {"tier_at_most": "high"}) == {"template/differs"}
}

test_the_tier if codes(standard, {"tier_at_most": "low"}) == {"template/tier"}

test_suspended if {
	codes(standard, {"suspended_by": [{"change": "CHG-1", "result": "failed"}]}) == {"template/suspended"}
}

test_suspended_when_it_runs if {
	found := {finding.effect |
		some finding in template.findings with input as {
			"purpose": "execute",
			"request": standard,
			"template": object.union(known, {"suspended_by": [{"change": "CHG-1", "result": "escalated"}]}),
		}
			with data.org.actions as {}
	}
	found == {"warn"}
}
