package changegate.rules.policy_test

import data.changegate.rules.policy

test_an_overdue_review_warns if {
	messages := {finding.message | some finding in policy.findings} with input as {"overdue_reviews": ["roster"]}
	messages == {"policies/org/roster hasn't been reviewed for longer than the settings allow"}
}
