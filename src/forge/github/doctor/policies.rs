//! Whether there are policies to judge by, and whether the branch that holds them is protected.

use super::{Check, Surroundings, listed};

pub fn examine(facts: &Surroundings) -> Vec<Check> {
    let default = &facts.default_branch;
    let org = match &facts.org {
        Ok(org) => org,
        Err(error) => {
            let found = format!("{default} holds no policies that can be used: {error}");
            let check = Check::bad("policies/usable", found)
                .why("nothing can be judged, and which branches are to be protected isn't known")
                .fix(format!(
                    "mend policies/ on {default}: `changegate test` says what is wrong, \
                     `changegate init --github` writes them anew"
                ));
            return vec![check];
        }
    };
    let bases = &org.settings.protected_bases;
    let mut checks = vec![Check::good(
        "policies/usable",
        format!("{default} holds policies that load; they protect {}", listed(bases)),
    )];
    if !bases.contains(default) {
        checks.push(
            Check::bad("policies/default-branch", format!("{default} isn't protected"))
                .why(
                    "its settings say which branches are judged, and its workflows judge: whoever \
                     pushes there decides everything",
                )
                .fix(format!(
                    "add {default} to `protected_bases` in policies/org/settings/data.yaml"
                )),
        );
    }
    let missing: Vec<_> = facts.branches.iter().filter(|branch| branch.state.is_none()).collect();
    let missing: Vec<_> = missing.iter().map(|branch| &branch.name).collect();
    if !missing.is_empty() {
        checks.push(
            Check::bad("policies/branches", format!("there is no branch {}", listed(&missing)))
                .why("whoever makes it decides what it holds, before anything protects it")
                .fix(
                    "take it out of `protected_bases` in policies/org/settings/data.yaml, or make \
                     the branch and protect it",
                ),
        );
    }
    let states = facts.branches.iter().filter_map(|branch| branch.state.as_ref());
    if states.clone().count() > 1 && !states.clone().all(|state| state.protection.is_queued()) {
        checks.push(
            Check::advice("policies/several-branches", "one answer stands for several branches")
                .why(
                    "a status belongs to a commit: a pull request that is sent to another of them \
                     keeps its answer until it is judged anew, a moment later",
                )
                .fix("a merge queue on each, whose event is judged right before the merge"),
        );
    }
    checks
}
