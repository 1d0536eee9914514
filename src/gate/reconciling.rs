//! Records what reached a base and isn't recorded yet. Where the ledger is kept elsewhere, nothing moves it
//! together with the base, so that each merge is recorded in this way, by who comes first.

use std::thread::sleep;

use anyhow::{Context as _, bail, ensure};

use super::judge::Judges;
use super::merge::signs;
use super::record::{Record, Recorder};
use super::recording::{STRANGER, append, arrived};
use super::signing::end;
use crate::content::{People, short};
use crate::core::record::key::ServiceKey;
use crate::core::record::parts::CollectorKind;
use crate::core::record::seen::Seen;
use crate::core::time::Time;
use crate::forge::git::Git;
use crate::git::{Moved, Oid, Repo, pause};
use crate::ledger::{self, LEDGER, NOBODY, Signer, Tip};

/// The number of attempts while others are recording.
const ATTEMPTS: u32 = 20;

/// What is to be recorded.
pub struct Due {
    /// The end of the ledger.
    tip: Tip,
    /// Who records it.
    who: String,
    /// The records, oldest first.
    pub records: Vec<Record>,
    /// Why the ledger may not be the one that it was.
    pub doubt: Option<String>,
}

/// What was recorded.
pub struct Reconciled {
    /// The number of records.
    pub count: usize,
    /// Why the ledger may not be the one that it was.
    pub doubt: Option<String>,
}

/// Returns what reached the base and isn't recorded, as far as the ledger is known here, to be recorded by
/// the user, or by the service with a `key`.
///
/// # Errors
/// When there is no ledger, the user isn't in the roster, or the repository can't be read.
pub fn due(git: &Git, judges: &Judges, key: Option<&ServiceKey>, now: Time) -> anyhow::Result<Due> {
    let tip = end(git, judges)?;
    let tip = tip.with_context(|| {
        format!("there is no branch {LEDGER}: begin the ledger with `changegate init --ledger`")
    })?;
    ensure!(
        !tip.is_of_github(),
        "the ledger is written on GitHub, where reviews are: record there, with `changegate sweep --repo \
         OWNER/NAME`"
    );
    let base = git.base()?;
    let doubt = match git.branches.ledger_elsewhere() {
        Some(_) => doubt(git.repo(), base, tip.commit)?,
        None => None,
    };
    let who = match key {
        Some(_) => NOBODY.to_owned(),
        None => {
            let judge = judges.at(git.repo(), base)?;
            let email = git.branches.program().email()?;
            let people = People::of(&judge.bundle().org.roster);
            people.with_email(&email).with_context(|| format!("{email} {STRANGER}"))?.to_string()
        }
    };
    let (mut records, _) = arrived(git, judges, &tip, base, Recorder { who: &who, at: now })?;
    if key.is_some() {
        for record in &mut records {
            record.statement.predicate.collector.kind = CollectorKind::Server;
        }
    }
    Ok(Due { tip, who, records, doubt })
}

/// Returns what is wrong if a ledger doesn't continue the one that the maker of the newest merge saw. No hook
/// compares them where it is kept elsewhere, and anyone who merges can write what isn't true, so that it stops
/// nothing.
fn doubt(repo: &Repo, base: Oid, ledger: Oid) -> anyhow::Result<Option<String>> {
    for commit in repo.first_parents(base)? {
        let Some(seen) = Seen::in_message(&repo.commit(commit)?.message) else { continue };
        let (size, short) = (seen.size, short(commit));
        let is_so = ledger::seen_at(repo, ledger, size)? == Some(seen);
        return Ok((!is_so).then(|| {
            format!(
                "{short} names a ledger of {size} entries that this one never was: that isn't true, or the \
                 ledger was rewound or rewritten; `changegate audit verify` in a clone that has seen it says \
                 which, and how to put it back"
            )
        }));
    }
    Ok(None)
}

/// Records what reached the base and isn't recorded.
///
/// # Errors
/// As [`due`], and when the ledger can't be reached or takes nothing from the user.
pub fn reconcile(
    git: &Git,
    judges: &Judges,
    key: Option<&ServiceKey>,
    now: Time,
) -> anyhow::Result<Reconciled> {
    for attempt in 0..ATTEMPTS {
        git.branches.refresh_ledger()?;
        let Due { tip, who, records, doubt } = due(git, judges, key, now)?;
        let count = records.len();
        if count == 0 {
            return Ok(Reconciled { count, doubt });
        }
        let judge = judges.at(git.repo(), git.base()?)?;
        let signer = match key {
            Some(key) => Signer::Service(key),
            None => Signer::person(&who, signs(git, &judge.bundle().org)),
        };
        let moves = append(git, judges, Some(&tip), records, signer)?;
        match git.branches.put_all(&moves)? {
            Moved::Yes => return Ok(Reconciled { count, doubt }),
            // What others have recorded in the meantime needs no record of ours.
            Moved::Lost(_) => sleep(pause(attempt)),
            Moved::Refused(why) => bail!("the server rejected the entries:\n{why}"),
        }
    }
    bail!("the ledger changed during every attempt")
}
