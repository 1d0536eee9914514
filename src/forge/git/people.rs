//! Who is behind a commit: what it claims by email, held against whose key signed it.

use std::collections::BTreeMap;

use crate::evidence::Unproven;
use crate::git::{Commit, Repo, Signature};
use crate::org::{Roster, SigningKey};
use crate::request::Login;

/// The roster's people, by what commits show of them.
pub struct People<'a> {
    by_email: BTreeMap<String, &'a Login>,
    by_key: Vec<(&'a SigningKey, &'a Login)>,
}

/// Whose a commit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The person: whose key signed it, or else whose email it names.
    pub login: Option<Login>,
    /// Why that isn't shown.
    pub unproven: Option<Unproven>,
}

impl<'a> People<'a> {
    /// The people of a roster.
    pub fn of(roster: &'a Roster) -> Self {
        let mut people = People { by_email: BTreeMap::new(), by_key: Vec::new() };
        for (login, person) in &roster.people {
            for email in &person.emails {
                people.by_email.insert(email.to_lowercase(), login);
            }
            people.by_key.extend(person.keys.iter().map(|key| (key, login)));
        }
        people
    }

    /// Whose email address this is.
    pub fn with_email(&self, email: &str) -> Option<&'a Login> {
        self.by_email.get(&email.to_lowercase()).copied()
    }

    /// Whose key this is.
    pub fn with_key(&self, key: &SigningKey) -> Option<&'a Login> {
        let same = |(other, _): &&(&SigningKey, &Login)| *other == key;
        self.by_key.iter().find(same).map(|(_, login)| *login)
    }

    /// Who made a commit, and whether the signature shows it.
    pub fn signer(&self, repo: &Repo, commit: &Commit) -> Signer {
        let claimed = self.with_email(&commit.committer.email);
        let (login, unproven) = match repo.signature(commit.id) {
            Signature::None => (claimed, Some(Unproven::Unsigned)),
            Signature::Invalid => (claimed, Some(Unproven::InvalidSignature)),
            Signature::By(key) => match self.with_key(&key) {
                None => (claimed, Some(Unproven::UnknownKey)),
                Some(signer) if claimed == Some(signer) => (Some(signer), None),
                Some(signer) => (Some(signer), Some(Unproven::OtherPerson)),
            },
        };
        Signer { login: login.cloned(), unproven }
    }
}
