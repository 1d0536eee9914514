package changegate.rules.names_test

import data.changegate.rules.names

test_a_look_alike_denies if {
	look_alike := {"pointer": "/actions/0/target", "name": "cdN", "known": "cdn"}
	some finding in names.findings with input as {"look_alikes": [look_alike]}
	finding.code == "names/look-alike"
	finding.pointer == "/actions/0/target"
}

test_without_one_nothing_is_found if {
	names.findings == set() with input as {"look_alikes": []}
}
