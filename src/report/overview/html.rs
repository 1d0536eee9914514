//! The report as one page of HTML: no script, nothing from elsewhere, light and dark and on paper.

use std::collections::BTreeMap;

use askama::Template;

use super::figures::{Section, sections};
use super::pictures::{self, DAYS, KINDS};
use super::{Need, Needed, Overview, Promotion};
use crate::core::metrics::{Denial, Group, Taken, Week};
use crate::core::terms::all_of;
use crate::report::counted;
use crate::report::escape::terminal;

/// The page. What it shows has no hidden characters; askama escapes the rest.
#[derive(Template)]
#[template(path = "overview/page.html")]
struct Page {
    title: String,
    numbers: String,
    only: String,
    warnings: Vec<String>,
    in_short: String,
    needs: Vec<Row>,
    sections: Vec<Section>,
    pictures: Vec<Pictured>,
    denials: Vec<Denied>,
    promotions: Vec<Candidate>,
    loosened: Vec<String>,
}

/// What needs somebody.
struct Row {
    what: String,
    of: String,
    summary: String,
    who: String,
    told: String,
    command: String,
    address: String,
}

/// A picture, and the table that says the same.
struct Pictured {
    name: &'static str,
    meaning: &'static str,
    keys: Vec<String>,
    svg: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What denied changes.
struct Denied {
    code: String,
    changes: usize,
    until_over: String,
}

/// A candidate for a template.
struct Candidate {
    told: String,
    command: String,
}

/// Returns the page.
pub(super) fn render(it: &Overview) -> anyhow::Result<String> {
    let counts = &it.metrics.changes;
    let page = Page {
        title: plain(&format!("Changes of {}, {}", it.repository, it.period_in_words())),
        numbers: format!(
            "{}, {} executed",
            counted(counts.total, "change", "changes"),
            counts.executed
        ),
        only: plain(&it.only_in_words()),
        warnings: it.warnings.iter().map(|it| plain(it)).collect(),
        in_short: in_short(&it.needs),
        needs: it.needs.iter().map(row).collect(),
        sections: sections(it),
        pictures: pictures(it),
        denials: it.metrics.denials.iter().map(denied).collect(),
        promotions: it.promotions.iter().map(candidate).collect(),
        loosened: it.loosened.iter().map(|it| plain(it)).collect(),
    };
    Ok(page.render()? + "\n")
}

fn plain(text: &str) -> String {
    terminal(text).into_owned()
}

/// Says how many of each kind need somebody.
fn in_short(needs: &[Need]) -> String {
    let mut counts: BTreeMap<Needed, usize> = BTreeMap::new();
    for need in needs {
        *counts.entry(need.what).or_default() += 1;
    }
    counts.into_iter().map(|(what, count)| what.counted(count)).collect::<Vec<_>>().join(", ")
}

fn row(need: &Need) -> Row {
    // Only such an address is one that a browser goes to and does nothing else.
    let address = need.address.as_ref().filter(|it| it.starts_with("https://"));
    let what = need.what.counted(1);
    Row {
        what: what.strip_prefix("1 ").unwrap_or(&what).to_owned(),
        of: plain(&need.of),
        summary: need.summary.as_deref().map(plain).unwrap_or_default(),
        who: plain(&all_of(&need.who)),
        told: plain(&need.told),
        command: plain(&need.command),
        address: address.cloned().unwrap_or_default(),
    }
}

fn denied(it: &Denial) -> Denied {
    Denied { code: plain(&it.code), changes: it.changes, until_over: it.until_over.for_people() }
}

fn candidate(it: &Promotion) -> Candidate {
    Candidate { told: plain(&it.told()), command: plain(&it.command()) }
}

/// Returns the pictures that have something to show.
fn pictures(it: &Overview) -> Vec<Pictured> {
    let metrics = &it.metrics;
    let is_executed = metrics.weeks.iter().any(|week| !week.executed.is_empty());
    let mut all = Vec::new();
    if is_executed {
        all.push(Pictured {
            name: "Executed changes, week by week",
            meaning: "Each in the week in which it was executed first; ✕ is how many of them failed.",
            keys: KINDS.iter().map(ToString::to_string).collect(),
            svg: pictures::weeks(metrics),
            columns: columns(&["Week from", "Standard", "Normal", "Emergency", "Failed"]),
            rows: metrics.weeks.iter().map(week).collect(),
        });
        all.push(Pictured {
            name: "Lead time, week by week",
            meaning: "From submission until the last step was done: the median, in the band from the tenth to the \
                      ninetieth of a hundred.",
            keys: Vec::new(),
            svg: pictures::lead_time(metrics),
            columns: columns(&["Week from", "Changes", "Lead time"]),
            rows: metrics.weeks.iter().map(lead_time).collect(),
        });
        all.push(Pictured {
            name: "When executions begin",
            meaning: "By weekday and hour in UTC, darker where there are more; hours in which a window is open have \
                      a border.",
            keys: Vec::new(),
            svg: pictures::hours(metrics, &it.open_hours),
            columns: hour_columns(),
            rows: DAYS.iter().zip(&metrics.hours).map(day).collect(),
        });
    }
    if !metrics.sign_off.by_role.is_empty() {
        all.push(Pictured {
            name: "Time to sign-off by role",
            meaning: "From when the present content arrived until the role's sign-off; the bars are medians.",
            keys: Vec::new(),
            svg: pictures::sign_offs(&metrics.sign_off.by_role),
            columns: columns(&["Role", "Time"]),
            rows: metrics.sign_off.by_role.iter().map(taken).collect(),
        });
    }
    for (groups, name, title) in [
        (&metrics.by_tier, "Failed changes by tier", "Share of failed changes by tier"),
        (&metrics.by_service, "Failed changes by service", "Share of failed changes by service"),
    ] {
        if !groups.is_empty() {
            all.push(Pictured {
                name,
                meaning: "Of the executed changes, those that were rolled back, failed, or led to an incident.",
                keys: Vec::new(),
                svg: pictures::failed(groups, title),
                columns: columns(&["Of", "Executed", "Failed"]),
                rows: groups.iter().map(group).collect(),
            });
        }
    }
    all
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn hour_columns() -> Vec<String> {
    let hours = (0..24).map(|hour| format!("{hour:02}"));
    ["Day".to_owned()].into_iter().chain(hours).collect()
}

fn day((name, hours): (&&str, &Vec<usize>)) -> Vec<String> {
    [(*name).to_owned()].into_iter().chain(hours.iter().map(ToString::to_string)).collect()
}

fn date(week: &Week) -> String {
    week.from.utc().format("%-d %b %Y").to_string()
}

fn week(week: &Week) -> Vec<String> {
    let of = |kind| week.executed.get(&kind).copied().unwrap_or_default().to_string();
    let [standard, normal, emergency] = KINDS.map(of);
    vec![date(week), standard, normal, emergency, week.failed.to_string()]
}

fn lead_time(week: &Week) -> Vec<String> {
    vec![date(week), week.lead_time.n.to_string(), week.lead_time.for_people()]
}

fn taken(it: &Taken) -> Vec<String> {
    vec![plain(&it.by), it.took.for_people()]
}

fn group(it: &Group) -> Vec<String> {
    vec![plain(&it.of), it.executed.to_string(), it.failed.for_people()]
}
