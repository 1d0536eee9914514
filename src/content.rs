//! Reads what a decision needs from commits: the policy bundle, the request, its material content.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use anyhow::{bail, ensure};

use crate::core::digest::Digest;
use crate::core::layout::{POLICIES, REQUESTS, is_request, odd_path, stem};
use crate::core::policy::{Files, is_passed_over};
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::terms::TicketId;
use crate::core::yaml::MAX_BYTES;
use crate::git::{Entry, FileChange, Kind, Oid, Repo};

pub mod collect;
pub mod conflicts;
pub mod folder;
pub mod history;
pub mod journal;
pub mod people;
mod requests;

pub use people::{People, SKEW, Signer};
pub use requests::Requests;

/// The maximum size of a file in a policy bundle, in bytes.
const LARGEST_POLICY: usize = 16 * 1024 * 1024;

/// Returns the files of the policy bundle at a commit.
///
/// # Errors
/// When there is no bundle, or one of its files is too large or isn't a regular file.
pub fn bundle_files(repo: &Repo, commit: Oid) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let files_below = repo.files_below(commit, POLICIES)?.into_iter();
    for (path, entry) in files_below.filter(|(path, _)| !is_passed_over(path)) {
        let short = short(commit);
        if !matches!(entry.kind, Kind::File | Kind::Executable) {
            bail!("{path} at {short} is not a regular file: replace it with the file itself");
        }
        if repo.size(entry.id)? > LARGEST_POLICY {
            bail!("{path} at {short} is larger than {} MiB", LARGEST_POLICY / (1024 * 1024));
        }
        let twin = files.insert(path.clone(), repo.bytes(entry.id)?);
        ensure!(twin.is_none(), "{path} appears twice in the tree of commit {short}");
    }
    if files.is_empty() {
        bail!(
            "there are no policies at {}, so nothing can be decided: make them with \
             `changegate init`, commit {POLICIES}/, and push it",
            short(commit)
        );
    }
    Ok(files)
}

/// Returns the title of the first commit that a change adds to a base, without what `submit` puts before
/// it: why the policies change, where there is no request that says it.
///
/// # Errors
/// When the commits can't be read.
pub fn first_title(
    repo: &Repo,
    name: &str,
    base: Oid,
    head: Oid,
) -> anyhow::Result<Option<String>> {
    let Some(first) = repo.commits_between(Some(base), head)?.pop() else { return Ok(None) };
    let first = repo.commit(first)?;
    let title = first.title();
    let said = title.strip_prefix(&format!("Submit {name}: ")).unwrap_or(title);
    Ok(Some(said.to_owned()))
}

/// The commits of a pull request at one point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The pull request's name.
    pub name: String,
    /// The id that its request must have, if the forge ties names to ids.
    pub id: Option<String>,
    /// The name of the branch to merge into, if it is a branch.
    pub base_ref: Option<String>,
    /// The tip of that branch.
    pub base: Oid,
    /// The commit to be merged.
    pub head: Oid,
    /// The commit of the operations log up to which it is read; `None` where there is no log.
    pub log: Option<Oid>,
}

impl Pull {
    /// Returns a change in plain Git, whose name is the id of its request.
    pub fn of_change(name: &str, base_ref: &str, base: Oid, head: Oid) -> Self {
        let (id, base_ref) = (Some(name.to_owned()), Some(base_ref.to_owned()));
        Pull { name: name.to_owned(), id, base_ref, base, head, log: None }
    }

    /// Returns it with the commit of the operations log up to which that is read.
    #[must_use]
    pub fn with_log(self, log: Option<Oid>) -> Self {
        Pull { log, ..self }
    }
}

/// The files that a pull request changes, from its merge base to its head.
pub struct Changeset {
    /// All changed files; a rename is a deletion and an addition.
    pub files: Vec<FileChange>,
    /// The path of the request among them; `None` for a policy change.
    pub path: Option<String>,
}

impl Changeset {
    /// Returns what a merge of `head` changes. If it holds several requests, `path` is the one
    /// named `name`.
    ///
    /// # Errors
    /// When the trees can't be read.
    pub fn of(repo: &Repo, base: Oid, head: Oid, name: &str) -> anyhow::Result<Self> {
        let files = repo.changes(repo.merge_base(base, head)?, head)?;
        let requests = || files.iter().filter(|file| is_request(&file.path));
        let named = requests().find(|file| stem(&file.path) == name);
        let kept = || requests().find(|file| file.after.is_some());
        let request = named.or_else(kept).or_else(|| requests().next());
        Ok(Changeset { path: request.map(|file| file.path.clone()), files })
    }

    /// Returns the first file that a merge would leave on `base` in another form than was judged.
    ///
    /// `merged` is everything that the merge changes on `base`. It has to change these files, as a
    /// whole, and no others.
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

    /// Refuses a change with a path that its tree holds twice, or whose bytes aren't text: one
    /// content could be judged and another one merged.
    ///
    /// # Errors
    /// When there is such a path.
    pub fn refuse_unclear_paths(&self, head: Oid) -> anyhow::Result<()> {
        if let Some(twins) = self.files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            bail!(
                "{} appears twice in the tree of commit {}, so it is unclear which content is \
                 meant: replace that commit",
                twins[0].path,
                short(head)
            );
        }
        let is_unclear = |file: &&FileChange| file.path.contains(char::REPLACEMENT_CHARACTER);
        match self.files.iter().filter(|file| !is_request(&file.path)).find(is_unclear) {
            Some(file) => bail!(
                "the name of {} at commit {} isn't UTF-8: rename the file",
                file.path,
                short(head)
            ),
            None => Ok(()),
        }
    }
}

/// Reads the request at a path of a commit. Returns it with the text of the file; if there is no
/// request, its problems say why.
///
/// # Errors
/// When the commit can't be read.
pub fn request_at(repo: &Repo, commit: Oid, path: &str) -> anyhow::Result<(RequestFile, String)> {
    request_in(repo, repo.entry(commit, path)?, path)
}

/// Returns the request of a change as its base holds it; `None` if that doesn't. Of one that can't be
/// read, nobody is known who requested it.
///
/// # Errors
/// When the commit can't be read.
pub fn request_before(
    repo: &Repo,
    base: Oid,
    changeset: &Changeset,
) -> anyhow::Result<Option<ChangeRequest>> {
    match &changeset.path {
        Some(path) if repo.entry(base, path)?.is_some() => {
            Ok(Some(request_at(repo, base, path)?.0.request.unwrap_or_default()))
        }
        _ => Ok(None),
    }
}

/// Returns what is left of a request at a path that people or file systems could confuse.
fn refused_path(path: &str, problem: &str) -> RequestFile {
    let help = "move the file to a plain path below requests/";
    RequestFile::refused(path, b"", "request/path", problem, help)
}

/// Reads all requests at a commit, with their paths.
///
/// # Errors
/// When the commit can't be read.
pub fn requests_at(repo: &Repo, commit: Oid) -> anyhow::Result<Vec<(String, RequestFile)>> {
    let files = repo.files_below(commit, REQUESTS)?.into_iter();
    let requests = files.filter(|(path, _)| is_request(path));
    let read = |(path, entry): (String, Entry)| -> anyhow::Result<_> {
        let (file, _) = request_in(repo, Some(entry), &path)?;
        Ok((path, file))
    };
    requests.map(read).collect()
}

/// Reads the request with an id at a commit, with its path; `None` if there isn't just one.
///
/// # Errors
/// When the commit can't be read.
pub fn request_with_id(
    repo: &Repo,
    commit: Oid,
    id: &TicketId,
) -> anyhow::Result<Option<(String, RequestFile)>> {
    Requests::of(repo).read(commit, id)
}

/// Reads the request that is this entry at a path, with the text of the file; if there is no request, its
/// problems say why.
///
/// # Errors
/// When the repository can't be read.
pub fn request_in(
    repo: &Repo,
    entry: Option<Entry>,
    path: &str,
) -> anyhow::Result<(RequestFile, String)> {
    let refused = |code, message: &str, help: &str| {
        Ok((RequestFile::refused(path, b"", code, message, help), String::new()))
    };
    let Some(entry) = entry else {
        let message = "the change deletes this request, but a submitted request must stay";
        let help = "restore the file: what was submitted stays on record";
        return refused("request/deleted", message, help);
    };
    if let Some(problem) = odd_path(path) {
        return Ok((refused_path(path, problem), String::new()));
    }
    match entry.kind {
        Kind::File => {}
        Kind::Executable => {
            let message = "this file is executable, but a request must be a plain file";
            return refused("request/no-file", message, "remove the executable bit");
        }
        _ => {
            let message = "this is a link or a submodule, but a request must be a regular file";
            return refused("request/no-file", message, "replace it with the request itself");
        }
    }
    let bytes = match repo.size(entry.id)? {
        // Just enough for the reader to report that the file is too large.
        size if size > MAX_BYTES => vec![b'#'; MAX_BYTES + 1],
        _ => repo.bytes(entry.id)?,
    };
    Ok((RequestFile::read(path, &bytes), String::from_utf8_lossy(&bytes).into_owned()))
}

/// The material digests of one request at different commits. Each content is read once.
pub struct Materials<'a> {
    repo: &'a Repo,
    path: Option<String>,
    known: RefCell<HashMap<Oid, Option<Digest>>>,
}

impl<'a> Materials<'a> {
    /// Prepares to read the request at `path`; a policy change has no path and no digests.
    pub fn of(repo: &'a Repo, path: Option<&str>) -> Self {
        Materials { repo, path: path.map(str::to_owned), known: RefCell::default() }
    }

    /// Returns the digest at a commit, or `None` if there is no valid request.
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
        let valid = file.request.filter(|_| file.problems.is_empty());
        let digest = valid.as_ref().map(ChangeRequest::material_digest);
        self.known.borrow_mut().insert(entry.id, digest.clone());
        Ok(digest)
    }
}

/// Returns the first seven characters of a commit's id.
pub fn short(commit: Oid) -> String {
    commit.to_string()[..7].to_owned()
}
