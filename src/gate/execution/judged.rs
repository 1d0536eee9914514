//! Whether the policies approve an event of the operations log: the hook asks when one arrives, and audits
//! ask once more, as of then.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};

use super::begin::{Place, begin as made};
use super::close::{may_close_by_itself, needs_nothing_more};
use super::record::debtor;
use super::{Attempt, Known, Route, Said};
use crate::core::input::debtor as debtor_of;
use crate::core::operations::authorize::{Approved, Steps};
use crate::core::operations::event::{About, Event, Head};
use crate::core::operations::kinds::{Begin, Outcome, ProvenBy, What};
use crate::core::org::{Offline, Org};
use crate::core::policy::Requirement;
use crate::core::request::OutcomeResult;
use crate::core::terms::{TicketId, Verdict};
use crate::forge::git::{Git, Moment};
use crate::gate::judge::Judges;
use crate::gate::recording::tip;
use crate::git::JUDGED_AGAIN;
use crate::ledger::{object_id, oid};
use crate::operations::Log;
use crate::report::one_line;

const ONLINE: &str = "only an emergency under break-glass or a rollback is executed offline";

/// Checks that the policies approve a beginning, on what the log held before it, and that it says what
/// follows from that: others rely on it. Of what may be recorded offline, nothing more is asked: it
/// happened. An outcome that nobody said is taken where it follows by itself.
///
/// # Errors
/// Why not, or when the repository can't be read.
pub fn is_approved(git: &Git, judges: &Judges, event: &Event, log: &Log<'_>) -> anyhow::Result<()> {
    let head = event.head();
    let judge = judges.at(git.repo(), git.base()?)?;
    let org = &judge.bundle().org;
    let id = match (event.about(), event.what()) {
        (Some(About::Change(id)), _) => id,
        (Some(About::Incident(id)), What::Begin(begin)) => {
            ensure!(!head.offline, "{ONLINE}");
            let [step] = &begin.steps[..] else { bail!("one thing is read at a time") };
            let steps = Steps::Named(step.action.clone(), step.target.clone());
            let known = Known::of_incident(log, id, &steps, org)?;
            let known = known.context("the operations log has no such incident")?;
            return follows((git, judges, log), &known, steps, (begin, head), org);
        }
        _ => return Ok(()),
    };
    let known = |route: &Route| {
        let life = log.life(About::Change(id))?;
        Known::of((git, None), judges, (Some(log), life), (id, route), head.at)
    };
    let begin = match event.what() {
        What::Begin(begin) => begin,
        What::Record(it) => {
            let known = known(&Route::Merged)?;
            let owed = debtor(&known, org, it);
            ensure!(
                owed == it.debtor && known.head().map(object_id) == it.open,
                "somebody else owes sign-offs for it, or nobody: record it with this version of changegate"
            );
            return Ok(());
        }
        What::Outcome(it) => {
            return closes(git, judges, (it, head), (&known(&Route::Merged)?, org), log);
        }
        _ => return Ok(()),
    };
    let route = match begin.approval.proof {
        ProvenBy::Open => Route::BreakGlass,
        _ => Route::Merged,
    };
    let known = known(&route)?;
    if head.offline {
        let emergency = known.request().and_then(|request| request.emergency.as_ref());
        let breaks_glass = emergency.is_some_and(|it| it.break_glass);
        ensure!(
            org.settings.execution.offline == Offline::Emergency
                && (begin.rollback || breaks_glass),
            "{ONLINE}: say what happened with `changegate record --help`"
        );
        return match begin.rollback {
            true => Ok(()),
            false => owes(git, judges, (begin, head), (id, org), log),
        };
    }
    let steps = Steps::Numbers(begin.steps.iter().filter_map(|step| step.number).collect());
    follows((git, judges, log), &known, steps, (begin, head), org)
}

/// Checks that the policies approve a beginning online, and that it says what follows from that.
fn follows(
    (git, judges, log): (&Git, &Judges, &Log<'_>),
    known: &Known,
    steps: Steps,
    (begin, head): (&Begin, &Head),
    org: &Org,
) -> anyhow::Result<()> {
    let attempt = Attempt {
        steps,
        rollback: begin.rollback,
        parameters: BTreeMap::new(),
        expected: None,
        by: head.by.clone(),
        on_behalf: head.on_behalf.clone(),
        contributed: false,
        is_proven: true,
    };
    let at = (head.at, None);
    let decision = known.ask(git, judges, Some(log), &attempt, at)?.decision;
    let asked = match attempt.steps.named() {
        Some((action, target)) => format!("{} --action {action} --target {target}", known.id),
        None => known.id.to_string(),
    };
    ensure!(
        decision.verdict == Verdict::Approved,
        "it is {}: {}\nrun `changegate authorize {asked}` for details",
        decision.verdict,
        one_line(&decision)
    );
    let place = Place {
        host: begin.host.clone(),
        url: begin.url.clone(),
        command: begin.command.clone(),
        nonce: begin.nonce.clone(),
    };
    let made = made(known, &attempt, &decision, (org, head.at), &place);
    let mut expected = made.map(|made| Begin { lease_until: begin.lease_until, ..made });
    if let (Some(expected), Approved::By(approval)) = (&mut expected, &known.approved)
        && approval.sign_off.reviews.is_empty()
    {
        // Where the evidence was erased since, the ledger says who signed off, and not when.
        let signers: Vec<_> =
            approval.sign_off.required.iter().flat_map(|it| &it.satisfied_by).collect();
        let signed = &begin.approval.signed_by;
        if signed.iter().all(|login| signers.contains(&login)) {
            expected.approval.signed_by.clone_from(signed);
        }
    }
    ensure!(
        expected.as_ref() == Some(begin)
            && head.policies.as_ref() == Some(&decision.digests.policies),
        "it says something else than follows from the request and its approval: begin with `changegate \
         begin {asked}`"
    );
    Ok(())
}

/// Checks that what was executed offline owes what follows from its request: at least what its approval
/// lacked, by whom and until when. It may owe more, where a review couldn't be known.
fn owes(
    git: &Git,
    judges: &Judges,
    (begin, head): (&Begin, &Head),
    (id, org): (&TicketId, &Org),
    log: &Log<'_>,
) -> anyhow::Result<()> {
    let commit = begin.approval.at.as_deref().and_then(|commit| git.repo().commit_with_id(commit));
    let moment = Moment { at: head.at, base: oid(&head.base)?, head: commit, reviews: None };
    let then = git.as_of(moment)?;
    let life = log.life(About::Change(id))?;
    let route = match (life.heard.last(), commit) {
        (Some(heard), Some(head)) => Route::Heard { commander: heard.what.who.clone(), head },
        _ => Route::BreakGlass,
    };
    let known = Known::of((&then, None), judges, (Some(log), life), (id, &route), head.at)?;
    // Who acts offline need not know of an earlier execution, which has a debt of its own.
    let due_at = head.at + org.settings.break_glass.due_after;
    let owed = &begin.approval.owed;
    let owes_enough = match &known.approved {
        Approved::By(approval) => {
            let is_owed = |what: &Requirement| owed.iter().any(|it| it.what == *what);
            begin.tier >= approval.tier && approval.owed.iter().all(|it| is_owed(&it.what))
        }
        // Nothing shows what it lacked.
        _ => !owed.is_empty(),
    };
    let debtor = known.request().and_then(|request| debtor_of(Some(request), org));
    ensure!(
        owes_enough
            && owed.iter().all(|it| it.due_at <= due_at)
            && (owed.is_empty() || begin.approval.debtor.as_deref() == debtor),
        "it owes something else than follows from its request: say what happened with `changegate record \
         --help`"
    );
    Ok(())
}

/// Checks that the policies approve an outcome; one that nobody said, where that is allowed.
fn closes(
    git: &Git,
    judges: &Judges,
    (outcome, head): (&Outcome, &Head),
    (known, org): (&Known, &Org),
    log: &Log<'_>,
) -> anyhow::Result<()> {
    let is_successful = outcome.result == OutcomeResult::Successful;
    let is_over = |request| needs_nothing_more(request, org, &known.life, &known.life.done());
    if outcome.automatic && is_successful && known.request().is_some_and(is_over) {
        return Ok(());
    }
    let said = Said {
        outcome,
        incident: head.incident.as_ref(),
        by: &head.by,
        on_behalf: head.on_behalf.as_ref(),
    };
    let decision = known.close(git, judges, log, &said, head.at)?.decision;
    ensure!(
        decision.verdict == Verdict::Approved,
        "it is {}: {}",
        decision.verdict,
        one_line(&decision)
    );
    ensure!(
        !outcome.automatic || is_successful && may_close_by_itself(&decision, org, &known.life),
        "a person has to say how it went: `changegate outcome {} successful`",
        known.id
    );
    ensure!(
        head.policies.as_ref() == Some(&decision.digests.policies),
        "it was judged by other policies than those of {}, so that it {JUDGED_AGAIN}",
        git.base_ref
    );
    Ok(())
}

/// Whether GitHub holds the reviews of open changes, as the ledger says.
fn is_on_github(git: &Git) -> anyhow::Result<bool> {
    Ok(tip(git)?.is_some_and(|tip| tip.is_of_github()))
}

/// Checks an event that a log holds as [`is_approved`] does, as of its own time and by the policies at its
/// base. `log` is what there was before it.
///
/// # Errors
/// As [`is_approved`].
pub fn was_approved(
    git: &Git,
    judges: &Judges,
    event: &Event,
    log: &Log<'_>,
) -> anyhow::Result<()> {
    let head = event.head();
    let open = match event.what() {
        // What a forge knew when it was asked isn't in the repository.
        What::Begin(it) if it.approval.proof == ProvenBy::Forge => return Ok(()),
        What::Begin(it) if it.approval.proof == ProvenBy::Open && is_on_github(git)? => {
            return Ok(());
        }
        What::Begin(it) if it.approval.proof == ProvenBy::Open => it.approval.at.as_deref(),
        _ => None,
    };
    let moment = Moment {
        at: head.at,
        base: oid(&head.base)?,
        head: open.and_then(|commit| git.repo().commit_with_id(commit)),
        reviews: None,
    };
    let judged = |reviews| {
        let then = git.as_of(Moment { reviews, ..moment })?;
        is_approved(&then, judges, event, log)
    };
    judged(None).or_else(|why| {
        // Which reviews were there already, dates alone don't say.
        let Some(about) = event.about() else { return Err(why) };
        let journal = git.journal(&about.to_string())?;
        let about = journal.iter().filter(|entry| moment.is_about(entry.commit.time)).count();
        match (0..=about).any(|reviews| judged(Some(reviews)).is_ok()) {
            true => Ok(()),
            false => Err(why),
        }
    })
}
