//! Arguments that several verbs take.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as NotATier, StringDeserializer};

use super::judges;
use super::place::Place;
use crate::cli::shared::say::end_at_bound;
use changegate::compose::answer::not_a_placeholder;
use changegate::content::folder;
use changegate::core::org::{Date, Org};
use changegate::core::policy::{Files, SHIPPED, shipped_files};
use changegate::core::terms::{Name, RiskTier};
use changegate::core::time::{Duration, Time};
use changegate::core::yaml::did_you_mean;
use changegate::gate::judge::Judge;
use changegate::report::page::shown;

/// The policy bundle to use.
#[derive(Args, Debug)]
pub struct PoliciesArg {
    /// The folder with the policy bundle, or `shipped`; the repository's policies/ if left out, the
    /// shipped samples outside any repository
    #[arg(long, value_name = "DIR")]
    pub policies: Option<std::path::PathBuf>,
}

impl PoliciesArg {
    /// Loads the given bundle, or the one at a place.
    pub fn load(&self, place: &Place) -> anyhow::Result<Judge> {
        let (files, source) = self.files(place)?;
        Judge::load(files, source, end_at_bound).map_err(|error| unusable(&error.into()))
    }

    /// Loads it to judge several requests: if it exceeds a bound for one of them, the others are judged.
    pub fn load_for_several(&self, place: &Place) -> anyhow::Result<Judge> {
        let (files, source) = self.files(place)?;
        judges::by(files, source).map_err(|error| unusable(&error))
    }

    /// Returns the bundle's files, valid or not, and whose it is, as a decision says it.
    pub fn files(&self, place: &Place) -> anyhow::Result<(Files, String)> {
        let folder = match &self.policies {
            // With a slash, it is a folder.
            Some(given) if given.as_os_str() == SHIPPED => None,
            Some(given) => Some(given.clone()),
            None => place.policies()?,
        };
        let Some(folder) = folder else { return Ok((shipped_files(), SHIPPED.to_owned())) };
        let path = shown(&folder);
        let source = if path == SHIPPED { format!("./{path}") } else { path };
        Ok((folder::bundle(&folder)?, source))
    }
}

fn unusable(error: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("the policies can't be used:\n{error}")
}

/// The output format of a verb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// The time to decide for.
#[derive(Args, Debug)]
pub struct NowArg {
    /// The time to decide for, RFC 3339; the current time if left out
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<Time>,
}

impl NowArg {
    /// Returns arguments for the current time.
    pub fn present() -> Time {
        NowArg { now: None }.get()
    }

    /// Returns the time to decide for. This is the only place where the clock is read.
    pub fn get(&self) -> Time {
        self.now.unwrap_or_else(|| chrono::Utc::now().into())
    }
}

/// Returns a parser of risk tiers by name, so that help lists them.
pub fn tier_parser() -> impl TypedValueParser<Value = RiskTier> {
    PossibleValuesParser::new(["low", "medium", "high", "critical"]).try_map(|name| {
        let name: StringDeserializer<NotATier> = name.into_deserializer();
        RiskTier::deserialize(name)
    })
}

/// Parses when a day begins, such as 2026-11-24, or a time.
pub fn day_begins(text: &str) -> Result<Time, String> {
    instant(text, Date::begins)
}

/// Parses when a day ends, or a time.
pub fn day_ends(text: &str) -> Result<Time, String> {
    instant(text, |day| day.begins() + Duration::days(1))
}

fn instant(text: &str, of_day: impl Fn(Date) -> Time) -> Result<Time, String> {
    // A word such as `yesterday` has a t in it, too.
    let is_dated = text.starts_with(|first: char| first.is_ascii_digit());
    match text.contains(['T', 't']) && is_dated {
        true => text.parse(),
        false => text
            .parse()
            .map(of_day)
            .map_err(|why| format!("{why}, or a time such as 2026-11-24T22:00:00Z")),
    }
}

/// Reads a text for people.
pub fn said(text: &str) -> Result<String, String> {
    not_a_placeholder(text).map(|()| text.to_owned())
}

/// Says that the roster has no service of this name, and which was meant.
pub fn unknown_service(service: &str, org: &Org) -> String {
    let known: Vec<_> = org.roster.services.keys().map(Name::as_str).collect();
    unknown("service", service, &known)
}

/// Says that the roster has no team of a name.
pub fn unknown_team(team: &str, org: &Org) -> String {
    let known: Vec<_> = org.roster.teams.keys().map(String::as_str).collect();
    unknown("team", team, &known)
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let hint = match did_you_mean(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("it has no {what}s"),
        None => format!("the {what}s are {}", known.join(", ")),
    };
    format!("there is no {what} `{name}` in the roster: {hint}")
}
