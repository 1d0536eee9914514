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
	"findings": findings,
	"required": required,
	"tier": data.changegate.facts.about.tier,
	"tier_because": data.changegate.facts.about.tier_because,
	"level": data.changegate.facts.level,
}

findings contains finding if {
	some rules in data.changegate.rules
	some finding in rules.findings
	takes_part(rules)
}

required contains sign_off if {
	some rules in data.changegate.rules
	some sign_off in rules.required
	takes_part(rules)
}

takes_part(_) if data.changegate.facts.has_request

takes_part(rules) if rules.judges_policies
