//! Where a repository holds policies, requests and tables, and which of its paths are governed.

/// The folder with the policy bundle.
pub const POLICIES: &str = "policies";

/// The folder with the change requests.
pub const REQUESTS: &str = "requests";

/// The folder with the incident records.
pub const INCIDENTS: &str = "requests/incidents";

/// The folders with the forge's own workflows, which can post results in the checker's name.
const WORKFLOWS: [&str; 2] = [".github/workflows", ".github/actions"];

/// Returns whether a path is below a folder. Both have `/` between their parts.
pub fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns whether a path is that of a change request.
pub fn is_request(path: &str) -> bool {
    is_below(path, REQUESTS) && !is_below(path, INCIDENTS)
}

/// Returns whether a path holds policies, the checker's workflows, or incident records, which allow
/// emergencies.
pub fn is_governance(path: &str) -> bool {
    [POLICIES, INCIDENTS].into_iter().chain(WORKFLOWS).any(|folder| is_below(path, folder))
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
