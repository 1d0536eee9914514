//! Functions that policies may call and that the interpreter doesn't have, or has with other results
//! than OPA. These have OPA's; what OPA couldn't read either ends the evaluation.

mod network;
mod time;
mod version;

use anyhow::{Context, bail};
use regorus::{Engine, Value};

/// A function: its name, the number of its arguments, and what it returns for them.
type Function = (&'static str, u8, fn(&[&str]) -> anyhow::Result<Value>);

const FUNCTIONS: [Function; 6] = [
    ("net.cidr_contains", 2, |text| Ok(network::contains(text[0], text[1])?.into())),
    ("net.cidr_is_valid", 1, |text| Ok(network::is_block(text[0]).into())),
    ("semver.compare", 2, |text| Ok(version::compare(text[0], text[1])?.into())),
    ("semver.is_valid", 1, |text| Ok(version::is_version(text[0]).into())),
    ("time.parse_duration_ns", 1, |text| Ok(time::duration(text[0])?.into())),
    ("time.parse_rfc3339_ns", 1, |text| Ok(time::instant(text[0])?.into())),
];

/// Returns how many arguments one of the functions takes; all are texts.
pub(super) fn parameters_of(name: &str) -> Option<usize> {
    let found = FUNCTIONS.iter().find(|(function, ..)| *function == name);
    found.map(|(_, parameters, _)| usize::from(*parameters))
}

/// Adds the functions to an engine. Where a text can't be read, the evaluation ends if `strict`,
/// otherwise the value is undefined, as with the interpreter's own functions.
///
/// # Errors
/// If the engine has functions of these names.
pub(super) fn add_to(engine: &mut Engine, strict: bool) -> anyhow::Result<()> {
    for (name, parameters, function) in FUNCTIONS {
        let extension = move |arguments: Vec<Value>| {
            let texts: anyhow::Result<Vec<_>> =
                arguments.iter().map(|value| value.as_string().map(|text| &**text)).collect();
            let result = match texts {
                // Only a text can be valid.
                Err(_) if name.ends_with("is_valid") => Ok(false.into()),
                texts => texts.and_then(|texts| function(&texts)),
            };
            match result.with_context(|| format!("`{name}`")) {
                Err(error) if strict => bail!("{error:#}"),
                result => Ok(result.unwrap_or(Value::Undefined)),
            }
        };
        engine.add_extension(name.to_owned(), parameters, Box::new(extension))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_ends_the_evaluation_or_is_undefined() {
        let eval = |strict: bool, expression: &str| {
            let mut engine = Engine::new();
            add_to(&mut engine, strict).unwrap();
            engine.set_strict_builtin_errors(strict);
            engine
                .add_policy("p.rego".to_owned(), format!("package p\nr := {expression}"))
                .unwrap();
            engine.eval_rule("data.p.r".to_owned()).map(|value| value.to_string())
        };
        for (expression, strict, lenient) in [
            ("semver.is_valid(1)", "false", "false"),
            ("net.cidr_is_valid({})", "false", "false"),
            ("semver.compare(\"v1.10.0\", \"1.9.0\")", "1", "1"),
            ("semver.compare(\"1.9\", \"1.9.0\")", "`semver.compare`: `1.9` is", "\"<undefined>\""),
            ("semver.compare(1, \"1.9.0\")", "`semver.compare`", "\"<undefined>\""),
            ("net.cidr_contains(\"10.0.0.0/8\", \"10.1.1.1\")", "true", "true"),
            (
                "net.cidr_contains(\"10\", \"10.1.1.1\")",
                "`net.cidr_contains`: `10` is",
                "\"<undefined>\"",
            ),
        ] {
            let evaluated = eval(true, expression).unwrap_or_else(|error| error.to_string());
            assert!(evaluated.contains(strict), "{expression}: {evaluated}");
            assert_eq!(eval(false, expression).unwrap(), lenient, "{expression}");
        }
    }
}
