//! Reads the templates of standard changes, and checks what their types can't express.

use std::collections::BTreeMap;

use super::{Files, LARGEST_TABLE, PolicyProblem, Reader, at};
use crate::layout;
use crate::org::Org;
use crate::template::Template;
use crate::terms::{Name, RiskTier};
use crate::yaml::{self, did_you_mean, pointer_push};

/// Reads the templates of a bundle; what can't be read is reported.
pub(super) fn read(files: &Files, problems: &mut Vec<PolicyProblem>) -> BTreeMap<Name, Template> {
    let mut templates = BTreeMap::new();
    for (path, bytes) in files {
        let Some(name) = layout::template_at(path) else { continue };
        let Ok(name) = name.parse::<Name>() else {
            let message = "this folder's name can't be that of a template";
            let help = Some("name it in letters, digits and `-`".to_owned());
            problems.push(at(path, yaml::Span::default(), message, help));
            continue;
        };
        let reading = yaml::parse_up_to(LARGEST_TABLE, bytes).read::<Template>();
        let found = reading.problems.iter();
        problems.extend(found.map(|it| at(path, it.span, &it.message, it.help.clone())));
        templates.extend(reading.value.map(|template| (name, template)));
    }
    templates
}

impl Reader {
    pub(super) fn check_templates(&mut self, files: &Files, org: &Org) {
        for (name, template) in &org.templates {
            let mut found = template.problems(name);
            let known: Vec<_> = org.actions.entries.keys().map(String::as_str).collect();
            let strange = template.actions.iter().map(|step| step.action.as_str());
            found.extend(strange.filter(|it| !known.contains(it)).map(|action| {
                let meant = did_you_mean(action, &known);
                let meant = meant.map(|meant| format!(": did you mean `{meant}`?"));
                let message =
                    format!("the catalog has no action `{action}`{}", meant.unwrap_or_default());
                ("actions".to_owned(), message)
            }));
            if template.tier_at_most == RiskTier::Critical {
                let message = "a change of critical risk is never a standard one".to_owned();
                found.push(("tier_at_most".to_owned(), message));
            }
            let path = layout::template(name.as_str());
            let bytes = files.get(&path).map(Vec::as_slice).unwrap_or_default();
            let document = yaml::parse_up_to(LARGEST_TABLE, bytes);
            for (field, message) in found {
                let mut pointer = String::new();
                if !field.is_empty() {
                    pointer_push(&mut pointer, &field);
                }
                let help =
                    Some("correct the template: every use of it has to be a request".to_owned());
                self.problems.push(at(&path, document.root.locate(&pointer), &message, help));
            }
        }
    }
}
