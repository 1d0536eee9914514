//! A bare repository of the server. A fork shares its objects with the repository that it is of.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use git2::{Commit, DiffFindOptions, DiffStats, Oid, Signature, Sort};

/// A repository.
pub struct Repository {
    pub id: u64,
    pub owner: String,
    pub name: String,
    /// Whether it is a fork of `acme/ops`.
    pub fork: bool,
    pub folder: PathBuf,
    pub git: git2::Repository,
    /// Its branches as the server has noticed them last.
    pub noticed: BTreeMap<String, Oid>,
}

/// A commit to be made.
#[derive(Clone, Debug, Default)]
pub struct NewCommit {
    /// Ids of commits.
    pub parents: Vec<String>,
    /// Name and email.
    pub author: (String, String),
    /// Name and email; the author's if left out.
    pub committer: Option<(String, String)>,
    /// Paths and contents; no content removes the file.
    pub files: Vec<(String, Option<Vec<u8>>)>,
    pub message: String,
}

impl Repository {
    /// A new one below a folder, at `OWNER/NAME.git`.
    pub fn new(id: u64, owner: &str, name: &str, below: &Path) -> Self {
        let folder = below.join(owner).join(format!("{name}.git"));
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).initial_head("main").external_template(false);
        let git = git2::Repository::init_opts(&folder, &options).unwrap();
        let mut config = git.config().unwrap();
        for (name, value) in [
            ("http.receivepack", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"),
            ("receive.hideRefs", "refs/pull"),
            ("receive.autogc", "false"),
            ("gc.auto", "0"),
        ] {
            config.set_str(name, value).unwrap();
        }
        let (owner, name) = (owner.to_owned(), name.to_owned());
        Repository { id, owner, name, fork: false, folder, git, noticed: BTreeMap::new() }
    }

    /// A fork of this one with the same branches.
    pub fn fork(&self, id: u64, owner: &str, below: &Path) -> Self {
        let fork = Repository::new(id, owner, &self.name, below);
        std::fs::remove_dir_all(fork.folder.join("objects")).unwrap();
        symlink(self.folder.join("objects"), fork.folder.join("objects")).unwrap();
        let git = git2::Repository::open_bare(&fork.folder).unwrap();
        for (branch, tip) in &self.noticed {
            git.reference(&full_name(branch), *tip, true, "fork").unwrap();
        }
        Repository { fork: true, git, noticed: self.noticed.clone(), ..fork }
    }

    /// `acme/ops`
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The tip of a branch.
    pub fn tip(&self, branch: &str) -> Option<Oid> {
        self.git.refname_to_id(&full_name(branch)).ok()
    }

    /// Its branches as they are now.
    pub fn branches(&self) -> BTreeMap<String, Oid> {
        let references = self.git.references_glob("refs/heads/*").unwrap();
        let named = references.filter_map(|reference| {
            let reference = reference.ok()?;
            let branch = reference.name().ok()?.strip_prefix("refs/heads/")?.to_owned();
            Some((branch, reference.target()?))
        });
        named.collect()
    }

    /// The commit that an id, a branch or a full name of a reference means.
    pub fn resolve(&self, name: &str) -> Option<Oid> {
        let by_id = || self.git.revparse_single(name).ok()?.peel_to_commit().ok();
        let is_id = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = name.strip_prefix("refs/").unwrap_or(name);
        let tip = ["", "heads/", "tags/"].into_iter().find_map(|kind| {
            let reference = self.git.find_reference(&format!("refs/{kind}{name}")).ok()?;
            reference.peel_to_commit().ok()
        });
        let head = || self.git.head().ok()?.peel_to_commit().ok();
        let commit = match name {
            "HEAD" => head(),
            _ if is_id => by_id().or(tip),
            _ => tip,
        };
        Some(commit?.id())
    }

    /// A commit that has to be there.
    #[track_caller]
    pub fn commit(&self, id: Oid) -> Commit<'_> {
        self.git.find_commit(id).unwrap()
    }

    /// Writes a commit that no branch holds yet.
    pub fn write(&self, new: &NewCommit, seconds: i64) -> Oid {
        let parents: Vec<_> =
            new.parents.iter().map(|id| self.commit(id.parse().unwrap())).collect();
        let base = parents.first().map(|first| first.tree().unwrap());
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, content) in &new.files {
            match content {
                Some(content) => {
                    let blob = self.git.blob(content).unwrap();
                    update.upsert(path.as_str(), blob, git2::FileMode::Blob);
                }
                None => {
                    update.remove(path.as_str());
                }
            }
        }
        let base = base.unwrap_or_else(|| {
            let empty = self.git.treebuilder(None).unwrap().write().unwrap();
            self.git.find_tree(empty).unwrap()
        });
        let tree = self.git.find_tree(update.create_updated(&self.git, &base).unwrap()).unwrap();
        let time = git2::Time::new(seconds, 0);
        let signature = |(name, email): &(String, String)| Signature::new(name, email, &time);
        let author = signature(&new.author).unwrap();
        let committer = signature(new.committer.as_ref().unwrap_or(&new.author)).unwrap();
        let parents: Vec<_> = parents.iter().collect();
        self.git.commit(None, &author, &committer, &new.message, &tree, &parents).unwrap()
    }

    /// A commit without its history, as a pack.
    pub fn packed(&self, commit: Oid) -> Vec<u8> {
        let mut builder = self.git.packbuilder().unwrap();
        builder.insert_commit(commit).unwrap();
        let mut pack = git2::Buf::new();
        builder.write_buf(&mut pack).unwrap();
        pack.to_vec()
    }

    /// Takes in what a pack holds.
    pub fn take(&self, pack: &[u8]) {
        let odb = self.git.odb().unwrap();
        let mut writer = odb.packwriter().unwrap();
        writer.write_all(pack).unwrap();
        writer.commit().unwrap();
    }

    /// Writes the commit that merges one into another, as the server does it.
    pub fn merge(
        &self,
        (onto, head): (Oid, Oid),
        (name, email): (String, String),
        message: &str,
        seconds: i64,
    ) -> Oid {
        let (ours, theirs) = (self.commit(onto), self.commit(head));
        let mut index = self.git.merge_commits(&ours, &theirs, None).unwrap();
        let tree = self.git.find_tree(index.write_tree_to(&self.git).unwrap()).unwrap();
        let time = git2::Time::new(seconds, 0);
        let author = Signature::new(&name, &email, &time).unwrap();
        let github = Signature::new("GitHub", "noreply@github.com", &time).unwrap();
        self.git.commit(None, &author, &github, message, &tree, &[&ours, &theirs]).unwrap()
    }

    /// Writes all that one commit brings to another as one commit behind that.
    pub fn squash(&self, (onto, head): (Oid, Oid), message: &str, seconds: i64) -> Oid {
        let (ours, theirs) = (self.commit(onto), self.commit(head));
        let mut index = self.git.merge_commits(&ours, &theirs, None).unwrap();
        let tree = self.git.find_tree(index.write_tree_to(&self.git).unwrap()).unwrap();
        let time = git2::Time::new(seconds, 0);
        let github = Signature::new("GitHub", "noreply@github.com", &time).unwrap();
        self.git.commit(None, &theirs.author(), &github, message, &tree, &[&ours]).unwrap()
    }

    /// Writes each commit that one brings to another again behind that; says the last one.
    pub fn rebase(&self, (onto, head): (Oid, Oid), seconds: i64) -> Oid {
        let time = git2::Time::new(seconds, 0);
        let github = Signature::new("GitHub", "noreply@github.com", &time).unwrap();
        let mut tip = self.commit(onto);
        for id in self.brought((onto, head)) {
            let commit = self.commit(id);
            let mut index = self.git.cherrypick_commit(&commit, &tip, 0, None).unwrap();
            let tree = self.git.find_tree(index.write_tree_to(&self.git).unwrap()).unwrap();
            let (author, message) = (commit.author(), commit.message().unwrap());
            let new = self.git.commit(None, &author, &github, message, &tree, &[&tip]).unwrap();
            tip = self.commit(new);
        }
        tip.id()
    }

    /// Points a reference to a commit, or removes it.
    pub fn point(&self, name: &str, to: Option<Oid>) {
        match to {
            Some(to) => {
                self.git.reference(name, to, true, "moved").unwrap();
            }
            None => self.git.find_reference(name).unwrap().delete().unwrap(),
        }
    }

    /// Whether a commit is the other or comes after it.
    pub fn holds(&self, later: Oid, earlier: Oid) -> bool {
        later == earlier || self.git.graph_descendant_of(later, earlier).unwrap_or(false)
    }

    /// The commits that one brings to another, oldest first.
    pub fn brought(&self, (base, head): (Oid, Oid)) -> Vec<Oid> {
        let mut walk = self.git.revwalk().unwrap();
        walk.push(head).unwrap();
        walk.hide(base).unwrap();
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).unwrap();
        walk.map(Result::unwrap).collect()
    }

    /// How many files differ from where the histories part, and how many lines.
    pub fn changed(&self, (base, head): (Oid, Oid)) -> DiffStats {
        let from = self.git.merge_base(base, head).ok();
        let from = from.map(|id| self.commit(id).tree().unwrap());
        let to = self.commit(head).tree().unwrap();
        let mut diff = self.git.diff_tree_to_tree(from.as_ref(), Some(&to), None).unwrap();
        diff.find_similar(Some(DiffFindOptions::new().renames(true))).unwrap();
        diff.stats().unwrap()
    }
}

/// The full name of a branch.
pub fn full_name(branch: &str) -> String {
    format!("refs/heads/{branch}")
}
