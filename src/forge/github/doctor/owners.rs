//! Checks whether policies and workflows can only be changed with a review of their owners.

use serde::Deserialize;

use super::branch::{ProtectedBranch, graded};
use super::code_owners::CodeOwners;
use super::{Check, Seen, listed};

/// The paths where GitHub looks for the file, in this order.
pub const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// The folders that control all decisions, as patterns for the file.
pub const OWNED: [&str; 2] = ["/policies/", "/.github/"];

/// The folders that need owners, each with a file that somebody could add to it.
pub const FOLDERS: [(&str, &str); 3] = [
    ("policies", "policies/rules/new/new.rego"),
    (".github/workflows", ".github/workflows/new.yml"),
    (".github/actions", ".github/actions/new/action.yml"),
];

/// The code owners of a branch.
#[derive(Clone, Debug)]
pub struct OwnerFacts {
    /// The path and the text of the file, if there is one.
    pub file: Option<(String, String)>,
    /// The errors that GitHub finds in it.
    pub errors: Seen<Vec<OwnersError>>,
    /// The existing files below the folders that need owners.
    pub paths: Vec<String>,
}

/// An error in a line of CODEOWNERS.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnersError {
    /// The number of the line, from 1.
    pub line: u64,
    /// GitHub's name for the error: `Unknown owner`.
    pub kind: String,
    /// The text of the line.
    #[serde(default)]
    pub source: Option<String>,
}

/// GitHub's answer about the errors in a CODEOWNERS file.
#[derive(Debug, Deserialize)]
pub struct OwnersErrors {
    /// All errors.
    pub errors: Vec<OwnersError>,
}

/// Compares the code owners of a branch with what is needed.
pub fn examine(protected: &ProtectedBranch<'_>, facts: &OwnerFacts) -> Vec<Check> {
    let branch = protected.branch;
    let Some((path, text)) = &facts.file else {
        let check = Check::bad("owners/file", format!("{branch} has no CODEOWNERS"))
            .why("GitHub doesn't ask anybody in particular to review policies and workflows")
            .fix(format!(
                "commit .github/CODEOWNERS to {branch} with the lines `/policies/ @OWNER` and \
                 `/.github/ @OWNER`; `changegate init --github` writes it"
            ));
        return vec![check];
    };
    let mut checks =
        vec![coverage(path, text, &facts.paths, "@OWNER"), without_errors(path, facts)];
    let bad = Check::bad("owners/required", "the review of a code owner isn't required")
        .why(format!("{path} names owners, but changes don't have to wait for them"))
        .fix(format!(
            "{}: under “Require a pull request before merging”, switch on “Require review from \
             Code Owners”",
            protected.page()
        ));
    let good = "a file with code owners needs the review of one";
    checks.push(graded("owners/required", protected.protection.asks_code_owners(), good, bad));
    checks
}

/// Checks whether the CODEOWNERS file at `path` covers everything that needs owners.
///
/// `files` are the existing files below [`FOLDERS`]. `owners` is used in the proposed lines.
pub fn coverage(path: &str, text: &str, files: &[String], owners: &str) -> Check {
    let by_file = CodeOwners::parse(text);
    let possible = FOLDERS.iter().map(|(_, possible)| *possible).chain([path]);
    let all = files.iter().map(String::as_str).chain(possible);
    let orphans: Vec<_> = all.filter(|path| by_file.of(path).is_empty()).collect();
    if orphans.is_empty() {
        let found = format!("policies, workflows, actions and {path} have owners");
        return Check::good("owners/paths", found);
    }
    let folders = FOLDERS.iter().map(|(folder, _)| *folder).chain([path]);
    let concerned = folders.filter(|folder| orphans.iter().any(|path| path.starts_with(folder)));
    let concerned: Vec<_> = concerned.collect();
    let found =
        format!("owners are missing in {}: {} has no owner", listed(&concerned), orphans[0]);
    Check::bad("owners/paths", found)
        .why("files without an owner can be changed without the review of anybody in particular")
        .fix(format!(
            "add {} at the end of {path}, because the last line that matches counts",
            listed(&missing_lines(path, &orphans, owners)),
        ))
}

/// Returns the lines that give owners to the files without any, and no other files.
fn missing_lines(path: &str, orphans: &[&str], owners: &str) -> Vec<String> {
    let has_orphans = |folder: &&str| orphans.iter().any(|path| path.starts_with(&folder[1..]));
    let own = format!("/{path}");
    let own = (!OWNED.iter().any(|folder| own.starts_with(folder))).then_some(own.as_str());
    let patterns = OWNED.into_iter().chain(own).filter(has_orphans);
    patterns.map(|pattern| format!("`{pattern} {owners}`")).collect()
}

fn without_errors(path: &str, facts: &OwnerFacts) -> Check {
    let code = "owners/errors";
    let errors = match &facts.errors {
        Err(reason) => {
            let found = format!("it isn't visible whether {path} has errors");
            return Check::unseen(code, found, reason)
                .fix("run this again with a token that has `contents: read`");
        }
        Ok(errors) => errors,
    };
    if errors.is_empty() {
        return Check::good(code, format!("{path} has no errors"));
    }
    let errors: Vec<_> = errors.iter().map(OwnersError::described).collect();
    Check::bad(code, format!("{path} has errors: {}", listed(&errors)))
        .why("GitHub ignores these lines, so the files that they should protect have no owner")
        .fix(format!(
            "fix these lines (the browser marks them in {path}): an owner must have write access \
             to the repository, and a team must be visible"
        ))
}

impl OwnersError {
    fn described(&self) -> String {
        let source = self.source.as_deref().map(str::trim).unwrap_or_default();
        format!("line {}, {} in `{source}`", self.line, self.kind)
    }
}
