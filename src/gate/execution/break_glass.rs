//! What approves an open change under break-glass: the incident commander, and a valid form. The sign-offs
//! that are missing then are owed.

use super::{Known, Route};
use crate::core::decision::{Decision, Finding, Required};
use crate::core::operations::authorize::Approval;
use crate::core::operations::kinds::{Owed, ProvenBy};
use crate::core::operations::life::Life;
use crate::core::org::Org;
use crate::core::policy::Requirement;
use crate::core::request::ChangeRequest;
use crate::core::terms::{Effect, INCIDENT_COMMANDER, Login, Verdict};
use crate::core::time::Time;
use crate::gate::Judgement;
use crate::report::one_line;

/// What no sign-off settles, so that it waits under break-glass, too.
const NOT_OWED: [&str; 2] = ["signoff/pushers-unknown", "signoff/unproven-commit"];

/// The code of the incident commander's missing approval.
const COMMANDER: &str = "emergency/commander";

/// Returns the approval of an open change under break-glass; `None` if something else than sign-offs is
/// missing, or if it doesn't ask for that route.
pub(super) fn approval(
    judgement: &Judgement,
    life: &Life,
    route: &Route,
    now: Time,
) -> Option<Approval> {
    let request = judgement.file.as_ref()?.request.as_ref()?;
    let heard = match route {
        Route::Merged => return None,
        Route::BreakGlass => None,
        Route::Heard { commander, .. } => Some(commander),
    };
    let org = &judgement.bundle().org;
    let decision = &judgement.decision;
    let emergency = request.emergency.as_ref().filter(|it| it.break_glass)?;
    let heard = heard.filter(|who| may_command(who, request, org));
    let waits = |finding: &Finding| match finding.effect {
        Effect::Deny => false,
        Effect::Pending if finding.code == COMMANDER => heard.is_some(),
        Effect::Pending => {
            finding.code.starts_with("signoff/") && !NOT_OWED.contains(&finding.code.as_str())
        }
        Effect::Warn | Effect::Info => true,
    };
    let is_commanded = is_commanded(decision) || heard.is_some();
    if !is_commanded || emergency.incident.is_none() || !decision.findings.iter().all(waits) {
        return None;
    }
    let first = life.broke_glass().map_or(now, |it| it.begin.head.at);
    let due_at = first + org.settings.break_glass.due_after;
    let owed = decision.missing().map(|it| Owed { what: it.what.clone(), due_at }).collect();
    let at = Some(judgement.pull.head.to_string());
    let mut approval = Approval { owed, ..Approval::of(decision, ProvenBy::Open, at, true)? };
    let commander = approval.sign_off.required.iter_mut().find(|it| is_commander(it));
    if let (Some(commander), Some(heard)) = (commander, heard) {
        // The word of who acts stands in for the commander's own, who still owes it.
        commander.satisfied_by.get_or_insert_with(|| heard.clone());
    }
    Some(approval)
}

impl Known {
    /// Returns why the change is denied as it stands, in one line, if it is open and denied.
    pub fn why_denied(&self) -> Option<String> {
        let decision = &self.open_change.as_ref()?.decision;
        (decision.verdict == Verdict::Denied).then(|| one_line(decision))
    }
}

/// Whether an open change waits for the incident commander.
pub(super) fn awaits_commander(judgement: &Judgement) -> bool {
    let is_it = |finding: &Finding| finding.code == COMMANDER && finding.effect == Effect::Pending;
    judgement.decision.findings.iter().any(is_it)
}

fn is_commanded(decision: &Decision) -> bool {
    let sign_off = decision.sign_off.iter();
    let mut required = sign_off.flat_map(|sign_off| &sign_off.required);
    required.any(|it| is_commander(it) && it.satisfied_by.is_some())
}

fn is_commander(required: &Required) -> bool {
    required.what == Requirement::Commander
}

/// Whether somebody commands incidents, and has no other part in the change.
pub fn may_command(who: &Login, request: &ChangeRequest, org: &Org) -> bool {
    let person = org.roster.people.get(who);
    person.is_some_and(|it| it.roles.iter().any(|role| role.as_str() == INCIDENT_COMMANDER))
        && !request.performers().any(|login| login == who)
}
