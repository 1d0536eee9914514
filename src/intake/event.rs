//! The event of an issue that starts the workflow, as far as the form needs it.

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::core::org::Roster;
use crate::core::terms::Login;
use crate::forge::github::client;
use crate::forge::github::types::User;

/// An event of an issue.
#[derive(Debug, Deserialize)]
pub struct IssueEvent {
    /// `opened`, `edited`, `labeled`.
    action: String,
    /// The issue after the event.
    pub issue: Issue,
    /// The repository.
    pub repository: Repository,
    /// The account that caused the event.
    sender: User,
    /// The fields that an edit has changed, with their former values.
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
    /// The number of the issue.
    pub number: u64,
    /// The text of the issue; null if it is empty.
    pub body: Option<String>,
    /// `open` or `closed`.
    state: Option<String>,
    /// The account that opened the issue; null if the account was deleted.
    user: Option<User>,
    /// The author's association with the repository: `OWNER`, `MEMBER`, `COLLABORATOR`, `NONE`
    /// and others.
    author_association: Option<String>,
}

/// A repository.
#[derive(Debug, Deserialize)]
pub struct Repository {
    /// The owner and the name, such as `acme/ops`.
    pub full_name: String,
    /// The branch that pull requests go to.
    pub default_branch: String,
}

/// The person who asks for the change.
#[derive(Clone, Debug, PartialEq)]
pub struct Author {
    /// The account.
    pub account: User,
    /// The account's login in the form that requests use.
    pub login: Login,
    /// The address by which the server assigns commits to the account.
    pub email: String,
}

/// The reason why a form isn't read.
#[derive(Clone, Debug, PartialEq)]
pub enum NotRead {
    /// The issue is closed.
    Closed,
    /// It is not proven that the current text is the author's own.
    NotSaved,
    /// The author is neither in the roster nor a member or collaborator.
    Stranger,
}

impl IssueEvent {
    /// Reads the event's JSON.
    ///
    /// # Errors
    /// When it is not an event of an issue.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        serde_json::from_slice(bytes).context(
            "this is not the event of an issue: pass the file that GITHUB_EVENT_PATH names in a \
             workflow on `issues`",
        )
    }

    /// Returns the account that opened the issue on the server with these pages.
    ///
    /// # Errors
    /// When the account was deleted, or its login isn't valid in a request.
    pub fn author(&self, server: &str) -> anyhow::Result<Author> {
        let number = self.issue.number;
        let Some(account) = self.issue.user.clone() else {
            bail!(
                "the account that opened issue {number} was deleted, so the change has no requester"
            )
        };
        let login = account.login.parse().map_err(|why: String| anyhow::anyhow!(why))?;
        let email = account.no_reply(&client::host(server));
        Ok(Author { account, login, email })
    }

    /// Returns why the form isn't read now, or `None` if it is read.
    ///
    /// The text becomes a commit in its author's name, but other people can edit the issue too. So
    /// it is read only when its author has just saved it: a label or a title could be set after
    /// somebody else's edit. Strangers to the repository get no branch in it.
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

    /// Whether the event saves the text of the issue, and not only a label or the title.
    pub fn saves_text(&self) -> bool {
        self.action == "opened" || self.action == "edited" && self.changes.body.is_some()
    }

    fn is_insider(&self) -> bool {
        let association = self.issue.author_association.as_deref();
        matches!(association, Some("OWNER" | "MEMBER" | "COLLABORATOR"))
    }
}

/// Whether the roster lists this account by its id. The login isn't enough, because it could have been
/// given to somebody else.
fn is_listed(author: &Author, roster: &Roster) -> bool {
    let id = author.account.id.to_string();
    let listed = roster.people.get(&author.login);
    listed.is_some_and(|person| person.id.as_deref() == Some(&id))
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
        let author = event.author("https://github.acme.example").unwrap();
        assert_eq!(author.email, author.account.no_reply("github.acme.example"));
        event.refusal(&author, &bundle.org.roster)
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
        assert_eq!(as_account("ivan", 7, "NONE"), Some(NotRead::Stranger), "ivan has no id");
    }
}
