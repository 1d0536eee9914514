//! What was done with each change by the operations log, in short.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use crate::core::metrics::{Account, Escalation, Run};
use crate::core::operations::event::About;
use crate::core::operations::kinds::{EndResult, ProvenBy, Step};
use crate::core::operations::life::Life;
use crate::core::request::OutcomeResult;
use crate::core::terms::{Name, TicketId};
use crate::core::time::{Interval, Time};
use crate::operations::Log;

/// The name under which it is kept.
const LIVES: &str = "lives";

/// What was done with a change.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Lived {
    runs: Vec<Run>,
    /// The numbers of the steps that were done once.
    done: BTreeSet<u32>,
    outcome: Option<(OutcomeResult, Time)>,
    cancelled_at: Option<Time>,
    escalated: Vec<(TicketId, Time)>,
    waived: Vec<Time>,
    /// Whether it rests on more than its own file: on when incidents were open.
    #[serde(skip)]
    is_offline: bool,
}

impl Lived {
    fn of(life: &Life) -> Self {
        let actions = |steps: &[Step]| -> Vec<Name> {
            steps.iter().map(|step| step.action.clone()).collect()
        };
        let executed = life.executions.iter().filter(|it| !it.is_void).map(|it| {
            // When one ended of which nobody knows how isn't known either.
            let known = it.end.as_ref().filter(|end| end.what.result != EndResult::Unknown);
            let (begin, end) = (&it.begin.what, known);
            Run {
                began_at: it.begin.head.at,
                ended_at: end.map(|end| end.head.at),
                result: it.result(),
                rollback: begin.rollback,
                recorded: false,
                around: false,
                break_glass: begin.approval.proof == ProvenBy::Open,
                offline: it.begin.head.offline,
                overran: end.and_then(|end| end.what.overran),
                actions: actions(&begin.steps),
            }
        });
        let recorded = life.counting().map(|it| Run {
            began_at: it.what.started_at,
            ended_at: Some(it.what.ended_at),
            result: Some(it.what.result),
            rollback: it.what.rollback,
            recorded: true,
            around: it.what.debtor.is_some(),
            break_glass: false,
            offline: it.head.offline,
            overran: None,
            actions: actions(&it.what.steps),
        });
        let mut runs: Vec<_> = executed.chain(recorded).collect();
        let done = |result, rollback: bool| result == Some(EndResult::Done) && !rollback;
        let executed = life.executions.iter().filter(|it| !it.is_void);
        let executed = executed.filter(|it| done(it.result(), it.begin.what.rollback));
        let executed = executed.flat_map(|it| &it.begin.what.steps);
        let recorded = life.counting().filter(|it| done(Some(it.what.result), it.what.rollback));
        let steps = executed.chain(recorded.flat_map(|it| &it.what.steps));
        runs.sort_by_key(|run| run.began_at);
        Lived {
            runs,
            done: steps.filter_map(|step| step.number).collect(),
            outcome: life.outcome.as_ref().map(|it| (it.what.result, it.head.at)),
            cancelled_at: life.cancelled.as_ref().map(|it| it.head.at),
            escalated: life.escalated.iter().map(|(id, it)| (id.clone(), it.head.at)).collect(),
            waived: life.waived().map(|debt| debt.due_at).collect(),
            is_offline: !life.out_of_turn.is_empty() || life.is_offline(),
        }
    }

    /// Whether anything was executed in an interval. Of what hasn't ended nobody knows how long it goes on.
    pub(super) fn was_executed_in(&self, interval: &Interval) -> bool {
        let is_in = |run: &Run| {
            let has_ended = run.ended_at.is_some_and(|end| end < interval.start);
            run.began_at < interval.end && !has_ended
        };
        self.runs.iter().any(is_in)
    }

    /// Adds it to the account of its change, which has so many steps, if that is known.
    pub(super) fn add_to(self, account: Account, steps: Option<usize>) -> Account {
        let escalation =
            |(incident, at): (TicketId, Time)| Escalation { incident, at, resolved_at: None };
        Account {
            undone: steps.map_or(0, |steps| steps.saturating_sub(self.done.len())),
            runs: self.runs,
            outcome: self.outcome,
            cancelled_at: self.cancelled_at,
            escalated: self.escalated.into_iter().map(escalation).collect(),
            waived: self.waived,
            ..account
        }
    }
}

/// Returns what was done with each change, by their ids.
///
/// # Errors
/// When the log can't be read.
pub(super) fn read(
    log: Option<&Log<'_>>,
    kept: Option<&Kept>,
) -> anyhow::Result<HashMap<String, Lived>> {
    let Some(log) = log else { return Ok(HashMap::new()) };
    let known = kept.and_then(|kept| kept.read::<HashMap<String, Lived>>(LIVES));
    let mut known = known.unwrap_or_default();
    let (mut lives, mut new, mut is_new) = (HashMap::new(), HashMap::new(), false);
    for (name, file) in log.held().change_files()? {
        let file = file.to_string();
        let lived = match known.remove(&file) {
            Some(lived) => lived,
            None => {
                let Ok(id) = name.parse::<TicketId>() else { continue };
                is_new = true;
                Lived::of(&log.life(About::Change(&id))?)
            }
        };
        if kept.is_some() && !lived.is_offline {
            new.insert(file, lived.clone());
        }
        lives.insert(name, lived);
    }
    if let Some(kept) = kept.filter(|_| is_new || !known.is_empty()) {
        kept.write(LIVES, &new);
    }
    Ok(lives)
}
