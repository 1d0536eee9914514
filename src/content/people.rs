//! Finds out who made a commit: compares the claimed email address with the owner of the signing
//! key.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::core::evidence::Unproven;
use crate::core::org::{LedgerSettings, Org, Roster, SigningKey, Writer};
use crate::core::terms::Login;
use crate::core::time::Duration;
use crate::git::{Commit, Oid, Repo, Signature};

/// The maximum tolerated difference between the clocks of people's own machines.
pub const SKEW: Duration = Duration::seconds(300);

/// The people in the roster, by email address and signing key.
pub struct People<'a> {
    by_email: BTreeMap<String, &'a Login>,
    by_key: Vec<(&'a SigningKey, &'a Login)>,
}

/// The person who made a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The owner of the signing key, or else of the committer's email address.
    pub login: Option<Login>,
    /// The reason why that is not proven.
    pub unproven: Option<Unproven>,
}

impl Signer {
    /// Returns who it was: the owner of the signing key, or of the address where the settings tolerate that
    /// nothing proves it. `None` if the commit only claims to be somebody's.
    pub fn known(self, org: &Org) -> Option<Login> {
        let is_theirs = |why| why == Unproven::OtherPerson || org.tolerates(why);
        self.login.filter(|_| self.unproven.is_none_or(is_theirs))
    }
}

impl<'a> People<'a> {
    /// Indexes the people of a roster.
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

    /// Returns the owner of an email address.
    pub fn with_email(&self, email: &str) -> Option<&'a Login> {
        self.by_email.get(&email.to_lowercase()).copied()
    }

    /// Returns the owner of a signing key.
    pub fn with_key(&self, key: &SigningKey) -> Option<&'a Login> {
        let same = |(other, _): &&(&SigningKey, &Login)| *other == key;
        self.by_key.iter().find(same).map(|(_, login)| *login)
    }

    /// Returns who made a commit, and whether its signature proves that.
    pub fn signer(&self, repo: &Repo, commit: &Commit) -> Signer {
        let claimed = self.with_email(&commit.committer.email);
        let (login, unproven) = match repo.signature(commit.id) {
            Signature::None => (claimed, Some(Unproven::Unsigned)),
            Signature::NotSsh => (claimed, Some(Unproven::NotSsh)),
            Signature::UnusableKey => (claimed, Some(Unproven::UnusableKey)),
            Signature::Invalid => (claimed, Some(Unproven::InvalidSignature)),
            Signature::By(key) => match self.with_key(&key) {
                None => (claimed, Some(Unproven::UnknownKey)),
                Some(signer) if claimed == Some(signer) => (Some(signer), None),
                Some(signer) => (Some(signer), Some(Unproven::OtherPerson)),
            },
        };
        Signer { login: login.cloned(), unproven }
    }

    /// Returns who made each of some commits, newest first. A signature also proves the signer's
    /// own unsigned commits among the ancestors.
    pub fn signers(&self, repo: &Repo, commits: &[Commit]) -> Vec<Signer> {
        // By commit, the people who signed one of its descendants.
        let mut vouchers: HashMap<Oid, BTreeSet<Login>> = HashMap::new();
        let mut signers = Vec::new();
        for commit in commits {
            let mut signer = self.signer(repo, commit);
            let mut signed_by = vouchers.remove(&commit.id).unwrap_or_default();
            match (&signer.login, signer.unproven) {
                (Some(login), None) => {
                    signed_by.insert(login.clone());
                }
                (Some(login), Some(Unproven::Unsigned)) if signed_by.contains(login) => {
                    signer.unproven = None;
                }
                _ => {}
            }
            for parent in &commit.parents {
                vouchers.entry(*parent).or_default().extend(signed_by.iter().cloned());
            }
            signers.push(signer);
        }
        signers
    }
}

/// Returns the keys of the roster, and of the services that may sign the ledger, as git and ssh-keygen
/// read them, a line for each: `alice@acme.example namespaces="git" ssh-ed25519 AAAA…`.
pub fn allowed_signers(roster: &Roster, ledger: &LedgerSettings) -> String {
    let mut lines = String::new();
    for (login, person) in &roster.people {
        // In such a file, some characters would make an address a pattern or several words.
        let is_plain = |email: &&String| {
            !email.contains(|c: char| c.is_whitespace() || c.is_control() || "*?!,\"#".contains(c))
        };
        let emails: Vec<_> = person.emails.iter().filter(is_plain).map(String::as_str).collect();
        let names = if emails.is_empty() { login.to_string() } else { emails.join(",") };
        for key in &person.keys {
            lines += &format!("{names} namespaces=\"git\" {key}\n");
        }
    }
    for Writer { name, key } in &ledger.writers {
        lines += &format!("{name} namespaces=\"git\" {key}\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    #[test]
    fn a_line_for_each_key() {
        let key = |end| {
            format!(
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R3{end}"
            )
        };
        let (one, other) = (key('3'), key('4'));
        let text = format!(
            "people:\n  alice: {{emails: [a@acme.example, \"*@acme.example\", a@b.example], keys: [\"{one}\", \"{other}\"]}}\n  \
             bob: {{keys: [\"{one} bob\"]}}\n  carol: {{emails: [c@acme.example]}}\nservices: {{}}\n"
        );
        let writer = Writer { name: "server".parse().unwrap(), key: other.parse().unwrap() };
        let ledger = LedgerSettings { writers: vec![writer], ..LedgerSettings::default() };
        let roster: Roster = yaml::parse(text.as_bytes()).read().value.unwrap();
        assert_eq!(
            allowed_signers(&roster, &ledger),
            format!(
                "a@acme.example,a@b.example namespaces=\"git\" {one}\n\
                 a@acme.example,a@b.example namespaces=\"git\" {other}\n\
                 bob namespaces=\"git\" {one}\nserver namespaces=\"git\" {other}\n"
            )
        );
    }
}
