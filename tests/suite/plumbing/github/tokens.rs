//! Who may do what through the API: tokens of people and workflows, the App and what it mints.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::state::State;
use changegate::core::time::Time;

/// What a token may do, by permission: `read` or `write`.
pub type Permissions = BTreeMap<String, String>;

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    pub secret: String,
    /// Whose actions its are.
    pub user: u64,
    pub permissions: Permissions,
    /// The App that acts, if one does: check runs are for Apps alone.
    pub app: Option<u64>,
    /// Ids of the repositories that it is good for; all if left out.
    pub repositories: Option<Vec<u64>>,
    pub expires_at: Option<Time>,
}

/// The App `changegate`, installed on `acme`.
pub struct App {
    pub id: u64,
    pub client_id: &'static str,
    pub slug: &'static str,
    pub installation: u64,
    pub permissions: Permissions,
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum Asker {
    Nobody,
    /// The App itself, by a JWT.
    App,
    Token(Token),
}

/// The longest that a JWT may be good for, and how far clocks may differ, in seconds.
const JWT: (i64, i64) = (600, 60);

/// Bytes of an RSA signature, at least.
const SHORTEST_SIGNATURE: usize = 256;

impl App {
    /// The App with all that it is meant to have.
    pub fn new() -> Self {
        App {
            id: 4242,
            client_id: "Iv23liCHANGEGATE",
            slug: "changegate",
            installation: 7777,
            permissions: permissions(&[
                ("actions", "read"),
                ("administration", "read"),
                ("checks", "write"),
                ("contents", "write"),
                ("deployments", "write"),
                ("issues", "write"),
                ("members", "read"),
                ("metadata", "read"),
                ("pull_requests", "write"),
                ("statuses", "write"),
            ]),
        }
    }
}

/// A permission set.
pub fn permissions(list: &[(&str, &str)]) -> Permissions {
    list.iter().map(|(name, access)| ((*name).to_owned(), (*access).to_owned())).collect()
}

impl Token {
    /// Whether it permits something.
    pub fn permits(&self, name: &str, access: &str) -> bool {
        let given = self.permissions.get(name).map(String::as_str);
        // Every token reads metadata.
        given == Some("write") || given == Some(access) || (name, access) == ("metadata", "read")
    }
}

impl State {
    /// A token by what it says, if it is good now.
    pub fn token(&self, secret: &str) -> Option<&Token> {
        let token = self.tokens.iter().find(|token| token.secret == secret)?;
        token.expires_at.is_none_or(|end| self.now < end).then_some(token)
    }

    /// Who an `Authorization` header stands for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn asker(&self, header: Option<&str>) -> Result<Asker, String> {
        let Some(header) = header else { return Ok(Asker::Nobody) };
        let (scheme, secret) = header.split_once(' ').unwrap_or_default();
        if !["bearer", "token"].contains(&scheme.to_lowercase().as_str()) {
            return Err("Bad credentials".to_owned());
        }
        if secret.matches('.').count() == 2 {
            check_jwt(secret, &self.app).map(|()| Asker::App)
        } else {
            let token = self.token(secret).ok_or("Bad credentials")?;
            Ok(Asker::Token(token.clone()))
        }
    }
}

/// A JWT is in the form that GitHub takes, and says what it has to; its signature isn't verified.
fn check_jwt(jwt: &str, app: &App) -> Result<(), String> {
    let parts: Vec<_> =
        jwt.split('.').filter_map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok()).collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err("A JSON web token could not be decoded".to_owned());
    };
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let (header, claims) = (json(header), json(claims));
    if header["alg"] != "RS256" || signature.len() < SHORTEST_SIGNATURE {
        return Err("A JSON web token could not be decoded".to_owned());
    }
    let issuer = match &claims["iss"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if issuer != app.id.to_string() && issuer != app.client_id {
        return Err("'Issuer' claim ('iss') must be the App's id or client id".to_owned());
    }
    // The App's clock is the machine's, whatever time the test plays in.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let (longest, skew) = JWT;
    match (claims["iat"].as_i64(), claims["exp"].as_i64()) {
        (Some(issued), _) if issued > now + skew => {
            Err("'Issued at' claim ('iat') must be an Integer representing the time that the \
                 assertion was issued"
                .to_owned())
        }
        (Some(issued), Some(end)) if end > now && end <= issued + longest + skew => Ok(()),
        (Some(_), Some(end)) if end > now => {
            Err("'Expiration time' claim ('exp') is too far in the future".to_owned())
        }
        _ => Err("'Expiration time' claim ('exp') must be a numeric value representing the \
                  future time at which the assertion expires"
            .to_owned()),
    }
}
