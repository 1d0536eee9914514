//! The action that executes, as a workflow of another repository uses it.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::cli::copy_folder;
use crate::github::executing::Shop;
use crate::plumbing::act::{Runner, Site};
use crate::plumbing::hub::{Ran, program};
use crate::plumbing::root;

const DEPLOY: &str = "
on: workflow_dispatch
jobs:
  deploy:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
        with: {persist-credentials: false}
      - id: exec
        uses: ./.github/actions/exec
        with: {change: CHG-7, command-file: deploy.sh, repository: acme/ops, version: installed}
      - if: always()
        shell: bash
        run: echo \"said ${{ steps.exec.outputs.verdict }} ${{ steps.exec.outputs.result }}\"
";

#[test]
fn a_job_executes_what_was_approved_and_records_how_it_ended() {
    let Some(runner) = Runner::with(&program()) else { return };
    let shop = Shop::open();
    let pull = shop.submits("bob");
    let (workspace, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@acme.example"]).args(arguments);
        Ran::of(command.current_dir(&workspace), "").went_well();
    };
    git(&["init", "--quiet", "-b", "main"]);
    for action in ["exec", "changegate"] {
        let path = format!(".github/actions/{action}");
        copy_folder(&root().join(&path), &workspace.path().join(&path));
    }
    let workflow = place.path().join("deploy.yml");
    fs::write(&workflow, DEPLOY).unwrap();
    let deploys = |script: &str| -> Ran {
        fs::write(workspace.path().join("deploy.sh"), script).unwrap();
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "-m", "Deploy"]);
        shop.github.set_now(chrono::Utc::now().into());
        let (api, token) = (shop.github.url(), shop.github.token());
        let site = Site { repository: workspace.path().to_str().unwrap(), api, token: &token };
        let payload = json!({"repository": {"default_branch": "main"}});
        let (event, environment) = ("workflow_dispatch", shop.issuer.environment());
        runner.run_in(&site, (place.path(), &workflow), event, &payload, &environment)
    };
    shop.github.merge(pull, "bob");
    shop.begins();
    // Of a step that fails, act may not show all.
    let mark = place.path().join("mark");
    let failed =
        deploys(&format!("echo \"on $CHANGEGATE_TARGET\" >'{}'; exit 3\n", mark.display()));
    assert_ne!(failed.code, 0, "{failed:?}");
    assert_eq!(fs::read_to_string(&mark).unwrap(), "on edge-fra-1\n");
    for said in ["exit status 3", "said approved failed"] {
        assert!(failed.stdout.contains(said) || failed.stderr.contains(said), "{said}: {failed:?}");
    }
    deploys("true\n").ended(0, &["said approved done", "Job succeeded"]);
    let again = deploys("echo it ran\n");
    assert!(again.code != 0 && again.stdout.contains("said denied"), "{again:?}");
    assert!(!again.stdout.contains("it ran"), "{again:?}");
    let events = shop.events();
    let results: Vec<_> = events.iter().filter_map(|it| it["result"].as_str()).collect();
    assert_eq!(results, ["failed", "done"], "{events:?}");
    assert_eq!(
        (&events[0]["by"], &events[0]["for"]),
        (&json!("machine:deploy-prod"), &json!("bob"))
    );
}
