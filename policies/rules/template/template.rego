# METADATA
# title: Templates of standard changes
# description: |
#   A standard change is a use of a template: two independent L3 decided once what it does, with which parameters. A
#   use is direct for every level. Everything else holds for it as for any other change.
package changegate.rules.template

import data.changegate.facts

# METADATA
# title: The questions that these rules answer
purposes := {"merge", "execute"}

# What is executed was merged, and what is only planned for another time was: as its template said then.
judged if {
	not facts.executing
	not rescheduled
}

rescheduled if {
	input.change.kind == "amend"
	every pointer in input.change.material {
		startswith(pointer, "/schedule")
	}
}

# METADATA
# title: A standard change without a template
# description: Only a use of a template is a standard change.
# custom:
#   code: template/missing
#   effect: deny
#   rule: "3"
#   help: "name the template that it uses, or write `type: normal`; `changegate template list` shows them"
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "template/missing",
	"effect": "deny",
	"message": "a standard change uses a template, and this one names none",
	"pointer": "/type",
} if {
	judged
	input.request.type == "standard"
	not is_string(object.get(input, ["template", "name"], null))
}

# METADATA
# title: There is no such template
# description: A template is a file below policies/templates on the base.
# custom:
#   code: template/unknown
#   effect: deny
#   rule: "3"
#   help: "`changegate template list` shows the templates"
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "template/unknown",
	"effect": "deny",
	"message": sprintf("there is no template `%s`", [name]),
	"pointer": "/template/name",
} if {
	judged
	name := input.template.name
	is_string(name)
	not input.template.known
}

# METADATA
# title: A parameter has no value that the template takes
# description: The template says which parameters a use has, and which values they may have.
# custom:
#   code: template/parameter
#   effect: deny
#   rule: "3"
#   help: "`changegate template show NAME` shows the parameters"
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "template/parameter",
	"effect": "deny",
	"message": sprintf("the parameter `%s`: %s", [name, why]),
	"pointer": "/template/parameters",
} if {
	judged
	some bad in input.template.parameters
	name := bad.name
	why := bad.why
}

# METADATA
# title: The request isn't what its template says
# description: |
#   A use holds all that its template says, and is of type standard: what its parameters don't change is the same in
#   all uses.
# custom:
#   code: template/differs
#   effect: deny
#   rule: "3"
#   help: write it again with `changegate new --template NAME`, or request a normal change
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "template/differs",
	"effect": "deny",
	"message": sprintf("`%s` isn't what the template %s says", [trim_prefix(pointer, "/"), name]),
	"pointer": pointer,
} if {
	judged
	name := input.template.name
	some pointer in input.template.differs
}

findings contains {
	"code": "template/differs",
	"effect": "deny",
	"message": sprintf("only a standard change uses a template, and this one is %s", [kind]),
	"pointer": "/type",
} if {
	judged
	input.template
	kind := input.request.type
	kind != "standard"
}

findings contains {
	"code": "template/differs",
	"effect": "deny",
	"message": "what leaves the usual script isn't a standard change",
	"pointer": "/off_script",
} if {
	judged
	input.template
	input.request.off_script
}

# METADATA
# title: The risk is higher than the template allows
# description: The catalog, or the request itself, gives the use a higher tier than its template may have.
# custom:
#   code: template/tier
#   effect: deny
#   rule: "3"
#   help: request a normal change; a template says in `tier_at_most` how far it goes
#   controls: [SOC2:CC3.2]
findings contains {
	"code": "template/tier",
	"effect": "deny",
	"message": sprintf("it is of %s risk, and the template %s goes up to %s", [tier, name, most]),
	"pointer": "/template/name",
} if {
	judged
	name := input.template.name
	most := input.template.tier_at_most
	tier := facts.tier
	tier in above[most]
}

above := {
	"low": {"medium", "high", "critical"},
	"medium": {"high", "critical"},
	"high": {"critical"},
	"critical": set(),
}

# METADATA
# title: The template is suspended
# description: |
#   A use that failed, was rolled back or led to an incident suspends its template for new uses until its file is
#   changed. What is merged already may run.
# custom:
#   code: template/suspended
#   effect: deny
#   rule: "3"
#   help: request a normal change, or have the template corrected
#   controls: [SOC2:CC8.1, NIST:CM-3]
findings contains {
	"code": "template/suspended",
	"effect": effect,
	"message": sprintf("the template %s is suspended since %s", [name, concat(" and ", uses)]),
	"pointer": "/template/name",
} if {
	facts.standard
	not rescheduled
	name := input.template.name
	uses := [sprintf("%s %s", [used.change, went[used.result]]) | some used in input.template.suspended_by]
	uses != []
	effect := suspended_effect
}

suspended_effect := "warn" if facts.executing else := "deny"

went := {"failed": "failed", "rolled-back": "was rolled back", "escalated": "led to an incident"}
