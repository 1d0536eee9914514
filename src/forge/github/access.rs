//! Access to GitHub: the address of its API, and a token or an App that gets tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::listed;
use crate::files;

/// The address of the API on github.com.
pub(super) const API: &str = "https://api.github.com";

/// A secret that debug output doesn't show.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text of a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Whether the text has this prefix, which shows the kind of a token.
    pub(super) fn starts_with(&self, prefix: &str) -> bool {
        self.0.starts_with(prefix)
    }

    /// Returns the text, to send it where it belongs.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The token of an App's installation: a workflow's, or that of your own App.
    Installation,
    /// A classic personal access token.
    Classic,
    /// A fine-grained personal access token.
    FineGrained,
    /// The token of a program that acts for a person, such as `gh`.
    OAuth,
    /// A token of an unknown kind.
    Other,
}

impl TokenKind {
    /// Recognises the kind by the prefix of the token.
    pub fn of(token: &Secret) -> Self {
        const PREFIXES: [(&str, TokenKind); 5] = [
            ("ghs_", TokenKind::Installation),
            ("ghp_", TokenKind::Classic),
            ("github_pat_", TokenKind::FineGrained),
            ("gho_", TokenKind::OAuth),
            ("ghu_", TokenKind::OAuth),
        ];
        let known = PREFIXES.iter().find(|(prefix, _)| token.starts_with(prefix));
        known.map_or(TokenKind::Other, |(_, kind)| *kind)
    }

    /// Returns the kind in words.
    pub fn name(self) -> &'static str {
        match self {
            TokenKind::Installation => "a workflow's token",
            TokenKind::Classic => "a classic personal access token",
            TokenKind::FineGrained => "a fine-grained personal access token",
            TokenKind::OAuth => "the token of a program that acts for a person",
            TokenKind::Other => "a token of an unknown kind",
        }
    }
}

/// How requests are authenticated.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token: that of a workflow, or a person's own.
    Token(Secret),
    /// A GitHub App, by its id and its private key in PEM form.
    App {
        /// The App's id.
        id: u64,
        /// The App's private key.
        key: Secret,
    },
}

/// The address of GitHub's API, and the credentials for it.
#[derive(Clone, Debug)]
pub struct Access {
    /// The API's address, without a slash at the end.
    pub api: String,
    /// The credentials.
    pub credentials: Credentials,
    /// The permissions that an App's token gets.
    pub reach: Reach,
}

/// The permissions that an App's token gets: no more than the work needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Permissions to judge pull requests and to publish the decisions.
    #[default]
    Judging,
    /// Permissions to read everything that the installation may read, and to write nothing.
    Looking,
}

/// A permission that the App can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// GitHub's name for the permission.
    pub name: &'static str,
    /// `read`, or `write`, which includes it.
    pub access: &'static str,
    /// The purpose, as words that follow “to”.
    pub purpose: &'static str,
    /// When the permission is used.
    pub need: Need,
}

/// When a permission is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Needed for every decision.
    Judging,
    /// Used for every decision, if the App was granted it.
    JudgingIfGranted,
    /// Used only to look, as `changegate doctor` does.
    Looking,
}

/// All permissions that the App needs. Any other only makes a stolen key more dangerous.
pub const PERMISSIONS: [Permission; 7] = {
    use Need::{Judging, JudgingIfGranted, Looking};
    const fn row(
        name: &'static str,
        access: &'static str,
        need: Need,
        purpose: &'static str,
    ) -> Permission {
        Permission { name, access, purpose, need }
    }
    [
        row("checks", "write", Judging, "post its answers"),
        row("contents", "read", Judging, "read policies and requests"),
        row(
            "contents",
            "write",
            JudgingIfGranted,
            "record what is decided, if the settings say so",
        ),
        row("metadata", "read", Judging, "find the repository"),
        row("pull_requests", "write", Judging, "read reviews, comment and ask for reviews"),
        row("members", "read", JudgingIfGranted, "see who is in the teams that the roster names"),
        row("administration", "read", Looking, "see classic protection"),
    ]
};

impl Permission {
    /// Returns the permissions without which nothing can be judged.
    pub fn needed() -> impl Iterator<Item = Permission> {
        PERMISSIONS.into_iter().filter(|permission| permission.need == Need::Judging)
    }

    /// Returns [`Permission::needed`] in words: `` `checks: write`, … and `pull_requests: write`
    /// ``.
    pub fn all_needed() -> String {
        listed(&Permission::needed().collect::<Vec<_>>())
    }

    /// Whether an App with these granted permissions lacks this one.
    pub fn is_lacking(&self, granted: &BTreeMap<String, String>) -> bool {
        granted.get(self.name).and_then(|access| rank(access)) < rank(self.access)
    }

    /// Whether this permission includes one with the given name and access.
    pub fn covers(&self, name: &str, access: &str) -> bool {
        self.name == name && rank(access).is_some_and(|rank_of| Some(rank_of) <= rank(self.access))
    }
}

/// Returns the rank of an access, which includes those of lower rank; `None` if it is unknown.
fn rank(access: &str) -> Option<usize> {
    ["read", "write", "admin"].iter().position(|known| *known == access)
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}: {}`", self.name, self.access)
    }
}

impl Reach {
    /// Returns the permissions to request for a token of an App with these granted permissions.
    pub(super) fn of(
        self,
        granted: &BTreeMap<String, String>,
    ) -> BTreeMap<&'static str, &'static str> {
        let is_granted = |permission: &Permission| match self {
            Reach::Judging => !permission.is_lacking(granted),
            Reach::Looking => granted.contains_key(permission.name),
        };
        let requested =
            PERMISSIONS.into_iter().filter(|permission| match (self, permission.need) {
                (Reach::Judging, Need::Judging) => true,
                (Reach::Judging, Need::Looking) => false,
                (Reach::Judging, Need::JudgingIfGranted) | (Reach::Looking, _) => {
                    is_granted(permission)
                }
            });
        requested
            .map(|Permission { name, access, .. }| {
                (name, if self == Reach::Looking { "read" } else { access })
            })
            .collect()
    }
}

impl Access {
    /// Reads the access from the environment.
    ///
    /// The credentials are `CHANGEGATE_APP_ID` with `CHANGEGATE_APP_KEY` (the PEM itself, or the
    /// path of its file), or else `GITHUB_TOKEN` or `GH_TOKEN`. The address is `GITHUB_API_URL`.
    ///
    /// # Errors
    /// When no credentials are set, the key can't be read, or a value isn't valid.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let variable = |name| variable(name).filter(|value| !value.trim().is_empty());
        let api = variable("GITHUB_API_URL").unwrap_or_else(|| API.to_owned());
        let credentials = match variable("CHANGEGATE_APP_ID") {
            Some(id) => {
                let id = id.trim().parse().with_context(|| {
                    format!("CHANGEGATE_APP_ID is {id:?}, which is not a number")
                })?;
                let key = variable("CHANGEGATE_APP_KEY").context(
                    "CHANGEGATE_APP_ID is set, but CHANGEGATE_APP_KEY is not: set it to the App's \
                     private key or to the path of its .pem file",
                )?;
                Credentials::App { id, key: Secret(pem(key, "the App's private key")?) }
            }
            None => {
                let token = variable("GITHUB_TOKEN").or_else(|| variable("GH_TOKEN"));
                let Some(token) = token else {
                    bail!(
                        "there are no credentials for GitHub: set GITHUB_TOKEN to a token that can \
                         read the repository's pull requests and write its statuses"
                    );
                };
                Credentials::Token(Secret(token.trim().to_owned()))
            }
        };
        let api = api.trim().trim_end_matches('/').to_owned();
        let uri = api.parse::<http::Uri>().ok();
        if !uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("https" | "http"))) {
            bail!("GITHUB_API_URL is {api:?}, which is not a valid address such as {API}");
        }
        Ok(Access { api, credentials, reach: Reach::default() })
    }

    /// Limits the access to reading.
    #[must_use]
    pub fn looking_only(self) -> Self {
        Access { reach: Reach::Looking, ..self }
    }

    /// Whether the credentials are those of a GitHub App. It answers with check runs, which rules
    /// can require to come from this App.
    pub fn is_app(&self) -> bool {
        matches!(self.credentials, Credentials::App { .. })
    }
}

/// Returns a key that is given itself or by the path of its file.
pub(super) fn pem(key: String, what: &str) -> anyhow::Result<String> {
    if key.contains("-----BEGIN") {
        // A line break is often written as `\n` where an environment variable is set.
        return Ok(Zeroizing::new(key).replace("\\n", "\n"));
    }
    let bytes =
        files::read(Path::new(key.trim())).with_context(|| format!("cannot read {what}"))?;
    String::from_utf8(bytes).with_context(|| format!("{} holds no key", key.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(permissions: &[(&str, &str)]) -> BTreeMap<String, String> {
        permissions.iter().map(|(name, access)| ((*name).into(), (*access).into())).collect()
    }

    #[test]
    fn a_token_gets_the_permissions_that_the_work_needs() {
        let needed = [
            ("checks", "write"),
            ("contents", "read"),
            ("metadata", "read"),
            ("pull_requests", "write"),
        ];
        assert_eq!(Reach::Judging.of(&granted(&[])), BTreeMap::from(needed));
        assert_eq!(Reach::Looking.of(&granted(&[])), BTreeMap::new());
        let all = granted(&[
            ("administration", "write"),
            ("contents", "write"),
            ("members", "read"),
            ("secrets", "write"),
        ]);
        let judging = [&needed[..], &[("contents", "write"), ("members", "read")]].concat();
        assert_eq!(Reach::Judging.of(&all), judging.into_iter().collect());
        let looking = ["administration", "contents", "members"].map(|name| (name, "read"));
        assert_eq!(Reach::Looking.of(&all), BTreeMap::from(looking));
    }

    fn access(variables: &[(&str, &str)]) -> anyhow::Result<Access> {
        Access::from_environment(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_token_never_prints() {
        let access = access(&[("GITHUB_TOKEN", "ghs_verysecret\n")]).unwrap();
        assert!(!format!("{access:?}").contains("verysecret"));
        assert!(
            matches!(&access.credentials, Credentials::Token(token) if token.reveal() == "ghs_verysecret")
        );
        assert_eq!(access.api, API);
    }

    #[test]
    fn an_api_has_an_address() {
        for api in ["nonsense", "github.com/api", "ftp://github.com", "https://", "/api/v3"] {
            let error = access(&[("GITHUB_TOKEN", "x"), ("GITHUB_API_URL", api)]).unwrap_err();
            assert!(error.to_string().contains("is not a valid address such as"), "{api}: {error}");
        }
        let own = access(&[("GITHUB_TOKEN", "x"), ("GITHUB_API_URL", "https://a.b/api/v3/ ")]);
        assert_eq!(own.unwrap().api, "https://a.b/api/v3");
    }

    #[test]
    fn an_app_needs_its_key() {
        let error = access(&[("CHANGEGATE_APP_ID", "7")]).unwrap_err();
        assert!(error.to_string().contains("CHANGEGATE_APP_KEY"), "{error}");
        let key = "-----BEGIN RSA PRIVATE KEY-----\\nMII\\n-----END RSA PRIVATE KEY-----";
        let variables = [("CHANGEGATE_APP_ID", "7"), ("CHANGEGATE_APP_KEY", key)];
        let access = access(&variables).unwrap();
        assert!(access.is_app());
        assert!(!format!("{access:?}").contains("MII"));
        assert!(self::access(&[]).unwrap_err().to_string().contains("GITHUB_TOKEN"));
    }

    #[test]
    fn a_token_is_known_by_its_prefix() {
        assert_eq!(TokenKind::of(&Secret::new("ghs_1")), TokenKind::Installation);
        assert_eq!(TokenKind::of(&Secret::new("github_pat_1")), TokenKind::FineGrained);
        assert_eq!(TokenKind::of(&Secret::new("x")), TokenKind::Other);
    }
}
