//! What the shared branches hold beside a request that isn't submitted yet, so that it is judged by
//! the same facts before it is submitted and afterwards.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::content::conflicts::incidents;
use crate::content::request_at;
use crate::core::evidence::{Evidence, Footprint};
use crate::core::layout::{REQUESTS, is_request, stem};
use crate::core::org::Org;
use crate::core::request::RequestFile;
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::forge::git::Git;
use crate::git::{Oid, blob_id};

/// The shared branches, as they were fetched last.
pub struct Beside<'a> {
    /// libgit2 reads for one thread at a time.
    git: Mutex<Git>,
    base: Oid,
    org: &'a Org,
    /// The request files at base, by path.
    merged: HashMap<String, Oid>,
    /// Whether many requests are judged: then all others are read once.
    pub are_many: bool,
}

impl<'a> Beside<'a> {
    /// Reads which requests are merged. `org` says whose word counts on the branches.
    ///
    /// # Errors
    /// When base can't be read.
    pub fn of(git: Git, org: &'a Org) -> anyhow::Result<Self> {
        let base = git.base()?;
        let files = git.repo().files_below(base, REQUESTS)?.into_iter();
        let merged = files.map(|(path, entry)| (path, entry.id)).collect();
        Ok(Beside { git: Mutex::new(git), base, org, merged, are_many: false })
    }

    /// Whether base holds this file in this form. Git may change the ends of lines on the way into a
    /// work tree.
    pub fn is_merged(&self, path: &str, bytes: &[u8]) -> bool {
        let without_cr = || bytes.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<_>>();
        let merged = self.merged.get(path);
        merged.is_some_and(|id| *id == blob_id(bytes) || *id == blob_id(&without_cr()))
    }

    /// Whether the operations log says that a change is closed or cancelled.
    pub fn is_over(&self, id: &TicketId) -> bool {
        let git = self.git.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = || -> anyhow::Result<bool> {
            let Some(tip) = git.log_tip()? else { return Ok(false) };
            git.log_seen(self.base, tip)?.is_over(git.repo(), id)
        };
        // Who can't read the log is told so where the request is judged by it.
        is_over().unwrap_or(false)
    }

    /// Adds what a new request, or an amended one, has to know of the others: what it amends, whom it
    /// meets, who has its id. `is_placed` says whether it really is the file at its path.
    ///
    /// # Errors
    /// When the branches can't be read.
    pub fn add_to(
        &self,
        evidence: &mut Evidence,
        file: &RequestFile,
        is_placed: bool,
        now: Time,
    ) -> anyhow::Result<()> {
        let git = self.git.lock().unwrap_or_else(PoisonError::into_inner);
        let request = file.request.as_ref();
        if self.are_many {
            git.survey_others();
        }
        let path = Some(file.path.as_str()).filter(|path| is_placed && is_request(path));
        let id = request.and_then(|request| request.id.as_ref());
        let name = id.map_or(stem(&file.path), |id| id.as_str());
        let mut found = git.conflicts(self.base, name, path, request, self.org)?;
        let (tip, about) = (git.log_tip()?, (path, request));
        let (operations, incident) =
            git.logged(self.base, tip, about, &mut found.merged, (self.org, now))?;
        // A copy of a merged request isn't in its own way.
        let is_other =
            |other: &Footprint| other.id.as_ref().map(|id| id.folded()) != id.map(|id| id.folded());
        evidence.merged.extend(found.merged.into_iter().filter(is_other));
        evidence.open.extend(found.open.into_iter().filter(is_other));
        evidence.known_targets.extend(found.known_targets);
        let known = |path: &String| evidence.same_id.contains(path);
        let same_id: Vec<_> = found.same_id.into_iter().filter(|path| !known(path)).collect();
        evidence.same_id.extend(same_id);
        evidence.unread.extend(found.unread);
        evidence.operations = operations;
        evidence.incidents = match incident {
            Some(incident) => vec![incident],
            None => incidents(git.repo(), self.base, request)?,
        };
        if self.merged.contains_key(&file.path) {
            let previous = request_at(git.repo(), self.base, &file.path)?.0.request;
            evidence.previous = Some(Box::new(previous.unwrap_or_default()));
        }
        Ok(())
    }
}
