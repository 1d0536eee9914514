//! Checks whether the ledger has begun, and whether what is recorded can't be taken away.

use std::collections::BTreeSet;

use super::{Check, Seen, listed};
use crate::ledger::LEDGER;

/// The rules for the branches with the record, with what each of them prevents.
pub(super) const NEEDED: [(&str, &str); 3] = [
    ("deletion", "Restrict deletions"),
    ("non_fast_forward", "Block force pushes"),
    ("required_linear_history", "Require linear history"),
];

/// A branch with the record.
pub struct RecordBranch {
    /// The name of the branch.
    pub name: String,
    /// Whether it is there, or why that isn't known.
    pub exists: Seen<bool>,
    /// The kinds of the active rules for it, or why they aren't known.
    pub rules: Seen<BTreeSet<String>>,
}

/// Compares the branches with the record with what is needed; `elsewhere` is the address of the repository
/// that has them, if it is another one.
pub fn examine(branches: &[RecordBranch], elsewhere: Option<&str>) -> Vec<Check> {
    let mut checks = Vec::new();
    let place = elsewhere.map(|url| format!(" in {url}")).unwrap_or_default();
    let ledger = branches.iter().find(|branch| branch.name == LEDGER);
    checks.push(match ledger.map_or(&Ok(false), |branch| &branch.exists) {
        Err(reason) => {
            Check::unseen("ledger/begun", format!("the ledger{place} can't be read"), reason)
                .fix("give what records, and this check, credentials with which git gets there")
        }
        Ok(true) => Check::good("ledger/begun", format!("the ledger has begun{place}")),
        Ok(false) => Check::bad("ledger/begun", format!("there is no branch {LEDGER}{place}"))
            .why("the settings say that decisions are recorded, and none is answered that isn't")
            .fix(
                "run `changegate init --ledger` in a clone, as an owner; or run the workflow `sweep` by \
                 hand, with “Begin the ledger” ticked",
            ),
    });
    for RecordBranch { name, rules, .. } in branches {
        let name = format!("{name}{place}");
        let rules = match rules {
            Ok(rules) => rules,
            Err(reason) => {
                let found = format!("nobody can tell from here who may delete or rewrite {name}");
                checks.push(Check::unseen("ledger/protected", found, reason).fix(
                    "have it refuse both there; with Git alone: `git config receive.denyDeletes true` and \
                     `git config receive.denyNonFastForwards true`",
                ));
                continue;
            }
        };
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
