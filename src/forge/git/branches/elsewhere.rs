//! A ledger in a repository of its own. git goes there from a repository aside, so that the configuration of
//! the one whose changes are recorded can't lead it to another one, nor hand over its credentials. What comes
//! from there is kept here under refs of its own.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;
use tempfile::TempDir;

use super::Branches;
use crate::core::org::RemoteUrl;
use crate::git::{Move, Oid, Program, Repo};

/// The refs that show here what such ledgers hold; a short name of the address follows.
const REFS: &str = "refs/changegate-ledger/";

/// Where something is put that is only looked at.
const LOOKED_AT: &str = "refs/looked-at";

/// A ledger in a repository of its own.
pub(super) struct Elsewhere {
    url: RemoteUrl,
    /// What the names of its branches, and `tags/` with those of its tags, follow here.
    pub(super) prefix: String,
    /// The repository from which git goes there, as soon as that is needed.
    aside: OnceCell<(TempDir, Program)>,
}

impl Elsewhere {
    fn at(url: RemoteUrl) -> Self {
        Elsewhere { prefix: format!("{REFS}{}/", url.short()), url, aside: OnceCell::new() }
    }
}

impl Branches {
    /// Takes the ledger from where the settings on a branch say that it is.
    pub(in crate::forge::git) fn with_ledger_of(self, base: &str) -> anyhow::Result<Self> {
        let settings = self.settings_on(base)?.unwrap_or_default();
        Ok(self.with_ledger_at(settings.ledger.remote))
    }

    /// Takes the ledger from the repository at an address, or from that of the branches.
    pub fn with_ledger_at(self, url: Option<RemoteUrl>) -> Self {
        Branches { elsewhere: url.map(Elsewhere::at), ..self }
    }

    /// Returns the same branches, of a repository that is opened again.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(in crate::forge::git) fn again(&self) -> anyhow::Result<Self> {
        let elsewhere = self.ledger_elsewhere().cloned();
        let (program, remote) = (self.program.clone(), self.remote.clone());
        let again = Self::own(Repo::open(&self.repo.folder())?);
        Ok(Branches { program, remote, ..again }.with_ledger_at(elsewhere))
    }

    /// Returns the address of the repository that holds the ledger; `None` if it is kept with the changes.
    pub fn ledger_elsewhere(&self) -> Option<&RemoteUrl> {
        self.elsewhere.as_ref().map(|elsewhere| &elsewhere.url)
    }

    /// Returns the remote that has the ledger, or the address of its repository; `None` if it is in this one.
    pub fn ledger_remote(&self) -> Option<&str> {
        self.ledger_elsewhere().map(RemoteUrl::as_str).or(self.remote())
    }

    /// Returns the git program that goes to the repository with the ledger.
    pub(super) fn to_ledger(&self) -> anyhow::Result<&Program> {
        let Some(elsewhere) = &self.elsewhere else { return Ok(&self.program) };
        if elsewhere.aside.get().is_none() {
            let folder = self.repo.aside()?;
            let program = self.program.moved_to(folder.path());
            let mut lines = String::new();
            for (name, id) in refs(&self.program, &elsewhere.prefix)? {
                let _ = writeln!(lines, "create {name} {id}");
            }
            program.run_with(&["update-ref", "--stdin"], lines.as_bytes())?;
            let _ = elsewhere.aside.set((folder, program));
        }
        let (_, program) = elsewhere.aside.get().context("there is no way to the ledger")?;
        Ok(program)
    }

    /// Fetches from the repository with the ledger.
    pub(super) fn fetch_ledger(&self, at: &str, refspecs: &[&str]) -> anyhow::Result<()> {
        let program = self.to_ledger()?;
        let Some(elsewhere) = &self.elsewhere else { return program.fetch(&[], at, refspecs) };
        let looked_at = |spec: &&str| match spec.contains(':') {
            true => (*spec).to_owned(),
            false => format!("+{spec}:{LOOKED_AT}"),
        };
        let refspecs: Vec<_> = refspecs.iter().map(looked_at).collect();
        let before = refs(program, "refs/")?;
        let named: Vec<_> = refspecs.iter().map(String::as_str).collect();
        let fetched = program.fetch(&["--no-auto-gc"], at, &named);
        self.bring(elsewhere, program, &before)?;
        fetched
    }

    /// Brings here what was fetched into the repository aside.
    fn bring(
        &self,
        elsewhere: &Elsewhere,
        program: &Program,
        before: &BTreeMap<String, Oid>,
    ) -> anyhow::Result<()> {
        let mut after = refs(program, "refs/")?;
        after.retain(|name, id| before.get(name) != Some(id));
        if after.is_empty() {
            return Ok(());
        }
        let new = after.values().map(|id| format!("{id}\n"));
        let known = before.values().map(|id| format!("^{id}\n"));
        let tips = new.chain(known).collect::<String>();
        let packs = self.repo.folder().join("objects/pack/pack");
        let packs = packs.to_str().context("the path of the repository isn't valid UTF-8")?;
        let pack = ["pack-objects", "--quiet", "--revs", "--local", "--non-empty", packs];
        program.run_with(&pack, tips.as_bytes()).context("cannot keep what was fetched")?;
        let own = after.into_iter().filter(|(name, _)| name.starts_with(&elsewhere.prefix));
        let moves: Vec<Move> =
            own.map(|(name, to)| (name.clone(), before.get(&name).copied(), to)).collect();
        if !moves.is_empty() {
            // Somebody who was faster has moved them forward, too.
            self.program.move_refs(&moves)?;
        }
        Ok(())
    }
}

/// Returns the refs below a prefix, and the objects to which they point.
fn refs(program: &Program, prefix: &str) -> anyhow::Result<BTreeMap<String, Oid>> {
    let listed = program.run(&["for-each-ref", "--format=%(objectname) %(refname)", prefix])?;
    let line = |line: &str| {
        let (id, name) = line.split_once(' ')?;
        Some((name.to_owned(), Oid::from_str(id).ok()?))
    };
    Ok(listed.lines().filter_map(line).collect())
}
