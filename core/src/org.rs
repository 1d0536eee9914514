//! Organisation data: the tables below `policies/org/` that the policies decide by.
//!
//! Each table is `policies/org/<name>/data.yaml` and is mounted as `data.org.<name>` exactly as it
//! is written. Here it is also read into types, so that a mistake in it is an error with file and
//! line when the bundle is loaded, and never a surprise in a decision.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::evidence::Unproven;
use crate::template::Template;
use crate::terms::{Level, Name};
use crate::time::Time;

mod execution;
mod ledger;
mod loosened;
mod machines;
mod remote;
mod roster;
mod tables;
mod text;

pub use execution::*;
pub use ledger::*;
pub use machines::*;
pub use remote::*;
pub use roster::*;
pub use tables::*;
pub use text::*;

/// All of an organisation's tables.
#[derive(Clone, Debug, JsonSchema)]
pub struct Org {
    /// People, teams and services.
    pub roster: Roster,
    /// The action catalog.
    pub actions: Table<CatalogEntry>,
    /// Who has to approve, by tier and then by the requester's level.
    pub matrix: Table<BTreeMap<Level, SignOffRow>>,
    /// The deployment windows.
    pub windows: Table<Window>,
    /// The freezes, and which quarters have been announced.
    pub freezes: Freezes,
    /// Whom to notify when a change goes wrong: by severity, the steps in order.
    pub escalation: Table<Vec<EscalationStep>>,
    /// What the evidence of the ledger must not hold any longer; empty without that table.
    pub erasures: Vec<Erasure>,
    /// The templates of standard changes, by name.
    pub templates: BTreeMap<Name, Template>,
    /// Switches and limits.
    pub settings: Settings,
}

impl Org {
    /// Returns the lowest level that the matrix names as an approver; `None`, which is below every
    /// level, if it names none.
    pub fn lowest_approving_level(&self) -> Option<Level> {
        let rows = self.matrix.entries.values().flat_map(|tier| tier.values());
        rows.flat_map(|row| row.levels()).min().copied()
    }

    /// Whether the settings accept somebody whose identity is unproven for this reason.
    pub fn tolerates(&self, unproven: Unproven) -> bool {
        unproven == Unproven::Unsigned && self.settings.unsigned_reviews.is_allowed()
    }

    /// Returns the tables whose last review at `now` is older than the settings allow, and the next
    /// instant at which another one becomes overdue.
    pub fn overdue_reviews(&self, now: Time) -> (Vec<&'static str>, Option<Time>) {
        let reviewed = [
            ("actions", self.actions.reviewed),
            ("escalation", self.escalation.reviewed),
            ("freezes", self.freezes.reviewed),
            ("matrix", self.matrix.reviewed),
            ("roster", self.roster.reviewed),
            ("settings", self.settings.reviewed),
            ("windows", self.windows.reviewed),
        ];
        let due = |day: Date| day.begins() + self.settings.review_policies_every;
        let is_overdue = |(_, day): &&(_, Option<Date>)| day.is_none_or(|day| due(day) <= now);
        let overdue = reviewed.iter().filter(is_overdue).map(|(name, _)| *name).collect();
        let next =
            reviewed.iter().filter_map(|(_, day)| day.map(due)).filter(|due| *due > now).min();
        (overdue, next)
    }
}

/// A table whose keys are names, with an optional date of the last review, `reviewed`.
#[derive(Clone, Debug)]
pub struct Table<T> {
    /// When the data were last reviewed.
    pub reviewed: Option<Date>,
    /// The entries by name.
    pub entries: BTreeMap<String, T>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Table<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<T>, A::Error> {
                let mut table = Table { reviewed: None, entries: BTreeMap::new() };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "reviewed" {
                        table.reviewed = Some(map.next_value()?);
                    } else {
                        table.entries.insert(name, map.next_value()?);
                    }
                }
                Ok(table)
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("TableOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut reviewed = generator.subschema_for::<Date>();
        reviewed.insert("description".to_owned(), "When the data were last reviewed.".into());
        json_schema!({
            "type": "object",
            "properties": {"reviewed": reviewed},
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}
