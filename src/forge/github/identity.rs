//! Finds the person in the roster that an account or an address belongs to.

use std::collections::HashMap;

use super::client::host;
use super::types::{Commit, Pull, User};
use crate::core::org::Roster;
use crate::core::terms::Login;
use crate::git::Repo;

/// The people in the roster, by account and by email address.
pub struct Identities<'a> {
    roster: &'a Roster,
    by_id: HashMap<&'a str, &'a Login>,
    by_email: HashMap<String, &'a Login>,
    /// The owners of addresses, as GitHub shows them for the commits.
    accounts: HashMap<String, User>,
    /// The whole name of the server's host.
    server: String,
}

impl<'a> Identities<'a> {
    /// Indexes a roster. `commits` show which account an address belongs to; `site` is the address of
    /// the server.
    pub fn of(roster: &'a Roster, commits: &[Commit], repo: &Repo, site: &str) -> Self {
        let mut identities = Identities {
            roster,
            by_id: HashMap::new(),
            by_email: HashMap::new(),
            accounts: HashMap::new(),
            server: host(site),
        };
        for (login, person) in &roster.people {
            identities.by_id.extend(person.id.as_deref().map(|id| (id, login)));
            let emails = person.emails.iter().map(|email| (email.to_lowercase(), login));
            identities.by_email.extend(emails);
        }
        for known in commits {
            let Some(commit) = known.sha.parse().ok().and_then(|id| repo.commit(id).ok()) else {
                continue;
            };
            let pairs = [(&known.author, commit.author), (&known.committer, commit.committer)];
            for (user, identity) in pairs {
                let user = user.clone().map(|user| (identity.email.to_lowercase(), user));
                identities.accounts.extend(user);
            }
        }
        identities
    }

    /// Returns the login of an account: that of the person in the roster with its id, or else its
    /// own.
    ///
    /// `None` if the roster lists its own login with another id: then the login was given to
    /// somebody else.
    pub fn login(&self, user: &User) -> Option<Login> {
        if let Some(login) = self.by_id.get(user.id.to_string().as_str()) {
            return Some((*login).clone());
        }
        let login: Login = user.login.parse().ok()?;
        let is_anothers = self.roster.people.get(&login).is_some_and(|person| person.id.is_some());
        (!is_anothers).then_some(login)
    }

    /// Whether a pull request is another one to the same branch, by somebody in the roster. Those of
    /// others mean nothing: anybody can write any names into one.
    pub fn is_beside(&self, own: &Pull, other: &Pull) -> bool {
        let author = other.user.as_ref().and_then(|user| self.login(user));
        other.number != own.number
            && other.base.branch == own.base.branch
            && author.is_some_and(|author| self.roster.people.contains_key(&author))
    }

    /// Returns the owner of an address: according to GitHub, to the roster, or to the address
    /// itself if it is one of this server's own. Other servers give the same ids to other people.
    pub fn with_email(&self, email: &str) -> Option<Login> {
        let email = email.to_lowercase();
        if let Some(user) = self.accounts.get(&email) {
            return self.login(user);
        }
        if let Some(login) = self.by_email.get(&email) {
            return Some((*login).clone());
        }
        self.login(&no_reply(&email, &self.server)?)
    }
}

impl User {
    /// Returns the address by which the server at `host` assigns commits to the account, such as
    /// `101+alice@users.noreply.github.com`.
    pub fn no_reply(&self, host: &str) -> String {
        format!("{}+{}@{NO_REPLY}{host}", self.id, self.login)
    }
}

/// The beginning of the host in addresses that GitHub gives to people who hide their own.
const NO_REPLY: &str = "users.noreply.";

/// Returns the account in an address that the server at `host` gives to people who hide their own.
fn no_reply(email: &str, host: &str) -> Option<User> {
    let (account, at) = email.split_once('@')?;
    let (id, login) = account.split_once('+')?;
    let user = User { login: login.to_owned(), id: id.parse().ok()?, kind: String::new() };
    (at.strip_prefix(NO_REPLY) == Some(host)).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_github_gives() {
        let id = |email: &str| no_reply(email, "github.acme.example").map(|user| user.id);
        assert_eq!(id("101+alice@users.noreply.github.acme.example"), Some(101));
        for other in [
            "github.acme.example.evil.example",
            "evil.github.acme.example",
            "evilgithub.acme.example",
            "acme.example",
            "github.com",
            "",
        ] {
            assert_eq!(id(&format!("101+alice@users.noreply.{other}")), None, "{other}");
        }
        assert_eq!(id("alice@users.noreply.github.acme.example"), None);
        assert_eq!(id("101+alice@github.acme.example"), None);
        let alice = User { login: "alice".to_owned(), id: 101, kind: String::new() };
        assert_eq!(id(&alice.no_reply("github.acme.example")), Some(101));
    }
}
