# METADATA
# title: The decision
# description: |
#   The entry point, `data.changegate.decision`. Every package below `data.changegate.rules` takes
#   part by yielding `findings`, and may yield `required` (sign-offs): a rule is added by adding a
#   file. A change of policies has no request; only packages that say `judges_policies` judge it.
package changegate

import data.changegate.facts

# METADATA
# title: All that the rules have to say
# entrypoint: true
decision := {
	"findings": findings,
	"required": required,
	"tier": facts.about.tier,
	"tier_because": facts.about.tier_because,
	"level": facts.about.level,
}

findings contains finding if {
	some name
	some finding in data.changegate.rules[name].findings
	takes_part(name)
}

required contains sign_off if {
	some name
	some sign_off in data.changegate.rules[name].required
	takes_part(name)
}

takes_part(_) if facts.has_request

takes_part(name) if data.changegate.rules[name].judges_policies
