//! Checks whether the ledger has begun, and whether what is recorded can't be taken away.

use std::collections::BTreeSet;

use super::{Check, listed};
use crate::ledger::LEDGER;

/// The rules for the branches with the record, with what each of them prevents.
const NEEDED: [(&str, &str); 3] = [
    ("deletion", "Restrict deletions"),
    ("non_fast_forward", "Block force pushes"),
    ("required_linear_history", "Require linear history"),
];

/// A branch with the record.
pub struct RecordBranch {
    /// The name of the branch.
    pub name: String,
    /// Whether it is there.
    pub exists: bool,
    /// The kinds of the active rules for it.
    pub rules: BTreeSet<String>,
}

/// Compares the branches with the record with what is needed.
pub fn examine(branches: &[RecordBranch]) -> Vec<Check> {
    let mut checks = Vec::new();
    let has_begun = branches.iter().any(|branch| branch.name == LEDGER && branch.exists);
    checks.push(match has_begun {
        true => Check::good("ledger/begun", "the ledger has begun"),
        false => Check::bad("ledger/begun", format!("there is no branch {LEDGER}"))
            .why("the settings say that decisions are recorded, and none is answered that isn't")
            .fix(
                "run `changegate init --ledger` in a clone, as an owner; or run the workflow `sweep` by \
                 hand, with “Begin the ledger” ticked",
            ),
    });
    for RecordBranch { name, rules, .. } in branches {
        let missing: Vec<_> = NEEDED.iter().filter(|(kind, _)| !rules.contains(*kind)).collect();
        if missing.is_empty() {
            let found = format!("{name} can't be deleted or rewritten");
            checks.push(Check::good("ledger/protected", found));
            continue;
        }
        let kinds: Vec<_> = missing.iter().map(|(kind, _)| format!("`{kind}`")).collect();
        let names: Vec<_> = missing.iter().map(|(_, name)| format!("“{name}”")).collect();
        checks.push(
            Check::bad("ledger/protected", format!("{name} lacks the rules {}", listed(&kinds)))
                .why("anyone who may push can take away what was recorded")
                .fix(format!(
                    "Settings → Rules → Rulesets → New branch ruleset, with the target audit/**/*, \
                     switch on {}",
                    listed(&names)
                )),
        );
    }
    checks
}
