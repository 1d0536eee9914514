//! The times of the demo's change: first while every window is closed, then in an open one.
//!
//! Both are computed from the calendar of the shipped policies, so that the story works on any day,
//! even in a freeze.

use std::iter;

use anyhow::Context as _;

use changegate::core::calendar::{Calendar, HORIZON};
use changegate::core::terms::RiskTier;
use changegate::core::time::{Duration, Interval, Time, midnight};

/// The duration of the change.
const LENGTH: Duration = Duration::hours(1);

/// How far ahead it is planned at least, so that a person who looks around afterwards finds it
/// still in the future.
const AHEAD: Duration = Duration::hours(2);

/// The off-script change's tier.
const TIER: RiskTier = RiskTier::High;

/// The two times.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Outside every window and every freeze, so that only the window is wrong.
    pub closed: Interval,
    /// In a window that accepts the change, in a preferred one if there is one.
    pub open: Interval,
    /// The hour that has just begun, for the change that is executed.
    pub now: Interval,
}

impl Times {
    /// Returns the next such times.
    ///
    /// # Errors
    /// If the calendar has no such time.
    pub fn of(calendar: &Calendar, now: Time) -> anyhow::Result<Self> {
        let from = next_hour(now + AHEAD);
        let closed = closed(calendar, from).context("the windows of the policies never close")?;
        let open = open(calendar, from).context("no window of the policies ever opens")?;
        Ok(Times { closed, open, now: of_length(now) })
    }

    /// Returns a text of the story with the times inserted, as a request writes them.
    pub fn put_into(&self, text: &str) -> String {
        let schedule = |Interval { start, end }: &_| format!("{{start: {start}, end: {end}}}");
        let times = [("{closed}", &self.closed), ("{open}", &self.open), ("{now}", &self.now)];
        times.iter().fold(text.to_owned(), |text, (name, time)| text.replace(name, &schedule(time)))
    }
}

/// Returns the first noon from `from` on at which no window is open and nothing is frozen.
fn closed(calendar: &Calendar, from: Time) -> Option<Interval> {
    let first = midnight(from.utc().date_naive()) + Duration::hours(12);
    let noons = iter::successors(Some(first), |noon| Some(*noon + Duration::days(1)));
    let within = noons.take_while(|noon| *noon < from + HORIZON).filter(|noon| *noon >= from);
    within.map(of_length).find(|noon| {
        let facts = calendar.facts(Some(*noon), from);
        let is_open = facts.windows.iter().any(|window| window.fits);
        let is_frozen = facts.freezes.iter().any(|freeze| freeze.overlaps);
        !is_open && !is_frozen
    })
}

/// Returns the first opening from `from` on that is long enough, of a preferred window if one ever
/// opens.
fn open(calendar: &Calendar, from: Time) -> Option<Interval> {
    let windows = calendar.windows().filter(|(_, window)| window.tiers.contains(&TIER));
    let openings = windows.filter_map(|(_, window)| {
        let opening = calendar.openings_of(window, from, LENGTH).next()?;
        Some((!window.preferred_for.contains(&TIER), opening.start))
    });
    openings.min().map(|(_, start)| of_length(start))
}

fn of_length(start: Time) -> Interval {
    Interval { start, end: start + LENGTH }
}

/// Returns the first full hour after an instant.
fn next_hour(instant: Time) -> Time {
    let into = instant.utc().timestamp().rem_euclid(3600) as u64;
    instant + Duration::seconds(3600 - into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::story::{REQUEST, TEMPLATE};
    use changegate::core::decision::{Case, decide};
    use changegate::core::evidence::{Contributor, Evidence, Part, PullRequest};
    use changegate::core::policy::PolicyBundle;
    use changegate::core::policy::SHIPPED;
    use changegate::core::policy::shipped_files;
    use changegate::core::request::RequestFile;
    use changegate::core::terms::{Effect, Verdict};

    /// Returns the instants of two years, including freezes and New Year.
    fn nows(step: Duration) -> impl Iterator<Item = Time> {
        let first: Time = "2026-11-01T00:00:01Z".parse().unwrap();
        let last: Time = "2028-11-01T00:00:00Z".parse().unwrap();
        iter::successors(Some(first), move |now| Some(*now + step))
            .take_while(move |now| *now < last)
    }

    fn shipped() -> PolicyBundle {
        PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap()
    }

    #[test]
    fn the_times_are_what_they_are_called_whenever_it_is_played() {
        let calendar = shipped().calendar;
        for now in nows(Duration::seconds(41 * 60)) {
            let Times { closed, open, .. } = Times::of(&calendar, now).unwrap();
            for planned in [closed, open] {
                assert!(planned.start >= now + AHEAD && planned.length() == LENGTH, "{now}");
                let facts = calendar.facts(Some(planned), now);
                assert!(!facts.freezes.iter().any(|freeze| freeze.overlaps), "{now}");
                let fits = facts.windows.iter().any(|window| {
                    window.fits
                        && window.tiers.contains(&TIER)
                        && window.preferred_for.contains(&TIER)
                });
                assert_eq!(fits, planned == open, "{now}");
            }
        }
    }

    #[test]
    fn the_request_is_denied_for_its_window_alone_and_then_waits_for_sign_off() {
        let bundle = shipped();
        let mut evaluator = bundle.evaluator();
        for now in nows(Duration::seconds(37 * 3600)) {
            let times = Times::of(&bundle.calendar, now).unwrap();
            let evidence = submitted(now);
            let mut judge = |text: &str| {
                let text = times.put_into(text);
                let file = RequestFile::read(REQUEST, text.as_bytes());
                let case = Case { file: Some(&file), evidence: &evidence, brings: None, now };
                decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)).unwrap().decision
            };
            let denied = judge(TEMPLATE);
            let denials = denied.findings.iter().filter(|finding| finding.effect == Effect::Deny);
            let codes: Vec<_> = denials.map(|finding| finding.code.as_str()).collect();
            assert_eq!(codes, ["window/closed"], "{now}");
            let waiting = judge(&TEMPLATE.replace("{closed}", "{open}"));
            assert_eq!(waiting.verdict, Verdict::Pending, "{now}");
        }
    }

    /// Returns the evidence after alice has submitted it.
    fn submitted(now: Time) -> Evidence {
        let alice = Contributor {
            login: Some("alice".parse().unwrap()),
            id: None,
            email: None,
            parts: vec![Part::Author, Part::Committer],
            unproven: None,
        };
        let pull_request = PullRequest {
            number: None,
            author: alice.login.clone(),
            author_id: None,
            base_ref: Some("main".to_owned()),
            base: None,
            head: Some("4f0c1d2".to_owned()),
            draft: false,
            submitted_at: now,
            contributors: vec![alice],
            commits: Vec::new(),
            files: None,
            same_head: Vec::new(),
            merged: None,
        };
        Evidence { pull_request: Some(pull_request), ..Evidence::default() }
    }
}
