//! Asks when the change may run, and suggests the next openings.

use super::known::Known;
use crate::cli::shared::prompt::{choose, parsed, say};
use changegate::compose::openings::{Suggestion, length_of, suggestions, within};
use changegate::core::calendar::next_step;
use changegate::core::input::affected_services;
use changegate::core::request::{ChangeRequest, ChangeType, Schedule};
use changegate::core::time::{Duration, Time};

/// Asks how long the change takes, and when it begins.
pub fn ask(known: &Known<'_>, request: &ChangeRequest) -> anyhow::Result<Schedule> {
    let given = request.schedule.as_ref().filter(|schedule| schedule.end.is_none());
    let refused = request.planned().map(|planned| planned.length());
    let length = match known.length {
        Some(length) if refused.is_none() => length,
        other => {
            let usual = refused.or(other).unwrap_or(Duration::hours(1)).to_string();
            say("First: how long does it take? Monitoring afterwards isn't included.");
            parsed("duration", Some(usual), &[], length_of)?
        }
    };
    let start = match given.and_then(|schedule| schedule.start) {
        Some(start) => start,
        None if request.kind == ChangeType::Emergency => {
            say("No window binds an emergency; in a freeze only P1 goes out.");
            parsed("start", Some(next_step(known.now).to_string()), &[], str::parse::<Time>)?
        }
        None => ask_start(known, request, length)?,
    };
    Ok(Schedule { start: Some(start), end: Some(start + length) })
}

fn ask_start(known: &Known<'_>, request: &ChangeRequest, length: Duration) -> anyhow::Result<Time> {
    let targets: Vec<_> = request.targets().into_iter().collect();
    let services = affected_services(request.services(), &targets, known.org);
    let calendar = known.calendar.of(&services);
    let suggestions = suggestions(&calendar, known.now, length, known.tier);
    if suggestions.is_empty() {
        say(&format!("No window for {} risk opens for that long.", known.tier));
        return parsed("start", None, &[], str::parse);
    }
    let mut items: Vec<_> = suggestions.iter().map(|item| described(item, known)).collect();
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

/// Returns a line such as `Tue 24 Nov 22:00 – Wed 25 Nov 06:00 UTC  off-peak, preferred for high risk`.
fn described(suggestion: &Suggestion, known: &Known<'_>) -> String {
    let Suggestion { window, opening, is_preferred, .. } = suggestion;
    let preferred =
        if *is_preferred { format!(", preferred for {} risk", known.tier) } else { String::new() };
    format!("{} UTC  {window}{preferred}", opening.for_people(Some(known.now)))
}
