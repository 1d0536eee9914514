//! The code that `show` and `log` share: finding the story of a change, and writing its events as
//! lines.

use anyhow::bail;

use super::here;
use changegate::changes::story::{HistoryEvent, Stories, Story};
use changegate::core::terms::TicketId;
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::report::escape::terminal;
use changegate::report::{cut, hanging, pad, width};

/// The mark of what should be recorded, and isn't.
pub const NOWHERE: &str = "-";

/// The fewest columns that are worth beginning a text in.
const ROOM: usize = 20;

/// The indent of the lines below an event.
const INDENT: usize = 4;

/// Returns the story of the given change.
///
/// # Errors
/// If there is no such change, or the repository can't be read.
pub fn story(git: &Git, stories: &Stories<'_>, argument: &str) -> anyhow::Result<Story> {
    let name = here::name_of(argument);
    if let Some(story) = stories.tell(name)? {
        return Ok(story);
    }
    if let (Some(log), Ok(id)) = (git.operations()?, name.parse::<TicketId>())
        && log.held().incident(&id)?.is_some()
    {
        bail!("{id} is an incident without a change: `changegate incident show {id}` shows it");
    }
    let names = stories.names()?;
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    bail!(
        "there is no change `{name}`{}",
        super::say::hint(name, &names, "changegate list --state all")
    )
}

/// Returns an event with its whole text, on several lines; `note` is below it.
pub fn in_full(
    event: &HistoryEvent,
    who_width: usize,
    note: Option<&str>,
    columns: usize,
) -> String {
    let mut out = format!("{}\n", row(event, who_width));
    for line in note.into_iter().chain(event.text.lines()).filter(|line| !line.trim().is_empty()) {
        out.push_str(&hanging(&" ".repeat(INDENT), line, columns));
    }
    out
}

/// Returns an event on one line, cut to so many columns; where that leaves no room for its text, that is on a
/// line of its own.
pub fn in_short(event: &HistoryEvent, who_width: usize, columns: usize) -> String {
    let row = row(event, who_width);
    let text = event.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let left = columns.saturating_sub(width(&row) + 2);
    let (between, left) = match left < ROOM {
        true => (format!("\n{:INDENT$}", ""), columns.saturating_sub(INDENT)),
        false => ("  ".to_owned(), left),
    };
    format!("{row}{between}{}", cut(&terminal(&text), left)).trim_end().to_owned() + "\n"
}

/// Returns the width of the longest name.
pub fn who_width<'a>(events: impl IntoIterator<Item = &'a HistoryEvent>) -> usize {
    let widths = events.into_iter().map(|event| width(&terminal(&event.who())));
    widths.max().unwrap_or(0)
}

/// Writes `  Tue 24 Nov 2026 10:00  +2 h 10 min  approved           carol  4f0c1d2`, and behind it the
/// index of the entry that records it, `[12]`.
fn row(event: &HistoryEvent, who_width: usize) -> String {
    let after = event.after.map(|after| format!("+{}", after.for_people())).unwrap_or_default();
    let (who, what) = (event.who(), event.what.to_string());
    // People are shown ten digits of an event's id everywhere.
    let commit = match &event.id {
        Some(id) => id.get(..10),
        None => event.commit.get(..7),
    };
    let commit = commit.unwrap_or_default();
    let mark = match &event.recorded {
        Some(recorded) => format!(" [{}]", recorded.index),
        None if event.unrecorded => format!(" [{NOWHERE}]"),
        None => String::new(),
    };
    format!(
        "  {}  {after:>12}  {what:17}  {}  {commit}{mark}",
        moment(event.at),
        pad(&terminal(&who), who_width)
    )
}

/// Writes `Tue 24 Nov 2026 10:00`; the year is needed, because an audit trail covers years.
pub fn moment(at: Time) -> String {
    at.utc().format("%a %e %b %Y %H:%M").to_string()
}
