//! Who sits at the keyboard: the person of the roster with the email address that git knows.

use anyhow::Context as _;

use crate::core::org::Roster;
use crate::core::terms::Login;
use crate::forge::git::People;
use crate::git::Program;

/// The person of the roster whose address git would write into a commit made now.
///
/// # Errors
/// When git knows no address, or the roster doesn't know it.
pub fn me(program: &Program, roster: &Roster) -> anyhow::Result<Login> {
    let email = program.email()?;
    People::of(roster).with_email(&email).cloned().with_context(|| {
        format!(
            "the roster lists nobody with the address {email}: set yours with `git config \
             user.email ADDRESS`, or have it added to policies/org/roster/data.yaml"
        )
    })
}
