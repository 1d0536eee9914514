//! The page about pipelines: its files are what the tools read, and their commands execute a change, with a key
//! that only the pipeline has, in a repository with the real hook.

use std::fs;
use std::process::Command;

use changegate::core::yaml;
use serde_json::Value;

use super::page::Page;
use crate::executing::{ALWAYS, WINDOWS, now};
use crate::plumbing::hub::{Desk, Hub, Ran, make_executable, program};

const ROSTER: &str = "policies/org/roster/data.yaml";

/// The files that the page shows.
fn shown() -> Vec<Value> {
    let page = Page::read("docs/how-to/pipelines.md");
    let files = page.blocks.iter().filter(|block| block.language == "yaml");
    files.map(|block| yaml::parse(block.text.as_bytes()).read().value.unwrap()).collect()
}

/// The lines of a shell block that has this text.
fn shell(part: &str) -> String {
    let page = Page::read("docs/how-to/pipelines.md");
    let block = page.blocks.iter().find(|it| it.language == "sh" && it.text.contains(part));
    block.unwrap().text.clone()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

/// A hub with two machines, of which one acts for nobody.
fn hub() -> Hub {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    let key = |name: &str| {
        let file = hub.path(name);
        let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"];
        Ran::of(Command::new("ssh-keygen").args(arguments).arg(&file), "").went_well();
        let public = file.with_extension("pub");
        let text = fs::read_to_string(&public).unwrap().trim().to_owned();
        // The pipeline has the private key alone.
        fs::remove_file(public).unwrap();
        text
    };
    let may = "may: [{actions: [maintenance-mode], targets: [worker-CHG001]}]";
    let machines = format!(
        "machines:\n  deploy-prod: {{keys: [\"{}\"], {may}, acts_for: people}}\n  \
         argo-prod: {{keys: [\"{}\"], {may}, unattended: true}}\n",
        key("deploy-prod"),
        key("argo-prod")
    );
    let roster = carol.git(&["show", &format!("origin/main:{ROSTER}")]) + "\n" + &machines;
    let tip = carol.put("origin/main", &[(WINDOWS, ALWAYS), (ROSTER, &roster)], "Pipelines");
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    carol.changegate(&["init", "--operations"]).ended(0, &["began audit/operations as"]);
    hub
}

/// Runs a script in a new folder beside a script that deploys, with the variables of a pipeline.
fn runs(hub: &Hub, desk: &Desk<'_>, folder: &str, script: &str, more: &[(&str, &str)]) -> Ran {
    let folder = hub.path(folder);
    fs::create_dir_all(folder.join("bin")).unwrap();
    let deploy =
        "#!/bin/sh\nprintf 'deployed %s for %s\\n' \"$CHANGEGATE_TARGET\" \"$CHANGEGATE_CHANGE\"\n";
    let changes = shell("ssh-keygen -y");
    for (path, text) in [
        ("deploy.sh", deploy),
        ("changes.sh", &changes),
        ("bin/changes.sh", &changes),
        ("bin/terraform", "#!/bin/sh\necho \"terraform $*\"\n"),
    ] {
        fs::write(folder.join(path), text).unwrap();
        make_executable(&folder.join(path));
    }
    let path = std::env::var("PATH").unwrap();
    let own = program().parent().unwrap().display().to_string();
    let mut command = desk.command("sh", &["-ec", script]);
    command
        .current_dir(&folder)
        .env("PATH", format!("{own}:{}:{path}", folder.join("bin").display()))
        .env("CHANGES_URL", hub.folder())
        .env("CHANGEGATE_KEY", hub.path("deploy-prod"))
        .envs(more.iter().copied());
    Ran::of(&mut command, "")
}

#[test]
fn each_example_executes_a_change() {
    let hub = hub();
    let bob = hub.desk("bob");
    let [gitlab, argo, atlantis]: [Value; 3] = shown().try_into().unwrap();

    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let script = shell("$PERSON");
    let stranger = [("CHANGE", "CHG-001"), ("PERSON", "ivan")];
    assert_eq!(runs(&hub, &bob, "stranger", &script, &stranger).code, 201);
    let person = [("CHANGE", "CHG-001"), ("PERSON", "bob")];
    runs(&hub, &bob, "shell", &script, &person).ended(0, &["deployed worker-CHG001 for CHG-001"]);
    let begun = &bob.events("CHG-001")[0];
    assert_eq!((&begun["by"], &begun["for"]), (&"machine:deploy-prod".into(), &"bob".into()));
    bob.changegate(&["exec", "CHG-001", "--rollback", "--", "true"]).went_well();

    let script = texts(&gitlab["deploy"]["script"]).join("\n");
    let starter = [("CHANGE", "CHG-001"), ("GITLAB_USER_LOGIN", "bob")];
    runs(&hub, &bob, "gitlab", &script, &starter).ended(0, &["deployed worker-CHG001 for CHG-001"]);
    let again = runs(&hub, &bob, "gitlab-again", &script, &starter);
    again.ended(0, &["CHG-001 is done already"]);
    assert!(!again.stdout.contains("deployed"), "{again:?}");
    bob.changegate(&["exec", "CHG-001", "--rollback", "--", "true"]).went_well();

    let hook = &argo["metadata"]["annotations"]["argocd.argoproj.io/hook"];
    let container = &argo["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((hook.as_str(), texts(&container["command"])), (Some("PreSync"), vec!["sh", "-ec"]));
    let begins = texts(&container["args"])[0];
    let ends = shell("$CHANGE\" --result failed");
    let ends = ends.lines().next().unwrap();
    assert!(begins.contains("changegate begin"), "{begins}");
    let key = hub.path("argo-prod").display().to_string();
    let argo = [("CHANGE", "CHG-001"), ("CHANGEGATE_KEY", key.as_str())];
    runs(&hub, &bob, "argo", &format!("{begins}\n{ends}"), &argo)
        .ended(0, &["recorded begin CHG-001", "recorded end CHG-001: done"]);
    let last = bob.events("CHG-001").pop().unwrap();
    assert_eq!((&last["by"], last.get("for")), (&"machine:argo-prod".into(), None));
    bob.changegate(&["exec", "CHG-001", "--rollback", "--", "true"]).went_well();

    let steps = atlantis["workflows"]["changegate"]["apply"]["steps"].as_array().unwrap();
    let mut script =
        "git init --quiet\ngit -c commit.gpgsign=false -c user.name=x -c user.email=x@x commit \
                      --quiet --allow-empty -m 'Raise the count' -m 'Change: CHG-001'\n"
            .to_owned();
    for step in steps {
        script += &match step["run"].as_str() {
            Some(run) => format!("(sh -c '{}')\n", run.replace('\'', "'\\''")),
            None => {
                let (name, command) = (&step["env"]["name"], &step["env"]["command"]);
                let [name, command] = [name, command].map(|it| it.as_str().unwrap());
                format!("export {name}=\"$({command})\"\n")
            }
        };
    }
    let plan = [("USER_NAME", "bob"), ("DIR", "/infra"), ("PLANFILE", "/infra/plan")];
    runs(&hub, &bob, "atlantis", &script, &plan)
        .ended(0, &["terraform -chdir=/infra apply -input=false /infra/plan"]);
}
