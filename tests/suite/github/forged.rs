//! The last entry of the ledger on the server, replaced by another one: nobody signs there, so that anyone
//! who may push could have written it.

use serde_json::Value;

use changegate::core::record::entry::Entry;
use changegate::core::record::statement::Statement;
use changegate::git::{Program, Repo};
use changegate::ledger::{self, NOBODY, Signer};

use super::ledger::LEDGER;
use crate::plumbing::github::GitHub;

/// Replaces the last entry by one with an edited statement, with everything that follows from that.
pub fn last(github: &GitHub, edit: impl FnOnce(&mut Value)) {
    let folder = github.with(|state| state.ops().folder.clone());
    let (repo, program) = (Repo::open(&folder).unwrap(), Program::at(folder));
    let tip = |branch: &str| repo.tip(&format!("refs/heads/{branch}")).unwrap().unwrap();
    let (ledger, evidence) = (tip(LEDGER), tip("audit/evidence"));
    let parents = |commit| repo.commit(commit).unwrap().parents;
    let before = ledger::tip(&repo, parents(ledger)[0]).unwrap();
    let entry = ledger::read(&repo, ledger).unwrap().entry.unwrap();
    let mut value = serde_json::to_value(&entry.statement).unwrap();
    edit(&mut value);
    let statement: Statement = serde_json::from_value(value).unwrap();
    let at = statement.predicate.recorded_at;
    let entry = Entry::behind(&before.entry.state, statement, None).unwrap();
    let signer = Signer::Nobody(NOBODY);
    let forged = ledger::commit(&repo, &program, &entry, Some(before.commit), signer).unwrap();
    let tree = repo.commit(evidence).unwrap().tree;
    let parent = parents(evidence).first().copied();
    let kept = ledger::commit_evidence(&repo, tree, parent, &entry.id, at).unwrap();
    for (branch, tip) in [(LEDGER, forged), ("audit/evidence", kept)] {
        github.git(&["update-ref", &format!("refs/heads/{branch}"), &tip.to_string()]);
    }
}
