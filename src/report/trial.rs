//! What new policies decide differently, for people.

use super::{hanging, whose};
use crate::core::decision::{Difference, Trial};
use crate::core::terms::{all_of, few};

/// The number of kinds of differences that are shown.
const MOST: usize = 50;

/// Returns the differences, each with the requests on which it shows, in lines of at most `width` columns.
pub fn trial(trial: &Trial, width: usize) -> String {
    let Trial { against, requests, changes, left_out, differences, locks_out } = trial;
    let requests = match requests {
        0 => None,
        1 => Some("1 merged request that isn't over".to_owned()),
        many => Some(format!("{many} merged requests that aren't over")),
    };
    let changes = match changes {
        0 => None,
        1 => Some("1 open change".to_owned()),
        many => Some(format!("{many} open changes")),
    };
    let samples = Some("samples of each kind".to_owned());
    let cases: Vec<_> = [requests, changes, samples].into_iter().flatten().collect();
    let compared = format!("{} on {}", whose(against), all_of(&cases));
    let left_out = match left_out {
        0 => String::new(),
        count => format!(
            "open pull requests that were not tried, because there are more than a hundred or they \
             can't be fetched: {count}\n"
        ),
    };
    if differences.is_empty() {
        return format!("decides as {compared}\n{left_out}");
    }
    let mut groups: Vec<(&[String], Vec<&str>)> = Vec::new();
    for Difference { request, how, .. } in differences {
        match groups.iter_mut().find(|(known, _)| known == how) {
            Some((_, requests)) => requests.push(request),
            None => groups.push((how, vec![request])),
        }
    }
    let mut text = format!("decides differently from {compared}:\n");
    for (how, requests) in groups.iter().take(MOST) {
        text += &hanging("  ", &all_of(&few(requests)), width);
        how.iter().for_each(|how| text += &hanging("    ", how, width));
    }
    if *locks_out {
        text += "nobody could change these policies again, even if everybody approved it\n";
    }
    if let Some(more @ 1..) = groups.len().checked_sub(MOST) {
        text += &format!(
            "  … and {more} more: as JSON, `changegate test --against BRANCH` lists all\n"
        );
    }
    text + &left_out
}
