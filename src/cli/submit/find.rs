//! Finds the request to submit among the files of the work tree.

use std::path::Path;

use anyhow::bail;

use crate::cli::shared::here;
use crate::content::folder;
use crate::core::layout::{INCIDENTS, REQUESTS, is_below, stem};
use crate::forge::git::{CHANGE, Git};
use crate::git::Program;
use crate::report::page::shown;

/// Returns the request's path in the repository: the given one, or the only one that differs from
/// the base branch.
pub fn request(git: &Git, work_tree: &Path, named: Option<&str>) -> anyhow::Result<String> {
    let requests = work_tree.join(REQUESTS);
    let found = if requests.is_dir() { folder::below(&requests, true)? } else { Vec::new() };
    let paths = found.into_iter().filter(|(_, is_file)| *is_file).filter_map(|(path, _)| {
        let path = shown(path.strip_prefix(work_tree).ok()?);
        (path.ends_with(".yaml") && !is_below(&path, INCIDENTS)).then_some(path)
    });
    if let Some(named) = named {
        let id = stem(here::name_of(named));
        let mut paths = paths.filter(|path| stem(path) == id);
        return match (paths.next(), paths.next()) {
            (Some(path), None) => Ok(path),
            (Some(one), Some(other)) => {
                bail!("{one} and {other} have the same id: delete one of them")
            }
            _ => bail!(
                "there is no file {id}.yaml below {}: write it with `changegate new`",
                requests.display()
            ),
        };
    }
    let base = git.base()?;
    let folder = Program::in_folder(work_tree);
    let (mut new, mut submitted) = (Vec::new(), Vec::new());
    for path in paths {
        let held = Some(folder.hash(&path, false)?);
        let held_at = |commit| -> anyhow::Result<bool> {
            Ok(git.repo().entry(commit, &path)?.map(|entry| entry.id) == held)
        };
        let tip = git.branches.tip(&format!("{CHANGE}{}", stem(&path)))?;
        if held_at(base)? {
            continue;
        }
        let is_submitted = tip.is_some_and(|tip| held_at(tip).is_ok_and(|holds| holds));
        if is_submitted { submitted.push(path) } else { new.push(path) }
    }
    match (new.as_slice(), submitted.as_slice()) {
        ([path], _) | ([], [path]) => Ok(path.clone()),
        ([], []) => bail!("every request here is merged already: write one with `changegate new`"),
        ([], many) => bail!(
            "every new request here is already submitted in this form: name one of {}, or see what \
             they wait for with `changegate list`",
            many.join(", ")
        ),
        (many, _) => bail!("there are several new requests: name one of {}", many.join(", ")),
    }
}
