//! What a debt is now: sign-offs that somebody owes for an execution under break-glass, or without asking.
//!
//! The log alone says that one began, and that it was waived. Whether the sign-offs were given is read
//! off the base: the change is merged with them, and not without. A change that is closed while somebody
//! requests changes is refused for good.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Time;

/// What a debt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DebtState {
    /// The sign-offs are owed, and there is time left.
    Owed,
    /// They are owed, and were due.
    Overdue,
    /// They were given in time.
    Settled,
    /// They were given, and too late.
    SettledLate,
    /// They were refused: the change was closed.
    Refused,
    /// An L3 said why nobody has to give them.
    Waived,
}

impl DebtState {
    /// Returns what a debt is at a time. `signed_at` is when the change was merged after it was executed,
    /// if it was.
    pub fn of(due_at: Time, signed_at: Option<Time>, is_refused: bool, now: Time) -> Self {
        match signed_at {
            Some(signed) if signed < due_at => DebtState::Settled,
            Some(_) => DebtState::SettledLate,
            None if is_refused => DebtState::Refused,
            None if now < due_at => DebtState::Owed,
            None => DebtState::Overdue,
        }
    }

    /// Returns whether the sign-offs are still owed.
    pub fn is_owed(self) -> bool {
        matches!(self, DebtState::Owed | DebtState::Overdue)
    }

    /// Returns it as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            DebtState::Owed => "owed",
            DebtState::Overdue => "overdue",
            DebtState::Settled => "settled",
            DebtState::SettledLate => "settled late",
            DebtState::Refused => "refused",
            DebtState::Waived => "waived",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_is_owed_until_it_is_signed_or_refused() {
        let at = |text: &str| format!("2026-11-22T{text}:00Z").parse::<Time>().unwrap();
        let due = at("03:14");
        for (signed, is_refused, now, state) in [
            (None, false, "03:13", DebtState::Owed),
            (None, false, "03:14", DebtState::Overdue),
            (Some("03:13"), false, "05:00", DebtState::Settled),
            (Some("04:14"), false, "05:00", DebtState::SettledLate),
            (Some("03:13"), true, "05:00", DebtState::Settled),
            (None, true, "05:00", DebtState::Refused),
            (None, true, "03:00", DebtState::Refused),
        ] {
            assert_eq!(DebtState::of(due, signed.map(at), is_refused, at(now)), state);
        }
    }
}
