# METADATA
# title: The policies themselves
package changegate.rules.policy

# METADATA
# title: Policy data haven't been reviewed for long
# description: Each table below policies/org says when it was last reviewed; that is to be done regularly.
# custom:
#   code: policy/review-overdue
#   effect: warn
#   rule: "5"
#   help: "have it reviewed and write the day into `reviewed:`"
#   controls: [SOC2:CC5.3]
findings contains {
	"code": "policy/review-overdue",
	"effect": "warn",
	"message": sprintf("policies/org/%s hasn't been reviewed for longer than the settings allow", [name]),
} if {
	some name in input.overdue_reviews
}
