//! Where a repository holds policies, requests and tables, and which of its paths are governed.

/// The folder with the policy bundle.
pub const POLICIES: &str = "policies";

/// The folder with the templates of standard changes.
pub const TEMPLATES: &str = "policies/templates";

/// The folder with the change requests.
pub const REQUESTS: &str = "requests";

/// The folder with the incident records.
pub const INCIDENTS: &str = "requests/incidents";

/// The workflow that judges pull requests, in a repository on GitHub.
pub const CHECK_WORKFLOW: &str = ".github/workflows/change-check.yml";

/// The paths that rule over what is judged and how it is shown: policies and requests, the forge's
/// own workflows, which can post results in the checker's name, whom the forge asks for a review,
/// and the attributes that can hide a difference.
pub const GOVERNED: [&str; 9] = [
    POLICIES,
    REQUESTS,
    ".github/workflows",
    ".github/actions",
    "CODEOWNERS",
    ".github/CODEOWNERS",
    "docs/CODEOWNERS",
    ".gitattributes",
    ".github/.gitattributes",
];

/// Returns whether a path is below a folder. Both have `/` between their parts.
pub fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns whether a path is that of a change request.
pub fn is_request(path: &str) -> bool {
    is_below(path, REQUESTS) && !is_below(path, INCIDENTS)
}

/// Returns whether a path is governed: whether it is one of those that are, lies below one, or is
/// a file in the place of a folder above one. Case makes no difference, as on some file systems.
pub fn is_governed(path: &str) -> bool {
    let path = path.to_lowercase();
    let is_on_one_way = |governed: &&str| {
        let governed = governed.to_lowercase();
        path.split('/').zip(governed.split('/')).all(|(one, other)| one == other)
    };
    GOVERNED.iter().any(is_on_one_way)
}

/// Returns whether a path is governed, and isn't a request's: policies, workflows, and incident
/// records, which allow emergencies.
pub fn is_governance(path: &str) -> bool {
    let lower = path.to_lowercase();
    let is_in_requests = lower == REQUESTS || is_below(&lower, REQUESTS);
    is_governed(path) && (!is_in_requests || is_below(path, INCIDENTS))
}

/// Returns why people or file systems could confuse a path with another one.
pub fn odd_path(path: &str) -> Option<&'static str> {
    let part_is = |test: fn(&str) -> bool| path.split('/').any(test);
    if !path.is_ascii() || path.contains(|c: char| c.is_control() || c == '\\') {
        Some("the file's path contains characters that aren't plain ASCII")
    } else if part_is(|part| matches!(part, "" | "." | "..") || part.ends_with(['.', ' '])) {
        Some("the file's path isn't plain: a part of it is empty, or ends with a dot or a space")
    } else if part_is(|part| part.to_ascii_lowercase().starts_with(".git")) {
        Some("the file's path leads to Git's own files")
    } else {
        None
    }
}

/// Returns a request's file name without its ending: its id.
pub fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".yaml").unwrap_or(name)
}

/// Returns the usual path of a request with this id.
pub fn request(id: &str) -> String {
    format!("{REQUESTS}/{id}.yaml")
}

/// Returns the path of one of the organisation's tables.
pub fn table(name: &str) -> String {
    format!("{POLICIES}/org/{name}/data.yaml")
}

/// Returns the name of the organisation's table at a path; `None` if there is none.
pub fn table_at(path: &str) -> Option<&str> {
    let path = path.strip_prefix(POLICIES)?.strip_prefix("/org/")?;
    path.strip_suffix("/data.yaml")
}

/// Returns the path of a template of standard changes.
pub fn template(name: &str) -> String {
    format!("{TEMPLATES}/{name}/data.yaml")
}

/// Returns the name of the template at a path; `None` if there is none.
pub fn template_at(path: &str) -> Option<&str> {
    let path = path.strip_prefix(TEMPLATES)?.strip_prefix('/')?;
    path.strip_suffix("/data.yaml").filter(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn governed_paths() {
        for (path, governed, governance) in [
            ("requests/CHG-1.yaml", true, false),
            ("Requests/2026/x", true, false),
            ("requests", true, false),
            ("requests/incidents/INC-001.yaml", true, true),
            ("policies/main/main.rego", true, true),
            ("POLICIES", true, true),
            (".github/workflows/ci.yml", true, true),
            (".GitHub/Actions/x/action.yml", true, true),
            (".github", true, true),
            ("CODEOWNERS", true, true),
            (".github/codeowners", true, true),
            ("docs/CODEOWNERS", true, true),
            ("docs", true, true),
            (".gitattributes", true, true),
            ("docs/README.md", false, false),
            ("policies.md", false, false),
            ("requests-old/x", false, false),
            (".github/dependabot.yml", false, false),
            ("src/CODEOWNERS", false, false),
            ("src/policies/x.rego", false, false),
            ("schemas/settings.schema.json", false, false),
        ] {
            assert_eq!(is_governed(path), governed, "{path}");
            assert_eq!(is_governance(path), governance, "{path}");
        }
    }
}
