//! The jobs of a workflow, or the steps of an action, as far as the checks need them.

use serde_json::Value;

/// A job; an action counts as one job.
pub struct Job<'a> {
    pub name: &'a str,
    content: &'a Value,
    steps: &'a [Value],
}

/// What a step checks out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkout<'a> {
    /// The code of a pull request.
    Head(&'a str),
    /// Something that the text doesn't determine.
    Unclear(&'a str),
}

/// The expressions that name a pull request's own commits.
const HEADS: [&str; 6] = [
    "github.head_ref",
    "pull_request.head",
    "pull_request.merge_commit_sha",
    "refs/pull/",
    "workflow_run.head_",
    "workflow_run.pull_requests",
];

/// The expressions that no pull request can control.
const SAFE: [&str; 5] = [
    "github.base_ref",
    "github.event.pull_request.base.",
    "github.event.repository.default_branch",
    "github.ref",
    "github.sha",
];

impl<'a> Job<'a> {
    /// Returns the jobs of a workflow, or the steps of a composite action as one job.
    pub fn all(content: &'a Value) -> Vec<Self> {
        let jobs = content["jobs"].as_object().into_iter().flatten();
        let jobs = jobs.map(|(name, content)| Job::of(name, content));
        let action = content["runs"].is_object().then(|| Job::of("action", &content["runs"]));
        jobs.chain(action).collect()
    }

    fn of(name: &'a str, content: &'a Value) -> Self {
        Job { name, content, steps: content["steps"].as_array().map_or(&[], Vec::as_slice) }
    }

    /// Whether the job runs changegate, or uses the action that installs it.
    pub fn runs_changegate(&self) -> bool {
        self.commands().any(|words| words.contains(&"changegate"))
            || self.uses().any(|action| {
                let name = action.split('@').next().unwrap_or_default();
                name.ends_with("/changegate")
            })
    }

    /// Whether the job runs this verb of changegate.
    pub fn runs(&self, verb: &str) -> bool {
        self.commands().any(|words| words.windows(2).any(|pair| pair == ["changegate", verb]))
    }

    /// Returns the permissions of the job, or else those of its workflow, or else `None`.
    pub fn permissions(&self, workflow: &'a Value) -> Option<&'a Value> {
        self.content.get("permissions").or_else(|| workflow.get("permissions"))
    }

    /// Returns the actions and workflows that the job uses.
    pub fn uses(&self) -> impl Iterator<Item = &'a str> {
        let own = self.content.get("uses");
        let steps = self.steps.iter().filter_map(|step| step.get("uses"));
        own.into_iter().chain(steps).filter_map(Value::as_str)
    }

    /// Returns what the job checks out unless it is certainly the repository's own code.
    pub fn checkouts(&self) -> impl Iterator<Item = Checkout<'a>> {
        self.steps.iter().flat_map(|step| {
            let uses = step["uses"].as_str().unwrap_or_default();
            let with = uses.starts_with("actions/checkout@").then(|| {
                ["ref", "repository"].into_iter().filter_map(|name| step["with"][name].as_str())
            });
            let by_action = with.into_iter().flatten().filter_map(checked_out);
            let lines = step["run"].as_str().unwrap_or_default().lines().map(str::trim);
            by_action.chain(lines.filter(|line| fetches_head(line)).map(Checkout::Head))
        })
    }

    /// Returns the words of each command line, each path reduced to its last part.
    fn commands(&self) -> impl Iterator<Item = Vec<&'a str>> {
        let runs = self.steps.iter().filter_map(|step| step["run"].as_str());
        runs.flat_map(str::lines).map(|line| {
            let is_end = |c: char| c.is_whitespace() || "\"'();&|`".contains(c);
            let words = line.split(is_end).filter(|word| !word.is_empty());
            words.map(|word| word.rsplit('/').next().unwrap_or(word)).collect()
        })
    }
}

fn checked_out(text: &str) -> Option<Checkout<'_>> {
    if HEADS.iter().any(|head| text.contains(head)) {
        return Some(Checkout::Head(text));
    }
    let is_safe = |rest: &str| SAFE.iter().any(|safe| rest.trim_start().starts_with(safe));
    let is_unclear = text.split("${{").skip(1).any(|rest| !is_safe(rest));
    is_unclear.then_some(Checkout::Unclear(text))
}

/// Whether a command line fetches the commits of a pull request.
fn fetches_head(line: &str) -> bool {
    line.contains("gh pr checkout")
        || (line.contains("git ") && HEADS.iter().any(|head| line.contains(head)))
}
