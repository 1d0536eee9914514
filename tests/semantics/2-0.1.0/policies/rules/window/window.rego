# METADATA
# title: Deployment windows and freezes
# description: |
#   The whole planned interval lies within one occurrence of one window, outside every freeze.
#   Changes that only read are exempt; emergencies have a route of their own. When something is
#   executed, the windows and freezes of that moment count: they may have changed since.
package changegate.rules.window

import data.changegate.facts

# METADATA
# title: The questions that these rules answer
purposes := {"merge", "execute"}

# The windows that accept the tier and contain the planned interval.
fitting := [window.name |
	some window in input.calendar.windows
	window.fits
	facts.tier in window["for"]
]

next_opening_help(tier) := sprintf("the next opening that fits is %s", [first]) if {
	openings := {sprintf("%s to %s (%s)", [window.next_opening.start, window.next_opening.end, window.name]) |
		some window in input.calendar.windows
		tier in window["for"]
		window.next_opening != null
	}
	first := min(openings)
} else := "no window opens for that long in the coming year: plan a shorter change, or split it"

# METADATA
# title: Outside every window
# description: Outside every window only the emergency route is available.
# custom:
#   code: window/closed
#   effect: deny
#   rule: "5"
#   help: move the schedule into a window; in a P1 or P2 incident, use type emergency
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "window/closed",
	"effect": "deny",
	"message": sprintf("no window for %s risk contains all of %s to %s", [tier, start, end]),
	"help": help,
	"pointer": "/schedule",
} if {
	not facts.executing
	fitting == []
	input.request.type != "emergency"
	not facts.exempt
	not facts.reactive
	start := input.calendar.planned.start
	end := input.calendar.planned.end
	tier := facts.tier
	help := next_opening_help(tier)
}

findings contains {
	"code": "window/closed",
	"effect": "deny",
	"message": sprintf("no window for %s risk is open now", [tier]),
	"help": help,
	"pointer": "/schedule",
} if {
	facts.advancing
	facts.due
	facts.open_windows == []
	not facts.emergency
	not facts.exempt
	not facts.reactive
	tier := facts.tier
	help := next_opening_help(tier)
}

# METADATA
# title: Inside a freeze
# description: In a freeze only P1 incident response goes out, with the incident commander's approval.
# custom:
#   code: window/freeze
#   effect: deny
#   rule: "5"
#   help: move the schedule past the freeze; in a P1 incident, use type emergency
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "window/freeze",
	"effect": "deny",
	"message": sprintf("the freeze %s lasts until %s, and only P1 incident response goes out until then", [name, end]),
	"help": help,
	"pointer": "/schedule",
} if {
	not facts.settling
	some freeze in freezes
	not answers_p1
	not facts.exempt
	name := freeze.name
	end := freeze.end
	help := next_opening_help(facts.tier)
}

# The freezes that count: those that the plan touches; of an execution, those that go on.
freezes contains freeze if {
	not facts.executing
	some freeze in input.calendar.freezes
	freeze.overlaps
}

freezes contains freeze if {
	facts.advancing
	facts.due
	some freeze in input.calendar.now.freezes
}

answers_p1 if {
	facts.emergency
	facts.severity == "P1"
}

# METADATA
# title: Another window is preferred
# description: High and critical changes should run off-peak; the standard window accepts them with a warning.
# custom:
#   code: window/not-preferred
#   effect: warn
#   rule: "5"
#   help: move the schedule into a preferred window if it can wait
findings contains {
	"code": "window/not-preferred",
	"effect": "warn",
	"message": sprintf("%s-risk changes should run in %s, but this one is planned in %s", [
		tier,
		concat(" or ", preferred),
		concat(" and ", fitting),
	]),
	"pointer": "/schedule",
} if {
	not facts.executing
	input.request.type != "emergency"
	fitting != []
	tier := facts.tier
	preferred := [window.name | some window in input.calendar.windows; tier in window.preferred_for]
	preferred != []
	every name in fitting {
		not name in preferred
	}
}

# METADATA
# title: The planned start has passed without all sign-offs
# description: |
#   If the planned start passes without all sign-offs, the change is denied; a later approval lifts
#   that until the planned end. Under break-glass the incident commander's approval is enough, for which the
#   change is pending.
# custom:
#   code: window/past
#   effect: deny
#   rule: "5"
#   help: get the missing sign-offs before the planned end, or reschedule
#   controls: [SOC2:CC8.1]
findings contains {
	"code": "window/past",
	"effect": "deny",
	"message": sprintf("the planned start %s has passed without all sign-offs", [input.calendar.planned.start]),
	"help": help,
	"pointer": "/schedule/start",
	"signed": false,
} if {
	not facts.breaks_glass
	input.calendar.planned.start <= input.now
	help := past_help(input.calendar.planned.end)
}

past_help(end) := sprintf("get the missing sign-offs before %s, or reschedule", [end]) if {
	end > input.now
} else := "the planned end has passed, too: reschedule"

# METADATA
# title: The planned end has passed
# description: An approved change whose planned end has passed counts as expired until it is rescheduled.
# custom:
#   code: window/expired
#   effect: deny
#   rule: "5"
#   help: reschedule; a new schedule needs the sign-offs again
findings contains {
	"code": "window/expired",
	"effect": "deny",
	"message": sprintf("the planned end %s has passed", [input.calendar.planned.end]),
	"pointer": "/schedule/end",
	"signed": true,
} if {
	not facts.executing
	not facts.settling
	input.calendar.planned.end <= input.now
}

findings contains {
	"code": "window/expired",
	"effect": "deny",
	"message": sprintf("the planned end %s has passed", [end]),
	"help": help,
	"pointer": "/schedule/end",
} if {
	facts.advancing
	facts.over
	end := input.calendar.planned.end
	help := expired_help
}

expired_help := "record what came of it, and request the rest as a new change" if {
	input.operations.own.begun
} else := sprintf("reschedule it: %s", [next_opening_help(facts.tier)])

# METADATA
# title: The quarter's freezes aren't announced
# description: Freezes are announced quarterly; in a quarter that isn't listed as announced, one may still come.
# custom:
#   code: window/freeze-unannounced
#   effect: warn
#   rule: "5"
#   help: a freeze may still be announced; have the quarter added to policies/org/freezes
findings contains {
	"code": "window/freeze-unannounced",
	"effect": "warn",
	"message": sprintf("the freezes of %s aren't announced yet", [quarter]),
	"pointer": "/schedule",
} if {
	not facts.executing
	some quarter in input.calendar.unannounced
}
