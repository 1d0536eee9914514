//! Schemas that types alone don't give.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::polish;

use changegate::core::decision::Decision;
use changegate::core::evidence::Evidence;
use changegate::core::input::Input;
use changegate::core::org::{CatalogEntry, EscalationStep, SignOffRow, Table};
use changegate::core::terms::{Level, Name, RiskTier};

/// The document of decisions, which reports write piece by piece.
pub(super) struct Decisions;

impl JsonSchema for Decisions {
    fn schema_name() -> Cow<'static, str> {
        "Decisions".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "The decisions, one for each request.",
            "properties": {"decisions": {
                "type": "array",
                "description": "One for each request, in order of their paths.",
                "items": generator.subschema_for::<Decision>(),
            }},
            "required": ["decisions"],
        })
    }
}

/// Returns the schema of a file that people write.
pub(super) fn written<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.with_transform(polish::written).into_generator().into_root_schema_for::<T>()
}

/// Returns the schema of a document that the checker writes.
pub(super) fn printed<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.with_transform(polish::printed).into_generator().into_root_schema_for::<T>()
}

/// Returns the schema of the catalog, whose keys are names of actions.
pub(super) fn actions() -> Schema {
    let mut schema = written::<Table<CatalogEntry>>();
    let name = Name::json_schema(&mut SchemaGenerator::default());
    schema.insert("propertyNames".to_owned(), json!({"pattern": name.get("pattern")}));
    schema
}

/// Returns the schema of a table whose names are fixed: each is a property of its own.
pub(super) fn matrix() -> Schema {
    let mut schema = written::<Table<BTreeMap<Level, SignOffRow>>>();
    let tiers = RiskTier::ALL.map(|tier| tier.to_string());
    polish::name_keys(&mut schema, &tiers, |tier| format!("Who approves a {tier}-risk change."));
    schema.insert("required".to_owned(), json!(tiers));
    for tier in &tiers {
        let Some(rows) = schema.pointer_mut(&format!("/properties/{tier}")) else { continue };
        let Ok(rows) = <&mut Schema>::try_from(rows) else { continue };
        let levels = [Level::L1, Level::L2, Level::L3].map(|level| level.to_string());
        polish::name_keys(rows, &levels, |level| {
            format!("The review that a requester of {level} needs.")
        });
        rows.insert("required".to_owned(), json!(levels));
    }
    schema
}

pub(super) fn escalation() -> Schema {
    let mut schema = written::<Table<Vec<EscalationStep>>>();
    polish::name_keys(
        &mut schema,
        &["P1", "P2", "P3", "P4", "P5"].map(str::to_owned),
        |severity| format!("Whom to notify of a {severity} incident, in order."),
    );
    schema
}

/// Returns the schema of evidence. Review states may be in lower case, as in some of GitHub's
/// interfaces.
pub(super) fn evidence() -> Schema {
    let mut schema = written::<Evidence>();
    if let Some(Value::Array(states)) = schema.pointer_mut("/$defs/ReviewState/oneOf") {
        let names: Vec<_> = states.iter().filter_map(|state| state["const"].as_str()).collect();
        let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let description = "The states in lower case, as webhooks write them.";
        states.push(json!({"enum": names, "type": "string", "description": description}));
    }
    schema
}

/// Returns the schema of the input document. In the request that the policies see, a list holds
/// null in place of a text that said nothing, and an entry of `approvals` lacks such a name.
pub(super) fn input() -> Schema {
    let mut schema = printed::<Input<'_>>();
    for list in [
        "Impact/properties/services",
        "Rollback/properties/steps",
        "Verification/properties/health_checks",
        "Verification/properties/error_rates",
    ] {
        if let Some(items) = schema.pointer_mut(&format!("/$defs/{list}/items")) {
            *items = json!({"anyOf": [items.take(), {"type": "null"}]});
        }
    }
    if let Some(Value::Array(forms)) = schema.pointer_mut("/$defs/RequestedApproval/oneOf") {
        let description = "An entry whose name said nothing.";
        forms.push(json!({"type": "object", "maxProperties": 0, "description": description}));
    }
    schema
}
