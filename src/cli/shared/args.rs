//! Arguments that several verbs take.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as NotATier, StringDeserializer};

use crate::cli::shared::say::end_at_bound;
use crate::content::folder;
use crate::core::layout::POLICIES;
use crate::core::policy::{Files, shipped_files};
use crate::core::terms::RiskTier;
use crate::core::time::Time;
use crate::gate::judge::Judge;

/// The policy bundle to use.
#[derive(Args, Debug)]
pub struct PoliciesArg {
    /// The folder with the policy bundle; policies/ if it exists, else the shipped one
    #[arg(long, value_name = "DIR")]
    pub policies: Option<std::path::PathBuf>,
}

impl PoliciesArg {
    /// Loads the given bundle.
    pub fn load(&self) -> anyhow::Result<Judge> {
        Judge::load(self.files()?, end_at_bound)
            .map_err(|error| anyhow::anyhow!("the policies can't be used:\n{error}"))
    }

    /// Returns the files of the given bundle, valid or not.
    pub fn files(&self) -> anyhow::Result<Files> {
        match &self.policies {
            Some(dir) => folder::bundle(dir),
            None if Path::new(POLICIES).is_dir() => folder::bundle(Path::new(POLICIES)),
            None => Ok(shipped_files()),
        }
    }
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
