//! The roster: people, teams, services, machines and environments.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use ssh_key::{Algorithm, HashAlg, PublicKey};

use super::{Date, Environment, ErrorRateSource, Machine};
use crate::terms::{Level, Login, Name};

/// People, teams, services, machines and environments.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Roster")]
pub struct Roster {
    /// When the data were last reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Date>,
    /// Everyone, by forge login.
    pub people: BTreeMap<Login, Person>,
    /// Teams by name.
    #[serde(default)]
    pub teams: BTreeMap<String, Team>,
    /// Services by name.
    #[serde(default)]
    pub services: BTreeMap<Name, Service>,
    /// The pipelines and servers that execute changes, by name; none has a person's login.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub machines: BTreeMap<Login, Machine>,
    /// The environments that machines may be confined to, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<Name, Environment>,
}

impl Roster {
    /// Returns the services that this person owns.
    pub fn owned_by<'a>(&'a self, login: &'a Login) -> impl Iterator<Item = &'a str> {
        self.services
            .iter()
            .filter(move |(_, service)| service.owners.contains(login))
            .map(|(name, _)| name.as_str())
    }
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The operator level; without one a person can submit, and needs the same approvals as an L1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The team, one of `teams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Roles such as `devops-lead` or `incident-commander`; service owners are listed under
    /// `services`.
    #[serde(default)]
    #[schemars(example = ["devops-lead"])]
    pub roles: Vec<Name>,
    /// Email addresses that map commits to this person.
    #[serde(default)]
    #[schemars(example = ["alice@acme.example"])]
    pub emails: Vec<String>,
    /// The forge's numeric id, as text; on GitHub neither a review nor a level counts without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "103", regex(pattern = "^[0-9]+$"))]
    pub id: Option<String>,
    /// SSH public keys that this person signs with.
    #[serde(default)]
    #[schemars(example = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33",
    ])]
    pub keys: Vec<SigningKey>,
}

/// An SSH public key that somebody signs with. Keys that differ only in their comments are equal.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct SigningKey(PublicKey);

impl SigningKey {
    /// Returns the key.
    pub fn public(&self) -> &PublicKey {
        &self.0
    }

    /// Returns the key's fingerprint as `ssh-keygen -l` shows it, such as `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }
}

impl TryFrom<PublicKey> for SigningKey {
    type Error = String;

    fn try_from(mut key: PublicKey) -> Result<Self, String> {
        if matches!(key.algorithm(), Algorithm::Dsa | Algorithm::Other(_)) {
            return Err(format!("Git can't sign with keys of the kind {}", key.algorithm()));
        }
        if let Some(modulus) = key.key_data().rsa().and_then(|key| key.n.as_positive_bytes())
            && modulus.len() < SHORTEST_RSA / 8
        {
            return Err(format!(
                "an RSA key of {} bits is too short: use one of at least {SHORTEST_RSA}, or make \
                 another with `ssh-keygen -t ed25519`",
                modulus.len() * 8
            ));
        }
        // The comment is free text, so it doesn't identify the key.
        key.set_comment("");
        Ok(SigningKey(key))
    }
}

/// The shortest RSA key whose signatures are verified, in bits.
const SHORTEST_RSA: usize = 2048;

impl FromStr for SigningKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // As ssh reads a file of keys: comments are passed over, and any blanks separate words.
        let mut lines = text.lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let words: Vec<_> = line.unwrap_or_default().split_whitespace().take(2).collect();
        let kind = words.first().copied().unwrap_or_default();
        if kind.contains("-cert-v") {
            return Err(format!(
                "`{kind}` is a certificate, which can't be listed: use the key itself, from the \
                 .pub file without `-cert`"
            ));
        }
        let key: PublicKey = words.join(" ").parse().map_err(|_| {
            format!(
                "`{kind}` is not an SSH public key: write the line of a .pub file, such as \
                 `ssh-ed25519 AAAA…`"
            )
        })?;
        key.try_into()
    }
}

impl TryFrom<Cow<'_, str>> for SigningKey {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

/// Kind and base64, as in a .pub file.
impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_openssh().map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SigningKey> for String {
    fn from(key: SigningKey) -> String {
        key.to_string()
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key_data() == other.0.key_data()
    }
}

impl Eq for SigningKey {}

impl JsonSchema for SigningKey {
    fn schema_name() -> Cow<'static, str> {
        "SigningKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "SSH public key",
            "description": "Kind and base64, as in a .pub file",
            "pattern": "^\\s*(ssh|ecdsa|sk-ssh|sk-ecdsa)-\\S+\\s+AAAA[A-Za-z0-9+/]+=*(\\s.*)?$",
        })
    }
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// The forge's team whose members belong to it, `organisation/team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge_team: Option<ForgeTeam>,
}

/// A forge's team, `organisation/team`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "Cow<str>", into = "String")]
pub struct ForgeTeam {
    /// The organisation that it belongs to.
    pub organisation: String,
    /// The team's name in addresses.
    pub slug: String,
}

impl TryFrom<Cow<'_, str>> for ForgeTeam {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        let is_name = |part: &str| !part.is_empty() && !part.contains(['/', ' ', '@']);
        match text.split_once('/') {
            Some((organisation, slug)) if is_name(organisation) && is_name(slug) => {
                Ok(ForgeTeam { organisation: organisation.to_owned(), slug: slug.to_owned() })
            }
            _ => Err(format!(
                "`{text}` is not a team of the forge: write organisation/team, for example \
                 acme/payments"
            )),
        }
    }
}

impl fmt::Display for ForgeTeam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organisation, self.slug)
    }
}

impl From<ForgeTeam> for String {
    fn from(team: ForgeTeam) -> String {
        team.to_string()
    }
}

impl JsonSchema for ForgeTeam {
    fn schema_name() -> Cow<'static, str> {
        "ForgeTeam".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A forge's team, organisation/team",
            "pattern": "^[^/ @]+/[^/ @]+$",
            "examples": ["acme/payments"],
        })
    }
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The people who sign off for it.
    #[schemars(length(min = 1), example = ["bob", "dan"])]
    pub owners: Vec<Login>,
    /// The team that runs it, one of `teams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Targets that belong to it: an action on one affects the service.
    #[serde(default)]
    #[schemars(example = ["eu-west-1"])]
    pub targets: Vec<Name>,
    /// Addresses that answer 2xx while it is healthy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://checkout.acme.example/healthz"])]
    pub health: Vec<String>,
    /// Its hosts: a request's health checks are asked there alone, private addresses included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["checkout.acme.example"])]
    pub hosts: Vec<String>,
    /// What measures its error rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<ErrorRateSource>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_strictly_and_compared_without_comments() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";
        let read = |text: &str| text.parse::<SigningKey>();
        assert_eq!(read(key), read(&format!("{key} alice@laptop\n")));
        assert_eq!(read(&format!("{key} alice")).unwrap().to_string(), key);
        let blanks = key.replace(' ', " \t ");
        for text in
            [blanks.clone(), format!("  {blanks}\r\n"), format!("# of alice\n\n{key}  a  b\n")]
        {
            assert_eq!(read(&text).unwrap().to_string(), key, "{text:?}");
        }
        for (text, why) in [
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB", "`ssh-ed25519` is not an SSH public key"),
            ("ssh-ed25519", "`ssh-ed25519` is not an SSH public key"),
            ("", "`` is not an SSH public key"),
            (
                "ssh-ed25519-cert-v01@openssh.com AAAA x",
                "`ssh-ed25519-cert-v01@openssh.com` is a cert",
            ),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "`-----BEGIN` is not an SSH public key"),
        ] {
            assert!(read(text).unwrap_err().starts_with(why), "{text}");
        }
    }

    #[test]
    fn a_team_of_the_forge_has_an_organisation() {
        let team = |text: &str| ForgeTeam::try_from(Cow::from(text.to_owned()));
        assert_eq!(team("acme/payments").unwrap().to_string(), "acme/payments");
        for text in ["payments", "@acme/payments", "acme/", "/payments", "acme/a/b", "acme/a b", ""]
        {
            assert!(team(text).unwrap_err().contains("is not a team of the forge"), "{text}");
        }
    }
}
