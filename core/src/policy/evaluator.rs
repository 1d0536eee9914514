//! Evaluates a compiled bundle on input documents.
//!
//! What a rule yields is read strictly. If that fails, or a code belongs to another rule, nothing is
//! decided, and the reason names the rule's package and place.

use std::collections::BTreeSet;
use std::sync::Arc;

use regorus::{Engine, Value};
use serde::Deserialize;

use super::ENTRY_POINT;
use super::bound::Bound;
use super::message::Message;
use super::ruling::{Ruling, Shape};
use super::vet::RulePackage;
use crate::digest::to_json;

/// Why nothing could be decided, although the bundle was loaded.
#[derive(Debug, thiserror::Error)]
#[error("{place}{message}")]
pub struct Undecided {
    place: String,
    message: String,
}

impl Undecided {
    /// Makes the reason from its text.
    pub fn because(message: String) -> Self {
        Undecided { place: String::new(), message }
    }
}

impl From<&anyhow::Error> for Undecided {
    fn from(error: &anyhow::Error) -> Self {
        let message = Message::of(error);
        let place = message.place.map(|place| format!("{}:{}: ", place.path, place.line));
        Undecided { place: place.unwrap_or_default(), message: message.text }
    }
}

/// Decides input documents, one after the other.
pub struct Evaluator {
    /// What evaluates; or why the policies couldn't be compiled.
    pub(super) engine: Result<Engine, String>,
    pub(super) bound: Bound,
    pub(super) packages: Arc<[RulePackage]>,
}

impl Evaluator {
    /// Returns what the policies say about an input document.
    ///
    /// # Errors
    /// If a rule conflicts with another or takes too long, if the result isn't a ruling, or if a rule
    /// yields a code of another one.
    pub fn rule(&mut self, input: &serde_json::Value) -> Result<Ruling, Undecided> {
        let value = self.ruling(input)?;
        let packages = Arc::clone(&self.packages);
        match serde_json::to_value(&value).and_then(Ruling::deserialize) {
            Ok(ruling) => {
                let findings = ruling.findings.iter().map(|finding| finding.code.as_str());
                let codes = findings.chain(ruling.required.iter().map(|asked| asked.code.as_str()));
                let codes: BTreeSet<_> = codes.collect();
                // What is written out in a rule was checked when the bundle was loaded.
                let mut open = packages.iter().filter(|package| package.is_open());
                let foreign = open.find_map(|package| {
                    self.fault(package, |value| package.foreign(value, &codes))
                });
                foreign.map_or(Ok(ruling), Err)
            }
            Err(error) => Err(packages
                .iter()
                .find_map(|package| self.fault(package, unreadable))
                .unwrap_or_else(|| {
                    Undecided::because(format!(
                        "the policies' `{ENTRY_POINT}` isn't a decision: {error}"
                    ))
                })),
        }
    }

    /// Returns the first fault in what a package yields.
    fn fault(
        &mut self,
        package: &RulePackage,
        fault: impl Fn((&str, &serde_json::Value)) -> Option<String>,
    ) -> Option<Undecided> {
        ["findings", "required"].into_iter().find_map(|rule| {
            let path = format!("{}.{rule}", package.path);
            let engine = self.engine.as_mut().ok()?;
            let yielded = to_json(&self.bound.eval_rule(engine, &path).ok()?);
            yielded.as_array()?.iter().find_map(|value| {
                let message = fault((rule, value))?;
                let name = package.path.trim_start_matches("data.");
                let message = format!("{name} yields {message}");
                Some(Undecided { place: package.place_of(rule, value), message })
            })
        })
    }

    /// Returns the ruling as the policies' own value.
    fn ruling(&mut self, input: &serde_json::Value) -> Result<Value, Undecided> {
        let input = Value::deserialize(input)
            .map_err(|error| Undecided::from(&anyhow::Error::from(error)))?;
        let engine = self.engine.as_mut().map_err(|why| Undecided::because(why.clone()))?;
        engine.set_input(input);
        match self.eval() {
            Ok(Value::Undefined) => Err(Undecided::because(format!(
                "the policies leave `{ENTRY_POINT}` undefined for this change"
            ))),
            Ok(value) => Ok(value),
            Err(error) => Err(Undecided::from(&error)),
        }
    }

    pub(super) fn eval(&mut self) -> anyhow::Result<Value> {
        let engine = self.engine.as_mut().map_err(|why| anyhow::anyhow!(why.clone()))?;
        self.bound.eval_rule(engine, ENTRY_POINT)
    }

    /// Returns what the policies say as canonical JSON, for comparison with another engine's
    /// answer.
    ///
    /// # Errors
    /// As [`Evaluator::rule`].
    pub fn ruling_json(
        &mut self,
        input: &serde_json::Value,
    ) -> Result<serde_json::Value, Undecided> {
        Ok(to_json(&self.ruling(input)?))
    }
}

/// Returns what is wrong with a value that can't be read as what its rule has to yield.
fn unreadable((rule, value): (&str, &serde_json::Value)) -> Option<String> {
    let shape = Shape::of(rule)?;
    Some(format!("{} that can't be read: {}", shape.what, shape.fault(value)?))
}
