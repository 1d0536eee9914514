//! What commits hold for the checker: the policy bundle, the request, its material content.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use anyhow::bail;

use crate::core::digest::Digest;
use crate::core::layout::{POLICIES, is_request, stem};
use crate::core::policy::Files;
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::yaml::MAX_BYTES;
use crate::git::{Entry, FileChange, Kind, Oid, Repo};

pub mod conflicts;
pub mod folder;
pub mod history;

/// The most bytes that a policy bundle's file may have.
const LARGEST_POLICY: usize = 16 * 1024 * 1024;

/// The policy bundle at a commit.
///
/// # Errors
/// When there is none, or when part of it isn't a regular file.
pub fn bundle_files(repo: &Repo, commit: Oid) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for (path, entry) in repo.files_below(commit, POLICIES)? {
        let short = short(commit);
        if !matches!(entry.kind, Kind::File | Kind::Executable) {
            bail!("{path} at {short} is a link: policies are regular files");
        }
        if repo.size(entry.id)? > LARGEST_POLICY {
            bail!("{path} at {short} has more than {} MiB", LARGEST_POLICY / (1024 * 1024));
        }
        if path.ends_with(".rego") || path.ends_with(".yaml") {
            files.insert(path, repo.bytes(entry.id)?);
        }
    }
    if files.is_empty() {
        bail!(
            "there are no policies at {}, so nothing can be decided: add them with \
             `changegate init` and merge that first",
            short(commit)
        );
    }
    Ok(files)
}

/// What a pull request brings: the files that it changes, from where it left base to its head.
pub struct Changeset {
    /// All of them; a rename is a deletion and an addition.
    pub files: Vec<FileChange>,
    /// The request among them; nothing for a change of policies.
    pub path: Option<String>,
}

impl Changeset {
    /// What `head` brings to `base`. Of several requests, the one that is called `name`.
    ///
    /// # Errors
    /// When the trees can't be read.
    pub fn of(repo: &Repo, base: Oid, head: Oid, name: &str) -> anyhow::Result<Self> {
        let files = repo.changes(repo.merge_base(base, head)?, head)?;
        let requests = || files.iter().filter(|file| is_request(&file.path));
        let named = requests().find(|file| stem(&file.path) == name);
        let there = || requests().find(|file| file.after.is_some());
        let request = named.or_else(there).or_else(|| requests().next());
        Ok(Changeset { path: request.map(|file| file.path.clone()), files })
    }

    /// The first file that a merge would leave on `base` otherwise than it was judged, if `merged` is
    /// all that the merge changes there: it has to bring these files, whole, and no other.
    ///
    /// # Errors
    /// When base can't be read.
    pub fn unlike(
        &self,
        repo: &Repo,
        base: Oid,
        merged: &[FileChange],
    ) -> anyhow::Result<Option<String>> {
        let merged: BTreeMap<_, _> =
            merged.iter().map(|file| (file.path.as_str(), file.after)).collect();
        let mut judged = BTreeMap::new();
        for file in &self.files {
            if repo.entry(base, &file.path)? != file.after {
                judged.insert(file.path.as_str(), file.after);
            }
        }
        let mut paths = judged.keys().chain(merged.keys());
        let differs = |path: &&&str| judged.get(**path) != merged.get(**path);
        Ok(paths.find(differs).map(|path| (*path).to_owned()))
    }

    /// Refuses trees that hold a name twice, of which one content could be judged and the other one
    /// be merged.
    ///
    /// # Errors
    /// When there is such a name.
    pub fn refuse_twins(&self, head: Oid) -> anyhow::Result<()> {
        match self.files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            Some(twins) => bail!(
                "{} stands twice in the files of {}, and nobody can tell which one is meant: make \
                 that commit anew",
                twins[0].path,
                short(head)
            ),
            None => Ok(()),
        }
    }
}

/// The request at a path of a commit, or what stands there instead of one, with the file's text.
///
/// # Errors
/// When the commit can't be read.
pub fn request_at(repo: &Repo, commit: Oid, path: &str) -> anyhow::Result<(RequestFile, String)> {
    request_in(repo, repo.entry(commit, path)?, path)
}

fn request_in(
    repo: &Repo,
    entry: Option<Entry>,
    path: &str,
) -> anyhow::Result<(RequestFile, String)> {
    let refused = |code, message: &str, help: &str| {
        Ok((RequestFile::refused(path, b"", code, message, help), String::new()))
    };
    let Some(entry) = entry else {
        let message = "the pull request deletes this request, and nothing submitted disappears";
        let help = "put the file back; to call the change off, add `cancelled:` to it";
        return refused("request/deleted", message, help);
    };
    if let Some(problem) = odd_path(path) {
        return refused("request/path", problem, "give the file a plain path below requests/");
    }
    match entry.kind {
        Kind::File => {}
        Kind::Executable => {
            let message = "this file is executable, and a request is a plain file";
            return refused("request/no-file", message, "take the executable bit away");
        }
        _ => {
            let message = "this is a link or a submodule, and a request is a regular file";
            return refused("request/no-file", message, "replace it by the request itself");
        }
    }
    let bytes = match repo.size(entry.id)? {
        // Enough to show that it is too large.
        size if size > MAX_BYTES => vec![b'#'; MAX_BYTES + 1],
        _ => repo.bytes(entry.id)?,
    };
    Ok((RequestFile::read(path, &bytes), String::from_utf8_lossy(&bytes).into_owned()))
}

/// What is odd about a path, so that people and file systems could take it for another.
fn odd_path(path: &str) -> Option<&'static str> {
    let part_is = |test: fn(&str) -> bool| path.split('/').any(test);
    if !path.is_ascii() || path.contains(|c: char| c.is_control() || c == '\\') {
        Some("the file's path holds characters other than plain ASCII")
    } else if part_is(|part| matches!(part, "" | "." | "..") || part.ends_with(['.', ' '])) {
        Some("the file's path isn't plain: a part of it is empty or ends with a dot or a blank")
    } else if part_is(|part| part.to_ascii_lowercase().starts_with(".git")) {
        Some("the file's path reaches into Git's own files")
    } else {
        None
    }
}

/// The material digests of one request at various commits, each content read once.
pub struct Materials<'a> {
    repo: &'a Repo,
    path: Option<String>,
    known: RefCell<HashMap<Oid, Option<Digest>>>,
}

impl<'a> Materials<'a> {
    /// Of the request at `path`; of a change of policies there is none.
    pub fn of(repo: &'a Repo, path: Option<&str>) -> Self {
        Materials { repo, path: path.map(str::to_owned), known: RefCell::default() }
    }

    /// The digest at a commit; nothing if there is no readable request.
    ///
    /// # Errors
    /// When the commit can't be read.
    pub fn at(&self, commit: Oid) -> anyhow::Result<Option<Digest>> {
        let Some(path) = &self.path else { return Ok(None) };
        let Some(entry) = self.repo.entry(commit, path)? else { return Ok(None) };
        if let Some(known) = self.known.borrow().get(&entry.id) {
            return Ok(known.clone());
        }
        let (file, _) = request_in(self.repo, Some(entry), path)?;
        let sound = file.request.filter(|_| file.problems.is_empty());
        let digest = sound.as_ref().map(ChangeRequest::material_digest);
        self.known.borrow_mut().insert(entry.id, digest.clone());
        Ok(digest)
    }
}

/// A commit's id as people quote it.
pub fn short(commit: Oid) -> String {
    commit.to_string()[..7].to_owned()
}
