# METADATA
# title: The pull request and the ticket
# description: One request in each pull request, to a protected base, by its requester, under an id of its own.
package changegate.rules.pull_request

# METADATA
# title: The file is not named after its ticket
# description: A request is the file <id>.yaml, so that it is found by its number.
# custom:
#   code: request/file-name
#   effect: deny
#   rule: "1"
#   help: rename the file, or correct the id
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "request/file-name",
	"effect": "deny",
	"message": sprintf("the file of %s must be named %s.yaml, but this one is %s", [id, id, path]),
	"pointer": "/id",
} if {
	id := input.request.id
	path := input.path
	not endswith(path, sprintf("/%s.yaml", [id]))
	path != sprintf("%s.yaml", [id])
}

# METADATA
# title: The id was used before
# description: An id is unique in the repository forever, ignoring case; ids of closed requests stay in use.
# custom:
#   code: request/duplicate-id
#   effect: deny
#   rule: "1"
#   help: give the request a number of its own
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "request/duplicate-id",
	"effect": "deny",
	"message": sprintf("%s is already used by %s: an id is unique forever, ignoring case", [id, path]),
	"pointer": "/id",
} if {
	some path in input.same_id
	id := input.request.id
}

# METADATA
# title: The change contains other files
# description: A change contains one request and nothing else, so that an approval is for exactly that request.
# custom:
#   code: request/split
#   effect: deny
#   rule: "1"
#   help: >-
#     split it: one change for each request, one for a change of policies, and none of them with
#     anything else
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "request/split",
	"effect": "deny",
	"message": sprintf("the change also touches %s", [concat(", ", input.pull_request.other_files)]),
} if {
	not touches_nothing_governed
	input.pull_request.other_files != []
}

# METADATA
# title: The change touches no request and no policies
# description: The settings say that the repository holds nothing but change requests, policies and workflows.
# custom:
#   code: request/other-paths
#   effect: deny
#   rule: "1"
#   help: >-
#     make the change in another repository, or have the setting changed to `other_paths: free` in
#     policies/org/settings/data.yaml
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "request/other-paths",
	"effect": "deny",
	"message": sprintf(
		"the change touches %s, and the settings refuse everything but requests and policies",
		[concat(", ", files)],
	),
} if {
	touches_nothing_governed
	files := input.pull_request.other_files
}

touches_nothing_governed if input.change.kind == "other"

# METADATA
# title: The change merges into an unprotected branch
# description: Only changes of a branch that the settings protect are judged.
# custom:
#   code: request/base
#   effect: deny
#   rule: "1"
#   help: >-
#     merge into a branch that `protected_bases` in policies/org/settings/data.yaml names (`--base`), or
#     have it added
findings contains {
	"code": "request/base",
	"effect": "deny",
	"message": sprintf("the change merges into %s, which the settings don't protect", [base]),
	"help": sprintf(
		"merge into %s (`--base`), or have %s added to `protected_bases` in policies/org/settings/data.yaml",
		[concat(" or ", protected), base],
	),
} if {
	base := input.pull_request.base_ref
	base != null
	protected := data.org.settings.protected_bases
	not base in protected
}

# METADATA
# title: Another pull request with the same commit isn't approved
# description: |
#   Pull requests with the same head commit share one status, and therefore the strictest of their verdicts.
#   Of those to the same branch the one with the best prospects decides; the others only matter if somebody
#   requests changes there.
# custom:
#   code: request/same-head
#   effect: deny
#   rule: "1"
#   help: resolve or close the other pull request, or add a commit to this one
findings contains {
	"code": "request/same-head",
	"effect": effect,
	"message": sprintf("pull request %v has the same head commit and is %s: both get the stricter verdict", [
		number,
		other.verdict,
	]),
} if {
	some other in input.pull_request.same_head
	effect := {"denied": "deny", "pending": "pending"}[other.verdict]
	number := other.number
}

# METADATA
# title: The pull request is a draft
# description: A draft isn't submitted yet.
# custom:
#   code: request/draft
#   effect: pending
#   rule: "3"
#   help: mark it as ready for review to submit it
findings contains {
	"code": "request/draft",
	"effect": "pending",
	"message": "the pull request is a draft",
} if {
	input.pull_request.draft
}

# METADATA
# title: Somebody else submitted the change
# description: |
#   The requester is who submits the change, on GitHub the pull request's author, so that nobody requests a
#   change in another person's name.
# custom:
#   code: request/requester
#   effect: deny
#   rule: "3"
#   help: name who submitted the change as the requester, or have the requester submit it
#   controls: [SOC2:CC6.1]
findings contains {
	"code": "request/requester",
	"effect": "deny",
	"message": sprintf("%s submitted the change, but the request names %s as requester", [author, requester]),
	"help": sprintf("write `requester: %s`, or have %s submit the change", [author, requester]),
	"pointer": "/requester",
} if {
	author := input.pull_request.author
	author != null
	requester := input.request.requester
	requester != author
}

# METADATA
# title: The change was begun already
# description: |
#   What was executed doesn't change any more: neither a merged request, nor an open one that was executed
#   under break-glass.
# custom:
#   code: request/executing
#   effect: deny
#   rule: "8"
#   help: restore what was executed, and request the rest as a new change
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "request/executing",
	"effect": "deny",
	"message": "it was executed already, as another request than this",
} if {
	executed_otherwise
}

executed_otherwise if input.operations.own.changed

executed_otherwise if {
	input.operations.own.begun
	count(input.change.material) > 0
}
