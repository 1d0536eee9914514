# METADATA
# title: Risk tier
# description: The catalog gives each action its tier; a request may raise it, but never lower it.
package changegate.rules.risk

import data.changegate.facts

# METADATA
# title: The declared risk is too low
# description: A request may declare a higher tier than computed, never a lower one.
# custom:
#   code: risk/understated
#   effect: deny
#   rule: "2"
#   help: remove the risk field, or raise it to the computed tier or above
#   controls: [SOC2:CC3.2, NIST:CM-4]
findings contains {
	"code": "risk/understated",
	"effect": "deny",
	"message": sprintf("the request declares %s risk, but it is %s: %s", [declared, tier, concat("; ", because)]),
	"help": sprintf("remove `risk:`, or write %s or above", [tier]),
	"pointer": "/risk",
} if {
	declared := input.request.risk
	tier := facts.tier
	lower := {"medium": ["low"], "high": ["low", "medium"], "critical": ["low", "medium", "high"]}
	declared in lower[tier]
	because := facts.tier_because
}

# METADATA
# title: The action isn't in the catalog
# description: An action that isn't in the catalog is allowed only in an off-script request.
# custom:
#   code: risk/unknown-action
#   effect: deny
#   rule: "2"
#   help: correct the action's name, add the action to the catalog, or fill in the off-script form
#   controls: [NIST:CM-3]
findings contains {
	"code": "risk/unknown-action",
	"effect": "deny",
	"message": sprintf("the catalog has no action `%s`", [name]),
	"help": sprintf(
		"correct the name (the catalog has %s), or add `off_script:` with the script that can't be followed",
		[concat(", ", names)],
	),
	"pointer": sprintf("/actions/%v/action", [i]),
} if {
	not input.request.off_script
	catalog := data.org.actions
	some i, action in input.request.actions
	name := action.action
	not catalog[name].tier
	names := [known | some known, entry in catalog; is_object(entry)]
}
