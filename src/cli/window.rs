//! `changegate window`: shows what is open now, and what opens next.

#[cfg(test)]
mod tests;

use super::shared::args::{tier_parser, unknown_service};
use super::shared::place::Place;
use super::shared::say;
use changegate::changes::windows::WindowState;
use changegate::changes::windows::WindowView;
use changegate::changes::windows::{ANY, view};
use changegate::report::whose;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::shared::args::{AnswerFormat, NowArg, PoliciesArg};
use changegate::core::calendar::HORIZON;
use changegate::core::org::{Freeze, Zone};
use changegate::core::terms::{Name, RiskTier, all_of};
use changegate::core::time::{Duration, Interval, Time};
use changegate::report::hanging;

/// Show which windows are open, and when the others open next
///
/// Times are in UTC; a window in another time zone also shows its local times. An opening is what
/// freezes leave of a window, and a change has to fit into one opening as a whole.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate window
      what is open now, and what opens next
  changegate window --duration 2h --tier high
      the next openings in which a high-risk change of two hours fits
  changegate window --service checkout
      without the freezes of other services
  changegate window --now 2026-12-24T10:00:00Z --format json
      what is open at another time, for a script")]
pub struct WindowArgs {
    /// The duration of the change, such as 30m or 2h: shorter openings are ignored
    #[arg(long, value_name = "LENGTH")]
    duration: Option<Duration>,

    /// The change's risk tier: windows that don't accept it are left out
    #[arg(long, value_parser = tier_parser())]
    tier: Option<RiskTier>,

    /// A service that the change affects; may be given more than once. Freezes of others are left out
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<Name>,

    #[command(flatten)]
    policies: PoliciesArg,

    #[command(flatten)]
    now: NowArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb; `now` is the time to decide for.
pub fn run(args: &WindowArgs) -> anyhow::Result<ExitCode> {
    let judge = args.policies.load(&Place::around([])?)?;
    let length = args.duration.unwrap_or(ANY);
    let calendar = &judge.bundle().calendar;
    let known = &judge.bundle().org.roster.services;
    if let Some(service) = args.services.iter().find(|it| !known.contains_key(it.as_str())) {
        bail!("{}", unknown_service(service.as_str(), &judge.bundle().org));
    }
    let view = view(calendar, &judge.source, args.now.get(), length, args.tier, &args.services);
    say::print(&match args.format {
        AnswerFormat::Text => render_text(&view, say::width()),
        AnswerFormat::Json => say::json(&view)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the output for people.
pub fn render_text(view: &WindowView, columns: usize) -> String {
    // One that concerns some services alone, and none that was asked for, freezes only those.
    let is_all = |freeze: &&Freeze| freeze.services.is_empty() || !view.services.is_empty();
    let (current, coming): (Vec<_>, Vec<_>) =
        view.freezes.iter().partition(|freeze| freeze.start <= view.now && is_all(freeze));
    let labels = view.windows.iter().map(|state| state.window.as_str());
    let width = labels.map(str::len).max().unwrap_or(0).max("freezes".len());

    let mut out: String =
        headline(view, &current).iter().map(|line| hanging("", line, columns)).collect();
    for state in &view.windows {
        out.push('\n');
        let mut label = state.window.as_str();
        for line in when(state, view).into_iter().chain([for_whom(state)]) {
            out += &hanging(&format!("  {label:width$}  "), &line, columns);
            label = "";
        }
    }
    if !coming.is_empty() {
        out.push('\n');
    }
    let mut label = "freezes";
    for freeze in coming {
        let dates = freeze.interval().for_people(Some(view.now));
        let name = named(freeze);
        let text = match freeze.start <= view.now {
            true => format!("{dates} UTC, now: {name}"),
            false => {
                let wait = (freeze.start - view.now).for_people();
                format!("{dates} UTC, in {wait}: {name}")
            }
        };
        out += &hanging(&format!("  {label:width$}  "), &text, columns);
        label = "";
    }
    out + &format!("\nby {}\n", whose(&view.bundle))
}

/// Returns the time, and a short summary.
fn headline(view: &WindowView, current: &[&Freeze]) -> Vec<String> {
    let now = format!("{} UTC", view.now.for_people(Some(view.now)));
    if !current.is_empty() {
        let mut lines = vec![format!("{now}: frozen, only P1 incident response goes out")];
        lines.extend(current.iter().map(|freeze| {
            let left = (freeze.end - view.now).for_people();
            format!(
                "  until {} UTC, {left} left: {}",
                freeze.end.for_people(Some(view.now)),
                named(freeze)
            )
        }));
        return lines;
    }
    let open: Vec<_> = view
        .windows
        .iter()
        .filter(|state| state.open.is_some())
        .map(|state| &state.window)
        .collect();
    let answer = match (view.tier, open.len()) {
        (Some(tier), _) if view.windows.is_empty() => {
            format!("no window accepts a change of {tier} risk")
        }
        (None, _) if view.windows.is_empty() => "the calendar has no windows".to_owned(),
        (_, 0) => "no window is open".to_owned(),
        (_, 1) => format!("{} is open", all_of(&open)),
        _ => format!("{} are open", all_of(&open)),
    };
    vec![format!("{now}: {answer}")]
}

/// Returns until when the window is open, and when it opens next if that isn't long enough.
fn when(state: &WindowState, view: &WindowView) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(open) = state.open {
        let until = open.end.for_people(Some(view.now));
        let left = open.length().for_people();
        let verdict = if state.next_opening == state.open { "" } else { ", too short" };
        lines.push(format!("open until {until} UTC, {left} left{verdict}"));
        lines.extend(local(open, &state.zone, view.now));
    }
    match state.next_opening {
        Some(next) if Some(next) == state.open => {}
        Some(next) => {
            let wait = (next.start - view.now).for_people();
            lines.push(format!("opens {} UTC, in {wait}", next.for_people(Some(view.now))));
            lines.extend(local(next, &state.zone, view.now));
        }
        None => lines.push(nothing_long_enough(view.duration)),
    }
    lines
}

fn nothing_long_enough(wanted: Duration) -> String {
    let within = HORIZON.for_people();
    if wanted == ANY {
        format!("doesn't open within {within}")
    } else {
        format!("doesn't open for {} at a time within {within}", wanted.for_people())
    }
}

/// Returns which tiers may use the window, and which should.
fn for_whom(state: &WindowState) -> String {
    let may = if RiskTier::ALL.iter().all(|tier| state.tiers.contains(tier)) {
        "for any risk".to_owned()
    } else {
        format!("for {} risk", all_of(&state.tiers))
    };
    if state.preferred_for.is_empty() {
        may
    } else {
        format!("{may}, preferred for {}", all_of(&state.preferred_for))
    }
}

/// Returns the interval in a zone's local time, `Mon 23 Nov 22:00 – Tue 24 Nov 06:00
/// Europe/Berlin`; `None` for UTC.
fn local(interval: Interval, zone: &Zone, now: Time) -> Option<String> {
    let shown = |instant: Time| Time::from(zone.shows(instant).and_utc());
    let local = Interval { start: shown(interval.start), end: shown(interval.end) };
    (*zone != Zone::default()).then(|| format!("{} {zone}", local.for_people(Some(now))))
}

/// Writes `year-end (the offices are closed)`.
fn named(freeze: &Freeze) -> String {
    let of = match freeze.services.as_slice() {
        [] => String::new(),
        services => format!(" of {}", all_of(services)),
    };
    match &freeze.reason {
        Some(reason) => format!("{}{of} ({reason})", freeze.name),
        None => format!("{}{of}", freeze.name),
    }
}
