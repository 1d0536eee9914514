//! The form as the repository has it, and an issue's text split along its labels.
//!
//! An organisation words labels and help as it likes and leaves out what it doesn't ask for: what a
//! field is for is said by its `id`. GitHub writes an issue's text as a heading with each label, in
//! their order, and what was filled in below.

use serde::Deserialize;
use serde_json::Value;

use crate::core::yaml;

/// What GitHub writes where nothing was filled in.
const NOTHING: &str = "_No response_";

/// A form's fields in their order.
#[derive(Debug)]
pub struct Template {
    fields: Vec<Question>,
}

/// A field that can be filled in.
#[derive(Debug)]
struct Question {
    id: String,
    label: String,
}

/// What was filled in, by the ids of the fields that have anything.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The field.
    pub id: String,
    /// Its label.
    pub label: String,
    /// What it holds: without blanks around it, and never empty.
    pub text: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    body: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    id: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    label: Option<String>,
}

impl Template {
    /// Reads a form's file; nothing if it doesn't ask for a change.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let file = yaml::parse(bytes).read::<Value>().value?;
        // Most of what a form holds is for GitHub alone.
        let file = serde_json::from_value::<File>(file).ok()?;
        let fields = file.body.into_iter().filter_map(|element| {
            // What has no label is a text to read.
            let label = element.attributes.label?.trim().to_owned();
            Some(Question { id: element.id.unwrap_or_default(), label })
        });
        let template = Template { fields: fields.collect() };
        (template.has("summary") && template.has("actions")).then_some(template)
    }

    /// Whether it has a field of this id.
    pub fn has(&self, id: &str) -> bool {
        self.fields.iter().any(|field| field.id == id)
    }

    /// The label of a field.
    pub fn label(&self, id: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.id == id).map(|field| field.label.as_str())
    }

    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Splits an issue's text; nothing if it doesn't come from this form.
    ///
    /// Headings other than the form's own are part of what was filled in.
    ///
    /// # Errors
    /// When one of the form's own stands there twice, and nobody can tell which is which; it is told.
    pub fn split(&self, body: &str) -> Result<Option<Vec<Answer>>, String> {
        let lines: Vec<_> = body.trim().lines().map(str::trim_end).collect();
        let heading = |field: &Question| format!("### {}", field.label);
        let mut places = Vec::new();
        for field in &self.fields {
            let heading = heading(field);
            let mut found = lines.iter().enumerate().filter(|(_, line)| **line == heading);
            let Some((place, _)) = found.next() else { return Ok(None) };
            if found.next().is_some() {
                return Err(heading);
            }
            places.push(place);
        }
        if places.first() != Some(&0) || !places.is_sorted() {
            return Ok(None);
        }
        let ends = places.iter().skip(1).copied().chain([lines.len()]);
        let answers =
            self.fields.iter().zip(places.iter().zip(ends)).filter_map(|(field, part)| {
                let (place, end) = part;
                let text = lines[place + 1..end].join("\n").trim().to_owned();
                let is_filled = !text.is_empty() && text != NOTHING;
                let Question { id, label } = field;
                is_filled.then(|| Answer { id: id.clone(), label: label.clone(), text })
            });
        Ok(Some(answers.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "
name: A change
description: x
labels: [change-request]
body:
  - type: markdown
    attributes: {value: Read this.}
  - {type: input, id: summary, attributes: {label: What}, validations: {required: true}}
  - {type: textarea, id: reason, attributes: {label: Why}}
  - {type: textarea, id: actions, attributes: {label: Actions}}
";

    fn split(body: &str) -> Result<Option<Vec<(String, String)>>, String> {
        let split = Template::read(FORM.as_bytes()).unwrap().split(body)?;
        Ok(split.map(|answers| answers.into_iter().map(|one| (one.id, one.text)).collect()))
    }

    #[test]
    fn a_text_is_split_along_the_forms_own_labels() {
        let body = "### What\r\n\r\nmend it\r\n\r\n### Why\r\n\r\n# big\r\n### Whatever\r\n\r\n### \
                    Who\r\nme\r\n\r\n### Actions\r\n\r\n_No response_\r\n";
        let answer = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        let expected = vec![
            answer("summary", "mend it"),
            answer("reason", "# big\n### Whatever\n\n### Who\nme"),
        ];
        assert_eq!(split(body), Ok(Some(expected)));
    }

    #[test]
    fn a_label_twice_is_not_guessed_at() {
        let body =
            "### What\n\nx\n\n### Why\n\n### Actions\n\nrotate-secrets:all\n\n### Actions\n\ny";
        assert_eq!(split(body), Err("### Actions".to_owned()));
    }

    #[test]
    fn other_texts_are_no_answer() {
        for body in [
            "",
            "mend it",
            "### What\n\nx\n\n### Why\n\ny",
            "### Why\n\nx\n\n### What\n\ny\n\n### Actions\n\nz",
            "before\n### What\n\nx\n\n### Why\n\ny\n\n### Actions\n\nz",
        ] {
            assert_eq!(split(body), Ok(None), "{body}");
        }
    }

    #[test]
    fn the_shipped_forms_are_two() {
        let change = include_bytes!("../../.github/ISSUE_TEMPLATE/change-request.yml");
        let off_script = include_bytes!("../../.github/ISSUE_TEMPLATE/off-script-request.yml");
        let read = |form| Template::read(form).unwrap();
        assert!(!read(change).has("script") && read(off_script).has("script"));
        assert_eq!(read(change).label("actions"), Some("Actions"));
    }

    #[test]
    fn only_a_form_for_changes_is_one() {
        assert!(
            Template::read(b"name: Bug\nbody: [{id: summary, attributes: {label: x}}]").is_none()
        );
        assert!(Template::read(b": no yaml").is_none());
    }
}
