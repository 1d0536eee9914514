//! Which reviews count, as `tests/data/github/reviews.yaml` has it: what people did, and what comes
//! of it. [`super::story`] says what they can do.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::story::Story;
use crate::plumbing::{Expect, data, judges, root};
use changegate::forge::github::access::{Access, Credentials, Reach, Secret};
use changegate::forge::github::{GitHub, name};
use changegate::gate::{Gate, Judgement};
use changegate::git::Repo;

/// Some people's acts, and what the product makes of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// Says the rule.
    name: String,
    /// Who asks for the change.
    #[serde(default = "alice")]
    requester: String,
    /// Changes to the organisation's tables.
    #[serde(default)]
    org: Value,
    /// What happens, in sentences.
    steps: Vec<String>,
    /// Whose token asks GitHub; a workflow's if left out.
    #[serde(default)]
    asked_by: Option<String>,
    /// What comes out.
    expect: Expect,
}

fn alice() -> String {
    "alice".to_owned()
}

static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let data = data(&root().join("tests/data/github/reviews.yaml"));
    let items = data.as_array().unwrap().iter();
    items
        .map(|item| {
            let read = Scenario::deserialize(item);
            read.unwrap_or_else(|error| panic!("{error} in {item:#}"))
        })
        .collect()
});

/// Record 10, 11, 12, 13, 14, 15: roles, names, addresses and machines; reviews that are stale or dismissed.
#[test]
fn reviews_count_as_the_scenarios_say() {
    let failures: Vec<_> = SCENARIOS.par_iter().filter_map(Scenario::failure).collect();
    let (failed, all) = (failures.len(), SCENARIOS.len());
    assert!(failures.is_empty(), "{failed} of {all} scenarios fail:\n\n{}", failures.join("\n"));
}

#[test]
fn names_tell_the_scenarios_apart() {
    let names: BTreeSet<_> = SCENARIOS.iter().map(|scenario| &scenario.name).collect();
    assert_eq!(names.len(), SCENARIOS.len());
}

impl Scenario {
    /// How what comes out differs from what is expected, to be read.
    fn failure(&self) -> Option<String> {
        let differences = match catch_unwind(AssertUnwindSafe(|| self.judged())) {
            Ok(Ok(Some(judgement))) => self.expect.differences(&judgement.decision),
            Ok(Ok(None)) => vec!["it isn't judged".to_owned()],
            Ok(Err(error)) => vec![format!("nothing was decided: {error:#}")],
            Err(panic) => vec![text_of(&*panic)],
        };
        let differences = differences.join("\n").replace('\n', "\n    ");
        (!differences.is_empty()).then(|| format!("{}\n    {differences}\n", self.name))
    }

    fn judged(&self) -> anyhow::Result<Option<Judgement>> {
        let mut story = Story::begun(&self.requester, &self.org);
        self.steps.iter().for_each(|step| story.step(step));
        let server = &story.github;
        let token =
            self.asked_by.as_ref().map_or_else(|| server.token(), |who| server.token_of(who));
        let credentials = Credentials::Token(Secret::new(token));
        let access = Access { api: server.url().to_owned(), credentials, reach: Reach::default() };
        let folder = tempfile::tempdir()?;
        // One pack is written faster than a hundred files, and no hooks are.
        let mut options = git2::RepositoryInitOptions::new();
        let bare = options.bare(true).external_template(false);
        let mut config = git2::Repository::init_opts(folder.path(), bare)?.config()?;
        config.set_i32("fetch.unpackLimit", 1)?;
        let repo = Repo::open(folder.path())?;
        let github = GitHub::new(&access, "acme/ops".parse()?, repo, |_| {})?.planning_only();
        let gate = Gate::new(github.repo(), &github, judges());
        gate.check(&name(story.pull()), || server.now())
    }
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "it panicked".to_owned())
}
