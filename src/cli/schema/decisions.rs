//! The schema of the document of decisions.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use changegate::core::decision::Decision;

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
