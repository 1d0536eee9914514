//! Adds to the ledger: makes the commits of new entries, which are pushed together with the merge.

use std::collections::{BTreeSet, HashSet, VecDeque};

use anyhow::{Context as _, anyhow, bail, ensure};

use super::Judgement;
use super::arrivals::{self, unrecorded};
use super::judge::Judges;
use super::keys;
use super::merge::signs;
use super::record::{self, Arrival, Log, Record, Recorder, entry, of_merge, who};
use super::signing::end;
use super::witnessing::{log, witnessed};
use crate::content::short;
use crate::core::digest::Digest;
use crate::core::layout::table;
use crate::core::org::{LedgerSettings, Org};
use crate::core::record::entry::Entry;
use crate::core::record::key::PublicKey;
use crate::core::record::parts::{About, Covered, Keys, Note, Repository};
use crate::core::record::state::{EVIDENCE, State};
use crate::core::record::statement::{Kind, Predicate, Statement, is_origin};
use crate::forge::git::Git;
use crate::git::{Move, Oid, Program, Repo};
use crate::ledger::{self, LEDGER, Signer, Tip, object_id, oid};

/// Why somebody can't add to the ledger.
pub const STRANGER: &str = "isn't in the roster, so that the ledger couldn't name who recorded this: have \
                            an L3 add you to policies/org/roster/data.yaml";

/// Makes the entry of the ledger about a merge that was just made, and those about what reached the
/// base before it and isn't recorded. Returns the branches that move with the base; none if nothing is
/// recorded here.
///
/// # Errors
/// When the entries can't be made.
pub fn entries(
    git: &Git,
    judges: &Judges,
    judgement: &Judgement,
    merge: Oid,
) -> anyhow::Result<Vec<Move>> {
    let org = &judgement.bundle().org;
    let Some(tip) = end(git, judges)?.filter(|_| org.settings.ledger.on) else {
        return Ok(Vec::new());
    };
    let (repo, log) = (git.repo(), log_of(&tip));
    let commit = repo.commit(merge)?;
    let who = who(repo, org, &commit)
        .with_context(|| format!("{} {STRANGER}", commit.committer.email))?;
    let recorder = Recorder { who: &who, at: judgement.decision.evaluated_at };
    let (mut records, from) = arrived(git, judges, &tip, judgement.pull.base, recorder)?;
    let arrival = Arrival { is_new: true, ..Arrival::pushed(&git.base_ref, &commit, from) };
    records.push(of_merge(git, judgement, &arrival, &log, recorder)?);
    append(git, judges, Some(&tip), records, Signer::person(&who, signs(git, org)))
}

/// Makes the records of what reached the base, up to the commit `base`, and isn't recorded. Returns them,
/// and the commit up to which the ledger covers it then.
///
/// # Errors
/// When the repository can't be read.
pub fn arrived(
    git: &Git,
    judges: &Judges,
    tip: &Tip,
    base: Oid,
    recorder: Recorder<'_>,
) -> anyhow::Result<(Vec<Record>, Oid)> {
    let (repo, log) = (git.repo(), log_of(tip));
    let mut records = Vec::new();
    let mut from = match covered(&tip.entry.state, &git.base_ref)? {
        Some(covered) => covered,
        None => {
            let begun = begin(repo, &tip.entry.state, base)?;
            records.push(of_branch(repo, (&git.base_ref, begun), &log, recorder)?);
            begun
        }
    };
    for earlier in unrecorded(repo, judges, from, base)? {
        records.push(arrivals::record(git, judges, &git.base_ref, &earlier, &log, recorder)?);
        from = earlier.1.id;
    }
    Ok((records, from))
}

/// Makes the record with which a ledger begins, by the settings at the tip of a base: it covers each
/// protected branch from its present tip on, which `tips` returns.
///
/// # Errors
/// When the settings don't say what is to be recorded, or when a branch can't be read.
pub fn genesis(
    repo: &Repo,
    org: &Org,
    (base_ref, base): (&str, Oid),
    tips: impl Fn(&str) -> anyhow::Result<Option<Oid>>,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let settings = &org.settings.ledger;
    let (Some(origin), Some(uri), true) = (&settings.origin, settings.uri(), settings.on) else {
        bail!(
            "the settings name no ledger: write `ledger: {{on: true, origin: HOST/PATH}}` into {}, and \
             have it merged",
            table("settings")
        );
    };
    ensure!(
        is_origin(origin),
        "the ledger's origin can't be `{origin}`: write host and path, such as \
         git.acme.example/payments/changes"
    );
    let repository = Repository { uri, id: None };
    let log = Log { origin: origin.clone(), repository };
    let mut names: BTreeSet<_> = org.settings.protected_bases.iter().cloned().collect();
    names.insert(base_ref.to_owned());
    let mut bases = Vec::new();
    for name in names {
        let Some(tip) = tips(&name)? else { continue };
        if let Some((commit, seen)) = ledger::seen_on(repo, tip)? {
            bail!(
                "a ledger of {} entries has begun before, as {} on {name} says: it was deleted, and another \
                 one would hide that; find a clone that has it, as refs/changegate/origin/{LEDGER}, and put \
                 it back from there",
                seen.size,
                short(commit)
            );
        }
        bases.push(Covered { name: format!("refs/heads/{name}"), commit: object_id(tip) });
    }
    let predicate = Predicate {
        bases,
        keys: Some(Keys::between(&LedgerSettings::default(), settings)),
        ..entry(Kind::Genesis, (base_ref, base), &log, recorder)
    };
    let statement = Statement::new(vec![record::tip(&repo.commit(base)?)], predicate);
    Ok(Record { statement, files: Vec::new(), policies: None })
}

/// Returns the log that a ledger holds.
pub fn log_of(tip: &Tip) -> Log {
    let it = &tip.entry.statement.predicate;
    Log { origin: it.origin.clone(), repository: it.repository.clone() }
}

/// Returns the ledger's tip; `None` if there is no ledger.
///
/// # Errors
/// When it can't be read.
pub fn tip(git: &Git) -> anyhow::Result<Option<Tip>> {
    let tip = git.branches.tip(LEDGER)?;
    tip.map(|tip| ledger::tip(git.repo(), tip)).transpose()
}

/// Returns the commit up to which a base is accounted for; `None` if the ledger doesn't cover it.
///
/// # Errors
/// Never for a state that was read.
pub fn covered(state: &State, base_ref: &str) -> anyhow::Result<Option<Oid>> {
    state.bases.get(&format!("refs/heads/{base_ref}")).map(oid).transpose()
}

/// Returns the commit from which on a branch with this tip is covered that was protected later: the
/// newest one that the line of a covered branch holds, or else the tip.
///
/// # Errors
/// When the repository can't be read.
pub fn begin(repo: &Repo, state: &State, tip: Oid) -> anyhow::Result<Oid> {
    let mut known = HashSet::new();
    for covered in state.bases.values() {
        known.extend(repo.first_parents(oid(covered)?)?);
    }
    let newest = repo.first_parents(tip)?.into_iter().find(|commit| known.contains(commit));
    Ok(newest.unwrap_or(tip))
}

/// Makes the record with which the ledger begins to cover a branch, from a commit on.
///
/// # Errors
/// When the commit can't be read.
pub fn of_branch(
    repo: &Repo,
    (base_ref, begun): (&str, Oid),
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let by = recorder.login()?;
    let name = format!("refs/heads/{base_ref}");
    let predicate = Predicate {
        bases: vec![Covered { name, commit: object_id(begun) }],
        note: Some(Note { about: About::Branch, entries: Vec::new(), by, approved_by: None }),
        ..entry(Kind::Note, (base_ref, begun), log, recorder)
    };
    let statement = Statement::new(vec![record::tip(&repo.commit(begun)?)], predicate);
    Ok(Record { statement, files: Vec::new(), policies: None })
}

/// Whether the ledger accounts for more of the base than this commit has: somebody has merged since
/// the base was fetched, or it was rewritten.
///
/// # Errors
/// When the ledger can't be read, or doesn't cover the base.
pub fn is_older(git: &Git, judges: &Judges, base: Oid) -> anyhow::Result<bool> {
    let Some(tip) = end(git, judges)? else { return Ok(false) };
    let Some(covered) = covered(&tip.entry.state, &git.base_ref)? else { return Ok(false) };
    // What isn't known here is newer.
    Ok(!git.repo().leads_to(covered, base).unwrap_or(false))
}

/// Makes the record that there are foreign commits above the last entry, on a base at a commit.
///
/// # Errors
/// When the commit can't be read.
pub fn of_foreign(
    repo: &Repo,
    (base_ref, base): (&str, Oid),
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let by = recorder.login()?;
    let note = Note { about: About::Foreign, entries: Vec::new(), by, approved_by: None };
    let note = Some(note);
    let predicate = Predicate { note, ..entry(Kind::Note, (base_ref, base), log, recorder) };
    let statement = Statement::new(vec![record::tip(&repo.commit(base)?)], predicate);
    Ok(Record { statement, files: Vec::new(), policies: None })
}

/// Makes the commits of records behind the ledger's tip, which say where the operations log is, and
/// returns the branches to be moved. Where
/// there are foreign commits above the last entry, or the settings name other keys than are in force, a
/// record of that comes first.
///
/// # Errors
/// When a record can't follow, when the service that signs may not, or when nothing can be written.
pub fn append(
    git: &Git,
    judges: &Judges,
    tip: Option<&Tip>,
    mut records: Vec<Record>,
    signer: Signer<'_>,
) -> anyhow::Result<Vec<Move>> {
    let operations = witnessed(log(git)?.as_ref())?;
    for record in &mut records {
        record.statement.predicate.operations.clone_from(&operations);
    }
    let evidence = |branch: &str| git.branches.tip(branch);
    let place = (git.repo(), git.branches.program());
    let on = (git.base_ref.as_str(), git.base()?);
    Ok(made(place, judges, tip, evidence, on, records, signer)?.moves)
}

/// What was made of records.
pub struct Made {
    /// The branches to be moved.
    pub moves: Vec<Move>,
    /// The last entry with its commit; `None` if there were no records.
    pub last: Option<(Digest, Oid)>,
}

/// Makes the commits of records as [`append`] does, in a repository with its git program. `evidence`
/// returns the tip of a branch with evidence, and `on` is a base with its tip.
///
/// # Errors
/// As [`append`].
pub fn made(
    (repo, program): (&Repo, &Program),
    judges: &Judges,
    tip: Option<&Tip>,
    evidence: impl Fn(&str) -> anyhow::Result<Option<Oid>>,
    on: (&str, Oid),
    records: Vec<Record>,
    signer: Signer<'_>,
) -> anyhow::Result<Made> {
    let mut state = ledger::state(tip);
    let mut last = tip.and_then(|tip| tip.last).map(object_id);
    let (from, branch) = (tip.map(|tip| tip.commit), evidence_branch(&state.evidence)?.to_owned());
    let evidence_from = evidence(&branch)?;
    let mut made = None;
    let (mut parent, mut evidence) = (from, evidence_from);
    let mut records = VecDeque::from(records);
    if let (Some(tip @ Tip { last: Some(_), .. }), Some(first)) = (tip, records.front()) {
        let it = &first.statement.predicate;
        let recorder = Recorder { who: &it.collector.who, at: it.recorded_at };
        let (collector, operations) = (it.collector.clone(), it.operations.clone());
        let mut foreign = of_foreign(repo, on, &log_of(tip), recorder)?;
        foreign.statement.predicate.collector = collector;
        foreign.statement.predicate.operations = operations;
        records.push_front(foreign);
    }
    while let Some(Record { statement, files, policies }) = records.pop_front() {
        let is_foreign =
            statement.predicate.note.as_ref().is_some_and(|it| it.about == About::Foreign);
        if statement.predicate.kind != Kind::Keys
            && !is_foreign
            && let Some(keys) = keys::due(repo, judges, &state, &statement.predicate)?
        {
            records.push_front(Record { statement, files, policies });
            records.push_front(keys);
            continue;
        }
        match signer {
            Signer::Service(key) => {
                may_sign(&keys::signers(repo, judges, &state, &statement)?, &key.public())?;
            }
            _ => keys::may_be_unsigned(repo, judges, &state, &statement.predicate)?,
        }
        let at = statement.predicate.recorded_at;
        let entry = Entry::behind(&state, statement, last.take());
        let entry = entry.map_err(|why| anyhow!("this can't be recorded: {why}"))?;
        if !files.is_empty() {
            let tree = ledger::evidence_tree(repo, &files, policies)?;
            evidence = Some(ledger::commit_evidence(repo, tree, evidence, &entry.id, at)?);
        }
        let commit = ledger::commit(repo, program, &entry, parent, signer)?;
        (parent, made) = (Some(commit), Some((entry.id, commit)));
        state = entry.state;
    }
    let mut moves = Vec::new();
    for (name, from, to) in [(LEDGER, from, parent), (&branch, evidence_from, evidence)] {
        moves.extend(to.filter(|_| from != to).map(|to| (name.to_owned(), from, to)));
    }
    Ok(Made { moves, last: made })
}

/// Checks that a service's key is one of those that may sign.
pub fn may_sign(keys: &[PublicKey], key: &PublicKey) -> anyhow::Result<()> {
    ensure!(
        keys.contains(key),
        "the key {} may not sign the ledger: have it listed under `ledger.writers` in {}, or sign with \
         a key that is",
        key.fingerprint(),
        table("settings")
    );
    Ok(())
}

/// Returns the name of the branch with evidence from that of its ref: the first one, or one that
/// replaced it, `…-2`.
pub fn evidence_branch(name: &str) -> anyhow::Result<&str> {
    let number = name.strip_prefix(EVIDENCE).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match (name.strip_prefix("refs/heads/"), number) {
        (Some(branch), Some(number)) if is_number(number) => Ok(branch),
        _ => bail!("`{name}` is not a branch of evidence"),
    }
}
