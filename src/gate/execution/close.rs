//! When a change is closed without a word of anybody's.

use std::collections::BTreeSet;

use crate::core::decision::Decision;
use crate::core::operations::life::Life;
use crate::core::org::Org;
use crate::core::request::{Action, ChangeRequest};
use crate::core::terms::RiskTier;

/// Whether a change of which these steps are done needs nothing more: it only reads, so that it needs no
/// verification, and all of it is done.
pub fn needs_nothing_more(
    request: &ChangeRequest,
    org: &Org,
    life: &Life,
    done: &BTreeSet<u32>,
) -> bool {
    let reads = |action: &Action| {
        let name = action.action.as_ref().map(|name| name.as_str());
        name.and_then(|name| org.actions.entries.get(name)).is_some_and(|entry| entry.read_only)
    };
    let all = 1..=u32::try_from(request.actions.len()).unwrap_or(u32::MAX);
    life.executions.iter().all(|it| it.begin.what.tier == RiskTier::Low)
        && request.off_script.is_none()
        && request.actions.iter().all(reads)
        && all.into_iter().all(|step| done.contains(&step))
}

/// Whether the settings let a change be closed as successful without a person saying so, if the rules
/// approve that.
pub fn may_close_by_itself(decision: &Decision, org: &Org, life: &Life) -> bool {
    let begun = life.executions.iter().map(|it| it.begin.what.tier);
    let tier = decision.tier.into_iter().chain(begun).max();
    tier.is_some_and(|tier| org.settings.outcome.close.contains(&tier))
}
