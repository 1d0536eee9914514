//! Finds requests by their ids at many commits, and reads each folder once that several have in common.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::conflicts::folded_stem;
use super::request_in;
use crate::core::layout::{REQUESTS, is_request};
use crate::core::request::RequestFile;
use crate::core::terms::TicketId;
use crate::git::{Entry, Kind, Oid, Repo};

/// The folders of requests at the commit that was asked for last.
pub struct Requests<'r> {
    repo: &'r Repo,
    folders: RefCell<HashMap<Oid, Rc<Folder>>>,
}

/// What a folder holds.
struct Folder {
    /// Its files by id, ignoring case.
    files: HashMap<String, Vec<(String, Entry)>>,
    folders: Vec<(String, Oid)>,
}

impl<'r> Requests<'r> {
    /// Prepares to read a repository.
    pub fn of(repo: &'r Repo) -> Self {
        Requests { repo, folders: RefCell::default() }
    }

    /// Reads the request with an id at a commit, with its path; `None` if there isn't just one.
    ///
    /// # Errors
    /// When the commit can't be read.
    pub fn read(
        &self,
        commit: Oid,
        id: &TicketId,
    ) -> anyhow::Result<Option<(String, RequestFile)>> {
        let Some((path, entry)) = self.find(commit, id)? else { return Ok(None) };
        let (file, _) = request_in(self.repo, Some(entry), &path)?;
        Ok(Some((path, file)))
    }

    /// Returns the request with an id at a commit, with its path; `None` if there isn't just one.
    ///
    /// # Errors
    /// When the commit can't be read.
    pub fn find(&self, commit: Oid, id: &TicketId) -> anyhow::Result<Option<(String, Entry)>> {
        let Some(top) = self.repo.entry(commit, REQUESTS)? else { return Ok(None) };
        let (stem, mut found, mut seen) = (id.folded(), Vec::new(), HashMap::new());
        let mut left = match top.kind {
            Kind::Folder => vec![(REQUESTS.to_owned(), top.id)],
            _ => Vec::new(),
        };
        while let Some((path, id)) = left.pop() {
            let folder = self.folder(id)?;
            let files = folder.files.get(&stem).into_iter().flatten();
            found.extend(files.map(|(name, entry)| (format!("{path}/{name}"), *entry)));
            let below = folder.folders.iter();
            left.extend(below.map(|(name, id)| (format!("{path}/{name}"), *id)));
            seen.insert(id, folder);
        }
        self.folders.replace(seen);
        found.retain(|(path, _)| is_request(path));
        Ok(found.pop().filter(|_| found.is_empty()))
    }

    fn folder(&self, id: Oid) -> anyhow::Result<Rc<Folder>> {
        if let Some(known) = self.folders.borrow().get(&id) {
            return Ok(Rc::clone(known));
        }
        let mut folder = Folder { files: HashMap::new(), folders: Vec::new() };
        for (name, entry) in self.repo.top_files(id)? {
            match entry.kind {
                Kind::Folder => folder.folders.push((name, entry.id)),
                _ => folder.files.entry(folded_stem(&name)).or_default().push((name, entry)),
            }
        }
        Ok(Rc::new(folder))
    }
}
