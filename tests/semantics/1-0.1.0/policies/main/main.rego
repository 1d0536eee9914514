# METADATA
# title: The decision
# description: |
#   The entry point, `data.changegate.decision`. Every package below `data.changegate.rules` takes
#   part by yielding `findings`, and may yield `required` (sign-offs): a rule is added by adding a
#   file. A change of policies has no request; only the packages in `judge_policies` judge it.
package changegate

import data.changegate.facts

# METADATA
# title: The answer of all rules
# entrypoint: true
decision := {
	"findings": {finding | some rules in judging; some finding in rules.findings} | without_independence,
	"required": required,
	"tier": facts.tier,
	"tier_because": facts.tier_because,
	"level": facts.level,
}

# METADATA
# title: The sign-offs that all rules require
required := {sign_off | some rules in judging; some sign_off in rules.required}

# METADATA
# title: What keeps every sign-off from being complete, because nobody can be shown to be independent
without_independence := {finding |
	count(required) > 0
	some finding in data.changegate.rules.signoff.pushers_unknown
}

# METADATA
# title: The rule packages that take part
# description: For a change of policies the others are not even evaluated, as there is no request.
judging := data.changegate.rules if {
	input.request != null
} else := judge_policies

# METADATA
# title: The rule packages that judge changes of policies, too
judge_policies := [
	data.changegate.rules.policy,
	data.changegate.rules.pull_request,
	data.changegate.rules.signoff,
]
