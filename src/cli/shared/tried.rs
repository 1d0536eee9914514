//! What people need to know about a change of the policies before they sign it.

use super::judges::judges;
use super::say;
use crate::cli::test::{Coverage, in_words};
use changegate::forge::git::Git;
use changegate::gate::{Judgement, trial};
use changegate::report;

/// How a change of the policies did when it was tried.
pub struct Tried {
    /// The result in words; empty if the change isn't one of the policies.
    pub text: String,
    /// Whether the new policies pass their tests, and decide every request.
    pub is_sound: bool,
}

/// Tries the policies that a change brings, if it brings any.
pub fn tried(git: &Git, judgement: &Judgement) -> Tried {
    let tried = judges().and_then(|judges| trial::of_change(git, &judges, judgement));
    match tried {
        Ok(None) => Tried { text: String::new(), is_sound: true },
        Ok(Some((tests, compared))) => Tried {
            text: format!(
                "\nThe new policies, tried:\n\n{}{}\n",
                in_words(&tests, Coverage::None),
                report::trial(&compared, say::width())
            ),
            is_sound: tests.is_passed() && compared.is_sound(),
        },
        Err(error) => {
            let why = report::escape::terminal(&format!("{error:#}")).into_owned();
            Tried { text: format!("\nThe new policies, tried:\n\n{why}\n\n"), is_sound: false }
        }
    }
}
