//! The machines of the roster: pipelines and servers that execute changes, and what they may do.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Roster, SigningKey};
use crate::terms::{Login, Name};

/// A machine that executes changes. What it does is proven by a token, by a key, or by another machine
/// that signs for it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The job on GitHub that it is: its token has to say all of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GithubJob>,
    /// SSH public keys that it signs with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<SigningKey>,
    /// The machine that signs for it, such as a server for the console behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Login>,
    /// What it may execute.
    #[schemars(length(min = 1))]
    pub may: Vec<Permission>,
    /// For whom it acts.
    #[serde(default)]
    pub acts_for: ActsFor,
    /// Whether it may act although nobody started it, such as by a schedule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unattended: bool,
}

/// A job on GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubJob {
    /// The repository's numeric id, as text.
    #[schemars(example = "8123", regex(pattern = "^[0-9]+$"))]
    pub repository_id: String,
    /// The path of its workflow.
    #[schemars(example = ".github/workflows/deploy.yml")]
    pub workflow: String,
    /// The ref that the workflow is taken from.
    #[serde(rename = "ref")]
    #[schemars(example = "refs/heads/main")]
    pub at: String,
    /// The environment that the job names, if it has to name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"production")]
    pub environment: Option<String>,
}

/// Something that a machine may execute: each of these actions, on a target that is listed and in a
/// listed environment. At least one of the two lists says something; an empty one excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// The actions.
    #[schemars(length(min = 1), example = ["deploy"])]
    pub actions: Vec<Name>,
    /// The targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["checkout-web"])]
    pub targets: Vec<Name>,
    /// The environments, each with its targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["production"])]
    pub environments: Vec<Name>,
}

/// For whom a machine acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActsFor {
    /// For the person who started it, who is entitled like somebody who acts in person. Without a token
    /// of a job, who that is is the machine's word.
    People,
    /// For nobody.
    #[default]
    Nobody,
}

/// An environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The targets in it; no other environment has one of them.
    #[schemars(example = ["checkout-web", "eu-west-1"])]
    pub targets: Vec<Name>,
}

impl Machine {
    /// Returns whether it may do an action to a target, which lies in the roster's environments.
    pub fn may(&self, action: &str, target: &str, roster: &Roster) -> bool {
        let has = |names: &[Name], name: &str| names.iter().any(|it| it.as_str() == name);
        let is_in = |environment: &Name| {
            let environment = roster.environments.get(environment);
            environment.is_some_and(|it| has(&it.targets, target))
        };
        self.may.iter().any(|it| {
            has(&it.actions, action)
                && (!it.targets.is_empty() || !it.environments.is_empty())
                && (it.targets.is_empty() || has(&it.targets, target))
                && (it.environments.is_empty() || it.environments.iter().any(is_in))
        })
    }
}

/// What measures a service's error rate, in percent.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ErrorRateSource {
    /// A query to Prometheus, which returns one series.
    Prometheus {
        /// The server's address.
        #[schemars(example = "https://prometheus.acme.example")]
        url: String,
        /// The query.
        query: String,
    },
    /// Queries to CloudWatch, of which one returns data.
    CloudWatch {
        /// The region.
        #[schemars(example = "eu-west-1")]
        region: String,
        /// What `aws cloudwatch get-metric-data` takes as `--metric-data-queries`.
        #[schemars(length(min = 1))]
        queries: Vec<serde_json::Value>,
    },
}

/// A decimal number that isn't negative, written as text since it has no other exact form: `1.25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Decimal(u64);

impl Decimal {
    /// Returns the number of millionths.
    pub fn millionths(self) -> u64 {
        self.0
    }

    /// Returns this number of millionths; `None` if it is greater than can be written.
    pub fn of_millionths(millionths: u64) -> Option<Self> {
        (millionths < 1_000_000_000_000).then_some(Decimal(millionths))
    }
}

impl TryFrom<Cow<'_, str>> for Decimal {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        let is_number = |digits: &str, most: usize| {
            (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 6) || !is_number(fraction, 6) {
            return Err(format!("`{text}` is not a decimal number: write one such as \"1.25\""));
        }
        let number = format!("{whole}{fraction:0<6}");
        number.parse().map(Decimal).map_err(|error| error.to_string())
    }
}

/// Writes the shortest form.
impl From<Decimal> for String {
    fn from(Decimal(number): Decimal) -> String {
        let text = format!("{}.{:06}", number / 1_000_000, number % 1_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A decimal number as text",
            "pattern": "^[0-9]{1,6}([.][0-9]{1,6})?$",
            "examples": ["1.25"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn a_machine_may_do_what_is_listed_where_it_is_listed() {
        let text = "people: {}\nenvironments:\n  production: {targets: [web, eu]}\n  staging: {targets: [stage]}\n";
        let roster: Roster = yaml::parse(text.as_bytes()).read().value.unwrap();
        for (may, action, target, holds) in [
            ("actions: [deploy], targets: [web]", "deploy", "web", true),
            ("actions: [deploy], targets: [web]", "deploy", "Web", false),
            ("actions: [deploy], targets: [web]", "deploy", "web-2", false),
            ("actions: [deploy], targets: [web]", "scale-service", "web", false),
            ("actions: [deploy], environments: [production]", "deploy", "eu", true),
            ("actions: [deploy], environments: [production]", "deploy", "stage", false),
            ("actions: [deploy], environments: [production]", "deploy", "nowhere", false),
            (
                "actions: [deploy], targets: [web], environments: [production]",
                "deploy",
                "web",
                true,
            ),
            (
                "actions: [deploy], targets: [web], environments: [production]",
                "deploy",
                "eu",
                false,
            ),
            (
                "actions: [deploy], targets: [stage], environments: [production]",
                "deploy",
                "stage",
                false,
            ),
            ("actions: [deploy]", "deploy", "web", false),
        ] {
            let text = format!("may: [{{{may}}}]\n");
            let machine: Machine = yaml::parse(text.as_bytes()).read().value.unwrap();
            assert_eq!(machine.may(action, target, &roster), holds, "{may}: {action} {target}");
        }
    }

    #[test]
    fn decimals_are_exact() {
        let read = |text: &str| Decimal::try_from(Cow::from(text.to_owned()));
        for (text, millionths, written) in [
            ("1.25", 1_250_000, "1.25"),
            ("0.1", 100_000, "0.1"),
            ("2", 2_000_000, "2"),
            ("07.50", 7_500_000, "7.5"),
        ] {
            let number = read(text).unwrap();
            assert_eq!((number.millionths(), String::from(number).as_str()), (millionths, written));
        }
        for text in ["", ".", "1.", ".5", "-1", "1e3", "1,5", "1.2345678", "1.2.3"] {
            assert!(read(text).unwrap_err().contains("is not a decimal number"), "{text}");
        }
    }
}
