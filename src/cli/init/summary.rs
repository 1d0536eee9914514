//! The output of `init`: what was done, what the roster lacks, what to run next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::contents::ROSTER;
use super::plan::{Fate, Plan};
use super::{github, roster, shown_path};
use crate::cli::shared::place::Place;
use crate::cli::shared::say::{hanging, quoted};
use changegate::core::org::Roster;
use changegate::git::{Program, key};

/// Lists every file that would be written or kept.
pub fn of_a_dry_run(plan: &Plan) -> String {
    let mut out = String::new();
    for path in plan.paths(&Fate::Write) {
        out += &row("would write", path);
    }
    for path in plan.paths(&Fate::Remove) {
        out += &row("would remove", path);
    }
    for (path, why) in plan.kept() {
        out += &row("would keep", &format!("{path}  {why}"));
    }
    out + &row("unchanged", &files(plan.paths(&Fate::Unchanged).len()))
}

/// Returns what was done, in a few lines.
pub fn done(plan: &Plan) -> String {
    let mut out = format!("{}\n", shown_path(&plan.root));
    for (label, paths) in [
        ("written", plan.paths(&Fate::Write)),
        ("removed", plan.paths(&Fate::Remove)),
        ("unchanged", plan.paths(&Fate::Unchanged)),
    ] {
        if !paths.is_empty() {
            out += &row(label, &by_folder(&paths));
        }
    }
    for (path, why) in plan.kept() {
        out += &row("kept", &format!("{path}  {why}"));
    }
    out
}

/// Returns what the roster lacks, and the next commands. `own_key` is the key of the person who runs
/// the verb, as they named it.
pub fn next(roster: &Roster, plan: &Plan, git: &Program, own_key: Option<&str>) -> String {
    let mut gaps = roster::gaps(roster);
    gaps.extend(roster::keyless(roster));
    let mut out = to_be_filled_in(&gaps) + "\nNext:\n" + &going(plan);
    for command in signing(git, own_key) {
        out += &format!("  {command}\n");
    }
    let adding = adding(plan, git);
    out += &(adding.clone() + &pushing(git, !adding.is_empty()));
    out += "  changegate init --ledger            begin to record what is decided\n";
    out += "  changegate init --operations        begin to record what is executed\n";
    out += "  changegate new                      write the first request\n";
    out += "  changegate init --hook REPO.git     on the server: refuse what bypasses the review\n";
    out
}

/// Returns what a repository on GitHub lacks, and the next commands.
pub fn next_on_github(roster: &Roster, plan: &Plan, git: &Program) -> String {
    let mut gaps = roster::gaps(roster);
    gaps.extend(github::gaps(&plan.root, roster));
    to_be_filled_in(&gaps) + "\nNext:\n" + &going(plan) + &adding(plan, git) + ON_GITHUB
}

/// Returns how the new rules get to the others: as every change of policies does.
pub fn next_after_upgrade(plan: &Plan) -> String {
    if plan.paths(&Fate::Write).is_empty() && plan.paths(&Fate::Remove).is_empty() {
        return String::new();
    }
    format!("\nNext:\n{}{NEXT_AFTER_UPGRADE}", going(plan))
}

const NEXT_AFTER_UPGRADE: &str = "  \
  changegate submit --policies upgrade
      tries the new rules, and puts them on a branch that two independent L3 review
";

const ON_GITHUB: &str = "  \
  git push
  changegate init --ledger            begin to record what is decided
  changegate init --operations        begin to record what is executed; then, on GitHub:
  gh label create change-request      the label that the forms set and change-form needs
  Settings, Rules: a ruleset for the branch that requires a pull request, a review from code
      owners and the status check `changegate`
  changegate doctor                   what still has to be done
  changegate new                      write the first request, or use the form
";

fn to_be_filled_in(gaps: &[String]) -> String {
    if gaps.is_empty() {
        return String::new();
    }
    let gaps: String = gaps.iter().map(|gap| hanging("  ", gap)).collect();
    let what = format!(
        "To be completed, mostly in {ROSTER}; once that is committed, by a change of the policies:"
    );
    format!("\n{}{gaps}", hanging("", &what))
}

/// Returns the command that leads to the repository's top, where the others work.
fn going(plan: &Plan) -> String {
    let place = Place::around([plan.root.as_path()]).unwrap_or_default();
    match place.top() {
        top if top.as_os_str().is_empty() => String::new(),
        top => format!("  cd {}\n", quoted(top)),
    }
}

/// Returns the command that commits what was written, now or by an earlier run.
fn adding(plan: &Plan, git: &Program) -> String {
    let tops = |fate| plan.paths(&fate).into_iter().map(top).collect::<BTreeSet<_>>();
    let (written, unchanged) = (tops(Fate::Write), tops(Fate::Unchanged));
    let is_open = |top: &&str| {
        let status = git.run(&["status", "--porcelain", "--", top]).unwrap_or_default();
        let is_new = |line: &str| line.starts_with("??") || line.starts_with('A');
        status.lines().any(|line| written.contains(top) || is_new(line))
    };
    let tops: Vec<_> = written.union(&unchanged).copied().filter(is_open).collect();
    match tops.is_empty() {
        true => String::new(),
        false => format!("  git add {} && git commit -m \"Add changegate\"\n", tops.join(" ")),
    }
}

/// Returns the command that gives the others what was committed; empty without a remote, or if it has
/// everything.
fn pushing(git: &Program, is_adding: bool) -> String {
    let remotes = git.run(&["remote"]).unwrap_or_default();
    let origin = remotes.lines().find(|name| *name == "origin");
    let Some(remote) = origin.or_else(|| remotes.lines().next()) else { return String::new() };
    match git.run(&["rev-list", "--count", "@{upstream}.."]) {
        Err(_) => format!("  git push -u {} HEAD\n", quoted(Path::new(remote))),
        Ok(ahead) if is_adding || ahead != "0" => "  git push\n".to_owned(),
        Ok(_) => String::new(),
    }
}

/// Returns the commands that are missing for git to sign with an SSH key.
fn signing(git: &Program, own_key: Option<&str>) -> Vec<String> {
    let is_ssh = git.setting("gpg.format").is_some_and(|format| format == "ssh");
    let mut commands = Vec::new();
    if !is_ssh || git.setting("user.signingkey").is_none() {
        commands.extend(key::how_to_name_one(own_key));
    }
    if !git.is_on("commit.gpgsign") {
        commands.push("git config commit.gpgsign true".to_owned());
    }
    commands
}

/// Writes `README.md, docs/ (3 files), policies/ (31 files)`.
fn by_folder(paths: &[&str]) -> String {
    let mut counts = BTreeMap::new();
    for path in paths {
        *counts.entry(top(path)).or_insert(0) += 1;
    }
    let count = |(top, count): (&str, usize)| match top.ends_with('/') {
        true => format!("{top} ({})", files(count)),
        false => top.to_owned(),
    };
    counts.into_iter().map(count).collect::<Vec<_>>().join(", ")
}

/// Returns the folder of ours that contains a file, or the file itself.
fn top(path: &str) -> &str {
    const OURS: [&str; 4] = [".github/", "docs/changegate/", "policies/", "schemas/"];
    OURS.into_iter().find(|folder| path.starts_with(folder)).unwrap_or(path)
}

fn files(count: usize) -> String {
    format!("{count} {}", if count == 1 { "file" } else { "files" })
}

fn row(label: &str, text: &str) -> String {
    const LABEL: usize = "would remove".len();
    hanging(&format!("  {label:LABEL$}  "), text)
}
