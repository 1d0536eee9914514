//! The jobs of a workflow, or an action's steps, as far as they matter.

use serde_json::Value;

/// A job; an action counts as one.
pub struct Job<'a> {
    pub name: &'a str,
    content: &'a Value,
    steps: &'a [Value],
}

/// What a step checks out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkout<'a> {
    /// What a pull request brings.
    Head(&'a str),
    /// What can't be told from the text.
    Unclear(&'a str),
}

/// How a pull request's own commits are named.
const HEADS: [&str; 6] = [
    "github.head_ref",
    "pull_request.head",
    "pull_request.merge_commit_sha",
    "refs/pull/",
    "workflow_run.head_",
    "workflow_run.pull_requests",
];

/// What no pull request can choose.
const SAFE: [&str; 5] = [
    "github.base_ref",
    "github.event.pull_request.base.",
    "github.event.repository.default_branch",
    "github.ref",
    "github.sha",
];

impl<'a> Job<'a> {
    /// Those of a workflow, or the steps of a composite action.
    pub fn all(content: &'a Value) -> Vec<Self> {
        let jobs = content["jobs"].as_object().into_iter().flatten();
        let jobs = jobs.map(|(name, content)| Job::of(name, content));
        let action = content["runs"].is_object().then(|| Job::of("action", &content["runs"]));
        jobs.chain(action).collect()
    }

    fn of(name: &'a str, content: &'a Value) -> Self {
        Job { name, content, steps: content["steps"].as_array().map_or(&[], Vec::as_slice) }
    }

    /// Whether it runs the program, or uses the action that installs it.
    pub fn runs_changegate(&self) -> bool {
        self.commands().any(|words| words.contains(&"changegate"))
            || self.uses().any(|action| {
                let name = action.split('@').next().unwrap_or_default();
                name.ends_with("/changegate")
            })
    }

    /// Whether it turns forms into branches.
    pub fn runs_form(&self) -> bool {
        self.commands().any(|words| words.windows(2).any(|pair| pair == ["changegate", "form"]))
    }

    /// Its own permissions, else those of its workflow; nothing if neither says any.
    pub fn permissions(&self, workflow: &'a Value) -> Option<&'a Value> {
        self.content.get("permissions").or_else(|| workflow.get("permissions"))
    }

    /// The actions and workflows that it uses.
    pub fn uses(&self) -> impl Iterator<Item = &'a str> {
        let own = self.content.get("uses");
        let steps = self.steps.iter().filter_map(|step| step.get("uses"));
        own.into_iter().chain(steps).filter_map(Value::as_str)
    }

    /// What it checks out that isn't plainly the repository's own.
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

    /// The words of each command line; a path counts as the program at its end.
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

/// Whether a command line brings a pull request's commits here.
fn fetches_head(line: &str) -> bool {
    line.contains("gh pr checkout")
        || (line.contains("git ") && HEADS.iter().any(|head| line.contains(head)))
}
