//! The fields of the form, in the order in which they are asked for.
//!
//! Which of them a request needs, and whether an answer will do, isn't known here: the policies say
//! it, with findings whose pointers lead to a field.

use crate::core::request::ChangeRequest;

/// A field of the form.
pub struct Field {
    /// A finding about this part of the request, or one below it, is about the field.
    pub pointer: &'static str,
    /// The flag that gives it.
    pub flag: &'static str,
    /// What it is for: in the dialogue, in the list of missing flags, in the file's comments.
    pub about: &'static str,
    /// How it is asked for.
    pub question: Question,
}

/// How a field is asked for.
pub enum Question {
    /// As a line of text.
    Line(fn(&mut ChangeRequest) -> &mut Option<String>),
    /// As several.
    Lines(fn(&mut ChangeRequest) -> &mut Vec<String>),
    /// In its own way.
    Own,
}

/// The field that a finding's pointer leads to.
pub fn at(pointer: &str) -> Option<(usize, &'static Field)> {
    let leads_to = |field: &Field| {
        let rest = pointer.strip_prefix(field.pointer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    FIELDS.iter().enumerate().find(|(_, field)| leads_to(field))
}

/// What a comment in the file says about the part at a pointer.
pub fn comment(pointer: &str) -> Option<&'static str> {
    let own = OWN_COMMENTS.iter().find(|(part, _)| *part == pointer).map(|(_, comment)| *comment);
    let field = || FIELDS.iter().find(|field| field.pointer == pointer).map(|field| field.about);
    own.or_else(field).filter(|comment| !comment.is_empty())
}

/// Comments on parts that nobody is asked for, or in another way; none where it is empty.
const OWN_COMMENTS: [(&str, &str); 8] = [
    ("/type", "standard (routine), normal or emergency (answers a P1 or P2 incident)"),
    ("/implementer", "who performs the change; the requester if left out"),
    ("/emergency", ""),
    ("/emergency/break_glass", "whether it is executed first and signed off within 24 hours"),
    ("/schedule", ""),
    ("/schedule/end", "when it is over; monitoring may run on"),
    ("/rollback/trigger", "what is seen when the rollback has to be done"),
    ("/links", "name to address, such as a dashboard's"),
];

const FIELDS: [Field; 28] = [
    Field {
        pointer: "/emergency/incident",
        flag: "--incident INC-NUMBER",
        about: "the ticket of the incident that the change answers",
        question: Question::Own,
    },
    Field {
        pointer: "/emergency/severity",
        flag: "--severity P1|P2",
        about: "how severe the incident is; the emergency route is open for P1 and P2",
        question: Question::Own,
    },
    Field {
        pointer: "/emergency/why_now",
        flag: "--why-now TEXT",
        about: "why the change can't wait for a deployment window",
        question: Question::Line(|request| &mut request.emergency.get_or_insert_default().why_now),
    },
    Field {
        pointer: "/emergency",
        flag: "--type TYPE",
        about: "only an emergency answers an incident",
        question: Question::Own,
    },
    Field {
        pointer: "/id",
        flag: "--id TICKET",
        about: "the ticket number, which is also the file's name",
        question: Question::Own,
    },
    Field {
        pointer: "/requester",
        flag: "--requester LOGIN",
        about: "who asks: the forge login of whoever submits the request",
        question: Question::Own,
    },
    Field {
        pointer: "/actions",
        flag: "--action ACTION:TARGET",
        about: "what is done, to what; the highest risk among the actions counts",
        question: Question::Own,
    },
    Field {
        pointer: "/risk",
        flag: "--tier TIER",
        about: "a higher risk than the catalog says, never a lower one",
        question: Question::Own,
    },
    Field {
        pointer: "/summary",
        flag: "--summary TEXT",
        about: "what is going to be done, in one line",
        question: Question::Line(|request| &mut request.summary),
    },
    Field {
        pointer: "/reason",
        flag: "--reason TEXT",
        about: "why it has to be done",
        question: Question::Line(|request| &mut request.reason),
    },
    Field {
        pointer: "/impact/services",
        flag: "--service NAME",
        about: "the affected services, by their names in the roster",
        question: Question::Own,
    },
    Field {
        pointer: "/impact/users",
        flag: "--users TEXT",
        about: "what users notice; `none` if that is so",
        question: Question::Line(|request| &mut request.impact.get_or_insert_default().users),
    },
    Field {
        pointer: "/impact/operations",
        flag: "--operations TEXT",
        about: "what operations have to do or know; `none` if that is so",
        question: Question::Line(|request| &mut request.impact.get_or_insert_default().operations),
    },
    Field {
        pointer: "/off_script/script",
        flag: "--script TEXT",
        about: "the usual script, which isn't followed",
        question: Question::Line(|request| &mut request.off_script.get_or_insert_default().script),
    },
    Field {
        pointer: "/off_script/justification",
        flag: "--justification TEXT",
        about: "why the usual script can't be followed",
        question: Question::Line(|request| {
            &mut request.off_script.get_or_insert_default().justification
        }),
    },
    Field {
        pointer: "/description",
        flag: "--description TEXT",
        about: "what is done, step by step",
        question: Question::Line(|request| &mut request.description),
    },
    Field {
        pointer: "/risks",
        flag: "--risk TEXT --risk-mitigation TEXT",
        about: "what could go wrong, and what is done about it",
        question: Question::Own,
    },
    Field {
        pointer: "/contingency",
        flag: "--contingency TEXT",
        about: "what is done if the change and its rollback both fail",
        question: Question::Line(|request| &mut request.contingency),
    },
    Field {
        pointer: "/business_alignment",
        flag: "--business-alignment TEXT",
        about: "how the change serves the business's goals",
        question: Question::Line(|request| &mut request.business_alignment),
    },
    Field {
        pointer: "/approvals",
        flag: "--approval ROLE",
        about: "who has to sign off, on top of what the policies ask for",
        question: Question::Own,
    },
    Field {
        pointer: "/rollback/steps",
        flag: "--rollback-step TEXT",
        about: "how to undo the change, in order",
        question: Question::Own,
    },
    Field {
        pointer: "/rollback/owner",
        flag: "--rollback-owner LOGIN",
        about: "who performs the rollback, with the level that the catalog asks for",
        question: Question::Own,
    },
    Field {
        pointer: "/verification/monitor",
        flag: "--monitor LENGTH",
        about: "how long the service is watched afterwards",
        question: Question::Own,
    },
    Field {
        pointer: "/verification/health_checks",
        flag: "--health-check TEXT",
        about: "the health checks that have to pass afterwards",
        question: Question::Lines(|request| {
            &mut request.verification.get_or_insert_default().health_checks
        }),
    },
    Field {
        pointer: "/verification/error_rates",
        flag: "--error-rate TEXT",
        about: "where the error rates are read, before and after",
        question: Question::Lines(|request| {
            &mut request.verification.get_or_insert_default().error_rates
        }),
    },
    Field {
        pointer: "/schedule/start",
        flag: "--start TIME",
        about: "when the change is planned to begin, such as 2026-11-24T22:00:00Z",
        question: Question::Own,
    },
    Field {
        pointer: "/schedule/end",
        flag: "--duration LENGTH",
        about: "how long it takes, such as 1h30m; or --end TIME",
        question: Question::Own,
    },
    Field {
        pointer: "/schedule",
        flag: "--start TIME",
        about: "when the change is planned to run",
        question: Question::Own,
    },
];
