//! Finds the pull requests that the event of a workflow is about.

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::GitHub;

/// A pull request to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The pull request with this number.
    Pull(u64),
    /// A pull request as the merge queue is about to merge it.
    Queued {
        /// The number of the pull request.
        number: u64,
        /// The merge commit that the queue has made.
        commit: String,
        /// The commit that it merges into: the tip of the base, or the merge commit before it.
        onto: String,
    },
}

impl Subject {
    /// Returns the number of the pull request.
    pub fn number(&self) -> u64 {
        match self {
            Subject::Pull(number) | Subject::Queued { number, .. } => *number,
        }
    }
}

/// What an event is about.
#[derive(Debug, PartialEq, Eq)]
pub enum Concerned {
    /// These pull requests; empty if none of them is open.
    Pulls(Vec<Subject>),
    /// Every open pull request whose decision is based on an older state of a branch.
    Outdated,
}

/// What an event names.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Subject(Subject),
    /// A commit, whose open pull requests have to be found.
    Head(String),
    /// The other pull requests with the head of a closed one, which no longer share its decision.
    Left {
        closed: u64,
        head: String,
    },
    /// A change of a branch.
    Base,
}

impl GitHub {
    /// Returns what an event is about.
    ///
    /// # Errors
    /// When the event isn't about pull requests, or GitHub can't be reached or refuses.
    pub fn concerned(&self, event: &str, payload: &Value) -> anyhow::Result<Concerned> {
        let mut subjects = Vec::new();
        for named in named(event, payload)? {
            match named {
                Named::Subject(subject) => subjects.push(subject),
                Named::Head(head) => subjects.extend(self.with_head(&head, None)?),
                Named::Left { closed, head } => {
                    subjects.extend(self.with_head(&head, Some(closed))?);
                }
                Named::Base => return Ok(Concerned::Outdated),
            }
        }
        Ok(Concerned::Pulls(subjects))
    }

    /// Returns an open pull request with this head, but not the `closed` one. All others with the
    /// head are judged with it.
    fn with_head(&self, head: &str, closed: Option<u64>) -> anyhow::Result<Option<Subject>> {
        let pulls = self.open_pulls()?;
        let mut open = pulls.iter().filter(|pull| Some(pull.number) != closed);
        Ok(open.find(|pull| pull.head.sha == head).map(|pull| Subject::Pull(pull.number)))
    }
}

fn named(event: &str, payload: &Value) -> anyhow::Result<Vec<Named>> {
    let lacks = |what: &str| format!("the event {event} lacks {what}");
    let number = |number: &Value| number.as_u64().with_context(|| lacks("a pull request's number"));
    let of_run = |run: &Value| {
        // GitHub doesn't list pull requests from forks here.
        let pulls = run["pull_requests"].as_array().into_iter().flatten();
        let subject = |pull: &Value| Ok(Named::Subject(Subject::Pull(number(&pull["number"])?)));
        let named = pulls.map(subject).collect::<anyhow::Result<Vec<_>>>()?;
        if !named.is_empty() {
            return Ok(named);
        }
        let head = run["head_sha"].as_str().with_context(|| lacks("head_sha"))?;
        Ok(vec![Named::Head(head.to_owned())])
    };
    match event {
        "pull_request" | "pull_request_target" | "pull_request_review" => {
            let pull = &payload["pull_request"];
            let number = number(&pull["number"])?;
            if pull["merged"] == true {
                return Ok(vec![Named::Base]);
            }
            if pull["state"] == "closed" {
                let head = pull["head"]["sha"]
                    .as_str()
                    .with_context(|| lacks("the head of its pull request"))?;
                return Ok(vec![Named::Left { closed: number, head: head.to_owned() }]);
            }
            Ok(vec![Named::Subject(Subject::Pull(number))])
        }
        "push" => Ok(vec![Named::Base]),
        "workflow_run" => of_run(&payload["workflow_run"]),
        "check_run" => of_run(&payload["check_run"]),
        "workflow_dispatch" => {
            let input = &payload["inputs"]["pull_request"];
            let number = input.as_u64().or_else(|| input.as_str()?.trim().parse().ok());
            let number = number.with_context(|| lacks("the input `pull_request`, a number"))?;
            Ok(vec![Named::Subject(Subject::Pull(number))])
        }
        "merge_group" => {
            let group = &payload["merge_group"];
            let text = |key| group[key].as_str().with_context(|| lacks(key));
            let (commit, branch) = (text("head_sha")?, text("head_ref")?);
            let (commit, onto) = (commit.to_owned(), text("base_sha")?.to_owned());
            let number = queued(branch)
                .with_context(|| format!("`{branch}` isn't the branch of a merge queue"))?;
            Ok(vec![Named::Subject(Subject::Queued { number, commit, onto })])
        }
        _ => bail!(
            "the event {event:?} isn't about a pull request: run `changegate check` on \
             pull_request_target, push, workflow_run, check_run, merge_group or workflow_dispatch"
        ),
    }
}

/// Returns the pull request in the name of a merge queue's branch, such as
/// `refs/heads/gh-readonly-queue/main/pr-7-4f0c1d2…`.
fn queued(branch: &str) -> Option<u64> {
    let (_, last) = branch.rsplit_once("/pr-")?;
    last.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_name_what_is_to_be_judged() {
        let seven = || vec![Named::Subject(Subject::Pull(7))];
        let of_fork = json!({"workflow_run": {"pull_requests": [], "head_sha": "4f0c"}});
        let run = json!({"workflow_run": {"pull_requests": [{"number": 7}], "head_sha": "4f0c"}});
        let closed =
            json!({"pull_request": {"number": 7, "state": "closed", "head": {"sha": "4f0c"}}});
        let merged = json!({"pull_request": {"number": 7, "state": "closed", "merged": true}});
        let left = Named::Left { closed: 7, head: "4f0c".to_owned() };
        let branch = "refs/heads/gh-readonly-queue/release/v2/pr-7-4f0c1d2";
        let group =
            json!({"merge_group": {"head_sha": "9ab1", "head_ref": branch, "base_sha": "4f0c"}});
        let (commit, onto) = ("9ab1".to_owned(), "4f0c".to_owned());
        let queued = Subject::Queued { number: 7, commit, onto };
        for (event, payload, expected) in [
            ("pull_request_target", json!({"pull_request": {"number": 7}}), seven()),
            ("pull_request_target", closed, vec![left]),
            ("pull_request_target", merged, vec![Named::Base]),
            ("push", json!({"ref": "refs/heads/main"}), vec![Named::Base]),
            ("workflow_run", run, seven()),
            ("check_run", json!({"check_run": {"pull_requests": [{"number": 7}]}}), seven()),
            ("workflow_run", of_fork, vec![Named::Head("4f0c".to_owned())]),
            ("workflow_dispatch", json!({"inputs": {"pull_request": " 7 "}}), seven()),
            ("merge_group", group, vec![Named::Subject(queued)]),
        ] {
            assert_eq!(named(event, &payload).unwrap(), expected, "{event}");
        }
        for (event, payload) in [
            ("issues", json!({})),
            ("pull_request_target", json!({})),
            ("workflow_dispatch", json!({"inputs": {"pull_request": "7; rm -rf /"}})),
            (
                "merge_group",
                json!({"merge_group": {"head_sha": "1", "head_ref": "refs/heads/x", "base_sha": "2"}}),
            ),
        ] {
            assert!(named(event, &payload).is_err(), "{event}");
        }
    }
}
