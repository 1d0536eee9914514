# METADATA
# title: The decision
# description: |
#   The entry point, `data.changegate.decision`. Every package below `data.changegate.rules` takes
#   part by yielding `findings`, and may yield `required` (sign-offs): a rule is added by adding a
#   file. A change of policies has no request; only packages that say `judges_policies` judge it.
package changegate

# METADATA
# title: All that the rules have to say
# entrypoint: true
decision := {
	"findings": {finding | some rules in judging; some finding in rules.findings},
	"required": {sign_off | some rules in judging; some sign_off in rules.required},
	"tier": about.tier,
	"tier_because": about.tier_because,
	"level": data.changegate.facts.level,
} if {
	about := data.changegate.facts.about
}

# METADATA
# title: The rule packages that take part
judging := data.changegate.rules if {
	data.changegate.facts.has_request
} else := [rules | some rules in data.changegate.rules; rules.judges_policies]
