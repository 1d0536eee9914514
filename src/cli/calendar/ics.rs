//! The calendar for calendar programs: iCalendar, RFC 5545.

use std::fmt::{self, Write as _};

use anyhow::ensure;

use crate::cli::shared::origin::Origin;
use changegate::changes::calendar::{CalendarEntry, CalendarView};
use changegate::core::layout;
use changegate::core::operations::kinds::EndResult;
use changegate::core::operations::state::{PullState, State};
use changegate::core::terms::all_of;
use changegate::core::time::{Interval, Time};

/// The most events: calendar programs give up on more.
const MOST: usize = 5_000;

/// The most bytes of a line, its end apart.
const LINE: usize = 75;

/// Returns the events: changes, freezes, and if they are wanted, openings of windows. What doesn't say when it
/// was changed last was when the base was.
///
/// # Errors
/// If there are more than calendar programs take.
pub fn render(
    view: &CalendarView,
    (origin, changed_at): (&Origin, Time),
    with_windows: bool,
) -> anyhow::Result<String> {
    let windows = if with_windows { view.windows.len() } else { 0 };
    let count = view.changes.len() + view.freezes.len() + windows;
    ensure!(
        count <= MOST,
        "the calendar would have {count} events, and calendar programs give up on more than {MOST}: say which \
         with --from, --to, --service or --tier"
    );
    let mut lines = Lines::default();
    lines.add("BEGIN", "VCALENDAR");
    lines.add("VERSION", "2.0");
    lines.add("PRODID", "-//changegate//calendar//EN");
    lines.add("CALSCALE", "GREGORIAN");
    lines.add("METHOD", "PUBLISH");
    lines.text("X-WR-CALNAME", &format!("Changes of {}", origin.domain));
    for entry in &view.changes {
        change(&mut lines, entry, (origin, changed_at), view.now);
    }
    for freeze in &view.freezes {
        let of = match freeze.services.as_slice() {
            [] => String::new(),
            services => format!(" of {}", all_of(services)),
        };
        let event = Event {
            uid: format!("freeze-{}-{}@{}", freeze.name, stamp(freeze.start), origin.domain),
            at: freeze.interval(),
            changed_at,
            sequence: 0,
            status: "CONFIRMED",
            summary: format!("Freeze: {}{of}", freeze.name),
            description: freeze.reason.clone(),
            url: None,
        };
        event.write(&mut lines);
    }
    for it in view.windows.iter().filter(|_| with_windows) {
        let event = Event {
            uid: format!("window-{}-{}@{}", it.window, stamp(it.open.start), origin.domain),
            at: it.open,
            changed_at,
            sequence: 0,
            status: "CONFIRMED",
            summary: format!("Window: {}", it.window),
            description: None,
            url: None,
        };
        event.write(&mut lines);
    }
    lines.add("END", "VCALENDAR");
    Ok(lines.0)
}

/// Writes a change, if it has a time.
fn change(lines: &mut Lines, it: &CalendarEntry, (origin, changed_at): (&Origin, Time), now: Time) {
    let entry = &it.entry;
    let executed = || it.executions.iter().map(|it| it.interval(now)).next();
    let Some(at) = entry.planned.or_else(executed) else { return };
    // An amendment that isn't merged is an event of its own beside what is.
    let is_amendment = entry.pull == PullState::Open && it.versions > 0;
    let status = match (entry.state, entry.pull) {
        (State::Cancelled, _) | (_, PullState::GivenUp) => "CANCELLED",
        (_, PullState::Open) => "TENTATIVE",
        _ => "CONFIRMED",
    };
    let people: Vec<_> = entry.people.iter().map(ToString::to_string).collect();
    let about = [
        Some(format!("state: {}", entry.state)),
        entry.tier.map(|tier| format!("risk: {tier}")),
        (!entry.services.is_empty()).then(|| format!("services: {}", entry.services.join(", "))),
        (!people.is_empty()).then(|| format!("people: {}", people.join(", "))),
    ];
    let executed = it.executions.iter().map(|it| {
        let what = match (it.rollback, it.result) {
            (true, Some(EndResult::Done)) => "rolled back",
            (true, _) => "rollback tried",
            (false, _) => "executed",
        };
        format!("{what}: {} UTC", it.interval(now).for_people(None))
    });
    let about: Vec<_> = about.into_iter().flatten().chain(executed).collect();
    let mark = if is_amendment { "-amended" } else { "" };
    let url = origin.files.as_ref().filter(|_| entry.pull == PullState::Merged);
    let event = Event {
        uid: format!("{}{mark}@{}", entry.change, origin.domain),
        at,
        changed_at: it.changed_at.unwrap_or(changed_at),
        sequence: it.versions,
        status,
        summary: format!("{} {}", entry.change, entry.summary.as_deref().unwrap_or_default()),
        description: Some(about.join("\n")),
        url: url.map(|files| format!("{files}/{}", layout::request(&entry.change))),
    };
    event.write(lines);
}

/// An event of the calendar.
struct Event {
    uid: String,
    at: Interval,
    changed_at: Time,
    sequence: usize,
    status: &'static str,
    summary: String,
    description: Option<String>,
    url: Option<String>,
}

impl Event {
    fn write(&self, lines: &mut Lines) {
        lines.add("BEGIN", "VEVENT");
        lines.text("UID", &self.uid);
        lines.add("DTSTAMP", stamp(self.changed_at));
        lines.add("DTSTART", stamp(self.at.start));
        lines.add("DTEND", stamp(self.at.end));
        lines.add("SEQUENCE", self.sequence);
        lines.add("STATUS", self.status);
        lines.text("SUMMARY", self.summary.trim());
        if let Some(description) = &self.description {
            lines.text("DESCRIPTION", description);
        }
        if let Some(url) = &self.url {
            lines.add("URL", url);
        }
        lines.add("END", "VEVENT");
    }
}

/// Returns an instant as the format writes it: `20261124T220000Z`.
fn stamp(time: Time) -> String {
    time.utc().format("%Y%m%dT%H%M%SZ").to_string()
}

/// The lines, folded.
#[derive(Default)]
struct Lines(String);

impl Lines {
    /// Adds a line whose value needs no escapes.
    fn add(&mut self, name: &str, value: impl fmt::Display) {
        let mut line = String::new();
        let _ = write!(line, "{name}:{value}");
        self.fold(line.chars().map(String::from));
    }

    /// Adds a line with a text.
    fn text(&mut self, name: &str, text: &str) {
        let escaped = text.chars().filter_map(|it| match it {
            '\\' => Some("\\\\".to_owned()),
            ';' => Some("\\;".to_owned()),
            ',' => Some("\\,".to_owned()),
            '\n' => Some("\\n".to_owned()),
            it if it.is_control() => None,
            it => Some(it.to_string()),
        });
        self.fold(format!("{name}:").chars().map(String::from).chain(escaped));
    }

    /// Adds a line of parts, none of which is torn: neither a character nor an escape.
    fn fold(&mut self, parts: impl Iterator<Item = String>) {
        let mut length = 0;
        for part in parts {
            if length + part.len() > LINE {
                self.0.push_str("\r\n ");
                length = 1;
            }
            length += part.len();
            self.0.push_str(&part);
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_between_characters_and_never_inside_an_escape() {
        for (before, text) in
            [(60, "a,b;c\\d\ne"), (58, "übergroß, ünd 日本"), (0, ""), (200, "\\n\n")]
        {
            let text = format!("{}{text}{}", "x".repeat(before), "é,".repeat(80));
            let mut lines = Lines::default();
            lines.text("SUMMARY", &text);
            assert!(lines.0.ends_with("\r\n"));
            let physical: Vec<_> = lines.0.trim_end().split("\r\n").collect();
            for line in &physical {
                assert!(line.len() <= LINE, "{line:?}");
                let slashes = line.chars().rev().take_while(|it| *it == '\\').count();
                assert_eq!(slashes % 2, 0, "{line:?}");
            }
            let unfolded = lines.0.replace("\r\n ", "");
            let (_, value) = unfolded.trim_end().split_once(':').unwrap();
            let mut read = String::new();
            let mut rest = value.chars();
            while let Some(it) = rest.next() {
                read.push(match it {
                    '\\' => match rest.next().unwrap() {
                        'n' => '\n',
                        other => other,
                    },
                    other => other,
                });
            }
            assert_eq!(read, text);
        }
    }
}
