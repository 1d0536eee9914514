//! What new policies decide differently, for people.

use super::escape::terminal;
use super::{hanging, whose};
use crate::core::decision::Trial;

/// The number of differences that are shown.
const MOST: usize = 50;

/// Returns the differences, request by request, in lines of at most `width` columns.
pub fn trial(trial: &Trial, width: usize) -> String {
    let Trial { against, requests, differences } = trial;
    let compared = format!("{} on {requests} open request{}", whose(against), plural(*requests));
    if differences.is_empty() {
        return format!("decides as {compared}, and on a change of the policies\n");
    }
    let mut text = format!("decides differently from {compared}:\n");
    for difference in differences.iter().take(MOST) {
        text += &format!("  {}\n", terminal(&difference.request));
        difference.how.iter().for_each(|how| text += &hanging("    ", how, width));
    }
    if let Some(more @ 1..) = differences.len().checked_sub(MOST) {
        text += &format!("  … and {more} more: --format json lists all\n");
    }
    text
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
