//! Finds the person in the roster that an account or an address belongs to.

use std::collections::HashMap;

use super::types::{Commit, User};
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
    /// The host of the server.
    server: String,
}

impl<'a> Identities<'a> {
    /// Indexes a roster. `commits` show which account an address belongs to; `site` is the address of
    /// the server.
    pub fn of(roster: &'a Roster, commits: &[Commit], repo: &Repo, site: &str) -> Self {
        let server = site.parse::<http::Uri>().ok();
        let mut identities = Identities {
            roster,
            by_id: HashMap::new(),
            by_email: HashMap::new(),
            accounts: HashMap::new(),
            server: server.and_then(|server| Some(server.host()?.to_owned())).unwrap_or_default(),
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

    /// Returns the owner of an address: according to GitHub, to the roster, or to the address
    /// itself if it is one of GitHub's own.
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

/// Returns the account in an address that GitHub gives to people who hide their own, such as
/// `101+alice@users.noreply.github.com`. `server` is the host of an enterprise's own server.
fn no_reply(email: &str, server: &str) -> Option<User> {
    let (account, host) = email.split_once('@')?;
    let host = host.strip_prefix("users.noreply.")?;
    let (id, login) = account.split_once('+')?;
    let user = User { login: login.to_owned(), id: id.parse().ok()?, kind: String::new() };
    ["github.com", server].contains(&host).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_github_gives() {
        let id = |email: &str| no_reply(email, "github.acme.example").map(|user| user.id);
        assert_eq!(id("101+alice@users.noreply.github.acme.example"), Some(101));
        for other in ["github.com.evil.example", "github.evil.example", "evilgithub.com", ""] {
            assert_eq!(id(&format!("101+alice@users.noreply.{other}")), None, "{other}");
        }
        assert_eq!(id("101+alice@users.noreply.github.com"), Some(101));
        assert_eq!(id("alice@users.noreply.github.com"), None);
        assert_eq!(id("101+alice@example.com"), None);
    }
}
