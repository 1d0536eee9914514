//! `changegate init --github`: the files that a repository on GitHub needs.
//!
//! The files are this project's own, embedded, so that the shipped files are the ones that run
//! here. Two things differ in an adopter's repository: the action comes from the commit that this
//! program was built from, and the owners of policies and workflows come from the roster.

use std::path::Path;

use ignore::WalkBuilder;

use super::plan::{Item, Wanted};
use crate::cli::COMMIT;
use changegate::core::layout::CHECK_WORKFLOW;
use changegate::core::org::Roster;
use changegate::files;
use changegate::forge::github::doctor::{
    Check, FOLDERS, Grade, OWNED, PLACES, coverage, without_id,
};

/// The step of our own workflows that installs the program; `ACTION` is the one for an adopter.
const OWN_ACTION: &str = "- uses: ./.github/actions/changegate # zizmor: ignore[self-repository] this \
                          repository's own\n        with:\n          version: source\n";
const ACTION: &str = "- uses: changegate/changegate/.github/actions/changegate@{commit}
        with:
          # Builds the program from that commit. A release is faster: its number, in quotes, and as
          # `sha256:` its checksums, a line `Linux-X64 HASH` for each platform.
          version: source
";

/// The release tag of that commit.
const TAG: &str = concat!("v", env!("CARGO_PKG_VERSION"));

const WORKFLOWS: [(&str, &str); 7] = [
    (CHECK_WORKFLOW, include_str!("../../../.github/workflows/change-check.yml")),
    (
        ".github/workflows/change-form.yml",
        include_str!("../../../.github/workflows/change-form.yml"),
    ),
    (
        ".github/workflows/change-policies.yml",
        include_str!("../../../.github/workflows/change-policies.yml"),
    ),
    (
        ".github/workflows/change-record.yml",
        include_str!("../../../.github/workflows/change-record.yml"),
    ),
    (".github/workflows/report.yml", include_str!("../../../.github/workflows/report.yml")),
    (
        ".github/workflows/review-ping.yml",
        include_str!("../../../.github/workflows/review-ping.yml"),
    ),
    (".github/workflows/sweep.yml", include_str!("../../../.github/workflows/sweep.yml")),
];

const FORMS: [(&str, &str); 2] = [
    (
        ".github/ISSUE_TEMPLATE/change-request.yml",
        include_str!("../../../.github/ISSUE_TEMPLATE/change-request.yml"),
    ),
    (
        ".github/ISSUE_TEMPLATE/off-script-request.yml",
        include_str!("../../../.github/ISSUE_TEMPLATE/off-script-request.yml"),
    ),
];

const CHOOSER: (&str, &str) = (
    ".github/ISSUE_TEMPLATE/config.yml",
    include_str!("../../../.github/ISSUE_TEMPLATE/config.yml"),
);

const PULL_REQUEST: (&str, &str) =
    (".github/pull_request_template.md", include_str!("../../../.github/pull_request_template.md"));

/// Returns whether the repository was set up for GitHub before.
pub fn is_ready(root: &Path) -> bool {
    root.join(CHECK_WORKFLOW).exists()
}

/// Returns the files for the repository at `root`.
pub fn items(root: &Path, roster: &Roster) -> Vec<Item> {
    let item = |path: &str, wanted| Item { path: path.to_owned(), wanted };
    let file = |path, text: String| item(path, Wanted::File(text.into_bytes()));
    let once = |path, text: String| item(path, Wanted::Once(text.into_bytes()));
    // A tag can be moved, a commit can't: the tag in a comment is for people and for update bots.
    let commit = COMMIT.map_or_else(|| TAG.to_owned(), |commit| format!("{commit} # {TAG}"));
    let action = ACTION.replace("{commit}", &commit);
    let workflows = WORKFLOWS.map(|(path, text)| file(path, text.replace(OWN_ACTION, &action)));
    let forms = FORMS.map(|(path, text)| file(path, text.to_owned()));
    let mut items: Vec<_> = workflows.into_iter().chain(forms).collect();
    items.push(once(CHOOSER.0, CHOOSER.1.to_owned()));
    if !has_pull_request_template(root) {
        items.push(once(PULL_REQUEST.0, PULL_REQUEST.1.to_owned()));
    }
    if codeowners(root).is_none() {
        items.push(once(PLACES[0], code_owners(roster)));
    }
    items
}

/// Returns what has to be done by hand, in the words of `doctor`.
pub fn gaps(root: &Path, roster: &Roster) -> Vec<String> {
    let mut gaps: Vec<_> = without_id(roster).into_iter().map(sentence).collect();
    if COMMIT.is_none() {
        gaps.push(format!(
            "the workflows use changegate by its tag {TAG}, which can be moved: use the commit \
             that it points to"
        ));
    }
    if let Some(path) = codeowners(root) {
        let text = files::read(&root.join(path)).unwrap_or_default();
        let text = String::from_utf8(text).unwrap_or_default();
        let files: Vec<_> = FOLDERS.iter().flat_map(|(it, _)| files_below(root, it)).collect();
        let check = coverage(path, &text, &files, &owners(roster));
        gaps.extend((check.grade == Grade::Bad).then(|| sentence(check)));
    }
    gaps
}

/// Returns what was found, why it matters and what to do, as one line.
fn sentence(check: Check) -> String {
    let why = check.why.map(|why| format!(" ({why})")).unwrap_or_default();
    let fix = check.fix.map(|fix| format!(": {fix}")).unwrap_or_default();
    check.found + &why + &fix
}

/// Returns the file in which the repository says who owns what.
fn codeowners(root: &Path) -> Option<&'static str> {
    PLACES.into_iter().find(|path| root.join(path).exists())
}

/// Returns the files below a folder of `root`, as Git writes their paths.
fn files_below(root: &Path, folder: &str) -> Vec<String> {
    let mut walk = WalkBuilder::new(root.join(folder));
    let entries = walk.standard_filters(false).sort_by_file_name(Ord::cmp).build().flatten();
    let files = entries.filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()));
    let paths = files.filter_map(|entry| {
        Some(entry.path().strip_prefix(root).ok()?.to_str()?.replace('\\', "/"))
    });
    paths.collect()
}

/// Returns a CODEOWNERS file with the owners of policies and workflows.
fn code_owners(roster: &Roster) -> String {
    let owners = owners(roster);
    let lines = OWNED.map(|folder| format!("{folder:10} {owners}\n"));
    format!(
        "# Whose review a pull request needs besides what the policies ask for. Read from the base \
         branch; the\n# last line that matches counts.\n{}",
        lines.concat()
    )
}

/// Returns the people with the highest level.
fn owners(roster: &Roster) -> String {
    let highest = roster.people.values().map(|person| person.level).max().flatten();
    let owners = roster.people.iter().filter(|(_, person)| person.level == highest);
    owners.map(|(login, _)| format!("@{login}")).collect::<Vec<_>>().join(" ")
}

/// Returns whether there already is one, in any of the places and spellings that GitHub accepts.
fn has_pull_request_template(root: &Path) -> bool {
    ["", ".github", "docs"].iter().any(|folder| {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.map(|name| name.to_ascii_lowercase()).any(|name| {
            name == "pull_request_template" || name.starts_with("pull_request_template.")
        })
    })
}
