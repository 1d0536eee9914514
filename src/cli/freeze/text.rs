//! What proposed freezes and windows hit, for people.

use std::fmt::Write as _;

use changegate::changes::fitting::{Hit, PreviewView};
use changegate::core::terms::all_of;
use changegate::report::escape::{markdown as escaped, terminal};
use changegate::report::{counted, hanging};

/// Returns it for a terminal, in lines of at most so many columns.
pub fn render(view: &PreviewView, columns: usize) -> String {
    let mut out = String::new();
    for hit in &view.hits {
        let at = hit.planned.for_people(Some(view.now));
        let tier = hit.tier.map(|tier| format!("{tier} risk, ")).unwrap_or_default();
        let summary = hit.summary.as_deref().unwrap_or_default();
        out += &hanging(
            "",
            &terminal(&format!("{}  {tier}{}, planned {at} UTC: {summary}", hit.change, hit.state)),
            columns,
        );
        out += &hanging("  hit by  ", &terminal(&hit_by(hit)), columns);
        out += &hanging("  tell    ", &all_of(&hit.people), columns);
        out += &hanging("  next    ", &next(hit, view), columns);
        if let Some(command) = &hit.command {
            // A command is for pasting.
            let _ = writeln!(out, "          {command}");
        }
        out.push('\n');
    }
    if !view.takes_away.is_empty() {
        out += &hanging("takes away  ", &terminal(&all_of(&view.takes_away)), columns);
    }
    out + &hanging("", &summary(view), columns)
}

/// Returns it as Markdown.
pub fn markdown(view: &PreviewView) -> String {
    let mut out = format!("{}\n", escaped(&summary(view)));
    if !view.takes_away.is_empty() {
        let _ = writeln!(out, "\nIt takes away {}.", escaped(&all_of(&view.takes_away)));
    }
    if view.hits.is_empty() {
        return out;
    }
    out += "\n| Change | Planned | Hit by | Tell | Next that fits |\n|---|---|---|---|---|\n";
    for hit in &view.hits {
        let cell = |text: &str| escaped(text).replace('\n', " ");
        let command = hit.command.as_ref().map(|it| format!("<br>`{it}`")).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {}: {} | {} UTC | {} | {} | {}{command} |",
            cell(&hit.change),
            cell(hit.summary.as_deref().unwrap_or_default()),
            cell(&hit.planned.for_people(Some(view.now))),
            cell(&hit_by(hit)),
            cell(&all_of(&hit.people)),
            cell(&next(hit, view)),
        );
    }
    out
}

fn hit_by(hit: &Hit) -> String {
    let freezes = hit.freezes.iter().map(|name| format!("the freeze {name}"));
    let outside = hit.outside.then(|| "no window takes it then".to_owned());
    let already = if hit.already { ", as now already" } else { "" };
    all_of(&freezes.chain(outside).collect::<Vec<_>>()) + already
}

fn next(hit: &Hit, view: &PreviewView) -> String {
    match &hit.next {
        Some(next) => format!("{} UTC", next.for_people(Some(view.now))),
        None => "nothing of that length within 400 days".to_owned(),
    }
}

fn summary(view: &PreviewView) -> String {
    let planned = counted(view.planned, "planned change", "planned changes");
    match view.hits.len() {
        0 => format!("{} hits none of {planned}", view.proposed),
        hits => format!("{} hits {hits} of {planned}", view.proposed),
    }
}
