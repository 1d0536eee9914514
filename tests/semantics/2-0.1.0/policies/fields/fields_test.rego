package changegate.fields_test

import data.changegate.fields

test_a_section_and_a_field_make_the_pointer if {
	fields.missing("/impact", "users") == {
		"code": "request/missing",
		"effect": "deny",
		"message": "a request says what users notice",
		"help": "fill in `impact.users:`, with \"none\" if that is so",
		"pointer": "/impact/users",
	}
}
