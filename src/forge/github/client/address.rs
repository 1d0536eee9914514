//! Builds API paths in which each name stays a single part of the path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that are percent-encoded in a part of a path or in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path of the GraphQL API.
pub(super) const GRAPHQL: &str = "/graphql";

/// Joins the parts of a path, each encoded, so that no name can add or remove parts.
pub fn path(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |path, part| path + "/" + &encoded(part))
}

/// Encodes text for one part of a path, or for a query.
pub fn encoded(text: &str) -> String {
    match text {
        // Unencoded, these would be steps within the path.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, PLAIN).to_string(),
    }
}

/// Returns the path in the API's address: `/api/v3` on GHES.
pub(super) fn prefix(api: &str) -> String {
    let uri = api.parse::<http::Uri>().ok();
    uri.map(|uri| uri.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}

/// Returns the API's address without its path, which the path of every request includes.
pub(super) fn server(api: &str) -> &str {
    api.trim_end_matches('/').strip_suffix(&prefix(api)).unwrap_or(api)
}

/// Returns the address of the pages and of Git, which belongs to the API's: without its path, and
/// without the `api.` of github.com and of GitHub's other clouds.
pub fn site(api: &str) -> String {
    let server = server(api);
    let (scheme, host) = server.split_once("://").unwrap_or(("https", server));
    format!("{scheme}://{}", host.strip_prefix("api.").unwrap_or(host))
}

/// Returns the whole name of the host in the address of a server's pages, or of a repository as git
/// writes it; empty if there is none.
pub fn host(address: &str) -> String {
    let uri = address.parse::<http::Uri>().ok();
    let short = || Some(address.split_once(':')?.0.rsplit('@').next()?.to_owned());
    let host = uri.as_ref().and_then(http::Uri::host).map(str::to_owned).or_else(short);
    host.filter(|host| !host.contains('/')).unwrap_or_default().to_ascii_lowercase()
}

/// Returns a path after the API's own path. On GHES, GraphQL is beside `/api/v3`, not below it.
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
    fn each_name_stays_one_part() {
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
        for (api, expected) in [
            ("https://api.github.com", "https://github.com"),
            ("https://api.acme.ghe.com", "https://acme.ghe.com"),
            ("https://github.acme.example/api/v3", "https://github.acme.example"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(site(api), expected);
        }
        for (site, expected) in [
            ("https://GitHub.acme.example/", "github.acme.example"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("git@github.acme.example:acme/ops.git", "github.acme.example"),
            ("ssh://git@github.acme.example:22/acme/ops.git", "github.acme.example"),
            ("/srv/a:b/ops.git", ""),
            ("/acme", ""),
        ] {
            assert_eq!(host(site), expected);
        }
        assert_eq!(whole("/api/v3", "/repos/a/b"), "/api/v3/repos/a/b");
        assert_eq!(whole("/api/v3", GRAPHQL), "/api/graphql");
        assert_eq!(whole("", GRAPHQL), "/graphql");
    }
}
