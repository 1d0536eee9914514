//! The protection of a branch: the rules of rulesets, and classic branch protection.
//!
//! Either of them is enough. A field that GitHub leaves out counts as not protected.

#![expect(missing_docs, reason = "GitHub documents its fields")]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Seen;
use crate::forge::github::snapshot::CONTEXT;
use crate::forge::github::types::User;

/// The protection of a branch.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    /// The active rules of all rulesets.
    pub rules: Vec<Rule>,
    /// The rulesets that they come from, by id.
    pub rulesets: BTreeMap<u64, Seen<Ruleset>>,
    /// The classic protection; only the part that everybody can see if `hidden` is set.
    pub classic: Option<Classic>,
    /// The reason why the classic protection can't be read completely, if so.
    pub hidden: Option<String>,
}

/// Whether a branch is protected against something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Yes,
    No,
    /// The token isn't allowed to read it, for this reason.
    Unseen(String),
}

/// A status check that has to succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    pub context: String,
    /// The App that the status has to come from; `None` if it may come from anybody.
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

/// The parameters of a rule of any kind.
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
    /// The actors; GitHub shows them only to people who can change the ruleset.
    pub bypass_actors: Option<Vec<Actor>>,
}

/// A role, team, App or person that can bypass a ruleset.
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
    /// The App; null or less than 1 for any.
    #[serde(default)]
    pub app_id: Option<i64>,
}

/// The settings of classic protection for reviews.
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

/// A team or an App, by its name in URLs.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Slug {
    #[serde(default)]
    pub slug: String,
}

impl Protection {
    /// Returns the status checks that have to succeed, or why they can't be read.
    pub fn required(&self) -> Seen<Vec<Required>> {
        let mut required = Vec::new();
        let of_rules = self.parameters().filter_map(|rule| rule.required_status_checks.as_ref());
        for check in of_rules.flatten() {
            let source = check.integration_id;
            required.push(Required { context: check.context.clone(), source });
        }
        let classic =
            self.classic.as_ref().and_then(|classic| classic.required_status_checks.as_ref());
        for check in classic.and_then(|classic| classic.checks.as_ref()).into_iter().flatten() {
            let source = check.app_id.and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
            required.push(Required { context: check.context.clone(), source });
        }
        match (&self.hidden, classic) {
            (Some(why), None) if required.is_empty() => Err(why.clone()),
            _ => Ok(required),
        }
    }

    /// Returns the App that changegate's own status has to come from, unless it is the one for
    /// workflows.
    pub fn own_app(&self, actions: u64) -> Option<u64> {
        let required = self.required().unwrap_or_default();
        let mut own = required.iter().filter(|check| check.context == CONTEXT);
        own.find_map(|check| check.source.filter(|app| *app != actions))
    }

    /// Whether a pull request has to be up to date with its base before it is merged.
    pub fn is_strict(&self) -> Held {
        let is_on = |rule: &Parameters| rule.strict_required_status_checks_policy == Some(true);
        self.held(self.is_queued() || self.parameters().any(is_on), |classic| {
            let checks = classic.required_status_checks.as_ref();
            checks.is_some_and(|checks| checks.strict == Some(true))
        })
    }

    /// Whether pull requests are merged by a merge queue.
    pub fn is_queued(&self) -> bool {
        self.has("merge_queue")
    }

    /// Whether the branch can only be changed by pull requests.
    pub fn asks_for_pull_requests(&self) -> Held {
        self.held(self.has("pull_request"), |classic| reviews(classic).is_some())
    }

    /// Whether the history of the branch is protected from rewriting.
    pub fn blocks_force_pushes(&self) -> Held {
        self.held(self.has("non_fast_forward"), |classic| is_off(classic.allow_force_pushes))
    }

    /// Whether the branch is protected from deletion.
    pub fn blocks_deletion(&self) -> Held {
        self.held(self.has("deletion"), |classic| is_off(classic.allow_deletions))
    }

    /// Whether a file with code owners needs the review of one.
    pub fn asks_code_owners(&self) -> Held {
        let by_rule = self.parameters().any(|rule| rule.require_code_owner_review == Some(true));
        self.held(by_rule, |classic| {
            reviews(classic).is_some_and(|reviews| reviews.require_code_owner_reviews == Some(true))
        })
    }

    /// Whether each push dismisses approvals.
    pub fn dismisses_at_push(&self) -> Held {
        let by_rule =
            self.parameters().any(|rule| rule.dismiss_stale_reviews_on_push == Some(true));
        self.held(by_rule, |classic| {
            reviews(classic).is_some_and(|reviews| reviews.dismiss_stale_reviews == Some(true))
        })
    }

    /// Whether only some of the people with write access can dismiss a review.
    pub fn restricts_dismissal(&self) -> Held {
        let is_on =
            |rule: &Parameters| rule.dismissal_restriction.is_some_and(|switch| switch.enabled);
        self.held(self.parameters().any(is_on), |classic| {
            reviews(classic).is_some_and(|reviews| reviews.dismissal_restrictions.is_some())
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
