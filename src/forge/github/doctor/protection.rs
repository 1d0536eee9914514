//! What protects a branch: the rules of rulesets, and classic branch protection beside them.
//!
//! Either is enough. What GitHub leaves out counts as not protected.

#![expect(missing_docs, reason = "GitHub documents its fields")]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ACTIONS, Seen};
use crate::forge::github::snapshot::CONTEXT;
use crate::forge::github::types::User;

/// What protects a branch.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    /// The rules that are active, of whatever ruleset.
    pub rules: Vec<Rule>,
    /// The rulesets that they come from, by id.
    pub rulesets: BTreeMap<u64, Seen<Ruleset>>,
    /// Classic protection; as much as everybody sees where `hidden` says so.
    pub classic: Option<Classic>,
    /// Why classic protection can't be read as a whole, if it can't.
    pub hidden: Option<String>,
}

/// Whether a branch is protected against something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Yes,
    No,
    /// The token may not read it.
    Unseen(String),
}

/// A status check that has to succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    pub context: String,
    /// The App that it has to come from; any, and any person, if there is none.
    pub source: Option<u64>,
}

/// A rule.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Rule {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub parameters: Option<Parameters>,
    #[serde(default)]
    pub ruleset_id: Option<u64>,
}

/// A rule's parameters, of whatever kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    pub required_status_checks: Option<Vec<RuleStatusCheck>>,
    pub strict_required_status_checks_policy: Option<bool>,
    pub dismiss_stale_reviews_on_push: Option<bool>,
    pub require_code_owner_review: Option<bool>,
    pub dismissal_restriction: Option<Switch>,
}

/// A status check in a rule.
#[derive(Clone, Debug, Deserialize)]
pub struct RuleStatusCheck {
    pub context: String,
    #[serde(default)]
    pub integration_id: Option<u64>,
}

/// A ruleset.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ruleset {
    pub name: String,
    /// Shown to those who may change the ruleset.
    pub bypass_actors: Option<Vec<Actor>>,
}

/// Who can bypass a ruleset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Actor {
    pub actor_id: Option<u64>,
    pub actor_type: String,
    pub bypass_mode: String,
}

/// Classic branch protection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Classic {
    pub enabled: Option<bool>,
    pub required_status_checks: Option<ClassicStatusChecks>,
    pub required_pull_request_reviews: Option<ClassicReviews>,
    pub enforce_admins: Option<Switch>,
    pub allow_force_pushes: Option<Switch>,
    pub allow_deletions: Option<Switch>,
}

/// Something that is on or off.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Switch {
    pub enabled: bool,
}

/// The status checks of classic protection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClassicStatusChecks {
    pub strict: Option<bool>,
    pub checks: Option<Vec<ClassicStatusCheck>>,
}

/// A status check of classic protection.
#[derive(Clone, Debug, Deserialize)]
pub struct ClassicStatusCheck {
    pub context: String,
    /// Null, or less than 1, for any.
    #[serde(default)]
    pub app_id: Option<i64>,
}

/// What classic protection says of reviews.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClassicReviews {
    pub dismiss_stale_reviews: Option<bool>,
    pub require_code_owner_reviews: Option<bool>,
    pub dismissal_restrictions: Option<Actors>,
    pub bypass_pull_request_allowances: Option<Actors>,
}

/// People, teams and Apps.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Actors {
    pub users: Vec<User>,
    pub teams: Vec<Slug>,
    pub apps: Vec<Slug>,
}

/// A team or an App, by what its address calls it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Slug {
    #[serde(default)]
    pub slug: String,
}

impl Protection {
    /// The status checks that have to succeed, or why they can't be read.
    pub fn required(&self) -> Seen<Vec<Required>> {
        let mut required = Vec::new();
        for check in self.parameters().flat_map(|it| it.required_status_checks.iter().flatten()) {
            let source = check.integration_id;
            required.push(Required { context: check.context.clone(), source });
        }
        let classic = self.classic.as_ref().and_then(|it| it.required_status_checks.as_ref());
        for check in classic.into_iter().flat_map(|it| it.checks.iter().flatten()) {
            let source = check.app_id.and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
            required.push(Required { context: check.context.clone(), source });
        }
        match (&self.hidden, classic) {
            (Some(why), None) if required.is_empty() => Err(why.clone()),
            _ => Ok(required),
        }
    }

    /// The App that changegate's own status has to come from, where that isn't GitHub Actions.
    pub fn own_app(&self) -> Option<u64> {
        let required = self.required().unwrap_or_default();
        let mut own = required.iter().filter(|it| it.context == CONTEXT);
        own.find_map(|it| it.source.filter(|app| *app != ACTIONS))
    }

    /// Whether a branch has to hold what the base holds before it is merged.
    pub fn is_strict(&self) -> bool {
        let by_classic = |classic: &Classic| {
            classic.required_status_checks.as_ref().is_some_and(|it| it.strict == Some(true))
        };
        self.parameters().any(|it| it.strict_required_status_checks_policy == Some(true))
            || self.is_queued()
            || self.classic.as_ref().is_some_and(by_classic)
    }

    /// Whether a merge queue judges at the last moment.
    pub fn is_queued(&self) -> bool {
        self.has("merge_queue")
    }

    /// Whether only pull requests bring something to the branch.
    pub fn asks_for_pull_requests(&self) -> Held {
        self.held(self.has("pull_request"), |it| it.required_pull_request_reviews.is_some())
    }

    /// Whether its history can't be replaced.
    pub fn blocks_force_pushes(&self) -> Held {
        self.held(self.has("non_fast_forward"), |it| is_off(it.allow_force_pushes))
    }

    /// Whether it can't be deleted.
    pub fn blocks_deletion(&self) -> Held {
        self.held(self.has("deletion"), |it| is_off(it.allow_deletions))
    }

    /// Whether what has code owners needs the review of one.
    pub fn asks_code_owners(&self) -> Held {
        let by_rule = self.parameters().any(|it| it.require_code_owner_review == Some(true));
        self.held(by_rule, |it| {
            reviews(it).is_some_and(|it| it.require_code_owner_reviews == Some(true))
        })
    }

    /// Whether each push dismisses approvals.
    pub fn dismisses_at_push(&self) -> Held {
        let by_rule = self.parameters().any(|it| it.dismiss_stale_reviews_on_push == Some(true));
        self.held(by_rule, |it| {
            reviews(it).is_some_and(|it| it.dismiss_stale_reviews == Some(true))
        })
    }

    /// Whether not everybody who may write may dismiss a review.
    pub fn restricts_dismissal(&self) -> Held {
        let is_on = |it: &Parameters| it.dismissal_restriction.is_some_and(|it| it.enabled);
        self.held(self.parameters().any(is_on), |it| {
            reviews(it).is_some_and(|it| it.dismissal_restrictions.is_some())
        })
    }

    fn held(&self, by_rule: bool, by_classic: impl Fn(&Classic) -> bool) -> Held {
        if by_rule || self.classic.as_ref().is_some_and(by_classic) {
            return Held::Yes;
        }
        self.hidden.clone().map_or(Held::No, Held::Unseen)
    }

    fn has(&self, kind: &str) -> bool {
        self.rules.iter().any(|rule| rule.kind == kind)
    }

    fn parameters(&self) -> impl Iterator<Item = &Parameters> {
        self.rules.iter().filter_map(|rule| rule.parameters.as_ref())
    }
}

fn is_off(switch: Option<Switch>) -> bool {
    switch.is_some_and(|switch| !switch.enabled)
}

fn reviews(classic: &Classic) -> Option<&ClassicReviews> {
    classic.required_pull_request_reviews.as_ref()
}
