use super::*;
use crate::layout::table;
use crate::policy::{PolicyBundle, shipped_files};
use crate::yaml;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";

/// The shipped tables, with machines that may deploy to `checkout-web`.
fn org() -> Org {
    let mut files = shipped_files();
    let roster = String::from_utf8(files[&table("roster")].clone()).unwrap();
    let may = "may: [{actions: [deploy], targets: [checkout-web]}]";
    let machines = format!(
        "machines:\n  key: {{keys: ['{KEY}'], unattended: true, {may}}}\n  \
         deploy: {{via: key, acts_for: people, {may}}}\n"
    );
    files.insert(table("roster"), (roster + &machines).into_bytes());
    PolicyBundle::tables(&files).unwrap()
}

fn request(lines: &str) -> ChangeRequest {
    let text = format!("impact: {{services: [checkout]}}\n{lines}\n");
    yaml::parse(text.as_bytes()).read().value.unwrap()
}

/// One case a line: who acts (and for whom), whether it is a rollback, the level that was counted, who
/// signed; in which capacity.
#[test]
fn who_may_act() {
    let org = org();
    let deploy = "requester: alice\nactions: [{action: deploy, target: checkout-web}]";
    let high = "requester: alice\nimplementer: bob\nrollback: {steps: [x], owner: frank}\n\
                actions: [{action: failover-region, target: eu-west-1}]";
    let two = "requester: alice\n\
               actions: [{action: deploy, target: checkout-web}, {action: deploy, target: cdn}]";
    use Capacity::*;
    for (lines, who, rollback, counted, signed, expected) in [
        (deploy, "alice", false, "L1", "", Some(Implementer)),
        (deploy, "bob", false, "L1", "", Some(StandIn)),
        (deploy, "bob", false, "L2", "", Some(StandIn)),
        (deploy, "bob", false, "L3", "", None),
        (deploy, "bob", false, "L1", "bob", None),
        (deploy, "bob", false, "", "", Some(StandIn)),
        // Neither of the team nor of a service that it affects.
        (deploy, "carol", false, "L1", "", None),
        (deploy, "ivan", false, "", "", None),
        (deploy, "stranger", false, "", "", None),
        // The requester isn't the implementer, who is of the same team.
        (high, "bob", false, "L1", "", Some(Implementer)),
        (high, "alice", false, "L1", "", Some(StandIn)),
        (high, "alice", false, "L2", "", None),
        (deploy, "machine:deploy for alice", false, "L1", "", Some(Machine)),
        (deploy, "machine:deploy for bob", false, "L1", "", Some(Machine)),
        (deploy, "machine:deploy for carol", false, "L1", "", None),
        (deploy, "machine:deploy", false, "L1", "", None),
        (deploy, "machine:key", false, "L1", "", Some(Machine)),
        (deploy, "machine:key for alice", false, "L1", "", None),
        (deploy, "machine:unknown for alice", false, "L1", "", None),
        (high, "machine:deploy for bob", false, "L1", "", None),
        // One of two targets isn't its.
        (two, "machine:deploy for alice", false, "L1", "", None),
        (high, "frank", true, "L1", "", Some(Rollback)),
        (high, "erin", true, "L1", "erin", Some(Rollback)),
        (high, "heidi", true, "L1", "", Some(Rollback)),
        (high, "bob", true, "L1", "", None),
        (high, "alice", true, "L1", "", None),
        (deploy, "alice", true, "L1", "", Some(Rollback)),
        // Where the catalog asks for no level, it is up to those near it, or an L3.
        (deploy, "dave", true, "L1", "", None),
        (deploy, "bob", true, "L1", "bob", Some(Rollback)),
        (deploy, "erin", true, "L1", "", Some(Rollback)),
        (deploy, "ivan", true, "L1", "", None),
        (deploy, "machine:deploy for dave", true, "L1", "", None),
        (deploy, "machine:deploy for bob", true, "L1", "", Some(Machine)),
    ] {
        let request = request(lines);
        let (by, on_behalf) =
            who.split_once(" for ").map_or((who, None), |(by, on)| (by, Some(on)));
        let by = Actor::try_from(std::borrow::Cow::from(by)).unwrap();
        let on_behalf: Option<Login> = on_behalf.map(|login| login.parse().unwrap());
        let signed: Option<Login> = signed.parse().ok();
        let signed: Vec<_> = signed.iter().collect();
        let counted = serde_json::from_value(counted.into()).ok();
        let acting = Acting {
            org: &org,
            request: &request,
            steps: &[],
            rollback,
            counted,
            signed_by: &signed,
            by: &by,
            on_behalf: on_behalf.as_ref(),
        };
        let case = format!("{who}, rollback {rollback}, counted {counted:?}: {lines}");
        assert_eq!(capacity(&acting), expected, "{case}");
    }
}

#[test]
fn a_machine_may_do_single_steps() {
    let org = org();
    let request = request(
        "requester: alice\n\
         actions: [{action: deploy, target: checkout-web}, {action: deploy, target: cdn}]",
    );
    let name: Login = "deploy".parse().unwrap();
    let may = |steps: &[u32]| {
        let (by, on_behalf) = (Actor::Machine(name.clone()), None);
        let rollback = false;
        let (org, request, signed_by) = (&org, &request, &[][..]);
        Acting { org, request, steps, rollback, counted: None, signed_by, by: &by, on_behalf }
            .machine_may(&name)
    };
    let cases =
        [(&[1][..], true), (&[2], false), (&[1, 2], false), (&[1, 3], false), (&[3], false)];
    for (steps, expected) in cases {
        assert_eq!(may(steps), expected, "{steps:?}");
    }
}

#[test]
fn steps_are_meant_by_number_or_by_name() {
    let request = request(
        "requester: alice\n\
         actions: [{action: deploy, target: web}, {action: deploy, target: Web}, {action: deploy, target: web}]",
    );
    let named = |target: &str| Steps::Named("deploy".parse().unwrap(), target.parse().unwrap());
    for (steps, expected) in [
        (Steps::Left, vec![1, 3]),
        (Steps::Numbers(vec![2]), vec![2]),
        (Steps::Numbers(vec![0, 4]), vec![]),
        (named("Web"), vec![2]),
        (named("web"), vec![1, 3]),
        (named("we"), vec![]),
    ] {
        let numbers: Vec<_> =
            steps.of(&request, |number| number != 2).iter().map(|it| it.0).collect();
        assert_eq!(numbers, expected, "{steps:?}");
    }
}
