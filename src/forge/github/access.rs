//! Who talks to GitHub: the token, or the App whose tokens are asked for, and where GitHub is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::listed;

/// GitHub's own API.
const API: &str = "https://api.github.com";

/// A secret that doesn't print.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Whether the text begins so, which tells the kind of a token.
    pub(super) fn starts_with(&self, beginning: &str) -> bool {
        self.0.starts_with(beginning)
    }

    /// The text, for where it has to go.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// How requests are authenticated.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token: that of a workflow, or somebody's own.
    Token(Secret),
    /// A GitHub App, by its id and private key (PEM).
    App {
        /// The App's id.
        id: u64,
        /// Its private key.
        key: Secret,
    },
}

/// GitHub, and who asks.
#[derive(Clone, Debug)]
pub struct Access {
    /// The API's address, without a slash at the end.
    pub api: String,
    /// Who asks.
    pub credentials: Credentials,
    /// What an App's token is asked for.
    pub reach: Reach,
}

/// What an App's token is asked for: no more than the work takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To judge pull requests and to answer.
    #[default]
    Judging,
    /// To read whatever the installation may read, and to write nothing.
    Looking,
}

/// Something that the App may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// GitHub's name for it.
    pub name: &'static str,
    /// `read`, or `write`, which includes it.
    pub access: &'static str,
    /// What it is for, behind “to”.
    pub purpose: &'static str,
    /// When it takes effect.
    pub need: Need,
}

/// When a permission takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// At every judgement: without it there is none.
    Judging,
    /// At judgements too, where the App has it.
    JudgingIfGranted,
    /// Where somebody only looks.
    Looking,
}

/// Everything that the App has use for; more only gives away more with its key.
pub const PERMISSIONS: [Permission; 6] = {
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
        row("metadata", "read", Judging, "find the repository"),
        row("pull_requests", "write", Judging, "read reviews, comment and ask for reviews"),
        row("members", "read", JudgingIfGranted, "see who is in the teams that the roster names"),
        row("administration", "read", Looking, "see classic protection"),
    ]
};

impl Permission {
    /// What judging can't do without.
    pub fn needed() -> impl Iterator<Item = Permission> {
        PERMISSIONS.into_iter().filter(|it| it.need == Need::Judging)
    }

    /// The same in words: `` `checks: write`, … and `pull_requests: write` ``.
    pub fn all_needed() -> String {
        listed(&Permission::needed().collect::<Vec<_>>())
    }

    /// Whether an App that was granted all this lacks it.
    pub fn is_lacking(&self, granted: &BTreeMap<String, String>) -> bool {
        granted.get(self.name).and_then(|access| rank(access)) < rank(self.access)
    }

    /// Whether the App has use for a permission of this name, as far as this.
    pub fn covers(&self, name: &str, access: &str) -> bool {
        self.name == name && rank(access).is_some_and(|it| Some(it) <= rank(self.access))
    }
}

/// Which of GitHub's words for an access includes which; nothing for one that nobody has heard of.
fn rank(access: &str) -> Option<usize> {
    ["read", "write", "admin"].iter().position(|known| *known == access)
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}: {}`", self.name, self.access)
    }
}

impl Reach {
    /// What a token is asked for, of an App that was granted this.
    pub(super) fn of(
        self,
        granted: &BTreeMap<String, String>,
    ) -> BTreeMap<&'static str, &'static str> {
        let is_granted = |it: &Permission| granted.contains_key(it.name);
        let asked = PERMISSIONS.into_iter().filter(|it| match (self, it.need) {
            (Reach::Judging, Need::Judging) => true,
            (Reach::Judging, Need::Looking) => false,
            (Reach::Judging, Need::JudgingIfGranted) | (Reach::Looking, _) => is_granted(it),
        });
        let access = |it: &Permission| if self == Reach::Looking { "read" } else { it.access };
        asked.map(|it| (it.name, access(&it))).collect()
    }
}

impl Access {
    /// What the environment says, by `variable`: `CHANGEGATE_APP_ID` with `CHANGEGATE_APP_KEY` (the
    /// PEM itself, or the name of its file), else `GITHUB_TOKEN` or `GH_TOKEN`; `GITHUB_API_URL`.
    ///
    /// # Errors
    /// When neither is there, or the key can't be read.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let variable = |name| variable(name).filter(|value| !value.trim().is_empty());
        let api = variable("GITHUB_API_URL").unwrap_or_else(|| API.to_owned());
        let credentials = match variable("CHANGEGATE_APP_ID") {
            Some(id) => {
                let id = id.trim().parse().with_context(|| {
                    format!("CHANGEGATE_APP_ID is a number, and {id:?} is none")
                })?;
                let key = variable("CHANGEGATE_APP_KEY").context(
                    "CHANGEGATE_APP_ID is set, and CHANGEGATE_APP_KEY is not: set it to the \
                     App's private key or to the name of its .pem file",
                )?;
                Credentials::App { id, key: Secret(pem(key)?) }
            }
            None => {
                let token = variable("GITHUB_TOKEN").or_else(|| variable("GH_TOKEN"));
                let Some(token) = token else {
                    bail!(
                        "GitHub has to know who asks: set GITHUB_TOKEN to a token that can read \
                         the repository's pull requests and write its statuses"
                    );
                };
                Credentials::Token(Secret(token.trim().to_owned()))
            }
        };
        let api = api.trim().trim_end_matches('/').to_owned();
        let uri = api.parse::<http::Uri>().ok();
        if !uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("https" | "http"))) {
            bail!("GITHUB_API_URL is an address such as {API}, and {api:?} is none");
        }
        Ok(Access { api, credentials, reach: Reach::default() })
    }

    /// The same for somebody who only looks.
    #[must_use]
    pub fn looking_only(self) -> Self {
        Access { reach: Reach::Looking, ..self }
    }

    /// Whether a GitHub App asks: its answers are check runs, which rules can pin to it.
    pub fn is_app(&self) -> bool {
        matches!(self.credentials, Credentials::App { .. })
    }
}

fn pem(key: String) -> anyhow::Result<String> {
    if key.contains("-----BEGIN") {
        // A line break is often written as `\n` where an environment variable is set.
        return Ok(key.replace("\\n", "\n"));
    }
    std::fs::read_to_string(Path::new(key.trim()))
        .with_context(|| format!("read the App's private key from {}", key.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(permissions: &[(&str, &str)]) -> BTreeMap<String, String> {
        permissions.iter().map(|(name, access)| ((*name).into(), (*access).into())).collect()
    }

    #[test]
    fn a_token_is_asked_for_what_the_work_takes() {
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
        let judging = [&needed[..], &[("members", "read")]].concat();
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
            assert!(error.to_string().contains("is an address such as"), "{api}: {error}");
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
}
