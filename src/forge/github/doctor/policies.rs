//! Checks whether there are usable policies, and whether the branch that holds them is protected.

use super::{Check, Surroundings, listed};

pub fn examine(facts: &Surroundings) -> Vec<Check> {
    let default = &facts.default_branch;
    let org = match &facts.org {
        Ok(org) => org,
        Err(error) => {
            let found = format!("{default} has no usable policies: {error}");
            let check = Check::bad("policies/usable", found)
                .why(
                    "nothing can be judged, and it isn't known which branches have to be protected",
                )
                .fix(format!(
                    "fix policies/ on {default}: `changegate test` shows what is wrong, and \
                     `changegate init --github` writes new policies"
                ));
            return vec![check];
        }
    };
    let bases = &org.settings.protected_bases;
    let mut checks = vec![Check::good(
        "policies/usable",
        format!("{default} has usable policies, which protect {}", listed(bases)),
    )];
    if !bases.contains(default) {
        checks.push(
            Check::bad("policies/default-branch", format!("{default} isn't protected"))
                .why(
                    "its settings decide which branches are judged, and its workflows judge them: \
                     anyone who can push there controls every decision",
                )
                .fix(format!(
                    "add {default} to `protected_bases` in policies/org/settings/data.yaml"
                )),
        );
    }
    let missing = facts.branches.iter().filter(|branch| branch.state.is_none());
    let missing: Vec<_> = missing.map(|branch| &branch.name).collect();
    if !missing.is_empty() {
        checks.push(
            Check::bad("policies/branches", format!("there is no branch {}", listed(&missing)))
                .why("anyone who creates it decides its content, before anything protects it")
                .fix(
                    "remove it from `protected_bases` in policies/org/settings/data.yaml, or \
                     create the branch and protect it",
                ),
        );
    }
    let states = facts.branches.iter().filter_map(|branch| branch.state.as_ref());
    if states.clone().count() > 1 && !states.clone().all(|state| state.protection.is_queued()) {
        checks.push(
            Check::advice("policies/several-branches", "several branches share one decision")
                .why(
                    "a status belongs to a commit: a pull request that moves to another of these \
                     branches keeps its status until it is judged again, a moment later",
                )
                .fix(
                    "use a merge queue on each branch: its event is judged right before the merge",
                ),
        );
    }
    checks
}
