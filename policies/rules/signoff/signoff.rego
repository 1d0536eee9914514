# METADATA
# title: Sign-off
# description: |
#   Who has to approve: those in the matrix of risk tier and level; for off-script changes a DevOps
#   lead and an owner of each affected service; and those whom the request adds. Which reviews count,
#   and who is assigned to what, is fixed in the checker.
package changegate.rules.signoff

import data.changegate.facts

# METADATA
# title: A sign-off is missing
# description: The matrix requires an approval for this risk tier and level; it hasn't been given, or doesn't count.
# custom:
#   code: signoff/missing
#   effect: pending
#   rule: "3"
#   help: ask one of the people named to review and approve the change
#   controls: [SOC2:CC8.1, "PCI:6.5.1", NIST:CM-3]
required contains {
	"kind": "level",
	"any_of": levels,
	"because": sprintf("%s risk, performed by %s", [tier, performer]),
	"pointer": "/actions",
} if {
	level := facts.level
	matrix := data.org.matrix
	some tier in facts.signed_tiers
	row := matrix[tier]

	# A person without a level needs the same approval as an L1.
	levels := levels_for(tier, row, says_of(row, level))
	performer := {"L1": "an L1", "L2": "an L2", "L3": "an L3", null: "someone without a level"}[level]
}

# What the tier's row in the matrix says of a level; a use of a template is direct for everybody who has one.
says_of(row, level) := "direct" if {
	is_string(level)
	facts.standard
	not facts.taken_over
} else := object.get(row, level, row.L1)

# The levels of which one person has to approve, from the tier's row in the matrix. With strict
# separation, direct execution at high and critical becomes one independent review.
levels_for(tier, row, says) := says if {
	says != "direct"
} else := row.L1 if {
	tier in {"high", "critical"}
	data.org.settings.strict_separation
}

required contains {
	"kind": "role",
	"role": "devops-lead",
	"because": "off-script changes need one",
	"pointer": "/off_script",
} if {
	input.request.off_script
}

required contains {
	"kind": "owner",
	"service": service,
	"because": "off-script changes need an owner of each affected service",
	"pointer": "/off_script",
} if {
	input.request.off_script
	some service in input.services
}

# The sign-offs that the request adds; one that is required anyway, or is listed twice, adds nothing.
required contains {
	"kind": "role",
	"role": entry.role,
	"because": "the request requires one",
	"pointer": sprintf("/approvals/%v", [first]),
} if {
	some entry in input.request.approvals
	entry.role != "service-owner"
	not asked_anyway(entry.role)
	first := min([i | some i, other in input.request.approvals; other == entry])
}

required contains {
	"kind": "owner",
	"service": service,
	"because": "the request requires an owner of each affected service",
	"pointer": "/approvals",
} if {
	not input.request.off_script
	some entry in input.request.approvals
	entry.role == "service-owner"
	some service in input.services
}

required contains {
	"kind": "person",
	"user": entry.user,
	"because": "the request requires this person",
	"pointer": sprintf("/approvals/%v", [first]),
} if {
	some entry in input.request.approvals
	entry.user
	first := min([i | some i, other in input.request.approvals; other == entry])
}

asked_anyway("devops-lead") if input.request.off_script

asked_anyway("incident-commander") if input.request.type == "emergency"

# METADATA
# title: A change of the policies needs two independent L3
# description: A change of the policies or of the checker's workflows is judged under the old policies.
# custom:
#   code: signoff/governance
#   effect: pending
#   rule: "3"
#   help: ask two people who hold L3 and contributed nothing to it to approve the change
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
# title: Somebody else amends a merged request
# description: |
#   A person who neither requested nor performs a merged request can't change it alone, whatever they make
#   of it: one of these two approves, or somebody who could approve a change of that risk.
# custom:
#   code: signoff/amendment
#   effect: pending
#   rule: "3"
#   help: ask the people who requested or perform the merged request, or one of the levels named
#   controls: [SOC2:CC8.1]
required contains {
	"kind": "level",
	"any_of": levels,
	"or_users": former,
	"code": "signoff/amendment",
	"because": "somebody else amends a merged request",
} if {
	facts.taken_over
	levels := amendment_levels
	former := [login | some login in facts.former]
}

amendment_levels := ["L3"] if {
	"critical" in facts.signed_tiers
} else := ["L2", "L3"]

# METADATA
# title: A commit can't be attributed
# description: While it isn't known who contributed, nobody can be shown to be independent.
# custom:
#   code: signoff/unattributed-commit
#   effect: deny
#   rule: "3"
#   help: >-
#     nobody can sign off until it is known whose work it is: add the email to a person in the roster,
#     or rewrite the commit under a known identity
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "signoff/unattributed-commit",
	"effect": "deny",
	"message": sprintf("a commit by %s doesn't belong to %s", [author, known]),
} if {
	some contributor in input.pull_request.contributors
	not contributor.login
	author := object.get(contributor, "email", anybody.nameless)
	known := anybody.known
}

findings contains {
	"code": "signoff/unattributed-commit",
	"effect": "deny",
	"message": sprintf("it isn't known who submitted the change: %s", [why]),
	"help": "have somebody in the roster who is responsible for the change submit it",
} if {
	input.pull_request.author == null
	not names_nobody
	why := anybody.missing
}

# A file that no pull request brings is taken as its requester's; one that names none lacks just that.
names_nobody if {
	is_object(input.request)
	not input.request.requester
	input.pull_request.head == null
}

# The words for who could have made a commit: accounts, or in plain Git the addresses of people.
anybody := {
	"known": "any account of the forge",
	"nameless": "a deleted account",
	"missing": "the account was deleted",
} if {
	input.pull_request.number != null
} else := {
	"known": "anybody in the roster",
	"nameless": "an author without an address",
	"missing": "nobody in the roster has the address of its commit",
}

# METADATA
# title: It isn't known who pushed
# description: |
#   Anyone who pushes can commit in another person's name. While the forge doesn't say who pushed, nobody
#   can be shown to be independent, and nobody's level can be relied on. What runs directly at every
#   level goes on.
# custom:
#   code: signoff/pushers-unknown
#   effect: pending
#   rule: "3"
#   help: >-
#     push the commits to a new branch whose pushes the forge shows, and open the pull request from there;
#     or sign every commit, each committed by its author, so that the forge shows all of them as verified
#   controls: [SOC2:CC6.1]
pushers_unknown contains {
	"code": "signoff/pushers-unknown",
	"effect": "pending",
	"message": "the forge doesn't show who pushed to the pull request, so its reviewers may have written it themselves",
} if {
	not pushers_known
}

pushers_known if is_array(input.pull_request.pushers)

# The entry point adds it where any package asks for an approval.
findings contains finding if {
	some finding in pushers_unknown
	rests_on_people
}

# The level of who performs the change decides whether somebody has to approve.
rests_on_people if {
	some tier in facts.tiers
	row := data.org.matrix[tier]
	some says in row
	levels_for(tier, row, says)
}

# A review was dismissed, and only somebody independent can dismiss an objection.
rests_on_people if {
	some review in input.approvals
	review.state == "DISMISSED"
}

# METADATA
# title: A commit isn't proven to come from its author
# description: |
#   In plain Git anyone can write any name into a commit. Only a signature proves who made it: on the
#   commit itself, or on a later commit by the same person.
# custom:
#   code: signoff/unproven-commit
#   effect: deny
#   rule: "3"
#   help: have the person add a signed commit on top, with a key that is in the roster
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "signoff/unproven-commit",
	"effect": "deny",
	"message": sprintf("a commit by %s isn't proven to be theirs: %s", [name, why]),
	"help": help,
} if {
	some contributor in input.pull_request.contributors
	unproven := contributor.unproven
	not tolerated(unproven)
	name := object.get(contributor, "email", "somebody")
	reasons := {
		"unsigned": "it isn't signed",
		"invalid-signature": "its signature isn't valid",
		"not-ssh": "it isn't signed by SSH",
		"unusable-key": "its signing key is a certificate, or RSA of less than 2048 bits",
		"unknown-key": "its signing key isn't in the roster",
		"other-person": "it is signed with another person's key",
		"other-change": "it was signed for something else",
	}
	why := object.get(reasons, unproven, "nothing proves it")
	help := proof(unproven, name)
}

# A signature that proves nothing is not made up for by another one.
proof(unproven, name) := sprintf(
	"have %s add a signed commit on top (`git commit --allow-empty -S`), with a key that is in the roster",
	[name],
) if {
	unproven == "unsigned"
} else := sprintf(
	"have it signed with a key that %s has in the roster, or have an L3 add that key to the roster; submit it again",
	[name],
)

tolerated("unsigned") if data.org.settings.unsigned_reviews == "allow"

# METADATA
# title: Unsigned reviews count
# description: |
#   The settings accept reviews and commits by the email address that they claim. That is meant for
#   evaluation, so every report mentions it. To refuse them, everyone's key has to be in the roster.
# custom:
#   code: signoff/unsigned-allowed
#   effect: warn
#   rule: "Mechanism"
#   help: "set `unsigned_reviews: refuse` in policies/org/settings/data.yaml"
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "signoff/unsigned-allowed",
	"effect": "warn",
	"message": "the settings accept unsigned reviews: anyone can review in another person's name",
} if {
	data.org.settings.unsigned_reviews == "allow"
}

# METADATA
# title: A reviewer requests changes
# description: |
#   An objection by anyone whose approval could count remains until the same person approves, or
#   somebody independent dismisses it.
# custom:
#   code: signoff/changes-requested
#   effect: deny
#   rule: "3"
#   help: >-
#     resolve it with the reviewer, who then approves or withdraws the review; on GitHub, somebody who
#     takes no part in the change can also dismiss it
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "signoff/changes-requested",
	"effect": "deny",
	"message": sprintf("%s requested changes on %s", [by, at]),
	"help": sprintf(
		"resolve it with %s, who then approves%s",
		[by, otherwise],
	),
} if {
	some review in input.approvals
	review.objects
	by := review.by
	by != null
	at := review.submitted_at
	otherwise := without_an_answer
}

findings contains {
	"code": "signoff/changes-requested",
	"effect": "deny",
	"message": sprintf("an account that was deleted since requested changes on %s", [at]),
	"help": "have somebody who takes no part in the change dismiss that review",
} if {
	some review in input.approvals
	review.objects
	review.by == null
	at := review.submitted_at
}

# What ends an objection whose author doesn't answer. In plain Git nobody else can dismiss it.
without_an_answer := "; or have somebody who takes no part in the change dismiss that review" if {
	input.pull_request.number != null
} else := sprintf(
	" or runs `changegate review %s --withdraw`; or close the change, and submit it under another id",
	[object.get(input, ["request", "id"], "ID")],
)

# METADATA
# title: Nobody has this role
# description: The request requires a role that nobody in the roster holds.
# custom:
#   code: signoff/unknown-role
#   effect: deny
#   rule: "3"
#   help: correct the role's name
findings contains {
	"code": "signoff/unknown-role",
	"effect": "deny",
	"message": sprintf("nobody in the roster has the role `%s`", [entry.role]),
	"help": sprintf("correct the name: the roster has service-owner, %s", [concat(", ", roles)]),
	"pointer": sprintf("/approvals/%v", [i]),
} if {
	some i, entry in input.request.approvals
	entry.role != "service-owner"
	roles := {role | some person in data.org.roster.people; some role in person.roles}
	not entry.role in roles
}

# METADATA
# title: Nobody has this login
# description: The request requires a person who isn't in the roster.
# custom:
#   code: signoff/unknown-person
#   effect: deny
#   rule: "3"
#   help: correct the login, or have the person added to the roster
findings contains {
	"code": "signoff/unknown-person",
	"effect": "deny",
	"message": sprintf("nobody in the roster has the login `%s`", [login]),
	"pointer": sprintf("/approvals/%v", [i]),
} if {
	some i, entry in input.request.approvals
	login := entry.user
	not input.people[login].known
}

# METADATA
# title: A sign-off is due soon
# description: Stakeholders sign an off-script request within 24 to 48 hours; this is the reminder.
# custom:
#   code: signoff/reminder
#   effect: info
#   rule: "3"
#   help: ask the people whom it waits for
findings contains {
	"code": "signoff/reminder",
	"effect": "info",
	"message": sprintf("sign-off is still missing, and due by %s", [input.pull_request.due_at]),
	"signed": false,
} if {
	input.request.off_script
	input.now >= input.pull_request.remind_at
	input.now < input.pull_request.due_at
}

# METADATA
# title: A sign-off is overdue
# description: |
#   An overdue sign-off warns and names the people whom it waits for; it never approves and never denies,
#   and a late approval counts.
# custom:
#   code: signoff/overdue
#   effect: warn
#   rule: "3"
#   help: "a late approval still counts: ask the people whom it waits for"
findings contains {
	"code": "signoff/overdue",
	"effect": "warn",
	"message": sprintf("sign-off was due by %s", [input.pull_request.due_at]),
	"signed": false,
} if {
	input.request.off_script
	input.now >= input.pull_request.due_at
}
