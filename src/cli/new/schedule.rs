//! When the change may run: the next openings of the windows that take it.

use super::dialogue::Dialogue;
use super::prompt::{choose, parsed, say};
use crate::calendar::Calendar;
use crate::org::RiskTier;
use crate::request::{ChangeRequest, ChangeType, Schedule};
use crate::time::{Duration, Interval, Time};

/// How many openings of one window are suggested.
const OF_A_WINDOW: usize = 3;

/// A suggested start is on a full quarter of an hour.
const STEP: u64 = 15 * 60;

/// An opening that a change fits into.
#[derive(Debug, PartialEq)]
pub struct Suggestion {
    window: String,
    is_preferred: bool,
    opening: Interval,
    /// The earliest start that is still to come.
    pub start: Time,
}

/// The next openings in which a change of this length and tier can still begin, in order of time.
pub fn suggestions(
    calendar: &Calendar,
    now: Time,
    length: Duration,
    tier: RiskTier,
) -> Vec<Suggestion> {
    let windows = calendar.windows().filter(|(_, window)| window.tiers.contains(&tier));
    let mut suggestions: Vec<_> = windows
        .flat_map(|(name, window)| {
            let openings = calendar.openings_of(window, now, length).filter_map(move |opening| {
                let start = opening.start.max(next_step(now));
                let fits = opening.contains(&Interval { start, end: start + length });
                fits.then(|| Suggestion {
                    window: name.to_owned(),
                    is_preferred: window.preferred_for.contains(&tier),
                    opening,
                    start,
                })
            });
            openings.take(OF_A_WINDOW)
        })
        .collect();
    suggestions.sort_by_key(|suggestion| suggestion.start);
    suggestions
}

/// The first full quarter of an hour after an instant.
fn next_step(now: Time) -> Time {
    let into = now.utc().timestamp().rem_euclid(STEP as i64) as u64;
    now + Duration::seconds(STEP - into)
}

/// Asks how long the change takes, and when it begins.
pub fn ask(dialogue: &Dialogue<'_>, request: &ChangeRequest) -> anyhow::Result<Schedule> {
    let given = request.schedule.as_ref().filter(|schedule| schedule.end.is_none());
    let refused = request.planned().map(|planned| planned.length());
    let length = match dialogue.length {
        Some(length) if refused.is_none() => length,
        known => {
            let usual = refused.or(known).unwrap_or(Duration::hours(1)).to_string();
            say("First: how long does it take? Monitoring afterwards isn't included.");
            parsed("duration", Some(usual), &[], length_of)?
        }
    };
    let start = match given.and_then(|schedule| schedule.start) {
        Some(start) => start,
        None if request.kind == ChangeType::Emergency => {
            say("No window binds an emergency; in a freeze only P1 goes out.");
            parsed("start", Some(next_step(dialogue.now).to_string()), &[], str::parse::<Time>)?
        }
        None => ask_start(dialogue, length)?,
    };
    Ok(Schedule { start: Some(start), end: Some(start + length) })
}

fn ask_start(dialogue: &Dialogue<'_>, length: Duration) -> anyhow::Result<Time> {
    let suggestions = suggestions(dialogue.calendar, dialogue.now, length, dialogue.tier);
    if suggestions.is_empty() {
        say(&format!("No window for {} risk opens for that long.", dialogue.tier));
        return parsed("start", None, &[], str::parse);
    }
    let mut items: Vec<_> = suggestions.iter().map(|item| described(item, dialogue.tier)).collect();
    items.push("another time".to_owned());
    let preferred = suggestions.iter().position(|suggestion| suggestion.is_preferred).unwrap_or(0);
    match suggestions.get(choose("window", &items, preferred)?) {
        Some(Suggestion { opening, start, .. }) => {
            parsed("start", Some(start.to_string()), &[], |answer| {
                within(answer.parse()?, length, opening)
            })
        }
        None => parsed("start", None, &[], str::parse),
    }
}

/// `Tue 24 Nov 22:00 – Wed 25 Nov 06:00 UTC  off-peak, preferred for high risk`
fn described(suggestion: &Suggestion, tier: RiskTier) -> String {
    let Suggestion { window, opening, is_preferred, .. } = suggestion;
    let preferred =
        if *is_preferred { format!(", preferred for {tier} risk") } else { String::new() };
    format!("{} UTC  {window}{preferred}", opening.for_people())
}

fn within(start: Time, length: Duration, opening: &Interval) -> Result<Time, String> {
    if opening.contains(&Interval { start, end: start + length }) {
        return Ok(start);
    }
    let (length, opening) = (length.for_people(), opening.for_people());
    Err(format!("{length} from then on don't lie within {opening} UTC"))
}

/// A length that isn't zero.
pub fn length_of(answer: &str) -> Result<Duration, String> {
    match answer.parse()? {
        length if length == Duration::seconds(0) => {
            Err("a change takes some time: write its length, such as 30m".to_owned())
        }
        length => Ok(length),
    }
}
