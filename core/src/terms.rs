//! The shared terms: people and tickets, levels, tiers, effects, verdicts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod identity;
mod name;

pub use identity::{Login, TicketId};
pub use name::{Name, folded, look_alike};

/// The role that commands an incident.
pub const INCIDENT_COMMANDER: &str = "incident-commander";

/// An operator's level; each includes those below it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
pub enum Level {
    /// Operator.
    L1,
    /// Engineer.
    L2,
    /// Admin.
    L3,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How much can go wrong, from the lowest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum RiskTier {
    Low,
    Medium,
    High,
    Critical,
}

impl RiskTier {
    /// All tiers, from the lowest.
    pub const ALL: [RiskTier; 4] =
        [RiskTier::Low, RiskTier::Medium, RiskTier::High, RiskTier::Critical];
}

impl fmt::Display for RiskTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RiskTier::Low => "low",
            RiskTier::Medium => "medium",
            RiskTier::High => "high",
            RiskTier::Critical => "critical",
        })
    }
}

/// How severe an incident is, from P1, the worst, to P5.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[expect(missing_docs, reason = "the names are clear")]
pub enum Severity {
    P1,
    P2,
    P3,
    P4,
    P5,
}

/// What an incident pauses.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Pauses {
    /// No change.
    #[default]
    None,
    /// Changes to its services.
    Services,
    /// All changes.
    All,
}

/// What a finding does to the verdict; ordered by strength, so that the verdict is the maximum.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// For information.
    Info,
    /// A warning; it doesn't affect the verdict.
    Warn,
    /// The change waits for a person or a time.
    Pending,
    /// The change can't proceed in its present form.
    Deny,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Info => "info",
            Effect::Warn => "warn",
            Effect::Pending => "pending",
            Effect::Deny => "deny",
        })
    }
}

/// Whether a change may go ahead.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The change may go ahead.
    Approved,
    /// It waits for a person or a time.
    Pending,
    /// It can't proceed in its present form.
    Denied,
}

impl Verdict {
    /// Returns the verdict of the strongest effect: denied if any denies, otherwise pending if any
    /// is pending.
    pub fn of(effects: impl IntoIterator<Item = Effect>) -> Self {
        match effects.into_iter().max() {
            Some(Effect::Deny) => Verdict::Denied,
            Some(Effect::Pending) => Verdict::Pending,
            _ => Verdict::Approved,
        }
    }

    /// Returns the exit code of a verb whose strongest verdict this is.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Approved => 0,
            Verdict::Denied => 1,
            Verdict::Pending => 3,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Approved => "approved",
            Verdict::Pending => "pending",
            Verdict::Denied => "denied",
        })
    }
}

/// Joins items in a sentence: `a`, `a and b`, `a, b and c`.
pub fn all_of<T: ToString>(items: &[T]) -> String {
    joined(items, "and")
}

/// Joins alternatives in a sentence: `a`, `a or b`, `a, b or c`.
pub fn one_of<T: ToString>(items: &[T]) -> String {
    joined(items, "or")
}

/// Shortens a list for [`all_of`] and [`one_of`]: of more than six items the last ones are counted,
/// as `4 others`.
pub fn few<T: ToString>(items: &[T]) -> Vec<String> {
    const MANY: usize = 6;
    let shown = if items.len() > MANY { MANY - 1 } else { items.len() };
    let others = (shown < items.len()).then(|| format!("{} others", items.len() - shown));
    items[..shown].iter().map(T::to_string).chain(others).collect()
}

fn joined<T: ToString>(items: &[T], word: &str) -> String {
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    match items.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} {word} {last}", others.join(", ")),
        _ => items.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_sentences_do() {
        let items: Vec<_> = (1..=7).collect();
        let shown = [0, 1, 2, 3].map(|count| all_of(&items[..count]));
        assert_eq!(shown, ["", "1", "1 and 2", "1, 2 and 3"]);
        assert_eq!(one_of(&few(&items[..6])), "1, 2, 3, 4, 5 or 6");
        assert_eq!(one_of(&few(&items)), "1, 2, 3, 4, 5 or 2 others");
    }
}
