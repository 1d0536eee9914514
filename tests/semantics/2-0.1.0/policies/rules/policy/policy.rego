# METADATA
# title: The policies themselves
package changegate.rules.policy

# METADATA
# title: The review of policy data is overdue
# description: Each table below policies/org has the date of its last review; reviews are due regularly.
# custom:
#   code: policy/review-overdue
#   effect: warn
#   rule: "5"
#   help: "review the table, and write the date into `reviewed:`"
#   controls: [SOC2:CC5.3]
findings contains {
	"code": "policy/review-overdue",
	"effect": "warn",
	"message": sprintf("policies/org/%s hasn't been reviewed for longer than the settings allow", [name]),
} if {
	some name in input.overdue_reviews
}
