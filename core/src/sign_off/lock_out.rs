//! Refuses a change of policies that would leave too few people to decide about the next change.

use std::collections::{BTreeMap, BTreeSet};

use super::Signers;
use crate::decision::Finding;
use crate::evidence::{Contributor, Evidence, ForgeKind, Part, Review, ReviewState};
use crate::input::just_submitted;
use crate::org::Org;
use crate::policy::Requirement;
use crate::terms::{Effect, INCIDENT_COMMANDER, Level, Login, all_of};
use crate::time::Time;

/// Returns a finding for each sign-off that nobody could give any more under the tables `after`,
/// where `before` had enough people: two L3 for the policies themselves, and one person for each
/// level of the matrix, each role that the rules ask for, and each service.
///
/// Nor may `base`, the branch that the change merges into, lose its protection: then nothing could be
/// merged into it any more.
pub fn findings(
    before: &Org,
    after: &Org,
    forge: Option<ForgeKind>,
    base: Option<&str>,
) -> Vec<Finding> {
    let able = |org: &Org, what: &Requirement| -> Vec<String> {
        let excluded = BTreeMap::new();
        let signers = Signers { org, forge, excluded: &excluded, standings: &[], due_at: None };
        signers.eligible(what).map(ToString::to_string).collect()
    };
    let lost = needs(after).into_iter().filter_map(|(needed, what)| {
        let left = able(after, &what);
        let is_new = left.len() < needed && able(before, &what).len() >= needed;
        is_new.then(|| too_few(needed, &what, &left))
    });
    let protects = |org: &Org, base: &str| org.settings.protected_bases.iter().any(|b| b == base);
    let base = base.filter(|base| protects(before, base) && !protects(after, base));
    lost.chain(base.map(unprotected)).collect()
}

/// Returns the facts about a change of policies by `author` that everybody else in the roster approves.
pub fn approved_by_all(org: &Org, author: &Login, now: Time) -> Evidence {
    let head = "0".repeat(40);
    let others = org.roster.people.keys().filter(|login| *login != author);
    let reviews = others.map(|login| Review {
        id: login.to_string(),
        user: Some(login.clone()),
        user_id: None,
        bot: false,
        state: ReviewState::Approved,
        commit: Some(head.clone()),
        submitted_at: now,
        material: None,
        dismissed: None,
        unproven: None,
    });
    let mut pull_request = just_submitted(None, now);
    pull_request.author = Some(author.clone());
    pull_request.contributors = vec![Contributor {
        login: Some(author.clone()),
        id: None,
        email: None,
        parts: vec![Part::Author],
        unproven: None,
    }];
    let reviews = reviews.collect();
    pull_request.head = Some(head);
    Evidence { pull_request: Some(pull_request), reviews, ..Evidence::default() }
}

/// Returns how many people are needed for what.
fn needs(org: &Org) -> Vec<(usize, Requirement)> {
    let rows = org.matrix.entries.values().flat_map(|tier| tier.values());
    let levels: BTreeSet<Level> =
        rows.filter_map(|row| row.levels().iter().min()).copied().collect();
    let of_level = |level| Requirement::Level { any_of: vec![level], or_users: Vec::new() };
    let mut needs = vec![(2, of_level(Level::L3))];
    needs.extend(levels.into_iter().map(|level| (1, of_level(level))));
    needs.push((1, Requirement::Role { role: "devops-lead".to_owned() }));
    needs.push((1, Requirement::Role { role: INCIDENT_COMMANDER.to_owned() }));
    let services = org.roster.services.keys().map(ToString::to_string);
    needs.extend(services.map(|service| (1, Requirement::Owner { service })));
    needs
}

fn too_few(needed: usize, what: &Requirement, left: &[String]) -> Finding {
    let left = if left.is_empty() { "nobody".to_owned() } else { all_of(left) };
    let are = if needed == 1 { "is" } else { "are" };
    finding(
        format!("after this change {left} could sign as {what}, but {needed} {are} needed"),
        "name somebody else who can, in the same change".to_owned(),
    )
}

fn unprotected(base: &str) -> Finding {
    finding(
        format!(
            "after this change the settings wouldn't protect {base}, and nothing could be merged"
        ),
        format!("keep {base} in `protected_bases`"),
    )
}

fn finding(message: String, help: String) -> Finding {
    Finding {
        code: "policy/lock-out".to_owned(),
        effect: Effect::Deny,
        message,
        help: Some(help),
        pointer: None,
        line: None,
        column: None,
        controls: Vec::new(),
        span: None,
    }
}
