//! What is recorded of a judgement: the statement, and the material that it rests on.
//!
//! In plain Git the person who merges makes the record, and the guard makes it once more from the same
//! commits. Both call the same functions, so that everything in it can be compared.

use anyhow::ensure;

use super::Judgement;
use crate::content::People;
use crate::core::digest::Digest;
use crate::core::layout::{self, stem};
use crate::core::org::Org;
use crate::core::record::bones::Bones;
use crate::core::record::explanation::{EXPLANATION_FILE, Explanation};
use crate::core::record::parts::{
    About, Base, Because, Collector, CollectorKind, Covers, Digests, Engine, Hex, Merge, Method,
    Note, Pull, Repository, Subject,
};
use crate::core::record::statement::{FORMAT, Kind, MOST_BYTES, Predicate, Statement};
use crate::core::terms::{Login, TicketId};
use crate::core::time::Time;
use crate::forge::git::Git;
use crate::git::{Commit, Oid, Repo, blob_id};
use crate::ledger::{MaterialFile, material, object_id};
use crate::report::summary_line;
use material::{merge_material, policies, refusals};

mod material;

pub use material::{REFUSALS_FILE, dir_hash, judged_material, kept_commits, kept_of, refs_read};

/// The log that a record is made for: what all its entries repeat.
#[derive(Clone, Debug)]
pub struct Log {
    /// The origin line of its checkpoints.
    pub origin: String,
    /// The repository whose changes it holds.
    pub repository: Repository,
}

/// Who records, and when.
#[derive(Clone, Copy, Debug)]
pub struct Recorder<'a> {
    /// Their login.
    pub who: &'a str,
    /// The time by their clock.
    pub at: Time,
}

impl Recorder<'_> {
    /// Returns who records as a person.
    ///
    /// # Errors
    /// When the text isn't a login.
    pub fn login(&self) -> anyhow::Result<Login> {
        self.who.parse().map_err(|why| anyhow::anyhow!("{why}"))
    }
}

/// How something reached a base.
#[derive(Clone)]
pub struct Arrival<'a> {
    /// The base branch.
    pub base_ref: &'a str,
    /// The commit on the base, the last one of several.
    pub commit: &'a Commit,
    /// The commit on the base before it.
    pub base: Oid,
    /// The commit up to which the base was accounted for.
    pub from: Oid,
    /// Why it went around the gate, if it did.
    pub because: Option<Because>,
    /// Whether it has just been made, so that everything that it was judged by is still there.
    pub is_new: bool,
    /// Who brought it, as far as that is known.
    pub by: Option<String>,
    /// When.
    pub at: Time,
    /// How.
    pub method: Method,
}

impl<'a> Arrival<'a> {
    /// Returns a commit that somebody pushed to a base in plain Git, who isn't known yet.
    pub fn pushed(base_ref: &'a str, commit: &'a Commit, from: Oid) -> Self {
        Arrival {
            base_ref,
            commit,
            base: commit.parents.first().copied().unwrap_or(from),
            from,
            because: None,
            is_new: false,
            by: None,
            at: commit.time,
            method: Method::Push,
        }
    }
}

/// What is recorded.
#[derive(Clone)]
pub struct Record {
    /// The statement.
    pub statement: Statement,
    /// The material.
    pub files: Vec<MaterialFile>,
    /// The folder of the policies that decided.
    pub policies: Option<Oid>,
}

/// Returns the name under which the maker of a commit is recorded: the login of whose key signed it, by
/// the roster. `None` if the commit only claims to be somebody's, unless the settings tolerate that: the
/// record never holds an address, and no name that anybody can write there.
pub fn who(repo: &Repo, org: &Org, commit: &Commit) -> Option<String> {
    People::of(&org.roster).signer(repo, commit).known(org).map(|login| login.to_string())
}

/// Makes the record of what reached the base in plain Git: a judged pull request, as a merge or, if it
/// went around the gate, as a bypass.
///
/// # Errors
/// When the repository can't be read.
pub fn of_merge(
    git: &Git,
    judgement: &Judgement,
    arrival: &Arrival<'_>,
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let by = who(git.repo(), &judgement.bundle().org, arrival.commit);
    let files = merge_material(git, judgement, arrival)?;
    of_arrival(git.repo(), judgement, &Arrival { by, ..arrival.clone() }, files, log, recorder)
}

/// The bytes that a statement leaves for what a forge adds to it.
const ROOM: usize = 4096;

/// Makes the record of a judged pull request that reached the base, with everything that it rests on. One
/// that is longer than an entry can be, as by a thousand required sign-offs, is recorded as a bypass
/// without its decision: it must not stop what comes after it.
///
/// # Errors
/// When the repository can't be read, or when it is too long and not merged yet.
pub fn of_arrival(
    repo: &Repo,
    judgement: &Judgement,
    arrival: &Arrival<'_>,
    files: Vec<MaterialFile>,
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let kind = if arrival.because.is_none() { Kind::Merge } else { Kind::Bypass };
    let about = arrived(arrival, kind, log, recorder);
    let record = of_judgement(repo, judgement, Some(arrival.commit), files, about)?;
    let most = MOST_BYTES - ROOM;
    if record.statement.bytes().len() <= most {
        return Ok(record);
    }
    ensure!(
        !arrival.is_new,
        "what is recorded of {} would be longer than {most} bytes: its request asks for too many \
         sign-offs; leave some out, or submit it in parts",
        judgement.pull.name
    );
    Ok(of_bypass(&Arrival { because: Some(Because::NotKnown), ..arrival.clone() }, log, recorder))
}

/// Makes the record of a decision on a pull request, with everything that it rests on. `protecting` is
/// the commit whose settings protect its base.
///
/// # Errors
/// When the repository can't be read.
pub fn of_decision(
    repo: &Repo,
    judgement: &Judgement,
    protecting: Oid,
    files: Vec<MaterialFile>,
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let pull = &judgement.pull;
    let base_ref = pull.base_ref.as_deref().unwrap_or_default();
    let mut about = entry(Kind::Decision, (base_ref, pull.base), log, recorder);
    if let Some(base) = &mut about.base {
        base.protecting = object_id(protecting);
    }
    of_judgement(repo, judgement, None, files, about)
}

/// Completes what is stated by a judgement; `tip` is the commit that came of it.
fn of_judgement(
    repo: &Repo,
    judgement: &Judgement,
    tip: Option<&Commit>,
    mut files: Vec<MaterialFile>,
    about: Predicate,
) -> anyhow::Result<Record> {
    let pull = &judgement.pull;
    let is_merge = about.kind == Kind::Merge;
    let summary = judgement.decision.summary.as_deref().filter(|_| is_merge);
    let (policies, folder) = policies(repo, pull.base, &judgement.decision.digests.policies)?;
    let material = kept_of(judgement.file.as_ref(), &mut files);
    let source = judgement.source.as_bytes();
    let request = judgement.file.as_ref().map(|file| (&*file.path, digests_of(source)));
    let predicate = Predicate {
        pull: Some(Pull { name: pull.name.clone(), id: None }),
        change: Some(judgement.decision.change.clone()),
        head: Some(object_id(pull.head)),
        previous: Some(None),
        decision: Some(Bones::of(&judgement.decision, summary.map(summary_line))),
        refusals: refusals(judgement).into_iter().map(|refusal| refusal.code).collect(),
        policies: Some(policies),
        material,
        ..about
    };
    let statement = Statement::new(subject(request, pull.head, tip), predicate);
    Ok(Record { statement, files, policies: Some(folder) })
}

/// Returns the digests of a request by which a statement names it.
fn digests_of(content: &[u8]) -> Digests {
    let (sha256, git_blob) = (Hex(Digest::of(content)), object_id(blob_id(content)));
    Digests { sha256: Some(sha256), git_blob: Some(git_blob), ..Digests::default() }
}

/// Returns what the statement about a judged pull request is about: its request, its head, and the commit
/// that came of it, if one did.
pub fn subject(
    request: Option<(&str, Digests)>,
    head: Oid,
    commit: Option<&Commit>,
) -> Vec<Subject> {
    let request = request.map(|(path, digest)| {
        // Any other path is a text of its author's.
        let is_plain =
            stem(path).parse::<TicketId>().is_ok() && path == layout::request(stem(path));
        let name = if is_plain { path } else { "request" };
        Subject { name: name.to_owned(), digest }
    });
    let digest = Digests { git_commit: Some(object_id(head)), ..Digests::default() };
    let head = Subject { name: "head".to_owned(), digest };
    request.into_iter().chain([head]).chain(commit.map(tip)).collect()
}

/// Makes the record of a commit on the base that is the merge of no pull request, or of one that can't
/// be judged any more.
pub fn of_bypass(arrival: &Arrival<'_>, log: &Log, recorder: Recorder<'_>) -> Record {
    let predicate = arrived(arrival, Kind::Bypass, log, recorder);
    let statement = Statement::new(vec![tip(arrival.commit)], predicate);
    Record { statement, files: Vec::new(), policies: None }
}

/// Makes the record of why a recorded bypass went around the gate, as its recorder explains it.
/// `bypass` is the id of its entry; `base_ref` and `base` name the settings that say who may sign.
///
/// # Errors
/// When the repository can't be read.
pub fn of_explanation(
    repo: &Repo,
    (base_ref, base): (&str, Oid),
    bypass: &Digest,
    explanation: &Explanation,
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let by = recorder.login()?;
    let files = vec![(EXPLANATION_FILE.to_owned(), explanation.file().into_bytes())];
    let (about, entries) = (About::Explanation, vec![bypass.clone()]);
    let predicate = Predicate {
        note: Some(Note { about, entries, by, approved_by: None }),
        material: material(&files),
        ..entry(Kind::Note, (base_ref, base), log, recorder)
    };
    let statement = Statement::new(vec![tip(&repo.commit(base)?)], predicate);
    Ok(Record { statement, files, policies: None })
}

/// Returns an entry of this kind on a base at a commit whose settings protect it.
pub fn entry(
    kind: Kind,
    (base_ref, commit): (&str, Oid),
    log: &Log,
    recorder: Recorder<'_>,
) -> Predicate {
    Predicate {
        format: FORMAT.to_owned(),
        kind,
        recorded_at: recorder.at,
        server_time: None,
        origin: log.origin.clone(),
        repository: log.repository.clone(),
        pull: None,
        change: None,
        base: Some(Base {
            name: format!("refs/heads/{base_ref}"),
            commit: object_id(commit),
            protecting: object_id(commit),
            judged_on: None,
        }),
        head: None,
        previous: None,
        decision: None,
        refusals: Vec::new(),
        policies: None,
        engine: Engine::this(crate::COMMIT),
        material: Vec::new(),
        collector: Collector {
            kind: CollectorKind::Person,
            who: recorder.who.to_owned(),
            run: None,
        },
        merge: None,
        bases: Vec::new(),
        operations: None,
        keys: None,
        note: None,
    }
}

fn arrived(arrival: &Arrival<'_>, kind: Kind, log: &Log, recorder: Recorder<'_>) -> Predicate {
    let merge = Merge {
        by: arrival.by.clone(),
        at: arrival.at,
        method: arrival.method,
        covers: Covers { from: object_id(arrival.from), to: object_id(arrival.commit.id) },
        because: arrival.because,
    };
    Predicate { merge: Some(merge), ..entry(kind, (arrival.base_ref, arrival.base), log, recorder) }
}

/// Returns a commit on the base as what a statement is about.
pub fn tip(commit: &Commit) -> Subject {
    let (git_commit, git_tree) = (Some(object_id(commit.id)), Some(object_id(commit.tree)));
    let digest = Digests { git_commit, git_tree, ..Digests::default() };
    Subject { name: "tip".to_owned(), digest }
}
