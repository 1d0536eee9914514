# METADATA
# title: After the change
# description: The outcome of a change is recorded by a later change of the same file.
package changegate.rules.outcome

# METADATA
# title: Outcomes can't be recorded yet
# description: |
#   Execution, outcome and cancellation are judged by rules of their own, which need the record of
#   merged changes. This version has neither, so it refuses what it can't judge.
# custom:
#   code: outcome/record
#   effect: deny
#   rule: "8"
#   help: leave it out; a new request has no outcome
findings contains {
	"code": "outcome/record",
	"effect": "deny",
	"message": sprintf("`%s` records the outcome of a change, which this version can't judge yet", [field]),
	"pointer": sprintf("/%s", [field]),
} if {
	some field in ["execution", "verification_result", "outcome", "escalation", "cancelled"]
	input.request[field]
}
