//! The report about a period: what needs somebody, and what its changes come to.

use std::collections::BTreeMap;

use chrono::Datelike as _;
use schemars::JsonSchema;
use serde::Serialize;

use crate::core::metrics::{Account, Metrics, Promotion};
use crate::core::terms::{Name, RiskTier};
use crate::core::time::{Duration, Interval, Time, midnight, month_of};

mod csv;
mod figures;
mod html;
mod pictures;
mod text;

/// The report about a period.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Report")]
pub struct Overview {
    /// The repository's name.
    pub repository: String,
    /// The period.
    pub period: Interval,
    /// The changes that were asked for; all, where a field is null.
    #[serde(flatten)]
    pub only: Only,
    /// What isn't known, or can't be relied on.
    pub warnings: Vec<String>,
    /// What needs somebody now, the most urgent first.
    pub needs: Vec<Need>,
    /// What the changes of the period come to.
    pub metrics: Metrics,
    /// The debts that were due in the period, by what became of them.
    pub debts: BTreeMap<&'static str, usize>,
    /// The commits of the operations log that prove nothing, and count for nothing.
    pub unproven: usize,
    /// What went well so often that a template could decide it once.
    pub promotions: Vec<Promotion>,
    /// The settings that are looser than the usual ones.
    pub loosened: Vec<String>,
    /// In which hours of the week a window is open, as in the last week of the period: 24 for each day from Monday
    /// on, in UTC.
    pub open_hours: Vec<Vec<bool>>,
}

/// Which changes were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Only {
    /// Those of this team.
    pub team: Option<String>,
    /// Those that affect this service.
    pub service: Option<Name>,
    /// Those of this tier.
    pub tier: Option<RiskTier>,
}

impl Only {
    /// Whether a change is among them.
    pub fn takes(&self, account: &Account) -> bool {
        let Only { team, service, tier } = self;
        let is_of = |service: &Name| account.services.iter().any(|it| it == service.as_str());
        team.as_ref().is_none_or(|team| account.team.as_ref() == Some(team))
            && service.as_ref().is_none_or(is_of)
            && tier.is_none_or(|tier| account.tier == Some(tier))
    }

    /// Whether all changes were asked for.
    pub fn is_all(&self) -> bool {
        *self == Only::default()
    }
}

/// Something that needs somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Need {
    /// What it is.
    pub what: Needed,
    /// Since when, or until when something was or is due.
    pub since: Option<Time>,
    /// The change, the incident, or the commit on the base.
    pub of: String,
    /// What is or was to be done.
    pub summary: Option<String>,
    /// Who has to act, as far as that is known.
    pub who: Vec<String>,
    /// What is the matter, in a few words.
    pub told: String,
    /// The command that helps; `...` in it is for the reader to say.
    pub command: String,
    /// The address of the request, where the forge has one.
    pub address: Option<String>,
}

/// Why something needs somebody, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Needed {
    /// An incident is open.
    Incident,
    /// Nobody knows how an execution ended.
    Lost,
    /// Sign-offs are owed, and were due.
    DebtOverdue,
    /// It went around the rules, and nobody explained it.
    WentAround,
    /// A sign-off is missing, and was due.
    SignOffOverdue,
    /// It was executed, and nobody said what came of it.
    WithoutOutcome,
    /// It is planned for a time at which it is frozen.
    Frozen,
    /// Its planned time is over, and nothing of it was executed.
    Expired,
    /// Sign-offs are owed, and there is time left.
    Debt,
}

impl Needed {
    /// Returns so many of them in words: `2 debts overdue`.
    pub fn counted(self, count: usize) -> String {
        let (one, many) = match self {
            Needed::Incident => ("incident open", "incidents open"),
            Needed::Lost => ("execution lost", "executions lost"),
            Needed::DebtOverdue => ("debt overdue", "debts overdue"),
            Needed::WentAround => ("went around the gate", "went around the gate"),
            Needed::SignOffOverdue => ("sign-off overdue", "sign-offs overdue"),
            Needed::WithoutOutcome => ("without outcome", "without outcome"),
            Needed::Frozen => ("frozen", "frozen"),
            Needed::Expired => ("expired", "expired"),
            Needed::Debt => ("debt", "debts"),
        };
        super::counted(count, one, many)
    }
}

impl Overview {
    /// Returns the name of the period: `November 2026`, or its first and last day.
    pub fn period_in_words(&self) -> String {
        let Interval { start, end } = self.period;
        let (first, last) = (start.utc(), (end - Duration::seconds(1)).utc());
        let begins_a_year =
            |at: Time| midnight(at.utc().date_naive()) == at && at.utc().ordinal() == 1;
        let is_year = begins_a_year(start) && begins_a_year(end) && first.year() == last.year();
        match () {
            () if month_of(start) == self.period => first.format("%B %Y").to_string(),
            () if is_year => first.format("%Y").to_string(),
            () => format!("{} to {}", first.format("%-d %b %Y"), last.format("%-d %b %Y")),
        }
    }

    /// Says which changes were asked for; empty for all.
    fn only_in_words(&self) -> String {
        let Only { team, service, tier } = &self.only;
        let parts = [
            team.as_ref().map(|team| format!("of team {team}")),
            service.as_ref().map(|service| format!("that affect {service}")),
            tier.map(|tier| format!("of {tier} risk")),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => String::new(),
            false => format!("only changes {}", parts.join(", ")),
        }
    }

    /// Returns the report as a page for a terminal.
    pub fn text(&self, width: usize) -> String {
        text::render(self, width)
    }

    /// Returns it as one page of HTML that needs nothing else.
    ///
    /// # Errors
    /// Never for text.
    pub fn html(&self) -> anyhow::Result<String> {
        html::render(self)
    }
}

/// Returns a table with a row for each of these changes.
///
/// # Errors
/// Never for text.
pub fn table(accounts: &[&Account]) -> anyhow::Result<String> {
    csv::render(accounts)
}

/// Returns the candidates for templates as text.
pub fn promotions(promotions: &[Promotion], width: usize) -> String {
    text::promotions(promotions, width)
}
