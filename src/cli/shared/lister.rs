//! What the verbs that look at changes read first: stories, executions and records, each once.

use super::caches::kept;
use super::here::HereArgs;
use super::judges::judges;
use super::logs;
use changegate::changes::entry::Lister;
use changegate::changes::progress::Executions;
use changegate::changes::records::Records;
use changegate::changes::story::Stories;
use changegate::core::org::Org;
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::gate::Gate;
use changegate::gate::judge::{Judge, Judges};

/// What is read before the records.
pub struct Read<'a> {
    pub judges: &'a Judges,
    pub org: &'a Org,
    pub stories: &'a Stories<'a>,
    pub executions: &'a Executions<'a>,
}

/// Reads them as of a time, the records by `records`, and looks with the policies at the base.
///
/// # Errors
/// When the repository can't be read, or looking fails.
pub fn with_lister<R>(
    (git, here): (&Git, &HereArgs),
    now: Time,
    records: impl FnOnce(Read<'_>) -> anyhow::Result<Records>,
    look: impl FnOnce(&Lister<'_>, &Judge) -> anyhow::Result<R>,
) -> anyhow::Result<R> {
    let judges = judges()?;
    let gate = Gate::new(git.repo(), git, judges.clone());
    let judge = judges.at(git.repo(), git.base()?)?;
    let org = &judge.bundle().org;
    git.survey_others();
    let stories = Stories::of(git, org, kept(git))?;
    let executions = logs::executions(git, org, here, now)?;
    let (judges, stories, executions) = (&judges, &stories, &executions);
    let records = records(Read { judges, org, stories, executions })?;
    let lister = Lister {
        git,
        gate: &gate,
        stories,
        records: &records,
        executions,
        org,
        now,
        most_names: usize::MAX,
    };
    look(&lister, &judge)
}
