//! The requests on the base in short: what can be told of thousands of them without reading all again.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kept::Kept;
use crate::core::layout::{REQUESTS, is_request};
use crate::core::request::{ChangeRequest, ChangeType, RequestFile};
use crate::core::terms::{Login, Name, TicketId};
use crate::core::time::Interval;
use crate::git::{Kind, Oid, Repo};

/// The name under which they are kept.
const REQUESTS_IN_SHORT: &str = "requests";

/// What a request says, in short.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct InShort {
    /// Its id.
    pub id: TicketId,
    /// What is to be done.
    pub summary: Option<String>,
    /// The kind of change.
    #[serde(rename = "type")]
    pub kind: ChangeType,
    /// When it is planned.
    pub planned: Option<Interval>,
    /// Who asks for it.
    pub requester: Option<Login>,
    /// The usual script that isn't followed; empty if none is named, `None` if it is no such change.
    pub off_script: Option<String>,
    /// The incident that it answers.
    pub incident: Option<TicketId>,
    /// The template that it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Name>,
    /// Its steps: action and target.
    pub steps: Vec<(Name, Name)>,
    /// The services that it says are affected.
    pub services: Vec<Name>,
}

impl InShort {
    /// Shortens a request; `None` if it has no id.
    pub(super) fn of(request: ChangeRequest) -> Option<Self> {
        let steps =
            request.actions.iter().filter_map(|step| step.action.clone().zip(step.target.clone()));
        Some(InShort {
            kind: request.kind,
            planned: request.planned(),
            off_script: request.off_script.as_ref().map(|it| it.script.clone().unwrap_or_default()),
            incident: request.emergency.as_ref().and_then(|it| it.incident.clone()),
            steps: steps.collect(),
            template: request.template.as_ref().and_then(|it| it.name.clone()),
            services: request.services().to_vec(),
            requester: request.requester,
            summary: request.summary,
            id: request.id?,
        })
    }
}

/// Reads the requests at a base, in the order of their paths, as far as they can be read. Those that were read
/// earlier are taken from what is `kept`.
///
/// # Errors
/// When the repository can't be read.
pub fn requests(repo: &Repo, base: Oid, kept: Option<&Kept>) -> anyhow::Result<Vec<InShort>> {
    type Known = Vec<(String, Option<InShort>)>;
    let known = kept.and_then(|kept| kept.read::<Known>(REQUESTS_IN_SHORT)).unwrap_or_default();
    let count = known.len();
    let known: HashMap<String, Option<InShort>> = known.into_iter().collect();
    let files = repo.files_below(base, REQUESTS)?.into_iter();
    let files = files.filter(|(path, entry)| is_request(path) && entry.kind == Kind::File);
    let (mut all, mut new) = (Vec::new(), Vec::new());
    for (path, entry) in files {
        let id = entry.id.to_string();
        match known.get(&id) {
            Some(known) => all.push((id, known.clone())),
            None => {
                new.push((all.len(), path, repo.bytes(entry.id)?));
                all.push((id, None));
            }
        }
    }
    let is_new = !new.is_empty() || all.len() != count;
    let read = |(place, path, bytes): (usize, String, Vec<u8>)| {
        let request = RequestFile::read_merged(&path, &bytes).request;
        (place, request.and_then(InShort::of))
    };
    for (place, read) in new.into_par_iter().map(read).collect::<Vec<_>>() {
        all[place].1 = read;
    }
    if let Some(kept) = kept.filter(|_| is_new) {
        kept.write(REQUESTS_IN_SHORT, &all);
    }
    Ok(all.into_iter().filter_map(|(_, request)| request).collect())
}
