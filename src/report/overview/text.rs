//! The report for a terminal.

use std::collections::BTreeMap;

use super::figures::sections;
use super::pictures::typical;
use super::{Need, Needed, Overview};
use crate::core::metrics::{Promotion, Taken};
use crate::core::terms::all_of;
use crate::report::escape::terminal;
use crate::report::{counted, hanging, pad};

/// The columns of a name.
const NAME: usize = 24;

/// The columns of the longest bar.
const BAR: usize = 24;

/// How many needs of a kind are named, and how many weeks are shown, the last ones; the page in HTML has all.
const MOST_NAMED: usize = 5;
const MOST_WEEKS: usize = 13;

/// Returns the report.
pub(super) fn render(it: &Overview, width: usize) -> String {
    let counts = &it.metrics.changes;
    let title = format!("{} · {}", terminal(&it.repository), it.period_in_words());
    let numbers =
        format!("{}, {} executed", counted(counts.total, "change", "changes"), counts.executed);
    let mut out = hanging("", &format!("{title} · {numbers}"), width);
    let only = it.only_in_words();
    if !only.is_empty() {
        out += &format!("{}\n", terminal(&only));
    }
    for warning in &it.warnings {
        out += &hanging("\nWARNING: ", &terminal(warning), width);
    }
    out += &needs(&it.needs, width);
    for section in sections(it) {
        out += &format!("\n{}\n", section.name);
        for figure in section.figures {
            out += &hanging(&format!("  {}", pad(figure.name, NAME)), &figure.value, width);
        }
    }
    out += &taken("Time to sign-off by role", &it.metrics.sign_off.by_role);
    out += &weeks(it);
    out += &denials(it, width);
    if !it.promotions.is_empty() {
        out += "\nUsual by now: a template could decide it once\n";
        out += &promotions(&it.promotions, width);
    }
    if !it.loosened.is_empty() {
        out += &hanging("\nLooser than usual: ", &terminal(&it.loosened.join("; ")), width);
    }
    out
}

/// Returns what needs somebody, kind by kind.
fn needs(needs: &[Need], width: usize) -> String {
    if needs.is_empty() {
        return "\nNothing needs anybody.\n".to_owned();
    }
    let mut by_kind: BTreeMap<Needed, Vec<&Need>> = BTreeMap::new();
    for need in needs {
        by_kind.entry(need.what).or_default().push(need);
    }
    let mut out = String::from("\nNeeds somebody\n");
    for (what, needs) in by_kind {
        out += &format!("  {}\n", what.counted(needs.len()));
        for need in needs.iter().take(MOST_NAMED) {
            let who = match need.who.is_empty() {
                true => String::new(),
                false => format!("{}: ", all_of(&need.who)),
            };
            let told = format!("{who}{}", need.told);
            out += &hanging(&format!("    {}  ", terminal(&need.of)), &terminal(&told), width);
            out += &format!("      {}\n", terminal(&need.command));
        }
        if needs.len() > MOST_NAMED {
            out += &format!("    and {} more: --format html\n", needs.len() - MOST_NAMED);
        }
    }
    out
}

/// Returns how long sign-offs took, as bars.
fn taken(title: &str, all: &[Taken]) -> String {
    let seconds = |it: &Taken| typical(&it.took).map_or(0, |it| it.as_seconds());
    let Some(longest) = all.iter().map(seconds).max() else { return String::new() };
    let rows = all.iter().map(|it| {
        let bar = bar(seconds(it), longest);
        format!("  {}{} {}\n", pad(&terminal(&it.by), NAME), bar, it.took.for_people())
    });
    format!("\n{title}\n{}", rows.collect::<String>())
}

/// Returns the executed changes of each week, as bars.
fn weeks(it: &Overview) -> String {
    let count = |week: &crate::core::metrics::Week| week.executed.values().sum::<usize>() as u64;
    let weeks = &it.metrics.weeks;
    let weeks = &weeks[weeks.len().saturating_sub(MOST_WEEKS)..];
    let Some(most) = weeks.iter().map(count).max().filter(|most| *most > 0) else {
        return String::new();
    };
    let rows = weeks.iter().map(|week| {
        let failed = match week.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let from = week.from.utc().format("%-d %b %Y").to_string();
        format!("  {}{} {}{failed}\n", pad(&from, NAME), bar(count(week), most), count(week))
    });
    let last = match it.metrics.weeks.len() > MOST_WEEKS {
        true => format!(" (the last {MOST_WEEKS})"),
        false => String::new(),
    };
    format!("\nExecuted changes, by weeks from Monday on{last}\n{}", rows.collect::<String>())
}

fn denials(it: &Overview, width: usize) -> String {
    let rows = it.metrics.denials.iter().map(|it| {
        let changes = counted(it.changes, "change", "changes");
        let text = format!("{changes}; until approved or given up: {}", it.until_over.for_people());
        hanging(&format!("  {}", pad(&it.code, NAME)), &text, width)
    });
    match it.metrics.denials.is_empty() {
        true => String::new(),
        false => format!("\nDenied by\n{}", rows.collect::<String>()),
    }
}

/// Returns candidates for templates, with the command that makes one of each.
pub(super) fn promotions(promotions: &[Promotion], width: usize) -> String {
    let one = |it: &Promotion| {
        hanging("  ", &terminal(&it.told()), width)
            + &hanging("    ", &terminal(&it.command()), width)
    };
    promotions.iter().map(one).collect()
}

/// Returns a bar of eighths of columns.
fn bar(value: u64, most: u64) -> String {
    let eighths = value * (BAR as u64) * 8 / most.max(1);
    let eighths = if value > 0 { eighths.max(1) } else { 0 };
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][(eighths % 8) as usize];
    let full = "█".repeat((eighths / 8) as usize);
    pad(&format!("{full}{part}"), BAR)
}
