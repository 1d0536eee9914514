//! What other policies would have decided, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::terminal;
use super::{counted, hanging, whose};
use crate::core::decision::replay::{Direction, Flip, Origin, Replay, Sample, Tally, Unclear};
use crate::core::terms::{all_of, few};

/// The number of kinds of differences that are shown in each direction, and of cases nobody can tell
/// about.
const MOST: usize = 20;

/// Returns the comparison, in lines of at most `width` columns.
pub fn replay(replay: &Replay, width: usize) -> String {
    let mut text = head(replay, width);
    if !replay.is_grounded() {
        text += "\nnot the recorded verdicts:\n";
        text += &listed(&replay.baseline.failures, width);
        text += "\nnot compared: the recorded policies don't give the recorded verdicts, so that \
                 nothing else would mean anything; `changegate audit verify` says more\n";
        return text;
    }
    for direction in Direction::ALL {
        text += &towards(replay, direction, width);
    }
    if !replay.unclear.is_empty() {
        let _ = writeln!(text, "\nnobody can tell: {}", replay.unclear.len());
        text += &listed(&replay.unclear, width);
    }
    if !replay.silent.is_empty() {
        text.push('\n');
        text += &hanging("found nothing, before and after  ", &all_of(&few(&replay.silent)), width);
    }
    if replay.left_out > 0 {
        let _ = writeln!(text, "\nopen pull requests that were not tried: {}", replay.left_out);
    }
    text + "\n" + &in_a_line(replay) + "\n"
}

/// Returns what is compared with what, and whether that rests on something.
fn head(replay: &Replay, width: usize) -> String {
    let Replay { policies, against, files, sample, baseline, approximate, .. } = replay;
    let to_come = replay.open.map_or("", |_| " and on what is to come");
    let mut text = format!("{}, tried on what is recorded{to_come}\n", whose(policies));
    let changes = match files.as_slice() {
        [] => format!("nothing, compared with {}", whose(against)),
        files => format!("{}, compared with {}", all_of(&few(&escaped(files))), whose(against)),
    };
    text += &hanging("  changes      ", &changes, width);
    if let Some(sample) = sample {
        let why = if sample.is_out_of_time { "as time allowed" } else { "as asked for" };
        let Sample { seed, looked_at, entries, .. } = sample;
        let drawn = format!(
            "{looked_at} of the ledger's {entries} commits, {why}: those with the smallest SHA-256 of \
             `{}` followed by the commit's id",
            terminal(seed)
        );
        text += &hanging("  looked at    ", &drawn, width);
    }
    let withheld = match baseline.withheld {
        0 => String::new(),
        count => format!("; of {count} the evidence is withheld"),
    };
    let _ = writeln!(
        text,
        "  made again   {} of {} with the recorded verdict{withheld}",
        baseline.same, baseline.decisions
    );
    if !approximate.is_empty() && replay.is_grounded() {
        let files = approximate.iter().map(|(path, cases)| {
            format!("{} for {}", terminal(path), counted(*cases, "case", "cases"))
        });
        let whole = format!(
            "{}: the change doesn't fit the file there, so the new one is taken whole",
            all_of(&few(&files.collect::<Vec<_>>()))
        );
        text += &hanging("  approximate  ", &whole, width);
    }
    text
}

/// Returns the cases that differ in a direction: counted by code, tier and service, and what differs.
fn towards(replay: &Replay, direction: Direction, width: usize) -> String {
    let flips: Vec<_> = replay.towards(direction).collect();
    if flips.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}: {}\n", words(direction), flips.len());
    text += &counts("code", &flips, |flip| flip.codes.clone());
    text += &counts("tier", &flips, |flip| flip.tier.iter().map(ToString::to_string).collect());
    text += &counts("service", &flips, |flip| flip.services.clone());
    let mut groups: Vec<(&[String], Vec<String>)> = Vec::new();
    for flip in &flips {
        let how = flip.difference.how.as_slice();
        match groups.iter_mut().find(|(known, _)| *known == how) {
            Some((_, cases)) => cases.push(case(flip)),
            None => groups.push((how, vec![case(flip)])),
        }
    }
    for (how, cases) in groups.iter().take(MOST) {
        text += &hanging("  ", &all_of(&few(cases)), width);
        how.iter().for_each(|how| text += &hanging("    ", &terminal(how), width));
    }
    text + &more(groups.len())
}

/// Returns a table of how many cases have each of some marks, most frequent first, each with an example.
fn counts(what: &str, flips: &[&Flip], marks: impl Fn(&Flip) -> Vec<String>) -> String {
    let mut counted: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for flip in flips {
        for mark in marks(flip) {
            counted.entry(mark).or_insert_with(|| (0, case(flip))).0 += 1;
        }
    }
    let mut rows: Vec<_> = counted.into_iter().collect();
    rows.sort_by(|(a, (more, _)), (b, (less, _))| less.cmp(more).then_with(|| a.cmp(b)));
    let widest = rows.iter().take(MOST).map(|(mark, _)| mark.chars().count()).max().unwrap_or(0);
    let row = |(at, (mark, (count, example))): (usize, &(String, (usize, String)))| {
        let what = if at == 0 { what } else { "" };
        format!("  {what:<7}  {:<widest$}  {count:>4}  such as {example}\n", terminal(mark))
    };
    rows.iter().take(MOST).enumerate().map(row).collect::<String>() + &more(rows.len())
}

fn more(count: usize) -> String {
    match count.checked_sub(MOST) {
        None | Some(0) => String::new(),
        Some(more) => format!("  … and {more} more: `--format json` lists all\n"),
    }
}

fn listed(cases: &[Unclear], width: usize) -> String {
    let line = |it: &Unclear| {
        let before = format!("  {} (entry {})  ", terminal(&it.request), it.entry);
        hanging(&before, &terminal(&it.why), width)
    };
    cases.iter().take(MOST).map(line).collect::<String>() + &more(cases.len())
}

/// Returns a case's name: `CHG-7 (entry 3)`, `CHG-9 (open)`.
fn case(flip: &Flip) -> String {
    let name = terminal(&flip.difference.request);
    match (flip.origin, flip.entry) {
        (Origin::Past, Some(entry)) => format!("{name} (entry {entry})"),
        (Origin::Past, None) => name.into_owned(),
        (Origin::Open, _) => format!("{name} (open)"),
        (Origin::Scheduled, _) => format!("{name} (scheduled)"),
    }
}

fn words(direction: Direction) -> &'static str {
    match direction {
        Direction::Allowed => "newly allowed",
        Direction::Undecided => "not decidable any more",
        Direction::Denied => "newly denied",
        Direction::Waiting => "newly waiting",
        Direction::Released => "waiting instead of denied",
        Direction::Alike => "same verdict for other reasons",
    }
}

/// Returns the whole in a line: `3 of 412 past and 1 of 9 open changes would differ: 1 newly allowed`.
fn in_a_line(replay: &Replay) -> String {
    let part = |tally: Tally, what: &str| format!("{} of {} {what}", tally.differ, tally.cases);
    let mut parts = vec![part(replay.past, "past")];
    parts.extend(replay.open.map(|open| part(open, "open")));
    if replay.scheduled.cases > 0 {
        parts.push(part(replay.scheduled, "scheduled"));
    }
    let directions = Direction::ALL.into_iter().filter_map(|direction| {
        let count = replay.towards(direction).count();
        (count > 0).then(|| format!("{count} {}", words(direction)))
    });
    let directions: Vec<_> = directions.collect();
    let mut line = format!("{} changes would differ", all_of(&parts));
    if !directions.is_empty() {
        line += &format!(": {}", directions.join(", "));
    }
    if !replay.unclear.is_empty() {
        line += &format!("; about {} nobody can tell", replay.unclear.len());
    }
    line
}

fn escaped(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| terminal(text).into_owned()).collect()
}
