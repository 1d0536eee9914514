//! The ticket numbers that are taken, and the next that are free.

use std::collections::BTreeMap;
use std::path::Path;

use crate::content::folder::{self, Candidate};
use crate::core::layout::{REQUESTS, is_request, stem};
use crate::core::request::ChangeRequest;
use crate::core::terms::TicketId;
use crate::report::page::shown;

/// The files below `requests/`, by the number that each is named after, without case.
#[derive(Default)]
pub struct Tickets {
    taken: BTreeMap<String, String>,
    files: Vec<Candidate>,
}

impl Tickets {
    /// Returns the tickets of the work tree, or of the folder, with this path.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn below(top: &Path) -> anyhow::Result<Self> {
        let requests = top.join(REQUESTS);
        if !requests.is_dir() {
            return Ok(Tickets::default());
        }
        let found = folder::below(&requests, true)?.into_iter();
        let files = found.filter(|(_, is_regular)| *is_regular).map(|(path, _)| {
            let name = shown(path.strip_prefix(top).unwrap_or(&path));
            (path, name)
        });
        let files: Vec<_> = files.filter(|(_, name)| is_request(name)).collect();
        let tickets = Tickets::of(files.iter().map(|(_, name)| name.clone()));
        let files = files.into_iter().map(|(path, name)| Candidate::File(path, name)).collect();
        Ok(Tickets { files, ..tickets })
    }

    /// Returns the tickets of those files that are requests, by their names in the repository.
    pub fn of(names: impl Iterator<Item = String>) -> Self {
        let numbered = |name: String| (stem(&name).to_ascii_lowercase(), name);
        let requests = names.filter(|name| name.ends_with(".yaml"));
        Tickets { taken: requests.map(numbered).collect(), files: Vec::new() }
    }

    /// Adds numbers that are taken elsewhere, each with what has it.
    #[must_use]
    pub fn and(mut self, others: impl IntoIterator<Item = (String, String)>) -> Self {
        for (number, holder) in others {
            self.taken.entry(number.to_lowercase()).or_insert(holder);
        }
        self
    }

    /// Returns the requests in the work tree.
    pub fn files(&self) -> &[Candidate] {
        &self.files
    }

    /// Returns the file that has this number already.
    pub fn holder(&self, id: &TicketId) -> Option<&str> {
        self.taken.get(&id.folded()).map(String::as_str)
    }

    /// Returns the number to suggest: for an emergency its incident's, if no request has it yet; otherwise
    /// one more than the highest change.
    pub fn suggestion(&self, request: &ChangeRequest) -> Option<TicketId> {
        let incident = request.emergency.as_ref().and_then(|emergency| emergency.incident.clone());
        let free_incident = incident.filter(|id| id.is_incident() && self.holder(id).is_none());
        free_incident.or_else(|| self.next_change())
    }

    fn next_change(&self) -> Option<TicketId> {
        let number = |name: &String| name.strip_prefix("chg-")?.parse::<u64>().ok();
        let highest = self.taken.keys().filter_map(number).max().unwrap_or(0);
        format!("CHG-{}", highest.checked_add(1)?).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::Emergency;

    fn tickets(paths: &[&str]) -> Tickets {
        Tickets::of(paths.iter().map(|path| (*path).to_owned()))
    }

    #[test]
    fn the_next_change_is_one_more_than_the_highest() {
        for (paths, next) in [
            (&[][..], "CHG-1"),
            (&["requests/CHG-9.yaml", "requests/2026/CHG-10.yaml"], "CHG-11"),
            (
                &["requests/CHG-2.yaml", "requests/CHG-release-v9.yaml", "requests/INC-007.yaml"],
                "CHG-3",
            ),
            (&["requests/CHG-8.yml"], "CHG-1"),
        ] {
            let suggestion = tickets(paths).suggestion(&ChangeRequest::default());
            assert_eq!(suggestion.unwrap().as_str(), next);
        }
    }

    #[test]
    fn an_emergency_has_its_incidents_number() {
        let emergency =
            Emergency { incident: Some("INC-007".parse().unwrap()), ..Emergency::default() };
        let request = ChangeRequest { emergency: Some(emergency), ..ChangeRequest::default() };
        let suggestion = |paths: &[&str]| tickets(paths).suggestion(&request).unwrap().to_string();
        assert_eq!(suggestion(&["requests/CHG-1.yaml"]), "INC-007");
        assert_eq!(suggestion(&["requests/CHG-1.yaml", "requests/inc-007.yaml"]), "CHG-2");
    }
}
