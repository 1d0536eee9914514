//! Whether what decides, policies and workflows, changes only with the review of whom it belongs to.

use serde::Deserialize;

use super::branch::{ProtectedBranch, graded};
use super::code_owners::CodeOwners;
use super::{Check, Seen, listed};

/// Where GitHub looks for the file, in this order.
pub const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// What decides about everything else, as lines of the file name it.
pub const OWNED: [&str; 2] = ["/policies/", "/.github/"];

/// The folders that need owners, with a file that somebody could add to each.
pub const FOLDERS: [(&str, &str); 3] = [
    ("policies", "policies/rules/new/new.rego"),
    (".github/workflows", ".github/workflows/new.yml"),
    (".github/actions", ".github/actions/new/action.yml"),
];

/// The code owners of a branch.
#[derive(Clone, Debug)]
pub struct OwnerFacts {
    /// The file's path with its text, if there is one.
    pub file: Option<(String, String)>,
    /// What GitHub finds wrong with it.
    pub errors: Seen<Vec<OwnersError>>,
    /// The files that are there below the folders that need owners.
    pub paths: Vec<String>,
}

/// Something that is wrong with a line of CODEOWNERS.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnersError {
    /// The line, from 1.
    pub line: u64,
    /// What GitHub calls it: `Unknown owner`.
    pub kind: String,
    /// The line's text.
    #[serde(default)]
    pub source: Option<String>,
}

/// The answer to what is wrong.
#[derive(Debug, Deserialize)]
pub struct OwnersErrors {
    /// All errors.
    pub errors: Vec<OwnersError>,
}

/// The code owners of a branch, held against what needs owners.
pub fn examine(place: &ProtectedBranch<'_>, facts: &OwnerFacts) -> Vec<Check> {
    let branch = place.branch;
    let Some((path, text)) = &facts.file else {
        let check = Check::bad("owners/file", format!("{branch} has no CODEOWNERS"))
            .why("GitHub asks nobody in particular for a review of policies and workflows")
            .fix(format!(
                "commit .github/CODEOWNERS to {branch} with the lines `/policies/ @OWNER` and \
                 `/.github/ @OWNER`: `changegate init --github` writes it"
            ));
        return vec![check];
    };
    let mut checks =
        vec![coverage(path, text, &facts.paths, "@OWNER"), without_errors(path, facts)];
    let bad = Check::bad("owners/required", "the review of a code owner isn't required")
        .why(format!("{path} names owners, and nobody has to wait for them"))
        .fix(format!(
            "{}: “Require a pull request before merging”, “Require review from Code Owners”",
            place.page()
        ));
    let good = "what has code owners needs the review of one";
    checks.push(graded("owners/required", place.protection.asks_code_owners(), good, bad));
    checks
}

/// Whether everything that needs owners has some by the file at `path`. `files` are there below
/// [`FOLDERS`]; lines that are missing are to name `owners`.
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
    let found = format!("not all of {} has owners: {} has none", listed(&concerned), orphans[0]);
    Check::bad("owners/paths", found)
        .why("what nobody owns changes without the review of anyone in particular")
        .fix(format!(
            "end {path} with {}; the last line that matches counts",
            listed(&missing_lines(path, &orphans, owners))
        ))
}

/// The lines that give owners to what has none, and change nobody else's.
fn missing_lines(path: &str, orphans: &[&str], owners: &str) -> Vec<String> {
    let is_below = |place: &&str| orphans.iter().any(|path| path.starts_with(&place[1..]));
    let own = format!("/{path}");
    let own = (!OWNED.iter().any(|folder| own.starts_with(folder))).then_some(own.as_str());
    let places = OWNED.into_iter().chain(own).filter(is_below);
    places.map(|place| format!("`{place} {owners}`")).collect()
}

fn without_errors(path: &str, facts: &OwnerFacts) -> Check {
    let code = "owners/errors";
    let errors = match &facts.errors {
        Err(reason) => {
            let found = format!("what GitHub finds wrong with {path} doesn't show");
            return Check::unseen(code, found, reason)
                .fix("look again with a token that has `contents: read`");
        }
        Ok(errors) => errors,
    };
    if errors.is_empty() {
        return Check::good(code, format!("GitHub understands all of {path}"));
    }
    let told: Vec<_> = errors.iter().map(OwnersError::told).collect();
    Check::bad(code, format!("{path} has errors: {}", listed(&told)))
        .why("GitHub passes over such lines, and what they mean to protect has no owner")
        .fix(format!(
            "mend these lines, which {path} in the browser marks: an owner has to be able to write \
             to the repository, and a team to be visible"
        ))
}

impl OwnersError {
    fn told(&self) -> String {
        let source = self.source.as_deref().map(str::trim).unwrap_or_default();
        format!("line {}, {} in `{source}`", self.line, self.kind)
    }
}
