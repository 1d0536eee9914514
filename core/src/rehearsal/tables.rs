//! Samples at the edges of the organisation's tables of time. Where one table is looser than another,
//! one of the samples of both is decided differently.

use serde_json::{Value, json};

use super::{ID, Sample, actions, people, request, reviews};
use crate::calendar::Calendar;
use crate::layout;
use crate::org::Org;
use crate::terms::{Name, RiskTier};
use crate::time::{Duration, Interval, Time};

const HOUR: Duration = Duration::hours(1);

/// Returns changes that take up all of a window, the highest tier on each of its days and every tier
/// on one of them; changes within each freeze, at its beginning and at its end, and just after it; and
/// one whose approval is about to end.
pub(super) fn of_the_tables(org: &Org, now: Time) -> Vec<Sample> {
    let calendar = Calendar::new(&org.windows, &org.freezes);
    let mut planned = Vec::new();
    for (_, window) in calendar.windows() {
        let openings = calendar.openings_of(window, now, Duration::seconds(0));
        let whole = openings.filter(|opening| opening.start > now).take(window.begins_on().len());
        let highest = window.tiers.iter().max();
        for (day, opening) in whole.enumerate() {
            let tiers = window.tiers.iter().filter(|tier| day == 0 || Some(*tier) == highest);
            planned.extend(tiers.map(|tier| (*tier, opening)));
        }
    }
    let approved = planned.iter().copied().max_by_key(|(tier, _)| *tier);
    let sample = |(tier, planned): (RiskTier, Interval), service: Option<&Name>| {
        let [start, end] = [planned.start, planned.end].map(|at| at.for_people(Some(now)));
        let of = service.map(|service| format!(" to {service}")).unwrap_or_default();
        let name = format!("a change{of} of {tier} risk from {start} to {end} UTC");
        let mut request = at(org, now, tier, planned);
        if let Some(service) = service {
            request["impact"]["services"] = json!([service]);
            // One that no other service has.
            let target = org.roster.services.get(service).and_then(|it| it.targets.first());
            request["actions"][0]["target"] = json!(target.unwrap_or(service));
        }
        Sample::new(name, &request, json!({}))
    };
    let mut frozen = Vec::new();
    for freeze in calendar.freezes_after(now + HOUR) {
        let start = freeze.start.max(now + HOUR);
        let hour = |start| (RiskTier::Medium, Interval { start, end: start + HOUR });
        planned.extend([start, start.max(freeze.end - HOUR), freeze.end].map(hour));
        // It may be for some services only.
        let services = org.roster.services.keys();
        frozen.extend(services.map(|service| sample(hour(start), Some(service))));
    }
    let approved = approved.map(|(tier, planned)| {
        let valid_for = org.settings.approval_valid_for;
        let name = format!("a change of {tier} risk that was approved nearly {valid_for} ago");
        let evidence = evidence(org, now - valid_for + Duration::seconds(60));
        Sample::new(name, &at(org, now, tier, planned), evidence)
    });
    planned.into_iter().map(|planned| sample(planned, None)).chain(frozen).chain(approved).collect()
}

/// Returns a request for a change of a tier at this time.
fn at(org: &Org, now: Time, tier: RiskTier, planned: Interval) -> Value {
    let parts = json!({
        "actions": actions(org, tier),
        "schedule": {"start": planned.start, "end": planned.end},
    });
    request(org, now, &[parts])
}

/// Returns the evidence of a pull request that everybody in the roster approved at once.
fn evidence(org: &Org, at: Time) -> Value {
    let author = people(org).next();
    json!({
        "pull_request": {
            "number": 1,
            "author": author,
            "head": super::head(),
            "submitted_at": at,
            "contributors": [{"login": author, "as": ["author"]}],
            "files": [layout::request(ID)],
        },
        "content_arrived_at": at,
        "reviews": reviews(org, "APPROVED", at),
        "pushers": [author],
    })
}
