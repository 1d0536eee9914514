//! The failures of requests to GitHub.

use http::Method;

use crate::forge::github::access::Permission;

/// The failure of a request that writes.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// GitHub refused the request.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// It is unknown whether the request took effect.
    #[error("{0:#}")]
    Unclear(anyhow::Error),
}

/// A refusal by GitHub.
#[derive(Debug, thiserror::Error)]
#[error("GitHub answered {method} {path} with {status}: {message}{}", hint(*.status, .method, .message))]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The request's method.
    pub method: Method,
    /// The request's path.
    pub path: String,
    /// GitHub's message.
    pub message: String,
}

fn hint(status: u16, method: &Method, message: &str) -> String {
    match status {
        401 => " (the token isn't valid or has expired: set GITHUB_TOKEN to a new one)".to_owned(),
        403 if *method != Method::GET => format!(
            " (the token isn't allowed to write this: a workflow needs `pull-requests: write` and \
             `statuses: write`, and for a form `issues: write`; an App needs {})",
            Permission::all_needed()
        ),
        403 => " (the token isn't allowed to read this)".to_owned(),
        422 if message.contains("maximum number of statuses") => {
            " (GitHub keeps at most 1000 on a commit: push another commit, which may be empty)"
                .to_owned()
        }
        404 => " (it doesn't exist, or the token isn't allowed to see it)".to_owned(),
        _ => String::new(),
    }
}

/// Whether an error means that GitHub has or shows nothing at a path.
pub fn is_hidden(error: &anyhow::Error) -> bool {
    status_of(error).is_some_and(|status| matches!(status, 404 | 410))
}

/// Returns the HTTP status behind an error, if GitHub refused the request.
pub fn status_of(error: &anyhow::Error) -> Option<u16> {
    error.downcast_ref::<Refusal>().map(|refusal| refusal.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_for_too_many_statuses_is_another_commit() {
        let message =
            "Validation Failed: This SHA and context has reached the maximum number of statuses.";
        let (path, message) = ("/repos/acme/ops/statuses/4f0c".to_owned(), message.to_owned());
        let refusal = Refusal { status: 422, method: Method::POST, path, message };
        assert!(
            refusal.to_string().ends_with("push another commit, which may be empty)"),
            "{refusal}"
        );
    }
}
