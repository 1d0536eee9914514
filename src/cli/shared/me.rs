//! The person at the keyboard: the one in the roster whose email address git is configured with.

use anyhow::Context as _;

use crate::core::org::Roster;
use crate::core::terms::Login;
use crate::forge::git::People;
use crate::git::Program;

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
