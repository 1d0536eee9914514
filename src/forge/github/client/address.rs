//! Paths of the API, in which no name reaches beyond its place.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is left as it is in a part of a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where GraphQL is asked.
pub(super) const GRAPHQL: &str = "/graphql";

/// A path from its parts, each encoded, so that no name reaches beyond its place.
pub fn path(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |path, part| path + "/" + &encoded(part))
}

/// Text as it stands in one part of a path, or in a query.
pub fn encoded(text: &str) -> String {
    match text {
        // These would be taken for steps within the path.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, PLAIN).to_string(),
    }
}

/// What of the API's address is a path: `/api/v3` on GHES.
pub(super) fn prefix(api: &str) -> String {
    let uri = api.parse::<http::Uri>().ok();
    uri.map(|uri| uri.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}

/// The API's address without its path, which every request's path has already.
pub(super) fn server(api: &str) -> &str {
    api.trim_end_matches('/').strip_suffix(&prefix(api)).unwrap_or(api)
}

/// A path with the API's own path before it. On GHES, GraphQL stands beside `/api/v3`.
pub(super) fn whole(prefix: &str, path: &str) -> String {
    let prefix = match path {
        GRAPHQL => prefix.strip_suffix("/v3").unwrap_or(prefix),
        _ => prefix,
    };
    format!("{prefix}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_reaches_beyond_its_place() {
        assert_eq!(path(&["repos", "acme", "ops"]), "/repos/acme/ops");
        assert_eq!(path(&["git", "feat#1", "a/b?c=%"]), "/git/feat%231/a%2Fb%3Fc%3D%25");
        assert_eq!(path(&["..", "."]), "/%2E%2E/%2E");
    }

    #[test]
    fn the_api_may_have_a_path() {
        assert_eq!(prefix("https://api.github.com"), "");
        assert_eq!(prefix("https://github.acme.example/api/v3"), "/api/v3");
        assert_eq!(server("https://github.acme.example/api/v3"), "https://github.acme.example");
        assert_eq!(server("https://api.github.com"), "https://api.github.com");
        assert_eq!(whole("/api/v3", "/repos/a/b"), "/api/v3/repos/a/b");
        assert_eq!(whole("/api/v3", GRAPHQL), "/api/graphql");
        assert_eq!(whole("", GRAPHQL), "/graphql");
    }
}
