//! What the record of a judgement rests on: the files that are kept with it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Arrival;
use crate::content::journal::{Entry, REVIEWS};
use crate::content::{Pull, bundle_files, short};
use crate::core::digest::{Digest, canonical_json, to_json};
use crate::core::layout::POLICIES;
use crate::core::policy::Files;
use crate::core::record::bones::decision_json;
use crate::core::record::parts::{Hex, Material, Policies, Refusal, SECRET, WITHHELD};
use crate::core::request::RequestFile;
use crate::forge::git::{CHANGE, Git};
use crate::gate::{Judgement, REFUSALS};
use crate::git::{Oid, Repo};
use crate::ledger::{MaterialFile, material, object_id};

/// Returns what a statement says of what a decision rests on. Of a request that holds a credential,
/// what could repeat that is taken out of the files, and only its digests are named.
pub fn kept_of(request: Option<&RequestFile>, files: &mut Vec<MaterialFile>) -> Vec<Material> {
    let mut all = material(files);
    if request.is_some_and(RequestFile::holds_secret) {
        let is_withheld = |name: &str| WITHHELD.contains(&name);
        for it in all.iter_mut().filter(|it| is_withheld(&it.name)) {
            it.withheld = Some(SECRET.to_owned());
        }
        files.retain(|(name, _)| !is_withheld(name));
    }
    all
}

/// The file with what the gate itself found wrong with a request.
pub const REFUSALS_FILE: &str = "refusals.json";

/// Returns what the gate itself found wrong with a request.
pub(super) fn refusals(judgement: &Judgement) -> Vec<Refusal> {
    let problems = judgement.file.iter().flat_map(|file| &file.problems);
    let own = problems.filter(|problem| REFUSALS.contains(&problem.code));
    own.map(|problem| Refusal {
        code: problem.code.to_owned(),
        message: problem.message.clone(),
        help: problem.help.clone().unwrap_or_default(),
    })
    .collect()
}

/// Returns what a judgement rests on: decision, evidence, input, refusals and request.
pub fn judged_material(judgement: &Judgement) -> Vec<MaterialFile> {
    let evidence = canonical_json(&to_json(&judgement.evidence));
    let mut files = vec![
        ("decision.json".to_owned(), decision_json(&judgement.decision).into_bytes()),
        ("evidence.json".to_owned(), evidence.into_bytes()),
    ];
    let input = judgement.input.as_ref().map(|input| input.clone().into_bytes());
    files.extend(input.map(|input| ("input.json".to_owned(), input)));
    let refusals = refusals(judgement);
    if !refusals.is_empty() {
        let refusals = canonical_json(&to_json(&refusals)).into_bytes();
        files.push((REFUSALS_FILE.to_owned(), refusals));
    }
    let source = judgement.file.is_some().then(|| judgement.source.clone().into_bytes());
    files.extend(source.map(|source| ("request.yaml".to_owned(), source)));
    files
}

/// Returns what a decision on a pull request in plain Git rests on.
pub(super) fn merge_material(
    git: &Git,
    judgement: &Judgement,
    arrival: &Arrival<'_>,
) -> anyhow::Result<Vec<MaterialFile>> {
    let (repo, pull) = (git.repo(), &judgement.pull);
    let journal = git.journal(&pull.name)?;
    let mut files = judged_material(judgement);
    files.push(("sources.json".to_owned(), sources(git, judgement, arrival)?.into_bytes()));
    for commit in kept_commits(repo, pull, &journal, arrival.commit.id)? {
        files.push((format!("commits/{commit}"), repo.commit_bytes(commit)?));
    }
    Ok(files)
}

/// Returns the commits that are kept with the record of a change in plain Git: its own, those of its
/// journal, and the one that came of it.
///
/// # Errors
/// When the repository can't be read.
pub fn kept_commits(
    repo: &Repo,
    pull: &Pull,
    journal: &[Entry],
    merged: Oid,
) -> anyhow::Result<BTreeSet<Oid>> {
    let own = repo.commits_between(Some(pull.base), pull.head)?;
    let said = journal.iter().map(|entry| entry.commit.id);
    Ok(own.into_iter().chain(said).chain([merged]).collect())
}

/// Returns the branches that were read of a change in plain Git, and where they stood; `reviews` is the
/// tip of its journal.
pub fn refs_read(base_ref: &str, pull: &Pull, reviews: Option<Oid>) -> Value {
    let name = &pull.name;
    let mut refs = vec![(base_ref.to_owned(), pull.base), (format!("{CHANGE}{name}"), pull.head)];
    refs.extend(reviews.map(|tip| (format!("{REVIEWS}{name}"), tip)));
    let named = |(name, commit): (String, Oid)| json!({ "ref": format!("refs/heads/{name}"), "commit": commit.to_string() });
    refs.into_iter().map(named).collect()
}

/// Returns what was read, as it is kept.
fn sources(git: &Git, judgement: &Judgement, arrival: &Arrival<'_>) -> anyhow::Result<String> {
    let pull = &judgement.pull;
    let [change, reviews] = [CHANGE, REVIEWS].map(|folder| format!("{folder}{}", pull.name));
    let refs = refs_read(arrival.base_ref, pull, git.branches.tip(&reviews)?);
    let mut sources = json!({ "refs": refs });
    if arrival.is_new {
        let mut others = String::new();
        for folder in [CHANGE, REVIEWS] {
            for (name, tip) in git.branches.below(folder)? {
                let name = format!("{folder}{name}");
                if name != change && name != reviews {
                    others.push_str(&format!("{tip} refs/heads/{name}\n"));
                }
            }
        }
        sources["others"] = json!(Digest::of(others.as_bytes()));
    }
    Ok(canonical_json(&sources))
}

/// Returns the policies at a commit as a statement names them, and their folder.
pub(super) fn policies(
    repo: &Repo,
    commit: Oid,
    digest: &Digest,
) -> anyhow::Result<(Policies, Oid)> {
    let folder = repo.entry(commit, POLICIES)?.map(|entry| entry.id);
    let folder =
        folder.ok_or_else(|| anyhow::anyhow!("there are no policies at {}", short(commit)))?;
    let policies = Policies {
        digest: digest.clone(),
        dir_hash: Hex(dir_hash(&bundle_files(repo, commit)?)),
        git_tree: object_id(folder),
        commit: object_id(commit),
    };
    Ok((policies, folder))
}

/// Returns in-toto's digest of a folder: that of what `sha256sum` prints for its files, sorted by
/// path, relative to the folder.
pub fn dir_hash(files: &Files) -> Digest {
    let lines = files.iter().map(|(path, bytes)| {
        let name = path.strip_prefix(POLICIES).map_or(path.as_str(), |rest| &rest[1..]);
        format!("{}  {name}\n", String::from(Hex(Digest::of(bytes))))
    });
    Digest::of(lines.collect::<String>().as_bytes())
}
