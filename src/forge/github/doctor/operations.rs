//! Checks whether what is executed can be recorded, and whether that can't be taken away.

use super::ledger::NEEDED;
use super::{Check, RecordBranch, listed};
use crate::core::org::Org;
use crate::operations::OPERATIONS;

/// The rules that jobs can't follow, with what each of them demands.
const HINDERING: [(&str, &str); 4] = [
    ("required_signatures", "Require signed commits"),
    ("required_status_checks", "Require status checks to pass"),
    ("pull_request", "Require a pull request before merging"),
    ("required_deployments", "Require deployments to succeed"),
];

/// Compares the branch with the operations log with what is needed; `repository_id` is the repository's
/// numeric id, if GitHub shows it.
pub fn examine(branch: &RecordBranch, org: &Org, repository_id: Option<u64>) -> Vec<Check> {
    let mut machines = org.roster.machines.values();
    let are_executing = machines.any(|it| it.github.is_some());
    let exists = matches!(branch.exists, Ok(true));
    if !exists && !are_executing {
        return Vec::new();
    }
    let mut checks = vec![match exists {
        true => Check::good("operations/begun", "the operations log has begun"),
        false => Check::bad("operations/begun", format!("there is no branch {OPERATIONS}"))
            .why("the roster names jobs that execute changes, and none can be recorded")
            .fix("run `changegate init --operations` in a clone, as an L3 with a key"),
    }];
    checks.extend(protected(branch));
    checks.extend(own_workflows(org, repository_id));
    checks
}

fn protected(branch: &RecordBranch) -> Vec<Check> {
    let rules = match &branch.rules {
        Ok(rules) => rules,
        Err(reason) => {
            let found = format!("nobody can tell from here who may delete or rewrite {OPERATIONS}");
            return vec![Check::unseen("operations/protected", found, reason)];
        }
    };
    let names = |of: &[(&str, &str)], is_there: bool| {
        let found = of.iter().filter(|(kind, _)| rules.contains(*kind) == is_there);
        found.map(|(_, name)| format!("“{name}”")).collect::<Vec<_>>()
    };
    let (missing, hindering) = (names(&NEEDED, false), names(&HINDERING, true));
    let mut checks = vec![match missing.is_empty() {
        true => Check::good(
            "operations/protected",
            format!("{OPERATIONS} can't be deleted or rewritten"),
        ),
        false => Check::bad(
            "operations/protected",
            format!("{OPERATIONS} lacks the rules {}", listed(&missing)),
        )
        .why("anyone who may push can take away what was executed")
        .fix(format!(
            "Settings → Rules → Rulesets → New branch ruleset, with the target {OPERATIONS}, switch on {}",
            listed(&missing)
        )),
    }];
    if !hindering.is_empty() {
        checks.push(
            Check::bad(
                "operations/open",
                format!("{OPERATIONS} has the rules {}", listed(&hindering)),
            )
            .why("events prove themselves; these rules keep out jobs and people who push them")
            .fix(format!(
                "Settings → Rules → Rulesets: exclude {OPERATIONS} from the ruleset, or switch these rules off"
            )),
        );
    }
    checks
}

/// Checks whether the tokens of the repository's own workflows count.
fn own_workflows(org: &Org, repository_id: Option<u64>) -> Option<Check> {
    let actual = repository_id?.to_string();
    let (code, path) = ("operations/own", "policies/org/settings/data.yaml");
    let fix =
        format!("write `repository_id: \"{actual}\"` below `execution` in {path}, by a change");
    Some(match &org.settings.execution.repository_id {
        Some(named) if *named == actual => Check::good(
            code,
            "comments and forms count, and the workflow `sweep` brings GitHub's next key",
        ),
        Some(named) => {
            Check::bad(code, format!("the settings say that this is the repository {named}"))
                .why("workflows of another repository speak for people here")
                .fix(fix)
        }
        None => Check::advice(code, "the settings don't name this repository's id")
            .why("no comment and no form records anything, and only an L3 brings GitHub's next key")
            .fix(fix),
    })
}
