//! What is printed as JSON is what its schema says.

use std::fs;

use serde_json::Value;

use super::ran::Ran;
use super::root;

impl Ran {
    /// What it printed as JSON, which is what the schema of this name says.
    #[track_caller]
    pub fn json(&self, schema: &str) -> Value {
        let value = serde_json::from_str(&self.stdout);
        let value: Value = value.unwrap_or_else(|error| panic!("{error}: {self:?}"));
        is_valid(schema, &value);
        value
    }
}

/// A document is what the schema of this name says.
#[track_caller]
pub fn is_valid(schema: &str, value: &Value) {
    let path = root().join(format!("schemas/{schema}.schema.json"));
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    let errors: Vec<_> = (options.build(&schema).unwrap().iter_errors(value))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
