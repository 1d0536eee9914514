//! What somebody asks for in a comment on a pull request, or in the form of a workflow that they start by
//! hand: a verb's own command line. It is read from the event, and never reaches a shell.

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::core::terms::TicketId;
use crate::forge::github::types::User;

/// The beginning of the first line of a comment that asks for something.
const CALL: &str = "/changegate";

/// The verbs that can be asked for, and whether each takes a change's id first.
const VERBS: [(&str, bool); 6] = [
    ("cancel", true),
    ("escalate", true),
    ("incident", false),
    ("outcome", true),
    ("record", true),
    ("verify", true),
];

/// What is settled where a command comes from, and not by the command.
const SETTLED: [&str; 6] = ["--repo", "--remote", "--base", "--no-fetch", "--format", "--color"];

/// What an event asks for.
#[derive(Debug)]
pub struct Asked {
    /// The comment; `None` if a workflow was started by hand.
    pub comment: Option<Commented>,
    /// The text of the command.
    text: String,
}

/// A comment on a pull request.
#[derive(Clone, Debug)]
pub struct Commented {
    /// The pull request's number.
    pub pull: u64,
    /// The comment's id.
    pub id: u64,
    /// Its address.
    pub url: String,
    /// Its author.
    pub author: User,
    /// Its text.
    pub body: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    issue: Option<Issue>,
    #[serde(default)]
    comment: Option<Comment>,
    #[serde(default)]
    inputs: Option<Inputs>,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    #[serde(default)]
    pull_request: Option<Value>,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    html_url: String,
    user: Option<User>,
    body: String,
}

#[derive(Deserialize)]
struct Inputs {
    command: String,
}

impl Asked {
    /// Reads what an event asks for; `None` if it is nothing: a comment on something else, one that was
    /// edited, or one that doesn't begin as a command does.
    ///
    /// # Errors
    /// When it isn't an event of a comment, or of a workflow started by hand.
    pub fn read(event: &[u8]) -> anyhow::Result<Option<Self>> {
        let event: Event = serde_json::from_slice(event)
            .context("the event is not valid JSON, or not that of a comment")?;
        if let Some(Inputs { command }) = event.inputs {
            return Ok(Some(Asked { comment: None, text: command }));
        }
        let (Some(issue), Some(comment)) = (event.issue, event.comment) else {
            bail!("the event is neither that of a comment nor of a workflow started by hand");
        };
        let is_new = event.action.as_deref() == Some("created") && issue.pull_request.is_some();
        // Of a deleted account, nobody knows whose it was.
        let Some(author) = comment.user.filter(|_| is_new) else { return Ok(None) };
        let first = comment.body.lines().next().unwrap_or_default();
        let rest = first.strip_prefix(CALL).filter(|rest| rest.starts_with(' '));
        let Some(text) = rest.map(str::to_owned) else { return Ok(None) };
        let Comment { id, html_url: url, body, .. } = comment;
        let comment = Commented { pull: issue.number, id, url, author, body };
        Ok(Some(Asked { comment: Some(comment), text }))
    }

    /// Returns the words of the command line. `change` is the id of the pull request's change, which needs
    /// no saying.
    ///
    /// # Errors
    /// Why it isn't a command that can be asked for.
    pub fn words(&self, change: Option<&str>) -> anyhow::Result<Vec<String>> {
        let mut words = shlex::split(&self.text).context("a quotation mark has no counterpart")?;
        if words.first().is_some_and(|word| word == "changegate") {
            words.remove(0);
        }
        let names = VERBS.map(|(name, _)| format!("`{name}`")).join(", ");
        let verb = words.first().with_context(|| format!("name what to record: one of {names}"))?;
        let known = VERBS.iter().find(|(name, _)| name == verb);
        let (_, takes_change) = known.with_context(|| {
            format!("`{verb}` can't be asked for in a comment or a form: these can be, {names}")
        })?;
        let is_settled = |word: &&String| {
            let name = word.split('=').next().unwrap_or_default();
            SETTLED.contains(&name) || *word == "--"
        };
        if let Some(word) = words.iter().find(is_settled) {
            bail!("`{word}` can't be given here: leave it out");
        }
        let is_named = words.get(1).is_some_and(|word| word.parse::<TicketId>().is_ok());
        if *takes_change && !is_named {
            let named = change.with_context(|| {
                format!("name the change's id: `{CALL} {verb} CHG-1234`, followed by the rest")
            })?;
            words.insert(1, named.to_owned());
        }
        ensure!(words.len() < 100, "the command is too long");
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn comment(body: &str, changes: &[(&str, Value)]) -> Vec<u8> {
        let mut event = json!({
            "action": "created",
            "issue": {"number": 7, "pull_request": {"url": "x"}},
            "comment": {
                "id": 9, "html_url": "https://github.com/acme/ops/pull/7#issuecomment-9",
                "user": {"login": "bob", "id": 102, "type": "User"}, "body": body,
            },
        });
        for (pointer, value) in changes {
            *event.pointer_mut(pointer).unwrap() = value.clone();
        }
        event.to_string().into_bytes()
    }

    #[test]
    fn a_comment_asks_by_its_first_line() {
        for (body, words) in [
            (
                "/changegate cancel --reason \"no need\"",
                &["cancel", "CHG-7", "--reason", "no need"][..],
            ),
            ("/changegate cancel CHG-8 --reason x\nmore", &["cancel", "CHG-8", "--reason", "x"]),
            ("/changegate outcome successful", &["outcome", "CHG-7", "successful"]),
            ("/changegate incident list\r\n", &["incident", "list"]),
            (
                "/changegate cancel --reason '$(rm -rf /); `id`'",
                &["cancel", "CHG-7", "--reason", "$(rm -rf /); `id`"],
            ),
        ] {
            let asked = Asked::read(&comment(body, &[])).unwrap().unwrap();
            assert_eq!(asked.words(Some("CHG-7")).unwrap(), words, "{body}");
        }
        for body in ["", "x", "/changegatecancel", " /changegate cancel", "x\n/changegate cancel"] {
            assert!(Asked::read(&comment(body, &[])).unwrap().is_none(), "{body}");
        }
    }

    #[test]
    fn only_a_new_comment_on_a_pull_request_does() {
        let body = "/changegate cancel --reason x";
        for changes in [
            [("/action", json!("edited"))],
            [("/action", json!("deleted"))],
            [("/issue/pull_request", json!(null))],
            [("/comment/user", json!(null))],
        ] {
            assert!(Asked::read(&comment(body, &changes)).unwrap().is_none(), "{changes:?}");
        }
        assert!(Asked::read(b"{}").is_err());
        let by_hand = json!({"inputs": {"command": "changegate incident resolve INC-001"}});
        let asked = Asked::read(by_hand.to_string().as_bytes()).unwrap().unwrap();
        assert_eq!(asked.words(None).unwrap(), ["incident", "resolve", "INC-001"]);
    }

    #[test]
    fn what_can_be_asked_for_is_little() {
        for (text, why) in [
            ("exec CHG-7 -- sh", "can't be asked for"),
            ("init --operations", "can't be asked for"),
            ("", "name what to record"),
            ("cancel --reason \"x", "has no counterpart"),
            ("cancel --repo evil/x --reason x", "`--repo` can't be given here"),
            ("cancel --remote=evil --reason x", "`--remote=evil` can't be given here"),
            ("cancel --reason x -- y", "`--` can't be given here"),
            ("cancel --reason x", "name the change's id"),
        ] {
            let asked = Asked { comment: None, text: text.to_owned() };
            let said = asked.words(None).unwrap_err().to_string();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
