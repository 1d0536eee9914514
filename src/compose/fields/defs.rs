//! The table itself, in the order of a written file.

use super::Kind::*;
use super::{Field, Flag, Group, Kind};

const WHAT: Group = Group(1, "What and why");
const WHY: Group = Group(2, WHAT.1);
const IMPACT: Group = Group(3, "Impact");
const SCHEDULE: Group = Group(4, "Schedule");
const ROLLBACK: Group = Group(5, "Rollback");
const VERIFICATION: Group = Group(6, "Verification");
const EMERGENCY: Group = Group(7, "Emergencies");
const OFF_SCRIPT: Group = Group(8, "Off-script changes");

/// The fields of a request.
pub static FIELDS: &[Field] = &[
    field("ticket", "/id", WHAT, Ticket)
        .asked(5, "the ticket number, which is also the file's name")
        .flag("id", "The ticket number; the next free one if left out"),
    field("type", "/type", WHAT, Type)
        .about("standard (routine), normal or emergency (answers a P1 or P2 incident)")
        .flag("type", "The kind of change"),
    part("/template/name", WHAT, Text).given_by("--template NAME"),
    part("/template/parameters", WHAT, Text).given_by("--set NAME=VALUE"),
    field("summary", "/summary", WHY, Text)
        .asked(9, "what is going to be done, in one line")
        .flag("summary", "What is going to be done, in one line"),
    field("reason", "/reason", WHY, Text)
        .asked(10, "why it has to be done")
        .flag("reason", "Why it has to be done"),
    field("description", "/description", WHY, Text)
        .asked(16, "what is done, step by step")
        .flag("description", "A longer text; needed when off-script"),
    part("/requester", WHY, Login)
        .asked(6, "who asks: the forge login of the person who submits the request")
        .flag("requester", "Who asks; the person of the roster with git's user.email if left out"),
    field("implementer", "/implementer", WHY, Login)
        .about("who performs the change; the requester if left out")
        .flag("implementer", "Who performs the change; the requester if left out"),
    field("actions", "/actions", WHAT, Actions)
        .asked(7, "what is done, to what; the highest risk among the actions counts")
        .flag(
            "action",
            "What is done to what, such as restart-pods:checkout-web; parameters follow as \
             ,NAME=VALUE",
        ),
    part("/actions/-/action", WHAT, Text),
    part("/actions/-/target", WHAT, Text),
    field("tier", "/risk", WHY, Tier)
        .asked(8, "a higher risk than the catalog says, never a lower one")
        .flag("tier", "A higher risk tier than the catalog's"),
    field("services", "/impact/services", IMPACT, Services)
        .asked(11, "the affected services, by their names in the roster")
        .flag(
            "service",
            "An affected service; those that the roster maps the targets to if left out",
        ),
    field("users", "/impact/users", IMPACT, Text)
        .asked(12, "what users notice; `none` if that is so")
        .flag("users", "What users notice"),
    field("operations", "/impact/operations", IMPACT, Text)
        .asked(13, "what operations have to do or know; `none` if that is so")
        .flag("operations", "What operations have to do or know"),
    field("incident", "/emergency/incident", EMERGENCY, Incident)
        .asked(1, "the ticket of the incident that the change answers")
        .flag("incident", "The incident's ticket; makes the change an emergency")
        .flag_of(Incident, "emergency", "The same as --incident"),
    field("severity", "/emergency/severity", EMERGENCY, Severity)
        .asked(2, "how severe the incident is; the emergency route is open for P1 and P2")
        .flag("severity", "How severe the incident is"),
    field("why_now", "/emergency/why_now", EMERGENCY, Text)
        .asked(3, "why the change can't wait for a deployment window")
        .flag("why-now", "Why the change can't wait"),
    field("break_glass", "/emergency/break_glass", EMERGENCY, Tick)
        .about("whether it is executed first and signed off within 24 hours")
        .flag(
            "break-glass",
            "Execute it once the incident commander approved, and sign it off within 24 hours",
        ),
    // A request that isn't an emergency must not have this part: what is asked for is its type.
    part("/emergency", EMERGENCY, Type)
        .asked(4, "only an emergency answers an incident")
        .given_by("--type TYPE")
        .comment(""),
    field("start", "/schedule/start", SCHEDULE, Time)
        .asked(26, "when the change is planned to begin, such as 2026-11-24T22:00:00Z")
        .flag("start", "When the change begins, RFC 3339"),
    field("end", "/schedule/end", SCHEDULE, End)
        .asked(27, "how long it takes, such as 1h30m; or --end TIME")
        .given_by("--duration LENGTH")
        .comment("when it is over; monitoring may run on")
        .flag_of(Time, "end", "When it is over")
        .flag_of(Duration, "duration", "How long it takes, such as 1h30m, instead of its end"),
    part("/schedule", SCHEDULE, Time)
        .asked(28, "when the change is planned to run")
        .given_by("--start TIME")
        .comment(""),
    field("rollback_steps", "/rollback/steps", ROLLBACK, Steps)
        .asked(21, "how to undo the change, in order")
        .flag("rollback-step", "A step to undo the change; repeat it in the order of the steps"),
    field("rollback_trigger", "/rollback/trigger", ROLLBACK, Text)
        .about("what is seen when the rollback has to be done")
        .flag("rollback-trigger", "What is seen when the rollback has to be done"),
    field("rollback_owner", "/rollback/owner", ROLLBACK, Owner)
        .asked(22, "who performs the rollback, with the level that the catalog asks for")
        .flag("rollback-owner", "Who performs the rollback"),
    field("monitor", "/verification/monitor", VERIFICATION, Length)
        .asked(23, "how long the service is watched afterwards")
        .flag("monitor", "How long the service is watched afterwards, 15m or more"),
    field("health_checks", "/verification/health_checks", VERIFICATION, Texts)
        .asked(24, "the health checks that have to pass afterwards")
        .flag("health-check", "A health check that has to pass"),
    field("error_rates", "/verification/error_rates", VERIFICATION, Texts)
        .asked(25, "where the error rates are read, before and after")
        .flag("error-rate", "Where error rates are read"),
    part("/off_script", OFF_SCRIPT, Presence).flag(
        "off-script",
        "The change leaves the usual script; --script and --justification say so too",
    ),
    field("script", "/off_script/script", OFF_SCRIPT, Text)
        .asked(14, "the usual script, which isn't followed")
        .flag("script", "The usual script, which isn't followed"),
    field("justification", "/off_script/justification", OFF_SCRIPT, Text)
        .asked(15, "why the usual script can't be followed")
        .flag("justification", "Why it can't be followed"),
    field("risks", "/risks", OFF_SCRIPT, Risks)
        .asked(17, "what could go wrong, and what is done about it")
        .given_by("--risk TEXT --risk-mitigation TEXT")
        .flag_of(
            Text,
            "risk",
            "What could go wrong; the first of each of the next three belongs to the first risk",
        )
        .flag_of(Text, "risk-mitigation", "What is done about it")
        .flag_of(Rating, "risk-likelihood", "How likely it is")
        .flag_of(Rating, "risk-impact", "How bad it would be"),
    part("/risks/-/risk", OFF_SCRIPT, Text),
    field("business_alignment", "/business_alignment", OFF_SCRIPT, Text)
        .asked(19, "how the change serves the business's goals")
        .flag("business-alignment", "How the change serves the business's goals"),
    field("contingency", "/contingency", OFF_SCRIPT, Text)
        .asked(18, "what is done if the change and its rollback both fail")
        .flag("contingency", "What is done if the change and its rollback both fail"),
    field("approvals", "/approvals", OFF_SCRIPT, Approvals)
        .asked(20, "who has to sign off, on top of what the policies ask for")
        .flag("approval", "A role that has to sign off, or a person as user:LOGIN"),
    field("links", "/links", WHY, Links)
        .about("name to address, such as a dashboard's")
        .flag("link", "A link, such as dashboard=https://…"),
];

/// Returns a field that issue forms ask for by this `id`.
const fn field(id: &'static str, pointer: &'static str, group: Group, kind: Kind) -> Field {
    Field { id: Some(id), ..part(pointer, group, kind) }
}

/// Returns a part of a request that issue forms don't ask for by itself.
const fn part(pointer: &'static str, group: Group, kind: Kind) -> Field {
    Field {
        pointer,
        id: None,
        group,
        kind,
        about: "",
        asked: None,
        comment: None,
        usage: None,
        flags: [None; 4],
    }
}

impl Field {
    const fn about(self, about: &'static str) -> Self {
        Field { about, ..self }
    }

    const fn asked(self, position: u8, about: &'static str) -> Self {
        Field { asked: Some(position), about, ..self }
    }

    const fn comment(self, comment: &'static str) -> Self {
        Field { comment: Some(comment), ..self }
    }

    const fn given_by(self, usage: &'static str) -> Self {
        Field { usage: Some(usage), ..self }
    }

    const fn flag(self, name: &'static str, help: &'static str) -> Self {
        self.flag_of(self.kind, name, help)
    }

    const fn flag_of(mut self, kind: Kind, name: &'static str, help: &'static str) -> Self {
        let mut next = 0;
        while self.flags[next].is_some() {
            next += 1;
        }
        self.flags[next] = Some(Flag { name, kind, help });
        self
    }
}
