//! What comes after a submission.

use crate::cli::shared::here::HereArgs;
use changegate::core::decision::Decision;
use changegate::core::terms::{Effect, Verdict};

/// The code of the finding that a reviewer requested changes.
const OBJECTION: &str = "signoff/changes-requested";

/// The code of an incident that pauses a change.
const PAUSE: &str = "conflict/escalation-pause";

/// Returns what to do next, and until when.
pub fn next(decision: &Decision, id: &str, is_of_policies: bool, here: &HereArgs) -> String {
    let (typed, theirs) = (here.as_typed(), here.for_others());
    let planned = decision.window.as_ref().and_then(|window| window.planned);
    let due_at = decision.sign_off.as_ref().and_then(|sign_off| sign_off.due_at);
    let until = match (planned, due_at) {
        (Some(planned), Some(due)) => Some(planned.start.min(due)),
        (planned, due) => planned.map(|planned| planned.start).or(due),
    };
    let until = until.filter(|until| *until > decision.evaluated_at);
    let until = until.map_or(String::new(), |until| {
        format!(", until {} UTC", until.for_people(Some(decision.evaluated_at)))
    });
    match decision.verdict {
        Verdict::Approved => format!("next: changegate merge {id}{typed}\n"),
        Verdict::Pending => {
            format!(
                "next{until}, by a reviewer that it waits for: changegate review {id}{theirs} --approve\n"
            )
        }
        Verdict::Denied if denies(decision, |code| code == PAUSE) => format!(
            "next, once the incident is resolved: changegate check --branch change/{id}{typed}\n"
        ),
        Verdict::Denied if is_denied(decision) => {
            let policies = if is_of_policies { " --policies" } else { "" };
            format!("next: correct it, then changegate submit {id}{policies}{typed}\n")
        }
        Verdict::Denied => format!(
            "next, by who requested changes: changegate review {id}{theirs} --approve, or \
             changegate review {id}{theirs} --withdraw\n"
        ),
    }
}

/// Returns whether a request is denied for another reason than a reviewer's objection, which an
/// amendment answers.
pub fn is_denied(decision: &Decision) -> bool {
    !denies(decision, |code| [OBJECTION, PAUSE].contains(&code))
}

/// Whether nothing denies it but findings with such a code.
fn denies(decision: &Decision, code: impl Fn(&str) -> bool) -> bool {
    let mut denying = decision.findings.iter().filter(|it| it.effect == Effect::Deny);
    denying.all(|finding| code(&finding.code))
}
