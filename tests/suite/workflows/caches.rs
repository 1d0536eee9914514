//! What the workflows take from caches: whatever runs foreign code in a workflow of the default branch can
//! write those.

use super::*;

/// What a job that may write contents may use: neither takes anything from a cache by itself.
const TRUSTED: [&str; 2] = ["actions/checkout@", "./.github/actions/changegate"];

/// Whether a job may write contents, by its own permissions or those of its workflow. Who says nothing has
/// what the repository's settings give.
fn may_write(workflow: &Value, job: &Value) -> bool {
    let of_job = job.get("permissions");
    match of_job.or_else(|| workflow.get("permissions")) {
        Some(Value::Object(all)) => all.get("contents").is_some_and(|it| it == "write"),
        Some(Value::String(all)) => all != "read-all",
        _ => true,
    }
}

/// Record 73: who may write the ledger takes nothing from a cache.
#[test]
fn who_may_write_takes_nothing_from_a_cache() {
    let mut writing = Vec::new();
    for file in files_below(".github/workflows", ".yml") {
        let workflow = data(&file);
        let file = file.display();
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            if !may_write(&workflow, job) {
                continue;
            }
            writing.push(name.clone());
            for step in job["steps"].as_array().unwrap() {
                let Some(uses) = step["uses"].as_str() else { continue };
                assert!(TRUSTED.iter().any(|it| uses.starts_with(it)), "{file}, {name}: {uses}");
                let cache = &step["with"]["cache"];
                assert!(cache.is_null() || cache == false, "{file}, {name}: {cache}");
            }
        }
    }
    assert_eq!(writing, ["check", "form", "record", "sweep"]);
}

/// Record 73: the actions take the program alone from a cache, and only where a job asks for it.
#[test]
fn nothing_but_the_program_is_taken_from_a_cache() {
    let action = |name: &str| data(&root().join(format!(".github/actions/{name}/action.yml")));
    let changegate = action("changegate");
    assert_eq!(changegate["inputs"]["cache"]["default"], "false");
    let steps = |action: &Value| action["runs"]["steps"].as_array().unwrap().clone();
    let steps_with = |action: &Value| -> Vec<Value> {
        steps(action).into_iter().filter(|step| !step["uses"].is_null()).collect()
    };
    assert_eq!(steps_with(&action("exec")), [Value::Null; 0]);
    let [cache] = &steps_with(&changegate)[..] else { panic!("{changegate:#}") };
    assert!(cache["uses"].as_str().unwrap().starts_with("actions/cache@"), "{cache:#}");
    assert_eq!(cache["with"]["path"], "${{ runner.temp }}/changegate");
    assert!(cache["with"].get("restore-keys").is_none(), "{cache:#}");
    assert_eq!(cache["if"], "steps.build.outputs.key");
    let build = steps(&changegate).into_iter().find(|step| step["id"] == "build").unwrap();
    assert!(build["if"].as_str().unwrap().contains("inputs.cache == 'true'"), "{build:#}");
}
