//! What GitHub says about the issue: the event that starts the workflow, as far as it matters here.

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::core::org::Roster;
use crate::core::terms::Login;
use crate::forge::github::types::User;

/// An event of an issue.
#[derive(Debug, Deserialize)]
pub struct IssueEvent {
    /// `opened`, `edited`, `labeled`.
    action: String,
    /// The issue, as it stands after the event.
    pub issue: Issue,
    /// The repository.
    pub repository: Repository,
    /// Whoever made the event.
    sender: User,
    /// What an edit has changed, with what it was before.
    #[serde(default)]
    changes: Changes,
}

#[derive(Debug, Default, Deserialize)]
struct Changes {
    body: Option<serde_json::Value>,
}

/// An issue.
#[derive(Debug, Deserialize)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its text; null if it is empty.
    pub body: Option<String>,
    /// `open` or `closed`.
    state: Option<String>,
    /// Who opened it; null for a deleted account.
    user: Option<User>,
    /// What its author is to the repository: `OWNER`, `MEMBER`, `COLLABORATOR`, `NONE` and others.
    author_association: Option<String>,
}

/// A repository.
#[derive(Debug, Deserialize)]
pub struct Repository {
    /// Such as `acme/ops`.
    pub full_name: String,
    /// The branch that pull requests go to.
    pub default_branch: String,
}

/// Who asks for the change.
#[derive(Clone, Debug, PartialEq)]
pub struct Author {
    /// The account.
    pub account: User,
    /// Its login as requests write it.
    pub login: Login,
}

/// Why a form isn't read at all.
#[derive(Clone, Debug, PartialEq)]
pub enum NotRead {
    /// The issue is closed.
    Closed,
    /// It isn't shown that what it says now are its author's own words.
    NotSaved,
    /// Nobody knows its author.
    Stranger,
}

impl Author {
    /// The address that GitHub knows as this account's in commits.
    pub fn email(&self) -> String {
        let User { login, id, .. } = &self.account;
        format!("{id}+{login}@users.noreply.github.com")
    }
}

impl IssueEvent {
    /// Reads the event's JSON.
    ///
    /// # Errors
    /// When it is no event of an issue.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        serde_json::from_slice(bytes).context(
            "this is no event of an issue: give the file that GITHUB_EVENT_PATH names in a \
             workflow that `issues` starts",
        )
    }

    /// Who opened the issue.
    ///
    /// # Errors
    /// When the account is gone, or its login can't stand in a request.
    pub fn author(&self) -> anyhow::Result<Author> {
        let number = self.issue.number;
        let Some(account) = self.issue.user.clone() else {
            bail!("the account that opened issue {number} was deleted: nobody asks for this change")
        };
        let login = account.login.parse().map_err(|why: String| anyhow::anyhow!(why))?;
        Ok(Author { account, login })
    }

    /// Why the form isn't read now, if it isn't.
    ///
    /// What it says becomes a commit in its author's name. Others with the right to edit the issue
    /// must not be able to put words there, and so it is read when its author has just saved it: a
    /// label or a title could be set after somebody else's edit. Who is a stranger to the repository
    /// gets no branch in it.
    pub fn refusal(&self, author: &Author, roster: &Roster) -> Option<NotRead> {
        if self.issue.state.as_deref() == Some("closed") {
            Some(NotRead::Closed)
        } else if !self.is_insider() && !is_listed(author, roster) {
            Some(NotRead::Stranger)
        } else if self.sender.id != author.account.id || !self.saves_text() {
            Some(NotRead::NotSaved)
        } else {
            None
        }
    }

    /// Whether it is the text that was saved: a new label or title leaves it as it was.
    pub fn saves_text(&self) -> bool {
        self.action == "opened" || self.action == "edited" && self.changes.body.is_some()
    }

    fn is_insider(&self) -> bool {
        let association = self.issue.author_association.as_deref();
        matches!(association, Some("OWNER" | "MEMBER" | "COLLABORATOR"))
    }
}

/// Whether the roster lists this very account: a login alone can have been given to another one.
fn is_listed(author: &Author, roster: &Roster) -> bool {
    let id = author.account.id.to_string();
    let listed = roster.people.get(&author.login);
    listed.is_some_and(|person| person.id.as_ref().is_none_or(|known| *known == id))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::core::policy::PolicyBundle;
    use crate::core::policy::shipped_files;

    fn refusal(change: impl Fn(&mut Value)) -> Option<NotRead> {
        let alice = json!({"login": "Alice", "id": 101, "type": "User"});
        let mut event = json!({
            "action": "opened",
            "issue": {
                "number": 12, "body": "", "state": "open", "user": alice,
                "author_association": "NONE",
            },
            "repository": {"full_name": "acme/ops", "default_branch": "main"},
            "sender": alice,
        });
        change(&mut event);
        let event = IssueEvent::read(event.to_string().as_bytes()).unwrap();
        let bundle = PolicyBundle::load(shipped_files(), crate::gate::cpu::thread_time).unwrap();
        event.refusal(&event.author().unwrap(), &bundle.org.roster)
    }

    #[test]
    fn only_its_authors_own_words_are_read() {
        assert_eq!(refusal(|_| ()), None);
        let by_mallory = |event: &mut Value| event["sender"] = json!({"login": "mallory", "id": 6});
        assert_eq!(refusal(by_mallory), Some(NotRead::NotSaved));
        for (action, changes, expected) in [
            ("edited", json!({"body": {"from": ""}}), None),
            ("edited", json!({"title": {"from": ""}}), Some(NotRead::NotSaved)),
            ("labeled", json!({}), Some(NotRead::NotSaved)),
        ] {
            let change = |event: &mut Value| {
                event["action"] = action.into();
                event["changes"] = changes.clone();
            };
            assert_eq!(refusal(change), expected, "{action} {changes}");
        }
        assert_eq!(
            refusal(|event| event["issue"]["state"] = "closed".into()),
            Some(NotRead::Closed)
        );
    }

    #[test]
    fn a_stranger_gets_no_branch() {
        let as_account = |login: &str, id: u64, association: &str| {
            refusal(|event| {
                event["sender"] = json!({"login": login, "id": id});
                event["issue"]["user"] = event["sender"].clone();
                event["issue"]["author_association"] = association.into();
            })
        };
        assert_eq!(as_account("alice", 999, "NONE"), Some(NotRead::Stranger), "another account");
        assert_eq!(as_account("mallory", 6, "CONTRIBUTOR"), Some(NotRead::Stranger));
        assert_eq!(as_account("mallory", 6, "MEMBER"), None);
        assert_eq!(as_account("ivan", 7, "NONE"), None, "the roster gives ivan no id");
    }
}
