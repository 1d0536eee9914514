package changegate.rules.signoff_test

import data.changegate.rules.signoff
import data.changegate.tables_test as tables

# The levels required for an action by a person of this level.
levels(action, level) := found if {
	document := performed("alice", level, {"actions": [{"action": action}]})
	found := {sign_off.any_of | some sign_off in signoff.required} with input as document with data.org as tables.org
}

# The input document for a request by a person of this level.
performed(login, level, request) := {
	"request": object.union({"requester": login}, request),
	"people": {login: {"level": level}},
	"services": ["edge"],
}

required(document) := {object.remove(sign_off, ["because"]) | some sign_off in required_by(tables.org, document)}

required_by(org, document) := found if {
	found := signoff.required with input as document with data.org as org
}

codes(document) := codes_by(tables.org, document)

codes_by(org, document) := found if {
	found := {finding.code | some finding in signoff.findings} with input as document with data.org as org
}

test_the_matrix if {
	levels("deploy", "L1") == set()
	levels("blacklist-ip", null) == {["L2", "L3"]}
	levels("blacklist-ip", "L1") == {["L2", "L3"]}
	levels("blacklist-ip", "L2") == set()
	levels("rotate-secrets", "L2") == {["L3"]}
	levels("rotate-secrets", "L3") == set()
}

test_each_tier_asks if {
	actions := [{"action": "deploy"}, {"action": "blacklist-ip"}, {"action": "rotate-secrets"}]
	document := performed("alice", "L1", {"actions": actions})
	{sign_off.any_of | some sign_off in required(document)} == {["L2", "L3"], ["L3"]}
}

test_strict_separation if {
	document := performed("erin", "L3", {"actions": [{"action": "rotate-secrets"}, {"action": "deploy"}]})
	found := required_by(tables.with_settings({"strict_separation": true}), document)
	{sign_off.any_of | some sign_off in found} == {["L3"]}
}

test_off_script_takes_two_people if {
	approvals := [{"role": "devops-lead"}, {"role": "service-owner"}]
	required(performed("erin", "L3", {"off_script": {}, "approvals": approvals})) == {
		{"kind": "role", "role": "devops-lead", "pointer": "/off_script"},
		{"kind": "owner", "service": "edge", "pointer": "/off_script"},
	}
}

test_the_request_asks_for_more if {
	approvals := [
		{"role": "devops-lead"},
		{"role": "service-owner"},
		{"user": "erin"},
		{"user": "erin"},
		{"role": "incident-commander"},
	]
	document := {"request": {"type": "emergency", "approvals": approvals}, "services": ["edge"]}
	required(document) == {
		{"kind": "role", "role": "devops-lead", "pointer": "/approvals/0"},
		{"kind": "owner", "service": "edge", "pointer": "/approvals"},
		{"kind": "person", "user": "erin", "pointer": "/approvals/2"},
	}
}

test_policies_take_two_admins if {
	asked := {"kind": "level", "any_of": ["L3"], "people": 2, "code": "signoff/governance"}
	required({"request": null, "change": {"kind": "governance"}}) == {asked}
}

# The input document of a merged request of alice's, which bob performs, and which this person amends.
amended_by(author) := object.union(
	performed("dan", "L3", {"actions": [{"action": "deploy"}]}),
	{"pull_request": {"author": author}, "previous": {
		"requester": "alice",
		"implementer": "bob",
		"actions": [{"action": "rotate-secrets"}],
	}},
)

test_an_amendment_by_somebody_else if {
	required(amended_by("alice")) == set()
	required(amended_by("bob")) == set()
	required(amended_by("dan")) == {{
		"kind": "level",
		"any_of": ["L3"],
		"or_users": ["alice", "bob"],
		"code": "signoff/amendment",
	}}
}

test_every_commit_belongs_to_somebody if {
	codes({"pull_request": {"contributors": [{"login": "alice"}]}}) == set()
	codes({"pull_request": {"contributors": [{"email": "x@acme.example"}]}}) == {"signoff/unattributed-commit"}
	codes({"pull_request": {"author": null}}) == {"signoff/unattributed-commit"}
}

test_a_file_without_requester_lacks_only_that if {
	alone := {"author": null, "head": null}
	codes({"request": {"id": "CHG-1"}, "pull_request": alone}) == set()
	codes({"request": {"requester": "alice"}, "pull_request": alone}) == {"signoff/unattributed-commit"}
	codes({"request": null, "pull_request": alone}) == {"signoff/unattributed-commit"}
}

test_who_is_unknown_is_said_in_the_words_of_the_forge if {
	said({"number": 1}) == {"a commit by x@acme.example doesn't belong to any account of the forge"}
	said({"number": null}) == {"a commit by x@acme.example doesn't belong to anybody in the roster"}
}

said(pull_request) := found if {
	contributed := {"pull_request": object.union(pull_request, {"contributors": [{"email": "x@acme.example"}]})}
	found := {finding.message | some finding in signoff.findings} with input as contributed
		with data.org as tables.org
}

# The findings about a request by an L3 whose pushers the forge shows or doesn't.
pushed(request, pull_request) := codes(object.union(
	performed("erin", "L3", request),
	{"pull_request": pull_request},
))

test_unknown_pushers_leave_pending_what_rests_on_people if {
	failover := {"actions": [{"action": "failover-region"}]}
	pushed(failover, {"pushers": null}) == {"signoff/pushers-unknown"}
	pushed(failover, {}) == {"signoff/pushers-unknown"}
	pushed(failover, {"pushers": []}) == set()
	pushed({"actions": [{"action": "deploy"}]}, {"pushers": null}) == set()
}

test_a_deleted_accounts_objection_stands if {
	review := {"by": null, "submitted_at": "2026-11-24T12:00:00Z", "objects": true}
	codes({"approvals": [review]}) == {"signoff/changes-requested"}
}

test_an_objection_stands if {
	review := {"by": "bob", "submitted_at": "2026-11-24T12:00:00Z"}
	codes({"approvals": [object.union(review, {"objects": true})]}) == {"signoff/changes-requested"}
	codes({"approvals": [object.union(review, {"objects": false})]}) == set()
}

test_roles_and_people_are_those_of_the_roster if {
	approvals := [
		{"role": "devops-lead"},
		{"role": "service-owner"},
		{"role": "no-such"},
		{"user": "bob"},
		{"user": "nobody"},
	]
	document := {
		"request": {"approvals": approvals},
		"pull_request": {"pushers": []},
		"people": {"bob": {"known": true}, "nobody": {"known": false}},
	}
	found := signoff.findings with input as document with data.org as tables.org
	{[finding.code, finding.pointer] | some finding in found} == {
		["signoff/unknown-role", "/approvals/2"],
		["signoff/unknown-person", "/approvals/4"],
	}
}

# The findings at an hour of the day about off-script sign-off that is due at 14:00.
clock(hour) := codes({
	"now": sprintf("2026-11-24T%s:00:00Z", [hour]),
	"request": {"off_script": {}},
	"pull_request": {"pushers": [], "remind_at": "2026-11-24T12:00:00Z", "due_at": "2026-11-24T14:00:00Z"},
})

test_the_clock_of_sign_off if {
	clock("11") == set()
	clock("12") == {"signoff/reminder"}
	clock("14") == {"signoff/overdue"}
}

unproven(contributor) := codes(contributed(contributor))

contributed(contributor) := {"pull_request": {"contributors": [object.union({"login": "alice"}, contributor)]}}

test_a_commit_is_shown_to_be_theirs if {
	unproven({"unproven": "unsigned"}) == {"signoff/unproven-commit"}
	unproven({"unproven": "other-person", "email": "x@acme.example"}) == {"signoff/unproven-commit"}
	unproven({}) == set()
}

test_unsigned_commits_may_be_tolerated if {
	org := tables.with_settings({"unsigned_reviews": "allow"})
	codes_by(org, contributed({"unproven": "unsigned"})) == {"signoff/unsigned-allowed"}
	codes_by(org, contributed({"unproven": "unknown-key"})) == {
		"signoff/unsigned-allowed",
		"signoff/unproven-commit",
	}
}
