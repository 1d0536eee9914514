//! The address of a repository that git goes to, as the settings name it.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The address of another repository: `https://…`, `http://…`, `ssh://…`, `file:///…`, `user@host:path`, or
/// a folder of this machine by its whole path. It is never one that git takes for an option or a program, and
/// holds no password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct RemoteUrl(
    #[schemars(
        regex(
            pattern = r"^((https?|ssh|file)://|/|[A-Za-z0-9_.~%+,=][^:/]*:)[-A-Za-z0-9._~:/@%+,=\[\]]+$"
        ),
        example = "https://git.auditor.example/acme/ledger.git"
    )]
    String,
);

impl RemoteUrl {
    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a short name, by which what comes from there is known apart from what comes from elsewhere.
    pub fn short(&self) -> String {
        Digest::of(self.0.as_bytes()).short()
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RemoteUrl> for String {
    fn from(url: RemoteUrl) -> Self {
        url.0
    }
}

impl TryFrom<Cow<'_, str>> for RemoteUrl {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        match problem(&text) {
            None => Ok(RemoteUrl(text.into_owned())),
            Some(why) => Err(format!(
                "`{text}` {why}: write one such as https://git.auditor.example/acme/ledger.git"
            )),
        }
    }
}

/// Returns why a text can't be an address; `None` if it can.
fn problem(text: &str) -> Option<&'static str> {
    const OTHER: &str = "is not the address of a repository";
    if text.is_empty() {
        return Some("names no repository");
    }
    // What a shell reads otherwise would make a command that names it another one.
    if text.chars().any(|c| !c.is_ascii_alphanumeric() && !"-._~:/@%+,=[]".contains(c)) {
        return Some("holds a blank, or another character than letters, digits and -._~:/@%+,=[]");
    }
    if text.starts_with('-') {
        return Some("would be an option of git's");
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains([':', '/']) => (scheme, rest),
        // What begins with the name of a helper and two colons makes git run a program.
        _ if text.contains("::") => return Some("would make git run a program"),
        _ if text.starts_with('/') => return None,
        _ => {
            let (host, path) = text.split_once(':').unwrap_or_default();
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            let is_plain = is_host(host) && !path.is_empty() && !path.starts_with('-');
            return (!is_plain).then_some(OTHER);
        }
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    match scheme {
        _ if user.contains(':') => Some("holds a password, which everybody could read"),
        _ if user.starts_with('-') || path.is_empty() => Some(OTHER),
        "file" => (!authority.is_empty()).then_some(OTHER),
        "https" | "http" | "ssh" => {
            let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
            (!is_host(name.map_or(host, |(name, _)| name))).then_some(OTHER)
        }
        _ => Some("is reached in a way that isn't https, http, ssh or file"),
    }
}

/// Whether a text can be the name or the number of a host.
fn is_host(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let is_of = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    match inner {
        Some(number) => is_of(number, ":."),
        None => is_of(text, "-._") && !text.starts_with(['-', '.']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_git_only_connects_to() {
        let read = |text: &str| RemoteUrl::try_from(Cow::from(text.to_owned()));
        for good in [
            "https://git.auditor.example/acme/ledger.git",
            "http://127.0.0.1:8080/acme/ledger.git",
            "ssh://git@git.auditor.example:2222/acme/ledger",
            "ssh://[2001:db8::1]/acme/ledger",
            "git@git.auditor.example:acme/ledger.git",
            "auditor:ledger.git",
            "file:///srv/git/ledger.git",
            "/srv/git/ledger.git",
        ] {
            assert_eq!(read(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", "names no repository"),
            (" ", "holds a blank"),
            ("https://a.example/b c", "holds a blank"),
            ("https://a.example/b\nc", "holds a blank"),
            ("https://a.example/`b`", "another character"),
            ("https://a.example/b;c", "another character"),
            ("-uevil", "an option"),
            ("--upload-pack=touch /tmp/x", "holds a blank"),
            ("--upload-pack=evil", "an option"),
            ("ext::sh", "run a program"),
            ("fd::17/x", "run a program"),
            ("ext::https://a.example/b", "run a program"),
            ("https::https://a.example/b", "run a program"),
            ("git://a.example/b", "isn't https, http, ssh or file"),
            ("ftp://a.example/b", "isn't https, http, ssh or file"),
            ("HTTPS://a.example/b", "isn't https, http, ssh or file"),
            ("ssh://-oProxyCommand=evil/b", "is not the address"),
            ("ssh://-x@a.example/b", "is not the address"),
            ("git@-oProxyCommand=evil:b", "is not the address"),
            ("git@a.example:-b", "is not the address"),
            ("https://bob:secret@a.example/b", "holds a password"),
            ("https:///b", "is not the address"),
            ("https://a.example", "is not the address"),
            ("https://a.example/", "is not the address"),
            ("https://[::1/b", "is not the address"),
            ("file://a.example/b", "is not the address"),
            ("../ledger.git", "is not the address"),
            ("origin", "is not the address"),
            ("./a:b", "is not the address"),
        ] {
            let said = read(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_known_apart() {
        let short = |text: &str| RemoteUrl::try_from(Cow::from(text.to_owned())).unwrap().short();
        assert_ne!(short("/srv/one.git"), short("/srv/two.git"));
        assert!(short("/srv/one.git").chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
