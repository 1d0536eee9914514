//! The pictures of a report: SVG that takes its colours from the page, so that it reads on dark and light ones and
//! on paper. The page has a table below each that says the same.

use std::fmt::Write as _;

use crate::core::metrics::{Group, Metrics, Spread, Taken, Week};
use crate::core::request::ChangeType;
use crate::core::time::Duration;
use crate::report::escape::terminal;

/// The width of each picture.
const WIDTH: usize = 720;

/// What is left beside the middle for names, and below it for dates.
const LEFT: usize = 150;
const BELOW: usize = 24;

/// The height of the middle of a picture with an axis, and of a bar that lies.
const HEIGHT: usize = 180;
const ROW: usize = 26;

/// The kinds of changes, from the bottom of a bar to its top.
pub(super) const KINDS: [ChangeType; 3] =
    [ChangeType::Standard, ChangeType::Normal, ChangeType::Emergency];

/// The days of a week.
pub(super) const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A picture that is being drawn.
struct Picture {
    height: usize,
    shapes: String,
}

impl Picture {
    fn new(height: usize) -> Self {
        Picture { height, shapes: String::new() }
    }

    fn rect(&mut self, class: &str, (x, y): (usize, usize), (width, height): (usize, usize)) {
        let _ = write!(
            self.shapes,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        );
    }

    /// Writes a text that ends at a place, in the middle of it, or begins there.
    fn text(&mut self, anchor: &str, (x, y): (usize, usize), text: &str) {
        let text = escaped(text);
        let _ =
            write!(self.shapes, r#"<text text-anchor="{anchor}" x="{x}" y="{y}">{text}</text>"#);
    }

    fn path(&mut self, class: &str, points: &str) {
        let _ = write!(self.shapes, r#"<path class="{class}" d="{points}"/>"#);
    }

    /// Returns it, with what a reader who doesn't see it is told.
    fn named(self, title: &str) -> String {
        let Picture { height, shapes } = self;
        let title = escaped(title);
        format!(
            r#"<svg role="img" aria-label="{title}" viewBox="0 0 {WIDTH} {height}">{shapes}</svg>"#
        )
    }
}

/// Escapes text for HTML, hidden characters too.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Returns a part of a length.
fn part(value: u64, most: u64, length: usize) -> usize {
    let length = u128::from(value) * length as u128 / u128::from(most.max(1));
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Draws the executed changes of each week by their type, with how many of them failed above.
pub(super) fn weeks(it: &Metrics) -> String {
    let total = |week: &Week| week.executed.values().sum::<usize>() as u64;
    let most = it.weeks.iter().map(total).max().unwrap_or_default();
    let mut picture = Picture::new(HEIGHT + BELOW + 20);
    let step = ((WIDTH - 40) / it.weeks.len().max(1)).max(1);
    let bar = (step * 3 / 4).clamp(2, 60);
    picture.text("end", (34, 28), &most.to_string());
    picture.text("end", (34, 20 + HEIGHT), "0");
    for (index, week) in it.weeks.iter().enumerate() {
        let (x, mut y) = (40 + index * step, 20 + HEIGHT);
        for kind in KINDS {
            let count = week.executed.get(&kind).copied().unwrap_or_default() as u64;
            let height = part(count, most, HEIGHT - 20);
            if height > 0 {
                y -= height;
                picture.rect(&kind.to_string(), (x, y), (bar, height));
            }
        }
        if week.failed > 0 {
            picture.text("middle", (x + bar / 2, y - 4), &format!("✕{}", week.failed));
        }
        dated(&mut picture, it.weeks.len(), (index, x + bar / 2), week);
    }
    picture.path("axis", &format!("M40 {0}H{WIDTH}", 20 + HEIGHT));
    picture.named("Executed changes a week, by type, with failed ones marked")
}

/// Writes the date of a week below it, where there is space.
fn dated(picture: &mut Picture, weeks: usize, (index, x): (usize, usize), week: &Week) {
    if index % weeks.div_ceil(12) == 0 {
        let date = week.from.utc().format("%-d %b").to_string();
        picture.text("middle", (x, 20 + HEIGHT + 18), &date);
    }
}

/// Draws the lead time of each week: a line of medians within a band from the tenth to the ninetieth of a hundred.
pub(super) fn lead_time(it: &Metrics) -> String {
    let middle = |spread: &Spread| typical(spread).map(|it| it.as_seconds());
    let high = |spread: &Spread| spread.p90.or(spread.longest).map(|it| it.as_seconds());
    let low =
        |spread: &Spread| spread.p10.or(spread.values.first().copied()).map(|it| it.as_seconds());
    let most = it.weeks.iter().filter_map(|week| high(&week.lead_time)).max().unwrap_or_default();
    let mut picture = Picture::new(HEIGHT + BELOW + 20);
    let step = ((WIDTH - 100) / it.weeks.len().max(1)).max(1);
    let place = |index: usize| 90 + index * step + step / 2;
    let y = |seconds: u64| 20 + HEIGHT - part(seconds, most, HEIGHT - 20);
    let known: Vec<_> =
        it.weeks.iter().enumerate().filter(|(_, week)| week.lead_time.n > 0).collect();
    let line = |of: &dyn Fn(&Spread) -> Option<u64>| -> Vec<String> {
        let points = known.iter().filter_map(|(index, week)| {
            Some(format!("{} {}", place(*index), y(of(&week.lead_time)?)))
        });
        points.collect()
    };
    let (upper, mut lower) = (line(&high), line(&low));
    lower.reverse();
    let band: Vec<_> = upper.into_iter().chain(lower).collect();
    if !band.is_empty() {
        picture.path("band", &format!("M{}Z", band.join("L")));
        picture.path("line", &format!("M{}", line(&middle).join("L")));
    }
    for (index, week) in &known {
        if let Some(seconds) = middle(&week.lead_time) {
            picture.rect("dot", (place(*index) - 3, y(seconds).saturating_sub(3)), (6, 6));
        }
    }
    for (index, week) in it.weeks.iter().enumerate() {
        dated(&mut picture, it.weeks.len(), (index, place(index)), week);
    }
    picture.text("end", (84, 40), &Duration::seconds(most).for_people());
    picture.text("end", (84, 20 + HEIGHT), "0");
    picture.path("axis", &format!("M90 {0}H{WIDTH}", 20 + HEIGHT));
    picture.named("Lead time a week: the median, and from the tenth to the ninetieth of a hundred")
}

/// Draws how many executions began in each hour of the week, and in which of them a window is open.
pub(super) fn hours(it: &Metrics, open: &[Vec<bool>]) -> String {
    let most = it.hours.iter().flatten().max().copied().unwrap_or_default() as u64;
    let (cell, left) = (26, 60);
    let mut picture = Picture::new(7 * cell + BELOW);
    for (day, name) in DAYS.iter().enumerate() {
        picture.text("end", (left - 8, day * cell + 18), name);
        for hour in 0..24 {
            let at = |table: &[Vec<usize>]| table.get(day).and_then(|it| it.get(hour)).copied();
            let count = at(&it.hours).unwrap_or_default() as u64;
            let is_open = open.get(day).and_then(|it| it.get(hour)).copied().unwrap_or_default();
            let (x, y) = (left + hour * cell, day * cell);
            // As many shades as can be told apart.
            let shade =
                if count == 0 { 0 } else { 1 + (count * 4).div_ceil(most.max(1)).min(4) - 1 };
            let class = format!("heat h{shade}{}", if is_open { " open" } else { "" });
            picture.rect(&class, (x + 1, y + 1), (cell - 3, cell - 3));
        }
    }
    for hour in (0..24).step_by(3) {
        picture.text(
            "middle",
            (left + hour * cell + cell / 2, 7 * cell + 16),
            &format!("{hour:02}"),
        );
    }
    picture.named(
        "Executions by weekday and hour in UTC; hours in which a window is open have a border",
    )
}

/// Draws how long sign-offs took.
pub(super) fn sign_offs(all: &[Taken]) -> String {
    let seconds = |it: &Taken| typical(&it.took).map_or(0, |it| it.as_seconds());
    let rows = all.iter().map(|it| (it.by.clone(), seconds(it), it.took.for_people()));
    let most = all.iter().map(seconds).max().unwrap_or_default();
    bars(rows, most, "normal", "Median time to sign-off by role")
}

/// Draws how many of a hundred executed changes failed, of each group.
pub(super) fn failed(groups: &[Group], title: &str) -> String {
    let thousandths = |it: &Group| (it.failed.count * 1000 / it.failed.of.max(1)) as u64;
    let rows = groups.iter().map(|it| (it.of.clone(), thousandths(it), it.failed.for_people()));
    let most = groups.iter().map(thousandths).max().unwrap_or_default();
    bars(rows, most, "emergency", title)
}

fn bars(
    rows: impl Iterator<Item = (String, u64, String)>,
    most: u64,
    class: &str,
    title: &str,
) -> String {
    let rows: Vec<_> = rows.collect();
    let mut picture = Picture::new(rows.len() * ROW + 4);
    for (index, (name, value, told)) in rows.iter().enumerate() {
        let (y, width) = (index * ROW, part(*value, most, WIDTH - LEFT - 290));
        picture.text("end", (LEFT - 8, y + 17), &crate::report::cut(name, 20));
        picture.rect(class, (LEFT, y + 4), (width.max(2), ROW - 8));
        picture.text("start", (LEFT + width.max(2) + 8, y + 17), told);
    }
    picture.named(title)
}

/// Returns the median, or the middle one of few values.
pub(super) fn typical(spread: &Spread) -> Option<Duration> {
    let rank = spread.values.len().saturating_sub(1) / 2;
    spread.median.or(spread.values.get(rank).copied())
}
