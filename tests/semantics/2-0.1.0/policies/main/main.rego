# METADATA
# title: The decision
# description: |
#   The entry point, `data.changegate.decision`. Every package below `data.changegate.rules` takes
#   part by yielding `findings`, and may yield `required` (sign-offs): a rule is added by adding a
#   file. A change of policies has no request; only the packages in `judge_policies` judge it.
#   Three questions are asked, `input.purpose`: whether a change may be merged, whether it may be executed
#   now, and whether it may be closed as somebody says that it went. A package answers those in its
#   `purposes`; without them, the first alone.
package changegate

import data.changegate.facts

# METADATA
# title: The answer of all rules
# entrypoint: true
decision := {
	"findings": {finding | some rules in answering; some finding in rules.findings} | without_independence,
	"required": required,
	"tier": facts.tier,
	"tier_because": facts.tier_because,
	"level": facts.level,
}

# METADATA
# title: The sign-offs that all rules require
# description: They are asked for before a change is merged; executing it rests on them.
required := {sign_off |
	facts.purpose == "merge"
	some rules in answering
	some sign_off in rules.required
}

# METADATA
# title: What keeps every sign-off from being complete, because nobody can be shown to be independent
without_independence := {finding |
	count(required) > 0
	some finding in data.changegate.rules.signoff.pushers_unknown
}

# METADATA
# title: The rule packages that answer the question
answering := [rules |
	some rules in judging
	answers(rules)
]

answers(rules) if {
	not rules.purposes
	facts.purpose == "merge"
}

answers(rules) if facts.purpose in rules.purposes

# METADATA
# title: The rule packages that take part
# description: |
#   Without a request, as in a change of policies, the others are not even evaluated; what an open incident alone
#   may permit is judged by all.
judging := data.changegate.rules if {
	input.request != null
} else := data.changegate.rules if {
	facts.under_incident
} else := judge_policies

# METADATA
# title: The rule packages that judge what has no request
judge_policies := [
	data.changegate.rules.execute,
	data.changegate.rules.policy,
	data.changegate.rules.pull_request,
	data.changegate.rules.signoff,
]
