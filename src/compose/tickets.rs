//! The ticket numbers that are taken, and the next that are free.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::content::folder;
use crate::core::layout::{INCIDENTS, REQUESTS};
use crate::core::request::ChangeRequest;
use crate::core::terms::TicketId;

/// The files below `requests/`, by the number that each is named after, without case.
#[derive(Default)]
pub struct Tickets {
    taken: BTreeMap<String, PathBuf>,
}

impl Tickets {
    /// Returns the tickets below the current folder.
    pub fn here() -> anyhow::Result<Self> {
        if !Path::new(REQUESTS).is_dir() {
            return Ok(Tickets::default());
        }
        let found = folder::below(Path::new(REQUESTS))?.into_iter();
        Ok(Tickets::of(found.filter(|(_, is_regular)| *is_regular).map(|(path, _)| path)))
    }

    /// Returns the tickets of those files that are requests.
    pub fn of(paths: impl Iterator<Item = PathBuf>) -> Self {
        let is_request = |path: &PathBuf| {
            path.extension().is_some_and(|ending| ending == "yaml") && !path.starts_with(INCIDENTS)
        };
        let number = |path: &Path| path.file_stem()?.to_str().map(str::to_ascii_lowercase);
        let taken = paths.filter(is_request).filter_map(|path| Some((number(&path)?, path)));
        Tickets { taken: taken.collect() }
    }

    /// Returns the files of all requests.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.taken.values()
    }

    /// Returns the file that has this number already.
    pub fn holder(&self, id: &TicketId) -> Option<&Path> {
        self.taken.get(&id.folded()).map(PathBuf::as_path)
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
        Tickets::of(paths.iter().map(PathBuf::from))
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
            (&["requests/incidents/CHG-8.yaml", "requests/CHG-8.yml"], "CHG-1"),
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
