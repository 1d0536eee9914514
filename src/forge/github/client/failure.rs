//! Why GitHub didn't do or tell something.

use http::Method;

use crate::forge::github::access::Permission;

/// Why something wasn't done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// GitHub says no.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Nobody knows whether it took effect.
    #[error("{0:#}")]
    Unclear(anyhow::Error),
}

/// GitHub's no.
#[derive(Debug, thiserror::Error)]
#[error("GitHub answers {method} {path} with {status}: {message}{}", hint(*.status, .method, .message))]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The request's method.
    pub method: Method,
    /// The request's path.
    pub path: String,
    /// What GitHub says.
    pub message: String,
}

fn hint(status: u16, method: &Method, message: &str) -> String {
    match status {
        401 => {
            " (the token isn't valid, or has expired: give a new one in GITHUB_TOKEN)".to_owned()
        }
        403 if *method != Method::GET => format!(
            " (the token may not write this: a workflow needs `pull-requests: write` and \
             `statuses: write`, for a form `issues: write`; an App needs {})",
            Permission::all_needed()
        ),
        403 => " (the token may not read this)".to_owned(),
        422 if message.contains("maximum number of statuses") => {
            " (GitHub keeps no more than 1000 on a commit: push another one, which may be empty)"
                .to_owned()
        }
        404 => " (there is no such thing, or the token may not see it)".to_owned(),
        _ => String::new(),
    }
}

/// Whether an error says that GitHub shows nothing there.
pub fn is_hidden(error: &anyhow::Error) -> bool {
    status_of(error).is_some_and(|status| matches!(status, 404 | 410))
}

/// The HTTP status behind an error.
pub fn status_of(error: &anyhow::Error) -> Option<u16> {
    error.downcast_ref::<Refusal>().map(|refusal| refusal.status)
}

/// What caused an error in the end, in one line: which of this program's layers it came through helps
/// nobody.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push(error.to_string());
        cause = error.source();
    }
    let [.., before, last] = &said[..] else { return said.concat() };
    if before.contains(last) { before.clone() } else { format!("{before}: {last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_takes_no_more_statuses_is_to_be_followed_by_another() {
        let message =
            "Validation Failed: This SHA and context has reached the maximum number of statuses.";
        let (path, message) = ("/repos/acme/ops/statuses/4f0c".to_owned(), message.to_owned());
        let refusal = Refusal { status: 422, method: Method::POST, path, message };
        assert!(
            refusal.to_string().ends_with("push another one, which may be empty)"),
            "{refusal}"
        );
    }
}
