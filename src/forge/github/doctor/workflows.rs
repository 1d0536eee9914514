//! Checks whether the workflows that judge exist, have only the permissions that they need, and run
//! no code that others can replace.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Check, Mode, listed};

mod steps;

use steps::{Checkout, Job};

/// The workflows that judge, each with the consequence if it is missing.
const JUDGING: [(&str, &str); 3] = [
    ("change-check", "pushes to pull requests aren't judged"),
    ("review-ping", "a review changes the decision only at the next sweep"),
    ("sweep", "a change stays approved when an approval expires or its start time passes"),
];

/// The workflows without which everything is judged as well: one tries a change of policies before people
/// sign it, the other records what they say of changes.
const BESIDE: [(&str, &str); 2] = [
    ("change-policies", "a fault in changed policies shows only after two people have signed them"),
    ("change-record", "what came of a change can't be recorded by a comment or a form"),
];

/// The write permissions that a job that judges, and records that, may have.
const ANSWERING: [&str; 3] = ["contents", "pull-requests", "statuses"];

/// The write permissions that jobs may have that run another verb than those which judge.
const OTHERS: [(&str, &[&str]); 3] = [
    ("comment", &["contents", "id-token", "pull-requests"]),
    ("form", &["contents", "issues"]),
    ("sweep", &["contents", "id-token", "pull-requests", "statuses"]),
];

/// The events that start a workflow with a token that can write, even for an outsider.
const PRIVILEGED: [&str; 2] = ["pull_request_target", "workflow_run"];

/// A workflow, or an action of the repository's own.
#[derive(Clone, Debug)]
pub struct WorkflowFile {
    /// `.github/workflows/…` or `.github/actions/…`
    pub path: String,
    /// The content, or the reason why it can't be read.
    pub content: Result<Value, String>,
}

/// Compares the workflows with what is needed. `owner` is the owner of the repository.
pub fn examine(files: &[WorkflowFile], mode: Mode, owner: &str) -> Vec<Check> {
    let read: Vec<_> = files
        .iter()
        .filter_map(|file| Some(Workflow::of(&file.path, file.content.as_ref().ok()?)))
        .collect();
    let mut checks = present(files, mode);
    for file in files {
        if let Err(reason) = &file.content {
            let found = format!("{} can't be read, so it could do anything", file.path);
            checks.push(
                Check::unseen("workflows/readable", found, reason)
                    .fix("write it as plain YAML, without anchors or tags, and run this again"),
            );
        }
    }
    checks.extend(read.iter().filter_map(Workflow::starts));
    checks.extend(one_or_good(
        "workflows/permissions",
        "the jobs that run changegate have only the permissions that they need",
        read.iter().flat_map(Workflow::permissions),
    ));
    checks.extend(one_or_good(
        "workflows/checkout",
        "no workflow with write permissions checks out the code of a pull request",
        read.iter().flat_map(Workflow::checkouts),
    ));
    checks.extend(one_or_good(
        "workflows/pinned",
        "third-party actions are pinned to commits",
        read.iter().filter_map(|file| file.pinning(owner)),
    ));
    checks
}

/// Checks whether each workflow that judges exists; it is needed unless an App runs elsewhere.
fn present(files: &[WorkflowFile], mode: Mode) -> Vec<Check> {
    let code = "workflows/present";
    let commit = |name: &str| {
        format!(
            "run `changegate init --github`, and commit the workflow to the default branch as {name}.yml"
        )
    };
    let is_there = |name: &str| {
        let path = format!(".github/workflows/{name}");
        let paths = [format!("{path}.yml"), format!("{path}.yaml")];
        files.iter().any(|file| paths.contains(&file.path))
    };
    let missing = JUDGING.iter().chain(&BESIDE).filter(|(name, _)| !is_there(name));
    let missing = missing.map(|(name, without)| {
        let found = format!("there is no .github/workflows/{name}.yml");
        match mode {
            _ if BESIDE.iter().any(|(other, _)| other == name) => {
                Check::advice(code, found).why(*without).fix(commit(name))
            }
            Mode::Action => Check::bad(code, found).why(*without).fix(commit(name)),
            Mode::App(_) => Check::advice(code, found)
                .why(format!("unless the App runs elsewhere, {without}"))
                .fix("run the App where it receives GitHub's events, or commit the workflow"),
        }
    });
    one_or_good(
        code,
        "change-check, review-ping, sweep, change-policies and change-record exist",
        missing,
    )
}

fn one_or_good(code: &'static str, good: &str, checks: impl Iterator<Item = Check>) -> Vec<Check> {
    let checks: Vec<_> = checks.collect();
    if checks.is_empty() { vec![Check::good(code, good)] } else { checks }
}

/// A workflow or an action.
struct Workflow<'a> {
    path: &'a str,
    content: &'a Value,
    jobs: Vec<Job<'a>>,
}

impl<'a> Workflow<'a> {
    fn of(path: &'a str, content: &'a Value) -> Self {
        Workflow { path, content, jobs: Job::all(content) }
    }

    /// Whether it runs changegate, or is the action that installs it.
    fn is_ours(&self) -> bool {
        self.path.starts_with(".github/actions/changegate/")
            || self.jobs.iter().any(Job::runs_changegate)
    }

    /// Checks whether change-check judges what is open after a merge or a push.
    fn starts(&self) -> Option<Check> {
        let code = "workflows/triggers";
        let name = self.path.rsplit('/').next()?;
        if !matches!(name, "change-check.yml" | "change-check.yaml") {
            return None;
        }
        let types = self.content["on"]["pull_request_target"]["types"].as_array();
        let closes = types.is_some_and(|types| types.iter().any(|kind| kind == "closed"));
        if closes && triggers(self.content).contains(&"push") {
            return Some(Check::good(code, "change-check runs after each merge and push"));
        }
        let bad = Check::bad(code, format!("{} doesn't run after each merge and push", self.path))
            .why("what was merged changes the decisions on the others only at the next sweep")
            .fix("run `changegate init --github --force`, and commit the workflow");
        Some(bad)
    }

    /// Finds the jobs that run changegate with more permissions than they need.
    fn permissions(&self) -> impl Iterator<Item = Check> {
        self.jobs.iter().filter(|job| job.runs_changegate()).filter_map(|job| {
            let code = "workflows/permissions";
            let label = format!("job {} in {}", job.name, self.path);
            let other = OTHERS.into_iter().find(|(verb, _)| job.runs(verb));
            let may_write = other.map_or(&ANSWERING[..], |(_, may_write)| may_write);
            let mut wanted: Vec<_> =
                may_write.iter().map(|name| format!("{name}: write")).collect();
            wanted.extend(job.runs("form").then(|| "pull-requests: read".to_owned()));
            let fix = format!(
                "{}: give the job `permissions: {{contents: read, {}}}`",
                self.path,
                wanted.join(", ")
            )
            .replace("contents: read, contents: write", "contents: write");
            let given = job.permissions(self.content);
            let found = match given {
                None => {
                    format!("{label} has no `permissions:`, so it gets the repository's default")
                }
                Some(Value::String(all)) if all == "write-all" => {
                    format!("{label} has `write-all`")
                }
                Some(Value::Object(given)) => {
                    let writes = given.iter().filter(|(_, access)| *access == "write");
                    let more = writes.filter(|(name, _)| !may_write.contains(&name.as_str()));
                    let more: Vec<_> = more.map(|(name, _)| format!("`{name}: write`")).collect();
                    if more.is_empty() {
                        return None;
                    }
                    format!("{label} has {}", listed(&more))
                }
                Some(_) => return None,
            };
            let why = "a fault or an attack in the job can use all these permissions";
            Some(Check::bad(code, found).why(why).fix(fix))
        })
    }

    /// Finds what a privileged workflow checks out from a pull request.
    fn checkouts(&self) -> impl Iterator<Item = Check> {
        let triggers = triggers(self.content);
        let trigger = PRIVILEGED.into_iter().find(|name| triggers.contains(name));
        let jobs = trigger.map_or(&[][..], |_| &self.jobs);
        jobs.iter().flat_map(Job::checkouts).map(move |checkout| {
            let (path, trigger) = (self.path, trigger.unwrap_or_default());
            let fix = format!(
                "{path}: remove `ref:` and `repository:` from the checkout, or do that work on \
                 `pull_request`, whose token can't write"
            );
            match checkout {
                Checkout::Head(what) => Check::bad(
                    "workflows/checkout",
                    format!("{path} checks out the code of a pull request ({what}) on {trigger}"),
                )
                .why("anyone can then run their own code with a token that can write")
                .fix(fix),
                Checkout::Unclear(what) => Check::advice(
                    "workflows/checkout",
                    format!("{path} checks out {what} on {trigger}"),
                )
                .why("if a pull request controls that, its code runs with a token that can write")
                .fix(fix),
            }
        })
    }

    /// Finds third-party actions that are pinned only to a tag or a branch.
    fn pinning(&self, owner: &str) -> Option<Check> {
        let used = self.jobs.iter().flat_map(|job| job.uses());
        let loose: BTreeSet<_> = used.filter(|action| is_loose(action, owner)).collect();
        if loose.is_empty() {
            return None;
        }
        let loose: Vec<_> = loose.into_iter().collect();
        let found = format!("{} uses {}", self.path, listed(&loose));
        let check = match self.is_ours() {
            true => Check::bad("workflows/pinned", found)
                .why("anyone who can move that tag or branch controls the decisions"),
            false => Check::advice("workflows/pinned", found)
                .why("anyone who can move that tag or branch can run code here"),
        };
        Some(check.fix(format!(
            "{}: pin it to a commit, with the version in a comment: `uses: \
             OWNER/NAME@40_HEX_DIGITS # v1.2.3`",
            self.path
        )))
    }
}

/// Returns the events that start a workflow.
fn triggers(content: &Value) -> Vec<&str> {
    match &content["on"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        Value::Object(some) => some.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether an action can change without a commit in this repository or another of its owner's.
fn is_loose(action: &str, owner: &str) -> bool {
    if action.starts_with("./") {
        return false;
    }
    if let Some(image) = action.strip_prefix("docker://") {
        return !image.contains("@sha256:");
    }
    let (name, at) = action.split_once('@').unwrap_or((action, ""));
    let is_own = name.split('/').next().is_some_and(|by| by.eq_ignore_ascii_case(owner));
    let is_commit = matches!(at.len(), 40 | 64) && at.bytes().all(|byte| byte.is_ascii_hexdigit());
    !is_own && !is_commit
}

#[cfg(test)]
mod tests;
