# METADATA
# title: Sign-off
# description: |
#   Who has to approve: by the matrix of risk tier and level, for off-script changes by a DevOps
#   lead and an owner of each affected service, and by whom the request adds. Which reviews count,
#   and who is assigned to what, is fixed in the checker.
package changegate.rules.signoff

# The levels of which one has to approve, from what a tier's row in the matrix says. By strict
# separation, direct execution at high and critical becomes one independent review.
levels_for(tier, row, says) := says if {
	says != "direct"
} else := row.L1 if {
	tier in {"high", "critical"}
	data.changegate.facts.org.settings.strict_separation
}

# METADATA
# title: A sign-off is missing
# description: The matrix asks for an approval by risk tier and level; it hasn't been given, or it doesn't count.
# custom:
#   code: signoff/missing
#   effect: pending
#   rule: "3"
#   resolve: Ask one of the people named to review and approve the pull request.
#   controls: [SOC2:CC8.1, "PCI:6.5.1", NIST:CM-3]
required contains {
	"kind": "level",
	"any_of": levels,
	"because": sprintf("%s risk, performed by %s", [tier, performer]),
	"pointer": "/actions",
} if {
	matrix := data.changegate.facts.org.matrix
	some tier in data.changegate.facts.tiers
	row := matrix[tier]
	level := data.changegate.facts.level

	# A person without a level needs what an L1 needs.
	levels := levels_for(tier, row, object.get(row, level, row.L1))
	performer := {"L1": "an L1", "L2": "an L2", "L3": "an L3", null: "someone without a level"}[level]
}

required contains {
	"kind": "role",
	"role": "devops-lead",
	"because": "off-script changes need one",
	"pointer": "/off_script",
} if {
	data.changegate.facts.off_script
}

required contains {
	"kind": "owner",
	"service": service,
	"because": "off-script changes need an owner of each affected service",
	"pointer": "/off_script",
} if {
	data.changegate.facts.off_script
	some service in input.services
}

# What the request adds; an entry that is required anyway adds nothing.
required contains {
	"kind": "role",
	"role": entry.role,
	"because": "the request asks for one",
	"pointer": sprintf("/approvals/%v", [i]),
} if {
	some i, entry in input.request.approvals
	entry.role != "service-owner"
	not asked_anyway(entry.role)
	not named_before(i, entry)
}

required contains {
	"kind": "owner",
	"service": service,
	"because": "the request asks for an owner of each affected service",
	"pointer": "/approvals",
} if {
	not data.changegate.facts.off_script
	some entry in input.request.approvals
	entry.role == "service-owner"
	some service in input.services
}

required contains {
	"kind": "person",
	"user": entry.user,
	"because": "the request asks for this person",
	"pointer": sprintf("/approvals/%v", [i]),
} if {
	some i, entry in input.request.approvals
	entry.user
	not named_before(i, entry)
}

asked_anyway("devops-lead") if data.changegate.facts.off_script

asked_anyway("incident-commander") if data.changegate.facts.emergency

named_before(i, entry) if {
	some j, other in input.request.approvals
	j < i
	other == entry
}

# METADATA
# title: A change of the policies needs two independent L3
# description: A pull request that changes the policies or the checker's workflows is judged under the old policies.
# custom:
#   code: signoff/governance
#   effect: pending
#   rule: "3"
#   resolve: Ask two people who hold L3 and contributed nothing to it to approve the pull request.
#   controls: [SOC2:CC8.1, NIST:CM-5]
required contains {
	"kind": "level",
	"any_of": ["L3"],
	"people": 2,
	"code": "signoff/governance",
	"because": "a change of the policies needs two independent L3",
} if {
	input.change.kind == "governance"
}

# METADATA
# title: A commit can't be attributed
# description: While it isn't known who contributed, nobody can be shown to be independent.
# custom:
#   code: signoff/unattributed-commit
#   effect: deny
#   rule: "3"
#   resolve: Add the email to the person in the roster, or rewrite the commit under a known identity.
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "signoff/unattributed-commit",
	"effect": "deny",
	"message": sprintf("a commit by %s belongs to nobody that the forge knows", [object.get(contributor, "email", "a deleted account")]),
	"help": "nobody can sign off until it is known whose work it is: add the email to a person in the roster, or rewrite the commit under a known identity",
} if {
	some contributor in input.pull_request.contributors
	not contributor.login
}

findings contains {
	"code": "signoff/unattributed-commit",
	"effect": "deny",
	"message": "the account that opened the pull request was deleted",
	"help": "have someone who can answer for the change open a pull request of their own",
} if {
	input.pull_request.author == null
}

# METADATA
# title: A commit isn't shown to come from whom it names
# description: In plain Git anyone can write anyone's name into a commit; who made it shows in that person's signature on it, or on a later commit of theirs.
# custom:
#   code: signoff/unproven-commit
#   effect: deny
#   rule: "3"
#   resolve: Have the person sign the commit, or add a signed commit of theirs on top; their key stands in the roster.
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "signoff/unproven-commit",
	"effect": "deny",
	"message": sprintf("it isn't shown that a commit by %s is theirs: %s", [name, why]),
	"help": sprintf("have %s add a signed commit on top (`git commit --allow-empty -S`), with a key that the roster lists", [name]),
} if {
	some contributor in input.pull_request.contributors
	not tolerated(contributor)
	name := object.get(contributor, "email", "somebody")
	why := object.get(unproven, contributor.unproven, "nothing shows it")
}

tolerated(contributor) if {
	contributor.unproven == "unsigned"
	data.org.settings.unsigned_reviews == "allow"
}

unproven := {
	"unsigned": "it isn't signed",
	"invalid-signature": "its signature isn't valid",
	"unknown-key": "the roster lists its signing key for nobody",
	"other-person": "it is signed with another person's key",
	"other-change": "it was signed for something else",
}

# METADATA
# title: Reviews that nobody signed count
# description: The settings let reviews and commits count by the email address that they claim. That is for trying out, and so every report says it.
# custom:
#   code: signoff/unsigned-allowed
#   effect: warn
#   rule: "Mechanism"
#   resolve: Set `unsigned_reviews` to refuse in policies/org/settings, and have everyone's key in the roster.
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "signoff/unsigned-allowed",
	"effect": "warn",
	"message": "the settings let unsigned reviews count: anyone can review in anyone's name",
	"help": "set `unsigned_reviews: refuse` in policies/org/settings/data.yaml",
} if {
	data.org.settings.unsigned_reviews == "allow"
}

# METADATA
# title: A reviewer asks for changes
# description: An objection by anyone whose approval could count stands until the same person approves, or somebody independent dismisses it.
# custom:
#   code: signoff/changes-requested
#   effect: deny
#   rule: "3"
#   resolve: Settle it with the reviewer, who then approves; or have somebody who is no part of the change dismiss the review.
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "signoff/changes-requested",
	"effect": "deny",
	"message": sprintf("%s asked for changes on %s", [by, at]),
	"help": sprintf("settle it with %s, who then approves; or have somebody who is no part of the change dismiss that review", [by]),
} if {
	some review in input.approvals
	review.objects
	by := review.by
	at := review.submitted_at
}

# METADATA
# title: Nobody has this role
# description: The request asks for a role that nobody in the roster holds.
# custom:
#   code: signoff/unknown-role
#   effect: deny
#   rule: "3"
#   resolve: Correct the role's name.
findings contains {
	"code": "signoff/unknown-role",
	"effect": "deny",
	"message": sprintf("nobody in the roster has the role `%s`", [entry.role]),
	"help": sprintf("correct the name: the roster has service-owner, %s", [concat(", ", {role | some person in data.changegate.facts.org.roster.people; some role in person.roles})]),
	"pointer": sprintf("/approvals/%v", [i]),
} if {
	some i, entry in input.request.approvals
	entry.role != "service-owner"
	people := data.changegate.facts.org.roster.people
	[person | some person in people; entry.role in person.roles] == []
}

# METADATA
# title: Nobody has this login
# description: The request asks for a person who isn't in the roster.
# custom:
#   code: signoff/unknown-person
#   effect: deny
#   rule: "3"
#   resolve: Correct the login, or add the person to the roster.
findings contains {
	"code": "signoff/unknown-person",
	"effect": "deny",
	"message": sprintf("the roster has nobody with the login `%s`", [entry.user]),
	"help": "correct the login, or have the person added to the roster",
	"pointer": sprintf("/approvals/%v", [i]),
} if {
	some i, entry in input.request.approvals
	not input.people[entry.user].known
	entry.user
}

# METADATA
# title: A sign-off is due soon
# description: Stakeholders sign an off-script request within 24 to 48 hours; this is the reminder.
# custom:
#   code: signoff/reminder
#   effect: info
#   rule: "3"
#   resolve: Ask the people named for their review.
findings contains {
	"code": "signoff/reminder",
	"effect": "info",
	"message": sprintf("sign-off is still missing, and due by %s", [input.pull_request.due_at]),
	"signed": false,
} if {
	data.changegate.facts.off_script
	input.now >= input.pull_request.remind_at
	input.now < input.pull_request.due_at
}

# METADATA
# title: A sign-off is overdue
# description: Overdue warns and names who is awaited; it never approves and never denies, and a late approval counts.
# custom:
#   code: signoff/overdue
#   effect: warn
#   rule: "3"
#   resolve: Ask the people named for their review, or their manager for a deputy.
findings contains {
	"code": "signoff/overdue",
	"effect": "warn",
	"message": sprintf("sign-off was due by %s", [input.pull_request.due_at]),
	"help": "a late approval still counts: ask the people that it waits for",
	"signed": false,
} if {
	data.changegate.facts.off_script
	input.now >= input.pull_request.due_at
}
