//! Reads the form in the repository, and splits an issue's text at the labels of its fields.
//!
//! Organisations can change labels and help texts and leave out fields: the `id` of a field says
//! what it is for. GitHub writes an issue's text as a heading with the label of each field, in
//! order, and the answer below it.

use serde::Deserialize;
use serde_json::Value;

use crate::core::characters::is_blank;
use crate::core::yaml;

/// GitHub's text for an empty field.
const NOTHING: &str = "_No response_";

/// The fields of a form, in order.
#[derive(Debug)]
pub struct Template {
    fields: Vec<Question>,
}

/// A field of a form.
#[derive(Debug)]
struct Question {
    id: String,
    label: String,
    /// How GitHub writes its answer.
    writes: Writes,
}

/// How GitHub writes the answer in a field.
#[derive(Debug)]
enum Writes {
    /// As it was filled in.
    Text,
    /// As a block of code in a language.
    Code(String),
    /// As a list of all boxes, ticked or not.
    Boxes,
}

/// The answer in a field that was filled in.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The id of the field.
    pub id: String,
    /// The label of the field.
    pub label: String,
    /// The answer, trimmed and never empty; of boxes the labels of those that are ticked, a line each.
    pub text: String,
    /// Whether it comes from boxes.
    pub is_ticked: bool,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    body: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default, rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    label: Option<String>,
    render: Option<String>,
}

impl Template {
    /// Reads the file of a form, or returns `None` if the form isn't one for a change.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let file = yaml::parse(bytes).read::<Value>().value?;
        // Only the labels and ids matter here; the rest of the file is for GitHub.
        let file = serde_json::from_value::<File>(file).ok()?;
        let fields = file.body.into_iter().filter_map(|element| {
            // An element without a label is only text.
            let label = element.attributes.label?.trim().to_owned();
            let writes = match element.attributes.render {
                Some(language) => Writes::Code(language),
                None if element.kind == "checkboxes" => Writes::Boxes,
                None => Writes::Text,
            };
            Some(Question { id: element.id.unwrap_or_default(), label, writes })
        });
        let template = Template { fields: fields.collect() };
        (template.has("summary") && template.has("actions")).then_some(template)
    }

    /// Whether the form has a field with this id.
    pub fn has(&self, id: &str) -> bool {
        self.fields.iter().any(|field| field.id == id)
    }

    /// Returns the label of a field.
    pub fn label(&self, id: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.id == id).map(|field| field.label.as_str())
    }

    /// Returns the number of fields.
    pub fn field_count(&self) -> usize {
        self.fields.len()
    }

    /// Splits an issue's text, or returns `None` if it doesn't come from this form.
    ///
    /// Headings other than the form's own are part of the answers.
    ///
    /// # Errors
    /// The heading, if one of the form's own appears twice, so that it is unclear which one is
    /// meant.
    pub fn split(&self, body: &str) -> Result<Option<Vec<Answer>>, String> {
        let lines: Vec<_> = body.trim().lines().map(str::trim_end).collect();
        let heading = |field: &Question| format!("### {}", field.label);
        let mut starts = Vec::new();
        for field in &self.fields {
            let heading = heading(field);
            let mut found = lines.iter().enumerate().filter(|(_, line)| **line == heading);
            let Some((start, _)) = found.next() else { return Ok(None) };
            if found.next().is_some() {
                return Err(heading);
            }
            starts.push(start);
        }
        if starts.first() != Some(&0) || !starts.is_sorted() {
            return Ok(None);
        }
        let ends = starts.iter().skip(1).copied().chain([lines.len()]);
        let answers =
            self.fields.iter().zip(starts.iter().zip(ends)).filter_map(|(field, (start, end))| {
                let text = field.writes.read(lines[start + 1..end].join("\n").trim());
                let is_filled = !is_blank(&text) && text != NOTHING;
                let Question { id, label, .. } = field;
                let is_ticked = matches!(field.writes, Writes::Boxes);
                is_filled.then(|| Answer { id: id.clone(), label: label.clone(), text, is_ticked })
            });
        Ok(Some(answers.collect()))
    }
}

impl Writes {
    /// Returns what was filled in, without what GitHub writes around it.
    fn read(&self, text: &str) -> String {
        match self {
            Writes::Text => text.to_owned(),
            Writes::Code(language) => {
                let inside = text.strip_prefix("```").and_then(|text| text.strip_prefix(language));
                let inside = inside.and_then(|text| text.strip_suffix("```"));
                inside.filter(|text| text.starts_with('\n')).unwrap_or(text).trim().to_owned()
            }
            Writes::Boxes => {
                let labels = text.lines().filter_map(|line| {
                    line.strip_prefix("- [x] ").or_else(|| line.strip_prefix("- [X] "))
                });
                labels.map(str::trim).collect::<Vec<_>>().join("\n")
            }
        }
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
        let body = "### What\r\n\r\nfix it\r\n\r\n### Why\r\n\r\n# big\r\n### Whatever\r\n\r\n### \
                    Who\r\nme\r\n\r\n### Actions\r\n\r\n_No response_\r\n";
        let answer = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        let expected = vec![
            answer("summary", "fix it"),
            answer("reason", "# big\n### Whatever\n\n### Who\nme"),
        ];
        assert_eq!(split(body), Ok(Some(expected)));
    }

    #[test]
    fn what_github_writes_around_an_answer_is_no_part_of_it() {
        let form = "body:
  - {type: input, id: summary, attributes: {label: What}}
  - {type: textarea, id: actions, attributes: {label: Actions, render: shell}}
  - {type: checkboxes, id: services, attributes: {label: Services, options: [{label: a}]}}
";
        let template = Template::read(form.as_bytes()).unwrap();
        let answers = |actions: &str, services: &str| {
            let body =
                format!("### What\n\nx\n\n### Actions\n\n{actions}\n\n### Services\n\n{services}");
            let answers = template.split(&body).unwrap().unwrap();
            answers.into_iter().skip(1).map(|answer| answer.text).collect::<Vec<_>>()
        };
        for (actions, services, read) in [
            ("```shell\n```", "- [ ] checkout", vec![]),
            ("```shell\n\n```", "", vec![]),
            ("```shell\n_No response_\n```", "_No response_", vec![]),
            ("```shell\na:b\nc:d\n```", "- [X] checkout", vec!["a:b\nc:d", "checkout"]),
            ("```shell\n```a\n```\n```", "- [ ] a\n- [x] b\n- [x] c", vec!["```a\n```", "b\nc"]),
            ("```bash\na:b\n```", "- [ ] a", vec!["```bash\na:b\n```"]),
        ] {
            assert_eq!(answers(actions, services), read, "{actions}");
        }
    }

    #[test]
    fn a_label_that_appears_twice_is_an_error() {
        let body =
            "### What\n\nx\n\n### Why\n\n### Actions\n\nrotate-secrets:all\n\n### Actions\n\ny";
        assert_eq!(split(body), Err("### Actions".to_owned()));
    }

    #[test]
    fn other_texts_are_no_answer() {
        for body in [
            "",
            "fix it",
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
