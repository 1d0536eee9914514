# METADATA
# title: Names
# description: Actions, targets, services and roles are compared by their names, letter by letter.
package changegate.rules.names

# METADATA
# title: A name looks like another one
# description: |
#   The name isn't known and differs from a known one only in case, in `-`, `_` and `.`, or in letters
#   that look alike. People would take it for the known one, and rules about that one wouldn't apply.
# custom:
#   code: names/look-alike
#   effect: deny
#   rule: "2"
#   help: write the name that is meant, or choose one that nobody takes for it
#   controls: [SOC2:CC8.1, NIST:CM-3]
findings contains {
	"code": "names/look-alike",
	"effect": "deny",
	"message": sprintf("`%s` isn't known and looks like `%s`", [name, known]),
	"help": sprintf("did you mean `%s`? Otherwise choose a name that nobody takes for it", [known]),
	"pointer": pointer,
} if {
	some found in input.look_alikes
	name := found.name
	known := found.known
	pointer := found.pointer
}
