//! A repository that is protected well, and what breaks it.

use changegate::forge::github::access::PERMISSIONS;
use serde_json::{Value, json};

use crate::plumbing::github::{GitHub, NewCommit, State, person};

/// GitHub's own App that workflows act as.
pub const ACTIONS: u64 = 15_368;

/// The kinds of rules that it has.
pub const ALL: &[&str] =
    &["deletion", "non_fast_forward", "pull_request", "required_status_checks"];

/// A repository with the shipped workflows, one ruleset for `main`, and an App that may do what it
/// needs.
pub struct Well<'a> {
    /// The App that the status has to come from.
    pub source: Option<u64>,
    /// Kinds of rules that it lacks.
    pub without: &'a [&'a str],
    /// Its CODEOWNERS.
    pub owners: &'a str,
}

impl Default for Well<'_> {
    fn default() -> Self {
        let owners = "/policies/ @acme/platform\n/.github/ @acme/platform\n";
        Well { source: Some(ACTIONS), without: &[], owners }
    }
}

impl Well<'_> {
    pub fn build(&self) -> GitHub {
        let github = GitHub::start();
        github.commit("carol", "main", &[(".github/CODEOWNERS", self.owners)], "Owners");
        self.protect(&github);
        github
    }

    /// Turns on the rules.
    pub fn protect(&self, github: &GitHub) {
        github.with(|state| {
            let mut rules = self.rules();
            rules.retain(|rule| !self.without.iter().any(|kind| rule["type"] == *kind));
            state.rules.insert("main".to_owned(), rules);
            for branch in ["audit/ledger", "audit/evidence", "audit/operations"] {
                let kinds = ["deletion", "non_fast_forward", "required_linear_history"];
                let rules = kinds.map(|kind| of_kind(kind, Value::Null));
                state.rules.insert(branch.to_owned(), rules.into());
            }
            state.rulesets.push(json!({
                "id": 12, "name": "main", "source": "acme/ops", "enforcement": "active",
                "bypass_actors": [],
            }));
            let useful = PERMISSIONS.map(|it| (it.name.to_owned(), it.access.to_owned()));
            state.app.permissions = useful.into();
        });
    }

    fn rules(&self) -> Vec<Value> {
        let mut check = json!({"context": "changegate"});
        if let Some(source) = self.source {
            check["integration_id"] = json!(source);
        }
        vec![
            of_kind("deletion", Value::Null),
            of_kind("non_fast_forward", Value::Null),
            of_kind(
                "pull_request",
                json!({
                    "dismiss_stale_reviews_on_push": false,
                    "dismissal_restriction": {"enabled": true, "allowed_actors": []},
                    "require_code_owner_review": true,
                    "require_last_push_approval": false,
                    "required_approving_review_count": 0,
                    "required_review_thread_resolution": false,
                }),
            ),
            of_kind(
                "required_status_checks",
                json!({
                    "strict_required_status_checks_policy": true,
                    "required_status_checks": [check, {"context": "changegate-policies"}],
                }),
            ),
        ]
    }
}

/// A rule of the ruleset.
pub fn of_kind(kind: &str, parameters: Value) -> Value {
    let mut rule = json!({
        "type": kind, "ruleset_source_type": "Repository", "ruleset_source": "acme/ops",
        "ruleset_id": 12,
    });
    if !parameters.is_null() {
        rule["parameters"] = parameters;
    }
    rule
}

/// The same by classic protection, which doesn't bind administrators.
pub fn classic(state: &State) -> Value {
    let url = |rest: &str| state.url(&format!("/repos/acme/ops/branches/main/protection{rest}"));
    let people = |users: Vec<Value>| json!({"users": users, "teams": [], "apps": []});
    json!({
        "required_status_checks": {
            "strict": true, "contexts": ["changegate", "changegate-policies"],
            "checks": [
                {"context": "changegate", "app_id": ACTIONS},
                {"context": "changegate-policies", "app_id": null},
            ],
        },
        "enforce_admins": {"url": url("/enforce_admins"), "enabled": false},
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": false,
            "require_code_owner_reviews": true,
            "dismissal_restrictions": people(vec![]),
            "bypass_pull_request_allowances": people(vec![]),
        },
        "allow_force_pushes": {"enabled": false},
        "allow_deletions": {"enabled": false},
    })
}

/// Changes the parameters of one rule.
pub fn rule(github: &GitHub, kind: &str, change: impl FnOnce(&mut Value)) {
    github.with(|state| {
        let rules = state.rules.get_mut("main").unwrap().iter_mut();
        let mut rules = rules.filter(|rule| rule["type"] == kind);
        change(&mut rules.next().unwrap()["parameters"]);
    });
}

/// Takes files away.
pub fn remove(github: &GitHub, paths: &[&str]) {
    let files: Vec<_> = paths.iter().map(|path| ((*path).to_owned(), None)).collect();
    let commit = github.write(&NewCommit {
        parents: vec![github.tip("main").unwrap()],
        author: person("carol"),
        files,
        message: "Take away".to_owned(),
        committer: None,
    });
    github.push("carol", "main", &commit, false);
}

/// Replaces a part of a file.
#[track_caller]
pub fn edit(github: &GitHub, path: &str, old: &str, new: &str) {
    let before = github.file("main", path);
    assert!(before.contains(old), "{before}");
    github.commit("carol", "main", &[(path, &before.replace(old, new))], "Edit");
}
