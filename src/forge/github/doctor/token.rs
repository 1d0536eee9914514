//! What the token that asks is, and what can be seen of its power.

use std::collections::BTreeMap;

use super::{Asker, Check, listed};
use crate::forge::github::access::{PERMISSIONS, Permission, Secret};

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An App's installation: a workflow's, or an App of one's own.
    Installation,
    /// A classic personal access token.
    Classic,
    /// A fine-grained personal access token.
    FineGrained,
    /// What a person let a program do, such as `gh`.
    OAuth,
    /// None of those that are known.
    Other,
}

/// What is known of the token.
#[derive(Clone, Debug)]
pub struct TokenFacts {
    /// Its kind.
    pub kind: Kind,
    /// What its owner may do in the repository, where GitHub says so: `push`, `admin`.
    pub permissions: BTreeMap<String, bool>,
    /// What the App's installation may do, where an App asks: `checks` to `write`.
    pub installation: Option<BTreeMap<String, String>>,
}

impl Kind {
    /// By how GitHub lets tokens begin.
    pub fn of(token: &Secret) -> Self {
        const BEGINNINGS: [(&str, Kind); 5] = [
            ("ghs_", Kind::Installation),
            ("ghp_", Kind::Classic),
            ("github_pat_", Kind::FineGrained),
            ("gho_", Kind::OAuth),
            ("ghu_", Kind::OAuth),
        ];
        let known = BEGINNINGS.iter().find(|(beginning, _)| token.starts_with(beginning));
        known.map_or(Kind::Other, |(_, kind)| *kind)
    }

    /// Whose tokens are of this kind.
    pub(super) fn asker(self) -> Asker {
        if self == Kind::Installation { Asker::Judge } else { Asker::Person }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Installation => "a workflow's token",
            Kind::Classic => "a classic personal access token",
            Kind::FineGrained => "a fine-grained personal access token",
            Kind::OAuth => "the token of a program that acts for a person",
            Kind::Other => "a token of a kind that isn't known",
        }
    }
}

/// The token, held against what answering takes.
pub fn examine(token: &TokenFacts) -> Vec<Check> {
    if let Some(permissions) = &token.installation {
        return of_app(permissions);
    }
    let name = token.kind.name();
    let may = |what: &str| token.permissions.get(what).copied();
    let check = match (token.kind, may("push")) {
        (Kind::Installation, _) | (_, None) => {
            let found = format!("it is {name}; what it may write doesn't show");
            Check::unseen("token/permissions", found, "GitHub doesn't say it of such tokens")
                .fix("see `permissions:` in the workflows, which are checked above")
        }
        (_, Some(false)) => Check::advice(
            "token/permissions",
            format!("it is {name}, of somebody who may only read"),
        )
        .why("it is enough to look; statuses can't be posted with it")
        .fix(super::branch::ASK_AN_ADMIN),
        (_, Some(true)) if may("admin") == Some(true) => {
            let found = format!("it is {name}, of somebody who administers the repository");
            Check::good("token/permissions", found)
        }
        (_, Some(true)) => {
            Check::good("token/permissions", format!("it is {name}, of somebody who may write"))
        }
    };
    vec![check]
}

/// An App's installation.
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
            .why("it can't answer, and the required check stays open for ever")
            .fix(format!("{page}: grant that, and accept it where the App is installed"))
    };
    let is_too_much =
        |(name, access): &(&String, &String)| !PERMISSIONS.iter().any(|it| it.covers(name, access));
    let more = permissions.iter().filter(is_too_much);
    let more: Vec<_> = more.map(|(name, access)| format!("`{name}: {access}`")).collect();
    if more.is_empty() {
        return vec![first];
    }
    let advice = Check::advice("token/excess", format!("the App also has {}", listed(&more)))
        .why("whoever gets hold of its key can use all of it")
        .fix(format!("{page}: take that away"));
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
        let needed = Permission::needed().map(|it| (it.name, it.access)).collect::<Vec<_>>();
        assert_eq!(app(&needed), [("token/permissions", Grade::Good)]);
        for (at, (name, access)) in needed.iter().enumerate() {
            let mut without = needed.clone();
            without.remove(at);
            assert_eq!(app(&without), [("token/permissions", Grade::Bad)], "{name}");
            let reading = [&without[..], &[(name, "read")]].concat();
            let grade = if *access == "write" { Grade::Bad } else { Grade::Good };
            assert_eq!(app(&reading), [("token/permissions", grade)], "{name}");
        }
        for more in [("administration", "write"), ("secrets", "read"), ("contents", "write")] {
            let mut granted = needed.clone();
            granted.retain(|(name, _)| *name != more.0);
            granted.push(more);
            let good = ("token/permissions", Grade::Good);
            assert_eq!(app(&granted), [good, ("token/excess", Grade::Advice)], "{more:?}");
        }
        let looking = [&needed[..], &[("administration", "read"), ("members", "read")]].concat();
        assert_eq!(app(&looking).len(), 1);
    }

    #[test]
    fn a_token_is_known_by_its_beginning() {
        assert_eq!(Kind::of(&Secret::new("ghs_1")), Kind::Installation);
        assert_eq!(Kind::of(&Secret::new("github_pat_1")), Kind::FineGrained);
        assert_eq!(Kind::of(&Secret::new("x")), Kind::Other);
    }
}
