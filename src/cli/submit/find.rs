//! Finds the request to submit among the files of the work tree.

use std::path::Path;

use anyhow::bail;

use crate::cli::shared::here;
use crate::cli::shared::place::Place;
use crate::cli::shared::say::quoted;
use changegate::content::folder;
use changegate::core::layout::{self, INCIDENTS, REQUESTS, is_below, is_request, stem};
use changegate::forge::git::{CHANGE, Git};
use changegate::git::Program;
use changegate::report::page::shown;

/// Returns the request's path in the repository: the given one, or the only one that differs from
/// the base branch.
pub fn request(git: &Git, work_tree: &Path, named: Option<&str>) -> anyhow::Result<String> {
    let requests = work_tree.join(REQUESTS);
    let found = if requests.is_dir() { folder::below(&requests, true)? } else { Vec::new() };
    let files = found.into_iter().filter(|(_, is_file)| *is_file).filter_map(|(path, _)| {
        let path = shown(path.strip_prefix(work_tree).ok()?);
        (!is_below(&path, INCIDENTS)).then_some(path)
    });
    let (paths, others): (Vec<_>, Vec<_>) = files.partition(|path| path.ends_with(".yaml"));
    if let Some(named) = named {
        let id = id_of(here::name_of(named));
        let mut with_id = paths.iter().filter(|path| stem(path) == id);
        return match (with_id.next(), with_id.next()) {
            (Some(path), None) => Ok(path.clone()),
            (Some(one), Some(other)) => {
                bail!("{one} and {other} have the same id: delete one of them")
            }
            _ => bail!(missing(git, work_tree, id, &paths)?),
        };
    }
    let is_empty = paths.is_empty();
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
        ([], []) if is_empty && others.is_empty() => {
            bail!("there is no request in {REQUESTS}/ here: write one with `changegate new`")
        }
        ([], []) if !others.is_empty() => bail!(misplaced(work_tree, &others[0])?),
        ([], []) => bail!("every request here is merged already: write one with `changegate new`"),
        ([], many) => bail!(
            "every new request here is already submitted in this form: name one of {}, or see what \
             they wait for with `changegate list`",
            many.join(", ")
        ),
        (many, _) => bail!("there are several new requests: name one of {}", many.join(", ")),
    }
}

/// Returns the id that a file's name stands for, whichever ending of YAML it has.
fn id_of(path: &str) -> &str {
    let stem = stem(path);
    stem.strip_suffix(".yml").unwrap_or(stem)
}

/// Returns why there is no request with this id among the paths, and how to get to it.
fn missing(git: &Git, work_tree: &Path, id: &str, paths: &[String]) -> anyhow::Result<String> {
    let (repo, base, branch) = (git.repo(), git.base()?, format!("{CHANGE}{id}"));
    if let Some(tip) = git.branches.tip(&branch)?
        && !repo.leads_to(tip, base)?
    {
        let switch = match (repo.tip(&format!("refs/heads/{branch}"))?, git.branches.remote()) {
            (None, Some(remote)) => format!("git switch --track {remote}/{branch}"),
            _ => format!("git switch {branch}"),
        };
        return Ok(format!(
            "{id} is submitted, and its file is on its branch: run `{switch}`, change the file there, \
             and submit it again"
        ));
    }
    let merged = repo.files_below(base, REQUESTS)?.into_iter().map(|(path, _)| path);
    if let Some(path) = merged.into_iter().find(|path| is_request(path) && stem(path) == id) {
        let from = match git.branches.remote() {
            Some(remote) => format!("{remote}/{}", git.base_ref),
            None => git.base_ref.clone(),
        };
        let file = quoted(&Place::around([work_tree])?.file(&path));
        return Ok(format!(
            "{id} is merged, and its file isn't here: to amend it, run `git restore --source {from} \
             -- {file}`"
        ));
    }
    let is_yaml = |path: &str| path.ends_with(".yaml") || path.ends_with(".yml");
    for (path, is_file) in folder::below(work_tree, false)? {
        let path = path.strip_prefix(work_tree).map(shown).unwrap_or_default();
        if is_file && is_yaml(&path) && id_of(&path) == id && !is_below(&path, INCIDENTS) {
            return misplaced(work_tree, &path);
        }
    }
    let changes = git.branches.changes()?;
    let mut known = paths.iter().map(|path| stem(path)).chain(changes.keys().map(String::as_str));
    Ok(match known.find(|known| known.eq_ignore_ascii_case(id)) {
        Some(meant) => format!("there is no request {id}; did you mean `{meant}`?"),
        None => format!(
            "there is no file {id}.yaml below {}: write it with `changegate new`",
            work_tree.join(REQUESTS).display()
        ),
    })
}

/// Returns how a file becomes a request that isn't in the place of one.
fn misplaced(work_tree: &Path, path: &str) -> anyhow::Result<String> {
    let place = Place::around([work_tree])?;
    let id = id_of(path);
    let (from, folder) = (quoted(&place.file(path)), quoted(&place.file(REQUESTS)));
    let to = quoted(&place.file(layout::request(id)));
    Ok(format!(
        "{path} is not the file of a request, which is called {REQUESTS}/<id>.yaml: run `mkdir -p \
         {folder} && mv {from} {to}`, and submit {id} again"
    ))
}
