//! Refuses METADATA that can't be read, or that says something else than its rule: `explain` and the
//! reports would show what isn't so, or leave it out.

use regorus::unstable::Expr;
use serde_json::{Map, Value};

use super::documents::looks_misspelt;
use super::expressions::literal;
use super::facts::RuleFacts;
use super::shape::field;
use super::taking_part::{name, package};
use super::{PolicyFile, PolicyProblem};
use crate::digest::to_json;
use crate::policy::codes::{Annotation, Block, blocks};
use crate::policy::ruling::{EFFECTS, is_code};
use crate::yaml::{self, Document, Span};

/// The keys of an annotation, by OPA's definition.
const KEYS: [&str; 10] = [
    "authors",
    "compile",
    "custom",
    "description",
    "entrypoint",
    "organizations",
    "related_resources",
    "schemas",
    "scope",
    "title",
];

/// The keys below `custom` that say something about a code, beside `rule`. An organisation may add its
/// own.
const CUSTOM: [&str; 4] = ["code", "effect", "help", "controls"];

/// Checks every annotation of the policies.
pub(super) fn check(files: &[PolicyFile], facts: &[RuleFacts]) -> Vec<PolicyProblem> {
    let policies = files.iter().filter(|file| !file.is_test());
    let blocks = policies.flat_map(|file| blocks(file.text).map(move |block| (file, block)));
    blocks.flat_map(|(file, block)| Check::new(file, &block).problems(facts)).collect()
}

struct Check<'c> {
    file: &'c PolicyFile<'c>,
    block: &'c Block,
    document: Document,
}

impl<'c> Check<'c> {
    fn new(file: &'c PolicyFile<'c>, block: &'c Block) -> Self {
        Check { file, block, document: yaml::parse(block.text.as_bytes()) }
    }

    fn problems(&self, facts: &[RuleFacts]) -> Vec<PolicyProblem> {
        let keys = self.document.read::<Map<String, Value>>().value.unwrap_or_default();
        let mut problems = self.misspelt(&keys);
        if !problems.is_empty() {
            return problems;
        }
        let reading = self.document.read::<Annotation>();
        let unreadable = reading.problems.iter().filter(|found| found.code != "field/unknown");
        problems.extend(unreadable.map(|found| {
            self.problem(found.span, found.message.clone(), found.help.clone().unwrap_or_default())
        }));
        if let Some(Annotation { custom: Some(custom), .. }) = reading.value
            && let (Some(code), true) = (custom.code, problems.is_empty())
        {
            let effect = custom.effect.map(|effect| to_json(&effect));
            let effect = effect.as_ref().and_then(Value::as_str);
            problems.extend(self.contradiction(&code, effect, facts));
        }
        problems
    }

    /// Returns what is wrong with the keys of the annotation.
    fn misspelt(&self, keys: &Map<String, Value>) -> Vec<PolicyProblem> {
        let misplaced = keys.keys().filter(|key| CUSTOM.contains(&key.as_str())).map(|key| {
            let help = "Write it below `custom:`, indented.".to_owned();
            self.at(&format!("/{key}"), format!("`{key}` takes no part here"), help)
        });
        let top = slips(keys, &KEYS).map(|(key, meant)| (format!("/{key}"), key, meant));
        let custom = keys.get("custom").and_then(Value::as_object);
        let custom = custom.filter(|custom| CUSTOM.iter().any(|key| custom.contains_key(*key)));
        let custom = custom.into_iter().flat_map(|custom| slips(custom, &CUSTOM));
        let custom = custom.map(|(key, meant)| (format!("/custom/{key}"), key, meant));
        let slips = top.chain(custom).map(|(pointer, key, meant)| {
            self.at(
                &pointer,
                format!("METADATA has no key `{key}`"),
                format!("Did you mean `{meant}`?"),
            )
        });
        misplaced.chain(slips).collect()
    }

    /// Returns where the rule below the annotation says something else.
    fn contradiction(
        &self,
        code: &str,
        effect: Option<&str>,
        facts: &[RuleFacts],
    ) -> Option<PolicyProblem> {
        if !is_code(code) {
            let help = "Write `rule/short-name`.".to_owned();
            return Some(self.at("/custom/code", format!("`{code}` is not a code"), help));
        }
        let of_file = facts.iter().filter(|rule| std::ptr::eq(rule.file, self.file));
        let below = of_file.filter(|rule| rule.span.line > self.block.line);
        let annotated = below
            .min_by_key(|rule| rule.span.line)
            .filter(|_| self.file.module.package.span.line < self.block.line)?;
        let codes = written(annotated, "code");
        if !codes.is_empty() && !codes.contains(&Some(code)) && !codes.contains(&None) {
            let yielded = codes.first().copied().flatten().unwrap_or_default();
            let message = format!("METADATA says `{code}`, and the rule below yields `{yielded}`");
            return Some(self.at(
                "/custom/code",
                message,
                "Write the same code in both.".to_owned(),
            ));
        }
        let declared = effect?;
        let same = facts.iter().filter(|rule| package(rule) == package(annotated));
        let all: Vec<_> = same.flat_map(|rule| effects(rule, code)).collect();
        let strength = |effect: &str| EFFECTS.iter().position(|known| *known == effect);
        let strongest = all.iter().flatten().copied().max_by_key(|effect| strength(effect));
        let actual = match strongest {
            None if all.is_empty() && name(annotated) == "required" => "pending",
            None => return None,
            Some(_) if effects(annotated, code).contains(&Some(declared)) => return None,
            // What a variable holds may be stronger.
            Some(strongest) if all.contains(&None) && strength(strongest) < strength(declared) => {
                return None;
            }
            Some(strongest) => strongest,
        };
        (actual != declared).then(|| {
            let message = format!("METADATA says {declared}, and the rule yields {actual}");
            let help = format!("Write `effect: {actual}`, or correct the rule.");
            self.at("/custom/effect", message, help)
        })
    }

    fn at(&self, pointer: &str, message: String, help: String) -> PolicyProblem {
        self.problem(self.document.root.locate(pointer), message, help)
    }

    fn problem(&self, span: Span, message: String, help: String) -> PolicyProblem {
        PolicyProblem {
            path: self.file.path.to_owned(),
            line: self.block.line + span.line.max(1) - 1,
            // The text is behind `# `.
            column: span.column.max(1) + 2,
            message: format!("in METADATA: {message}"),
            help: (!help.is_empty()).then_some(help),
        }
    }
}

/// Returns the keys that look like one of the known ones that isn't there.
fn slips<'k>(
    keys: &'k Map<String, Value>,
    known: &'k [&'k str],
) -> impl Iterator<Item = (&'k str, &'k str)> {
    let missing = || known.iter().filter(|known| !keys.contains_key(**known));
    let unknown = keys.keys().map(String::as_str).filter(|key| !known.contains(key));
    unknown.filter_map(move |key| {
        missing().find(|known| looks_misspelt(key, known)).map(|known| (key, *known))
    })
}

/// Returns what a field is in the objects of a rule that have it; `None` for what isn't written out.
fn written<'r>(rule: &RuleFacts<'r>, name: &str) -> Vec<Option<&'r str>> {
    rule.objects
        .iter()
        .filter_map(|object| field(object, name))
        .map(|value| literal(value))
        .collect()
}

/// Returns the effects of a rule's findings of one code; `None` for what isn't written out.
fn effects<'r>(rule: &RuleFacts<'r>, code: &str) -> Vec<Option<&'r str>> {
    let is_of_it =
        |object: &&&Expr| field(object, "code").and_then(|code| literal(code)) == Some(code);
    let findings = rule.objects.iter().filter(is_of_it);
    findings.filter_map(|object| Some(literal(field(object, "effect")?))).collect()
}
