//! Who pushed to a pull request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::terms::Login;

/// Everyone whom a forge's server saw push to a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(from = "Option<Vec<Pusher>>", into = "Option<Vec<Pusher>>")]
pub enum Pushers {
    /// These people, and perhaps contributors.
    Known(Vec<Pusher>),
    /// The server doesn't say.
    Unknown,
}

impl Pushers {
    /// Returns their logins with the ids of their accounts, as far as they are known.
    pub fn accounts(&self) -> impl Iterator<Item = (&Login, Option<&String>)> {
        let pushers = match self {
            Pushers::Known(pushers) => pushers.as_slice(),
            Pushers::Unknown => &[],
        };
        pushers.iter().map(|pusher| match pusher {
            Pusher::Login(login) => (login, None),
            Pusher::Account { login, id } => (login, Some(id)),
        })
    }

    /// Returns their logins; `None` if they aren't known.
    pub fn known(&self) -> Option<impl Iterator<Item = &Login>> {
        match self {
            Pushers::Known(pushers) => Some(pushers.iter().map(Pusher::login)),
            Pushers::Unknown => None,
        }
    }
}

/// Somebody whom a forge's server saw push.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Pusher {
    /// Their login.
    Login(Login),
    /// Their account.
    Account {
        /// The login.
        login: Login,
        /// The forge's numeric id of the account, as text.
        id: String,
    },
}

impl Pusher {
    /// Returns the login.
    pub fn login(&self) -> &Login {
        match self {
            Pusher::Login(login) | Pusher::Account { login, .. } => login,
        }
    }
}

impl Default for Pushers {
    fn default() -> Self {
        Pushers::Known(Vec::new())
    }
}

impl From<Option<Vec<Pusher>>> for Pushers {
    fn from(pushers: Option<Vec<Pusher>>) -> Self {
        pushers.map_or(Pushers::Unknown, Pushers::Known)
    }
}

impl From<Pushers> for Option<Vec<Pusher>> {
    fn from(pushers: Pushers) -> Self {
        match pushers {
            Pushers::Known(pushers) => Some(pushers),
            Pushers::Unknown => None,
        }
    }
}
