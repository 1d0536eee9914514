//! The person at the keyboard: the one in the roster whose email address git is configured with.

use anyhow::Context as _;

use changegate::content::{People, short};
use changegate::core::evidence::Unproven;
use changegate::core::org::{Org, Roster};
use changegate::core::terms::Login;
use changegate::forge::git::Git;
use changegate::gate::guard::remedy;
use changegate::git::{Oid, Program, Signature};

/// Returns with which key a commit made here was signed and what to do, if that doesn't prove whose
/// commit it is.
///
/// # Errors
/// If the commit can't be read.
pub fn doubt(git: &Git, commit: Oid, org: &Org) -> anyhow::Result<Option<String>> {
    let made = git.repo().commit(commit)?;
    let signer = People::of(&org.roster).signer(git.repo(), &made);
    let Some(unproven) = signer.unproven.filter(|why| !org.tolerates(*why)) else {
        return Ok(None);
    };
    let named = git.branches.program().path_setting("user.signingkey");
    let named = named.unwrap_or_else(|| "not set".to_owned());
    let key = match git.repo().signature(commit) {
        Signature::By(key) => format!(", with the key {}", key.fingerprint()),
        _ => String::new(),
    };
    let whose = match (unproven, signer.login) {
        (Unproven::OtherPerson, Some(login)) => format!(", {login}"),
        _ => String::new(),
    };
    let (short, email) = (short(commit), &made.committer.email);
    let remedy = remedy(unproven);
    Ok(Some(format!(
        "{short} was made as {email}{key} (`user.signingkey` is {named}): {unproven}{whose}; {remedy}"
    )))
}

/// Returns the person in the roster whose address git would write into a commit made now.
///
/// # Errors
/// If git doesn't have an address, or the address isn't in the roster.
pub fn me(program: &Program, roster: &Roster) -> anyhow::Result<Login> {
    let email = program.email()?;
    People::of(roster).with_email(&email).cloned().with_context(|| {
        format!(
            "nobody in the roster has the address {email}: set yours with `git config \
             user.email ADDRESS`, or have it added to policies/org/roster/data.yaml"
        )
    })
}
