//! Checks the token itself: its kind, and its permissions as far as they are visible.

use std::collections::BTreeMap;

use super::{Asker, Check, Seen, listed};
use crate::forge::github::access::{PERMISSIONS, Permission, TokenKind};

/// What is known about the token.
#[derive(Clone, Debug)]
pub struct TokenFacts {
    /// The kind of the token.
    pub kind: TokenKind,
    /// The permissions of its owner in the repository, if GitHub shows them: `push`, `admin`.
    pub permissions: BTreeMap<String, bool>,
    /// The permissions of the App's installation, if it is an App: `checks` to `write`.
    pub installation: Option<BTreeMap<String, String>>,
    /// Whether GitHub shows who pushed to the repository, or why it doesn't.
    pub pushes: Seen<bool>,
}

impl TokenFacts {
    /// Returns who uses tokens of this kind.
    pub(super) fn asker(&self) -> Asker {
        if self.kind == TokenKind::Installation { Asker::Judge } else { Asker::Person }
    }
}

/// Compares the token with what is needed to publish decisions.
pub fn examine(token: &TokenFacts) -> Vec<Check> {
    let mut checks = match &token.installation {
        Some(permissions) => of_app(permissions),
        None => vec![of_other(token)],
    };
    checks.push(pushes(&token.pushes));
    checks
}

/// Checks whether GitHub shows who pushed.
fn pushes(shown: &Seen<bool>) -> Check {
    let code = "token/pushes";
    let reason = match shown {
        Ok(true) => return Check::good(code, "GitHub shows who pushed to the repository"),
        Ok(false) => "",
        Err(reason) => reason,
    };
    let found = "GitHub doesn't show who pushed to the repository";
    let found = if reason.is_empty() { found.to_owned() } else { format!("{found}: {reason}") };
    Check::bad(code, found)
        .why(
            "the person who pushed may be the one who approves, so each change that needs a review stays \
             pending unless all of its commits are signed",
        )
        .fix(
            "give the token `contents: read`; if the server doesn't record pushes, have every \
             commit signed by its author",
        )
}

/// Checks the token of a workflow or a person.
fn of_other(token: &TokenFacts) -> Check {
    let name = token.kind.name();
    let may = |what: &str| token.permissions.get(what).copied();
    match (token.kind, may("push")) {
        (TokenKind::Installation, _) | (_, None) => {
            let found = format!("it is {name}; its write permissions aren't visible");
            Check::unseen("token/permissions", found, "GitHub doesn't show them for such tokens")
                .fix("see `permissions:` in the workflows, which are checked above")
        }
        (_, Some(false)) => Check::advice(
            "token/permissions",
            format!("it is {name}, of somebody with only read access"),
        )
        .why("this is enough to read, but statuses can't be posted with it")
        .fix(super::ASK_AN_ADMIN),
        (_, Some(true)) if may("admin") == Some(true) => {
            let found = format!("it is {name}, of somebody who administers the repository");
            Check::good("token/permissions", found)
        }
        (_, Some(true)) => {
            Check::good("token/permissions", format!("it is {name}, of somebody with write access"))
        }
    }
}

/// Checks the permissions of an App's installation.
fn of_app(permissions: &BTreeMap<String, String>) -> Vec<Check> {
    let lacking = Permission::needed().filter(|needed| needed.is_lacking(permissions));
    let lacking: Vec<_> =
        lacking.map(|needed| format!("{needed} (to {})", needed.purpose)).collect();
    let code = "token/permissions";
    let page = "the App's settings → Permissions & events";
    let first = if lacking.is_empty() {
        Check::good(code, "the App can read the repository and post check runs and comments")
    } else {
        Check::bad(code, format!("the App lacks {}", listed(&lacking)))
            .why("it can't publish its decisions, so the required check never completes")
            .fix(format!("{page}: grant that, and accept it in the installation"))
    };
    let is_needed =
        |name: &str, access: &str| PERMISSIONS.iter().any(|known| known.covers(name, access));
    let excess = permissions.iter().filter(|(name, access)| !is_needed(name, access));
    let excess: Vec<_> = excess.map(|(name, access)| format!("`{name}: {access}`")).collect();
    if excess.is_empty() {
        return vec![first];
    }
    let advice = Check::advice("token/excess", format!("the App also has {}", listed(&excess)))
        .why("anyone who gets its key can use all of that")
        .fix(format!("{page}: remove that"));
    vec![first, advice]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::github::doctor::Grade;

    fn app(permissions: &[(&str, &str)]) -> Vec<(&'static str, Grade)> {
        let permissions = permissions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let permissions = permissions.collect();
        of_app(&permissions).into_iter().map(|check| (check.code, check.grade)).collect()
    }

    #[test]
    fn an_app_has_what_it_needs_and_no_more() {
        let needed: Vec<_> = Permission::needed().map(|known| (known.name, known.access)).collect();
        assert_eq!(app(&needed), [("token/permissions", Grade::Good)]);
        for (at, (name, access)) in needed.iter().enumerate() {
            let mut without = needed.clone();
            without.remove(at);
            assert_eq!(app(&without), [("token/permissions", Grade::Bad)], "{name}");
            let reading = [&without[..], &[(name, "read")]].concat();
            let grade = if *access == "write" { Grade::Bad } else { Grade::Good };
            assert_eq!(app(&reading), [("token/permissions", grade)], "{name}");
        }
        for more in [("administration", "write"), ("secrets", "read"), ("actions", "read")] {
            let mut granted = needed.clone();
            granted.retain(|(name, _)| *name != more.0);
            granted.push(more);
            let good = ("token/permissions", Grade::Good);
            assert_eq!(app(&granted), [good, ("token/excess", Grade::Advice)], "{more:?}");
        }
        let looking = [&needed[..], &[("administration", "read"), ("members", "read")]].concat();
        assert_eq!(app(&looking).len(), 1);
    }
}
