//! Executing changes as a job on GitHub, which proves by tokens what it is.

use serde_json::json;

use super::{ALWAYS, WINDOWS, now};
use crate::operations::tokens::tables;
use crate::plumbing::hub::{Desk, Hub, Ran, program};
use crate::plumbing::issuer::Issuer;

const ROSTER: &str = "policies/org/roster/data.yaml";
const SETTINGS: &str = "policies/org/settings/data.yaml";
const SHIPPED_ISSUER: &str = "issuer: https://token.actions.githubusercontent.com";

impl Desk<'_> {
    /// Puts the machines and the issuer into the tables.
    fn settle(&self, issuer: &Issuer) {
        let tables = tables(issuer);
        let show = |path: &str| self.git(&["show", &format!("origin/main:{path}")]);
        let roster = format!("{}\nmachines: {}\n", show(ROSTER), tables["roster"]["machines"]);
        let own = format!("issuer: {}\n  repository_id: \"42\"", issuer.url);
        let settings = show(SETTINGS).replace(SHIPPED_ISSUER, &own);
        let files = [(WINDOWS, ALWAYS), (ROSTER, &roster), (SETTINGS, &settings)];
        let tip = self.put("origin/main", &files, "Execute in jobs");
        self.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    }

    /// The program as a job.
    fn as_job(&self, issuer: &Issuer, arguments: &[&str]) -> Ran {
        let mut command = self.command(program(), arguments);
        Ran::of(command.envs(issuer.environment()), "")
    }

    /// Has no key any more.
    fn without_key(self) -> Self {
        self.git(&["config", "--unset", "user.signingkey"]);
        self
    }
}

/// A hub whose log knows the issuer's key.
fn begun(issuer: &Issuer) -> Hub {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    carol.settle(issuer);
    hub.guard();
    carol.as_job(issuer, &["init", "--operations"]).ended(0, &["began audit/operations as"]);
    hub
}

/// Edges 28, 29: who starts it again is entitled, too, and without a token or a key nothing begins.
#[test]
fn a_job_executes_for_who_started_it() {
    let issuer = Issuer::start();
    let hub = begun(&issuer);
    hub.desk("bob").merges("CHG-001", &now("CHG-001", "bob"));
    let job = hub.desk_at("dan", "runner").without_key();
    let exec = |arguments: &[&str]| {
        job.as_job(&issuer, &[&["exec", "CHG-001"], arguments, &["--", "true"]].concat())
    };
    exec(&["--for", "bob"]).ended(202, &["leave --for out"]);
    issuer.job(&json!({"environment": "staging"}));
    exec(&[]).ended(201, &["no machine in policies/org/roster/data.yaml is this job"]);
    issuer.job(&json!({"environment": "production", "actor": "alice", "actor_id": "101"}));
    exec(&[]).ended(201, &["execute/actor"]);
    issuer.job(&json!({"actor": "mallory", "actor_id": "666"}));
    exec(&[]).ended(201, &["mallory, whose id on GitHub is 666, isn't in"]);
    issuer.job(&json!({"actor": "bob", "actor_id": "102"}));
    // 28: who starts it again has to be entitled as well.
    let again = |login: &str, id: u64| {
        issuer.starts_again(login, id);
        let mut command = job.command(program(), &["exec", "CHG-001", "--", "true"]);
        command.envs(issuer.environment()).env("GITHUB_API_URL", &issuer.url);
        Ran::of(command.env("CHANGEGATE_JOB_TOKEN", "ghs_own"), "")
    };
    again("alice", 101).ended(201, &["execute/actor"]);
    again("mallory", 666).ended(201, &["mallory, whose id on GitHub is 666"]);
    exec(&[]).ended(202, &["GitHub doesn't say by whom"]);
    issuer.job(&json!({"run_attempt": "1"}));
    let ran = job.changegate(&["exec", "CHG-001", "--", "true"]);
    ran.ended(201, &["git has no signing key", "id-token: write"]);
    exec(&[]).ended(0, &[]);

    let events = job.events("CHG-001");
    assert_eq!(events.len(), 2, "{events:?}");
    for event in &events {
        assert_eq!(event["by"], "machine:deploy-prod", "{event}");
        assert_eq!(event["for"], "bob", "{event}");
    }
    job.as_job(&issuer, &["begin", "CHG-001", "--rollback"]).ended(0, &["recorded begin"]);
    job.as_job(&issuer, &["end", "CHG-001"]).ended(0, &["recorded end CHG-001: done"]);
}

/// Attacks 29: an L2 brings no key.
#[test]
fn the_next_key_is_brought_under_one_that_counts() {
    let issuer = Issuer::start();
    let hub = begun(&issuer);
    hub.desk("bob").merges("CHG-001", &now("CHG-001", "bob"));
    let job = hub.desk_at("dan", "runner").without_key();
    let keys = || job.as_job(&issuer, &["operations", "keys"]);
    let of_sweep = json!({
        "repository": "acme/ops", "repository_id": "42", "event_name": "schedule",
        "workflow_ref": "acme/ops/.github/workflows/sweep.yml@refs/heads/main",
    });
    let deploy = json!({
        "repository": "acme/shop", "repository_id": "8123", "event_name": "workflow_dispatch",
        "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
    });
    issuer.use_keys(&[0, 1]);
    job.as_job(&issuer, &["exec", "CHG-001", "--", "true"])
        .ended(201, &["key-1, a key that isn't in the log", "changegate operations keys"]);
    // No job brings the key that proves it, and no other job brings any.
    issuer.job(&of_sweep);
    keys().ended(1, &["key-1, a key that isn't in the log"]);
    issuer.use_keys(&[1, 0]);
    issuer.job(&deploy);
    keys().ended(1, &["isn't that of machine:deploy-prod"]);
    issuer.job(&of_sweep);
    keys().ended(0, &["recorded keys"]);
    keys().ended(0, &["are recorded"]);

    issuer.use_keys(&[1]);
    issuer.job(&deploy);
    job.as_job(&issuer, &["exec", "CHG-001", "--", "true"]).ended(0, &[]);
    // Where none is known any more, an L3 brings one.
    issuer.use_keys(&[2]);
    keys().ended(1, &["key-2, a key that isn't in the log"]);
    for (who, place) in [("alice", "alices"), ("bob", "bobs")] {
        let said = format!("{who} may not: it is up to an L3");
        hub.desk_at(who, place).as_job(&issuer, &["operations", "keys"]).ended(1, &[&said]);
    }
    let carol = hub.desk_at("carol", "carols");
    carol.as_job(&issuer, &["operations", "keys"]).ended(0, &["recorded keys"]);
}

/// 27: what a runner's environment says proves nothing, nor do the tokens of another issuer.
#[test]
fn an_environment_that_looks_like_a_job_proves_nothing() {
    let issuer = Issuer::start();
    let hub = begun(&issuer);
    hub.desk("bob").merges("CHG-001", &now("CHG-001", "bob"));
    let job = hub.desk_at("dan", "runner").without_key();
    let exec = |issuer: Option<&Issuer>| {
        let mut command = job.command(program(), &["exec", "CHG-001", "--", "true"]);
        for (name, value) in [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "bob"),
            ("GITHUB_ACTOR_ID", "102"),
            ("GITHUB_TRIGGERING_ACTOR", "bob"),
            ("GITHUB_REPOSITORY_ID", "8123"),
            ("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/deploy.yml@refs/heads/main"),
            ("GITHUB_RUN_ID", "77"),
        ] {
            command.env(name, value);
        }
        command.envs(issuer.map(Issuer::environment).into_iter().flatten());
        Ran::of(&mut command, "")
    };
    exec(None).ended(201, &["git has no signing key"]);
    exec(Some(&Issuer::start())).ended(201, &["its token is from http://127.0.0.1:"]);
    // Who started it is who the token says.
    issuer.job(&json!({"actor": "alice", "actor_id": "101"}));
    exec(Some(&issuer)).ended(201, &["execute/actor"]);
    assert_eq!(job.events("CHG-001").len(), 0);
}
