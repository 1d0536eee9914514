//! What `doctor` says of a repository: one that is protected well, and one for each thing that can
//! be missing.

mod well;

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::office::{as_app, command, name_teams};
use crate::plumbing::github::{GitHub, ROSTER};
use crate::plumbing::hub::Ran;
use crate::plumbing::{data, root};
pub use well::Well;

use well::ACTIONS;

/// The verb, for somebody's token.
fn doctor(github: &GitHub, token: &str) -> Command {
    let mut command = command(github);
    command.env("GITHUB_TOKEN", token).arg("doctor");
    command
}

/// The verb as the App.
fn doctor_as_app(github: &GitHub) -> Command {
    let mut command = as_app(github);
    command.arg("doctor");
    command
}

/// What it prints for scripts, and how it ended.
fn viewed(command: &mut Command) -> (i32, Value) {
    let ran = Ran::of(command.args(["--format", "json"]), "");
    let view: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let schema = fs::read_to_string(root().join("schemas/doctor.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::draft202012::validate(&schema, &view).unwrap_or_else(|error| panic!("{error}"));
    (ran.code, view)
}

/// The checks of that.
pub fn examined(command: &mut Command) -> (i32, Vec<Value>) {
    let (code, view) = viewed(command);
    (code, view["checks"].as_array().unwrap().clone())
}

/// The codes that came out so, in their order.
fn codes<'a>(checks: &'a [Value], grade: &str) -> Vec<&'a str> {
    let found = checks.iter().filter(|check| check["grade"] == grade);
    found.map(|check| check["code"].as_str().unwrap()).collect()
}

/// What an administrator is told: this one thing isn't protected, in these words.
#[track_caller]
fn lacks_only(github: &GitHub, code: &str, said: &str) {
    let (exit, checks) = examined(&mut doctor(github, &github.token_of("carol")));
    assert_eq!(codes(&checks, "bad"), [code], "{checks:#?}");
    assert_eq!(exit, 1);
    let check = checks.iter().find(|check| check["grade"] == "bad").unwrap();
    let found = check["found"].as_str().unwrap();
    assert!(found.contains(said), "{found}");
    assert!(check["why"].is_string() && check["fix"].is_string(), "{check}");
}

/// What an administrator is advised, in these words; the verb ends well.
#[track_caller]
fn advises(github: &GitHub, code: &str, said: &str) {
    let (exit, checks) = examined(&mut doctor(github, &github.token_of("carol")));
    assert_eq!(exit, 0, "{checks:#?}");
    let is_it = |check: &&Value| check["code"] == code && check["grade"] == "advice";
    let check = checks.iter().find(is_it).unwrap_or_else(|| panic!("{checks:#?}"));
    assert!(check["found"].as_str().unwrap().contains(said), "{check}");
}

#[test]
fn a_repository_without_protection_is_told_everything() {
    let github = GitHub::start();
    let remove = [".github/workflows/change-check.yml", ".github/workflows/review-ping.yml"];
    let remove = [&remove[..], &[".github/workflows/sweep.yml", ".github/CODEOWNERS"]].concat();
    well::remove(&github, &remove);
    let mut command = doctor(&github, &github.token_of("carol"));
    Ran::of(&mut command, "").ended(
        1,
        &[
            "acme/ops: changegate answers as a workflow",
            "\nbranch main\n",
            "  ✗ the status `changegate` isn't required\n",
            "      a change can be merged whatever the decision is\n",
            "      fix: Settings → Rules → Rulesets → New branch ruleset, with the target main: ",
            "not protected\n",
        ],
    );
    let (_, checks) = examined(&mut command);
    let bad = codes(&checks, "bad");
    let expected = [
        "status/required",
        "branch/pull-requests",
        "branch/force-pushes",
        "branch/deletion",
        "owners/file",
        "workflows/present",
        "workflows/present",
        "workflows/present",
    ];
    assert_eq!(bad, expected);
    assert_eq!(github.writes().len(), 0);
}

#[test]
fn a_protected_repository_has_nothing_wrong() {
    let github = Well::default().build();
    let (exit, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!((exit, codes(&checks, "bad"), codes(&checks, "unseen")), (0, vec![], vec![]));
    assert_eq!(codes(&checks, "advice"), ["status/forgery"]);
    assert_eq!(github.writes().len(), 0);
}

#[test]
fn what_a_workflow_s_token_can_t_read_is_not_taken_for_good() {
    let github = Well::default().build();
    let (exit, checks) = examined(&mut doctor(&github, &github.token()));
    assert_eq!((exit, codes(&checks, "bad")), (0, vec![]));
    let unseen = codes(&checks, "unseen");
    assert_eq!(unseen, ["branch/bypass", "token/permissions"]);
    let mut command = doctor(&github, &github.token());
    Ran::of(&mut command, "").ended(
        0,
        &[
            "  ? it isn't visible who can bypass the ruleset “main”\n",
            "2 not visible with this token\n",
        ],
    );
}

#[test]
fn a_protected_repository_of_an_app_has_nothing_wrong() {
    let github = Well { source: Some(4242), ..Well::default() }.build();
    let (exit, checks) = examined(&mut doctor_as_app(&github));
    assert_eq!((exit, codes(&checks, "bad"), codes(&checks, "advice")), (0, vec![], vec![]));
    assert_eq!(codes(&checks, "unseen"), ["branch/bypass"]);
    let minted = github.requests().into_iter().find(|it| it.target.ends_with("/access_tokens"));
    let permissions = minted.unwrap().body["permissions"].clone();
    assert!(permissions.as_object().unwrap().values().all(|it| it == "read"), "{permissions}");
}

#[test]
fn an_app_that_lacks_a_permission_is_told() {
    let github = Well { source: Some(4242), ..Well::default() }.build();
    github.with(|state| state.app.permissions.insert("checks".to_owned(), "read".to_owned()));
    let (exit, checks) = examined(&mut doctor_as_app(&github));
    assert_eq!((exit, codes(&checks, "bad")), (1, vec!["token/permissions"]));
}

#[test]
fn an_app_that_may_more_than_judging_takes_is_told() {
    let github = Well { source: Some(4242), ..Well::default() }.build();
    for (name, access) in [
        ("administration", "write"),
        ("workflows", "write"),
        ("actions", "read"),
        ("merge_queues", "read"),
    ] {
        let before =
            github.with(|state| state.app.permissions.insert(name.to_owned(), access.to_owned()));
        let (exit, checks) = examined(&mut doctor_as_app(&github));
        assert_eq!((exit, codes(&checks, "advice")), (0, vec!["token/excess"]), "{name}");
        let told = checks.iter().find(|check| check["code"] == "token/excess").unwrap();
        assert_eq!(told["found"], format!("the App also has `{name}: {access}`"));
        github.with(|state| match before {
            Some(before) => state.app.permissions.insert(name.to_owned(), before),
            None => state.app.permissions.remove(name),
        });
    }
}

/// Record 34: a status of the same name that somebody else sets.
#[test]
fn the_status_has_to_come_from_whom_changegate_is() {
    let anybody = Well { source: None, ..Well::default() }.build();
    lacks_only(&anybody, "status/source", "`changegate` may come from anybody");
    let (exit, checks) = examined(&mut doctor_as_app(&anybody));
    assert_eq!((exit, codes(&checks, "bad")), (1, vec!["status/source"]));
    let other = Well { source: Some(4242), ..Well::default() }.build();
    let (exit, checks) = examined(&mut doctor(&other, &other.token()));
    assert_eq!((exit, codes(&checks, "bad")), (1, vec!["status/source"]));
    // A person who looks isn't who answers, and can't tell whether that App is.
    let (exit, checks) = examined(&mut doctor(&other, &other.token_of("carol")));
    assert_eq!((exit, codes(&checks, "unseen")), (0, vec!["status/source"]));
    assert_eq!(codes(&checks, "advice"), [""; 0]);
    let mut command = doctor(&other, &other.token_of("carol"));
    let heading = "acme/ops: changegate answers as the App 4242, as the rules say\n";
    Ran::of(&mut command, "").ended(0, &[heading, "has to come from the App 4242"]);
    assert_eq!(viewed(&mut command).1["mode"], json!({"app": 4242}));
    let actions = Well::default().build();
    let (exit, checks) = examined(&mut doctor_as_app(&actions));
    assert_eq!((exit, codes(&checks, "bad")), (1, vec!["status/source"]));
}

#[test]
fn each_rule_that_is_missing_is_told() {
    for (kind, code, said) in [
        ("required_status_checks", "status/required", "isn't required"),
        ("non_fast_forward", "branch/force-pushes", "main can be force-pushed"),
        ("deletion", "branch/deletion", "main can be deleted"),
    ] {
        let github = Well { without: &[kind], ..Well::default() }.build();
        lacks_only(&github, code, said);
    }
    let github = Well { without: &["pull_request"], ..Well::default() }.build();
    let (_, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!(codes(&checks, "bad"), ["branch/pull-requests", "owners/required"]);
}

#[test]
fn one_answer_for_several_branches_takes_a_queue() {
    let github = Well::default().build();
    let settings = "protected_bases: [main, release]\n";
    github.commit("carol", "main", &[("policies/org/settings/data.yaml", settings)], "Two");
    github.push("carol", "release", &github.tip("main").unwrap(), false);
    let rules = |github: &GitHub, queue: bool| {
        github.with(|state| {
            let mut rules = state.rules["main"].clone();
            rules.retain(|rule| rule["type"] != "merge_queue");
            if queue {
                let mut rule = rules[0].clone();
                rule["type"] = json!("merge_queue");
                rules.push(rule);
            }
            for branch in ["main", "release"] {
                state.rules.insert(branch.to_owned(), rules.clone());
            }
        });
    };
    rules(&github, false);
    advises(&github, "policies/several-branches", "several branches share one decision");
    rules(&github, true);
    let (_, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert!(!codes(&checks, "advice").contains(&"policies/several-branches"), "{checks:#?}");
}

#[test]
fn a_status_that_only_informs_may_not_be_required() {
    let github = Well::default().build();
    well::rule(&github, "required_status_checks", |parameters| {
        let checks = parameters["required_status_checks"].as_array_mut().unwrap();
        checks.push(json!({"context": "changegate/risk"}));
    });
    lacks_only(&github, "status/informing", "changegate/risk is required");
}

#[test]
fn reviews_that_fall_with_a_push_or_by_anybody_are_advised_against() {
    let github = Well::default().build();
    well::rule(&github, "pull_request", |parameters| {
        parameters["dismiss_stale_reviews_on_push"] = json!(true);
        parameters["dismissal_restriction"]["enabled"] = json!(false);
    });
    advises(&github, "reviews/stale", "every push dismisses all approvals");
    advises(&github, "reviews/dismissal", "everybody with write access can dismiss reviews");
}

#[test]
fn a_change_of_policies_has_to_pass_its_trial() {
    let github = Well::default().build();
    well::rule(&github, "required_status_checks", |parameters| {
        parameters["required_status_checks"].as_array_mut().unwrap().pop();
    });
    advises(&github, "status/policies", "`changegate-policies` isn't required");
    let data = data(&root().join(".github/workflows/change-policies.yml"));
    assert_eq!(data["jobs"]["trial"]["name"], "changegate-policies");
}

#[test]
fn branches_have_to_be_up_to_date_or_queued() {
    let github = Well::default().build();
    well::rule(&github, "required_status_checks", |parameters| {
        parameters["strict_required_status_checks_policy"] = json!(false);
    });
    lacks_only(&github, "status/strict", "with a decision on an older main");
}

#[test]
fn who_pushed_has_to_be_shown() {
    let github = Well::default().build();
    github.with(|state| state.hides_pushes = true);
    lacks_only(&github, "token/pushes", "GitHub doesn't show who pushed to the repository: ");
    let github = Well::default().build();
    github.with(|state| state.activity.clear());
    lacks_only(&github, "token/pushes", "GitHub doesn't show who pushed to the repository");
}

#[test]
fn no_workflow_may_bypass() {
    let github = Well::default().build();
    let actions =
        json!([{"actor_id": ACTIONS, "actor_type": "Integration", "bypass_mode": "always"}]);
    github.with(|state| state.rulesets[0]["bypass_actors"] = actions);
    lacks_only(&github, "branch/bypass", "can be bypassed by GitHub Actions");
}

/// The App for workflows has another id on each server.
#[test]
fn workflows_are_known_by_their_app() {
    let own = 77;
    let github = Well { source: Some(own), ..Well::default() }.build();
    github.with(|state| state.actions = Some(own));
    let (exit, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!((exit, codes(&checks, "bad")), (0, vec![]), "{checks:#?}");
    let app =
        |id: u64| json!([{"actor_id": id, "actor_type": "Integration", "bypass_mode": "always"}]);
    github.with(|state| state.rulesets[0]["bypass_actors"] = app(ACTIONS));
    advises(&github, "branch/bypass", "can be bypassed by the App 15368");
    github.with(|state| state.rulesets[0]["bypass_actors"] = app(own));
    lacks_only(&github, "branch/bypass", "can be bypassed by GitHub Actions");
    // What isn't shown is never taken for good.
    github.with(|state| state.actions = None);
    let (_, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!(codes(&checks, "unseen"), ["status/source", "branch/bypass"], "{checks:#?}");
}

#[test]
fn who_can_bypass_is_listed() {
    let github = Well::default().build();
    let bypass = |actors: Value| {
        github.with(|state| state.rulesets[0]["bypass_actors"] = actors);
    };
    bypass(json!([
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"},
        {"actor_id": 103, "actor_type": "User", "bypass_mode": "pull_request"},
        {"actor_id": null, "actor_type": "OrganizationAdmin", "bypass_mode": "always"},
    ]));
    advises(
        &github,
        "branch/bypass",
        "the role admin, carol (in pull requests) and the organisation's owners",
    );
    bypass(json!([{"actor_id": 4, "actor_type": "RepositoryRole", "bypass_mode": "always"}]));
    lacks_only(&github, "branch/bypass", "can be bypassed by the role write");
}

#[test]
fn classic_protection_is_as_good() {
    let github = Well { without: well::ALL, ..Well::default() }.build();
    let protection = |state: &mut crate::plumbing::github::State| {
        let protection = well::classic(state);
        state.protection.insert("main".to_owned(), protection);
    };
    github.with(protection);
    let (exit, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!((exit, codes(&checks, "bad")), (0, vec![]), "{checks:#?}");
    assert_eq!(codes(&checks, "advice"), ["status/forgery", "branch/bypass"]);
    // Others see that there is protection, and which statuses are required.
    let (exit, checks) = examined(&mut doctor(&github, &github.token_of("bob")));
    assert_eq!((exit, codes(&checks, "bad")), (0, vec![]), "{checks:#?}");
    let unseen = codes(&checks, "unseen");
    let hidden =
        ["branch/pull-requests", "branch/force-pushes", "branch/deletion", "branch/bypass"];
    assert_eq!(unseen[..4], hidden);
    assert!(codes(&checks, "good").contains(&"status/source"));
    github.with(|state| {
        let main = state.protection.get_mut("main").unwrap();
        main["enforce_admins"]["enabled"] = json!(true);
        main["required_pull_request_reviews"]["bypass_pull_request_allowances"]["users"] =
            json!([]);
        main["allow_force_pushes"]["enabled"] = json!(true);
    });
    lacks_only(&github, "branch/force-pushes", "main can be force-pushed");
}

#[test]
fn code_owners_have_to_cover_what_decides() {
    let github = Well { owners: "/policies/ @acme/platform\n", ..Well::default() }.build();
    lacks_only(
        &github,
        "owners/paths",
        ".github/workflows, .github/actions and .github/CODEOWNERS",
    );
    let text = "* @acme/platform\n/policies/rules/\n";
    let github = Well { owners: text, ..Well::default() }.build();
    lacks_only(
        &github,
        "owners/paths",
        "policies/rules/completeness/completeness.rego has no owner",
    );
    let github = Well::default().build();
    well::rule(&github, "pull_request", |parameters| {
        parameters["require_code_owner_review"] = json!(false);
    });
    lacks_only(&github, "owners/required", "isn't required");
    let github = Well::default().build();
    well::remove(&github, &[".github/CODEOWNERS"]);
    lacks_only(&github, "owners/file", "main has no CODEOWNERS");
}

#[test]
fn what_github_finds_wrong_with_code_owners_is_listed() {
    let github = Well::default().build();
    github.with(|state| {
        state.codeowners_errors = vec![json!({
            "line": 2, "column": 11, "kind": "Unknown owner", "source": "/.github/ @nobody",
            "message": "Unknown owner on line 2", "path": ".github/CODEOWNERS",
        })];
    });
    lacks_only(&github, "owners/errors", "line 2, Unknown owner in `/.github/ @nobody`");
}

#[test]
fn workflows_are_held_against_what_they_need() {
    let checkout = "3d3c42e5aac5ba805825da76410c181273ba90b1";
    for (old, new, code, said) in [
        (
            "contents: read",
            "packages: write",
            "permissions",
            "change-check.yml has `packages: write`",
        ),
        (
            "run it would be another branch.\n          ref: ${{ github.event.repository.default_branch",
            "run\n          ref: ${{ github.event.pull_request.head.sha",
            "checkout",
            "on pull_request_target",
        ),
        (checkout, "v4", "pinned", "uses actions/checkout@v4"),
    ] {
        let github = Well::default().build();
        well::edit(&github, ".github/workflows/change-check.yml", old, new);
        lacks_only(&github, &format!("workflows/{code}"), said);
    }
    let github = Well::default().build();
    well::remove(&github, &[".github/workflows/sweep.yml"]);
    lacks_only(&github, "workflows/present", "there is no .github/workflows/sweep.yml");
    let github = Well::default().build();
    let trial = ".github/workflows/change-policies.yml";
    well::remove(&github, &[trial]);
    advises(&github, "workflows/present", &format!("there is no {trial}"));
}

#[test]
fn a_workflow_that_can_t_be_read_is_not_taken_for_good() {
    let github = Well::default().build();
    let odd = "on: &a push\njobs: {}\n";
    github.commit("carol", "main", &[(".github/workflows/odd.yml", odd)], "Odd");
    let (exit, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!((exit, codes(&checks, "unseen")), (0, vec!["workflows/readable"]));
}

#[test]
fn the_roster_s_people_have_to_be_the_accounts_that_they_say() {
    let github = Well::default().build();
    github.with(|state| {
        let dan = state.users.iter_mut().find(|user| user.login == "dan").unwrap();
        dan.id = 9104;
    });
    lacks_only(&github, "roster/accounts", "dan is account 9104 on GitHub, but 104 in the roster");
    let github = Well::default().build();
    github.with(|state| {
        let dan = state.users.iter_mut().find(|user| user.login == "dan").unwrap();
        dan.login = "daniel".to_owned();
    });
    lacks_only(&github, "roster/accounts", "GitHub has no account dan: it was renamed or deleted");
    let github = Well::default().build();
    well::edit(&github, "policies/org/roster/data.yaml", ", id: \"104\"", "");
    lacks_only(&github, "roster/ids", "the roster has no id for dan");
}

#[test]
fn whoever_judges_has_to_see_the_teams_that_the_roster_names() {
    let github = Well::default().build();
    name_teams(&github);
    let (exit, checks) = examined(&mut doctor(&github, &github.token()));
    assert_eq!((exit, codes(&checks, "bad")), (1, vec!["roster/teams"]));
    let found = checks.iter().find(|check| check["grade"] == "bad").unwrap()["found"].to_string();
    assert!(found.contains("acme/payments"), "{found}");
    assert!(found.contains("Resource not accessible by integration"), "{found}");
    advises(&github, "roster/teams", "a workflow's token can't see the members of acme/learning");
    let (_, checks) = examined(&mut doctor_as_app(&github));
    assert!(codes(&checks, "good").contains(&"roster/teams"), "{checks:#?}");
}

#[test]
fn policies_have_to_be_there_and_to_protect_their_own_branch() {
    let settings = "policies/org/settings/data.yaml";
    let github = Well::default().build();
    well::edit(&github, settings, "protected_bases: [main]", "protected_bases: [main, release]");
    lacks_only(&github, "policies/branches", "there is no branch release");
    let github = Well::default().build();
    well::edit(&github, settings, "protected_bases: [main]", "protected_bases: [release]");
    let (_, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!(codes(&checks, "bad"), ["policies/default-branch", "policies/branches"]);
    let github = Well::default().build();
    well::edit(&github, settings, "protected_bases: [main]", "protected_bass: [main]");
    lacks_only(&github, "policies/usable", "protected_bass");
}

#[test]
fn each_protected_branch_is_examined() {
    let github = Well::default().build();
    let settings = "policies/org/settings/data.yaml";
    well::edit(&github, settings, "protected_bases: [main]", "protected_bases: [main, release/1]");
    github.commit("erin", "release/1", &[("README.md", "1")], "A release");
    let (exit, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!(exit, 1);
    let bad: Vec<_> = checks.iter().filter(|check| check["grade"] == "bad").collect();
    assert!(bad.iter().all(|check| check["about"] == "branch release/1"), "{bad:#?}");
    assert_eq!(bad.len(), 5, "{bad:#?}");
}

#[test]
fn without_a_look_nothing_is_said() {
    let github = GitHub::start();
    let mut command = doctor(&github, &github.token());
    Ran::of(command.args(["--repo", "acme/nothing"]), "")
        .failed(&["cannot read the repository acme/nothing", "isn't allowed to see it"]);
    let mut command = doctor(&github, "");
    Ran::of(&mut command, "").failed(&["GITHUB_TOKEN"]);
    let mut command = doctor(&github, "ghp_stranger");
    Ran::of(&mut command, "").failed(&["Bad credentials", "set GITHUB_TOKEN to a new one"]);
}

#[test]
fn the_ledger_has_to_begin_and_to_stay() {
    let github = Well::default().build();
    let settings = github.file("main", "policies/org/settings/data.yaml");
    let on = settings.replace("ledger: {on: false}", "ledger: {on: true, origin: x.example/ops}");
    github.commit("carol", "main", &[("policies/org/settings/data.yaml", &on)], "Record");
    lacks_only(&github, "ledger/begun", "there is no branch audit/ledger");
    github.commit("carol", "audit/ledger", &[("x", "x")], "Something");
    github.with(|state| state.rules.get_mut("audit/evidence").unwrap().truncate(1));
    lacks_only(
        &github,
        "ledger/protected",
        "audit/evidence lacks the rules `non_fast_forward` and `required_linear_history`",
    );
}

#[test]
fn the_operations_log_has_to_begin_to_stay_and_to_take_what_jobs_push() {
    let github = Well::default().build();
    let (settings, roster) = ("policies/org/settings/data.yaml", ROSTER);
    let job = json!({"deploy": {
        "github": {"repository_id": "8123", "workflow": ".github/workflows/deploy.yml", "ref": "refs/heads/main"},
        "may": [{"actions": ["deploy"], "targets": ["checkout-web"]}], "acts_for": "people",
    }});
    let text = format!("{}\nmachines: {job}\n", github.file("main", roster));
    github.commit("carol", "main", &[(roster, &text)], "Execute in jobs");
    lacks_only(&github, "operations/begun", "there is no branch audit/operations");
    github.commit("carol", "audit/operations", &[("x", "x")], "Something");
    advises(&github, "operations/own", "don't name this repository's id");
    let names = |id: &str| {
        let text = github.file("main", settings);
        let text = text.replace("\n  issuer:", &format!("\n  repository_id: \"{id}\"\n  issuer:"));
        github.commit("carol", "main", &[(settings, &text)], "Name it");
    };
    let id = github.with(|state| state.ops().id).to_string();
    names(&id);
    let (exit, checks) = examined(&mut doctor(&github, &github.token_of("carol")));
    assert_eq!((exit, codes(&checks, "bad")), (0, vec![]), "{checks:#?}");
    let rules = |change: &dyn Fn(&mut Vec<Value>)| {
        github.with(|state| change(state.rules.get_mut("audit/operations").unwrap()));
    };
    rules(&|rules| rules.push(well::of_kind("required_signatures", Value::Null)));
    lacks_only(
        &github,
        "operations/open",
        "audit/operations has the rules “Require signed commits”",
    );
    rules(&|rules| rules.truncate(2));
    lacks_only(&github, "operations/protected", "lacks the rules “Require linear history”");
}
