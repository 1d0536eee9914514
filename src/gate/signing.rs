//! Whether an entry of the ledger is signed by somebody who may sign it. What isn't is passed over like
//! any foreign commit: it counts for nothing, and stops nobody.

use super::judge::Judges;
use super::keys::settings;
use crate::content::People;
use crate::core::org::Org;
use crate::core::record::key::PublicKey;
use crate::core::record::keys::writers;
use crate::core::record::parts::{CollectorKind, ObjectId};
use crate::core::record::seal::Seal;
use crate::core::record::seen::Seen;
use crate::core::record::state::KeysAt;
use crate::core::record::statement::Predicate;
use crate::forge::git::Git;
use crate::git::{Oid, Repo, Signature};
use crate::ledger::{self, LEDGER, NOBODY, Recorded, Tip, oid};

/// Who signed an entry, as far as it shows by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignedBy {
    /// Nobody.
    #[default]
    Nobody,
    /// A person, by the commit.
    Person,
    /// The service with this key.
    Service(PublicKey),
}

/// Returns who signed the commit of an entry, by the organisation data at its base.
///
/// # Errors
/// Why that proves nothing.
pub fn signed_by(
    repo: &Repo,
    org: &Org,
    commit: Oid,
    it: &Predicate,
    seal: Option<&Seal>,
) -> Result<SignedBy, String> {
    let is_person = it.collector.kind == CollectorKind::Person;
    let who = if is_person { it.collector.who.as_str() } else { NOBODY };
    if let Some(seal) = seal {
        return match is_person {
            true => Err(format!("it names {who}, a person, and a service signed it")),
            false => Ok(SignedBy::Service(*seal.key())),
        };
    }
    let people = People::of(&org.roster);
    match repo.signature(commit) {
        Signature::By(key) => match people.with_key(&key) {
            Some(signer) if signer.as_str() == who => Ok(SignedBy::Person),
            Some(signer) => Err(format!("it names {who}, and {signer} signed it")),
            None => Err(format!(
                "it is signed with {}, a key that the roster of then doesn't hold",
                key.fingerprint()
            )),
        },
        Signature::None if org.settings.unsigned_reviews.is_allowed() => Ok(SignedBy::Nobody),
        // On GitHub nobody needs a key. Where people have some, an entry that no one signed could
        // claim the reviews of a forge that there isn't.
        Signature::None if org.roster.people.values().all(|it| it.keys.is_empty()) => {
            Ok(SignedBy::Nobody)
        }
        Signature::None => Err("it isn't signed, so anybody could have made it".to_owned()),
        _ => Err("its signature isn't valid".to_owned()),
    }
}

/// Whether a commit of the ledger holds an entry whose signature counts in its place. With the first
/// entry, a ledger begins, no matter who signed it.
///
/// # Errors
/// When the repository can't be read: of a change of keys the entry before it is needed, too.
pub fn counts(repo: &Repo, judges: &Judges, recorded: &Recorded) -> anyhow::Result<bool> {
    let Ok(entry) = &recorded.entry else { return Ok(false) };
    if entry.index == 0 {
        return Ok(true);
    }
    let (it, state) = (&entry.statement.predicate, &entry.state);
    let base = it.base.as_ref().map(|base| oid(&base.commit)).transpose()?;
    // Where nobody can say who may sign, that is wrong with the entry, and it counts.
    let by = match base.and_then(|base| judges.in_force(repo, base).ok()) {
        None => SignedBy::Nobody,
        Some(judge) => {
            let org = &judge.bundle().org;
            match signed_by(repo, org, recorded.commit, it, recorded.seal.as_ref()) {
                Ok(by) => by,
                Err(_) => return Ok(false),
            }
        }
    };
    let settings = |commit: &ObjectId| settings(repo, judges, commit).unwrap_or_default();
    let before = match it.keys {
        Some(_) => keys_before(repo, recorded.commit, state.last.as_ref())?,
        None => state.keys.clone(),
    };
    let own = before.as_ref().map(|keys| &keys.base);
    let merge = it.merge.as_ref().filter(|_| it.base.as_ref().map(|base| &base.name) == own);
    Ok(match by {
        SignedBy::Person => true,
        SignedBy::Nobody if it.collector.kind == CollectorKind::Person => true,
        SignedBy::Nobody => {
            let covered = own.and_then(|own| state.bases.get(own));
            let settled = merge.map(|merge| &merge.covers.from).or(covered);
            !settled.is_some_and(|commit| settings(commit).signature.is_required())
        }
        SignedBy::Service(key) => {
            let base = it.base.as_ref().filter(|_| it.keys.is_some()).map(|base| &base.commit);
            let brought = merge.map(|merge| &merge.covers.to).or(base);
            let named = before.as_ref().map(|keys| &keys.commit).into_iter().chain(brought);
            named.into_iter().any(|commit| writers(&settings(commit)).contains(&key))
        }
    })
}

/// Returns the keys that were in force before an entry.
fn keys_before(
    repo: &Repo,
    commit: Oid,
    last: Option<&ObjectId>,
) -> anyhow::Result<Option<KeysAt>> {
    let before = match last {
        Some(last) => Some(oid(last)?),
        None => repo.parent(commit)?,
    };
    let Some(before) = before else { return Ok(None) };
    Ok(ledger::read(repo, before)?.entry.ok().and_then(|entry| entry.state.keys))
}

/// Returns what the next entry is put behind: the last one whose signature counts; `None` if there is
/// no ledger.
///
/// # Errors
/// When it can't be read.
pub fn end(git: &Git, judges: &Judges) -> anyhow::Result<Option<Tip>> {
    let counts = |recorded: &Recorded| counts(git.repo(), judges, recorded);
    let tip = git.branches.tip(LEDGER)?;
    tip.map(|tip| ledger::tip_that(git.repo(), tip, &counts)).transpose()
}

/// Returns the ledger as it is known here; `None` if there is none that can be read.
pub fn seen(git: &Git, judges: &Judges) -> Option<Seen> {
    Some(end(git, judges).ok()??.entry.seen())
}
