//! Arguments that several verbs take.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as NotATier, StringDeserializer};

use crate::content::folder;
use crate::core::layout::POLICIES;
use crate::core::policy::{Files, PolicyBundle, shipped_files};
use crate::core::terms::RiskTier;
use crate::core::time::Time;
use crate::gate::watchdog::Watchdog;

/// Which policies decide.
#[derive(Args, Debug)]
pub struct PoliciesArg {
    /// The folder with the policy bundle; policies/ if it exists, else the shipped one
    #[arg(long, value_name = "DIR")]
    pub policies: Option<std::path::PathBuf>,
}

impl PoliciesArg {
    /// Loads the bundle that was asked for.
    pub fn load(&self) -> anyhow::Result<PolicyBundle> {
        self.load_watched().map(|(bundle, _)| bundle)
    }

    /// The same, with the watchdog that goes on watching over decisions.
    pub fn load_watched(&self) -> anyhow::Result<(PolicyBundle, Watchdog)> {
        let files = self.files()?;
        let watchdog = Watchdog::start(&files);
        let watched = watchdog.watch();
        let bundle = PolicyBundle::load(files, crate::gate::cpu::thread_time)
            .map_err(|error| anyhow::anyhow!("the policies can't be used:\n{error}"))?;
        drop(watched);
        Ok((bundle, watchdog))
    }

    /// The files of the bundle that was asked for, sound or not.
    pub fn files(&self) -> anyhow::Result<Files> {
        match &self.policies {
            Some(dir) => folder::bundle(dir),
            None if Path::new(POLICIES).is_dir() => folder::bundle(Path::new(POLICIES)),
            None => Ok(shipped_files()),
        }
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// For which time is decided.
#[derive(Args, Debug)]
pub struct NowArg {
    /// The time to decide for, RFC 3339; the present if left out
    #[arg(long, value_name = "RFC3339")]
    pub now: Option<Time>,
}

impl NowArg {
    /// The present.
    pub fn present() -> Time {
        NowArg { now: None }.get()
    }

    /// The one place where the clock is read.
    pub fn get(&self) -> Time {
        self.now.unwrap_or_else(|| chrono::Utc::now().into())
    }
}

/// Parses a risk tier by its name, so that help lists them.
pub fn tier_parser() -> impl TypedValueParser<Value = RiskTier> {
    PossibleValuesParser::new(["low", "medium", "high", "critical"]).try_map(|name| {
        let name: StringDeserializer<NotATier> = name.into_deserializer();
        RiskTier::deserialize(name)
    })
}
