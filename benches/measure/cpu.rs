//! How much of the processor something takes, which says more on a busy machine than how long.

use std::fs;
use std::time::Duration;

/// The number of ticks in a second, in which Linux counts.
const TICKS: u64 = 100;

/// Returns the time that this process, with its threads, and the children that it waited for spend on a
/// processor for some work; zero where the system doesn't tell.
pub fn cpu(work: impl FnOnce()) -> Duration {
    let before = used();
    work();
    used().saturating_sub(before)
}

fn used() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, can hold blanks.
    let fields = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(4);
    let ticks: u64 = ticks.filter_map(|it| it.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// Returns what each of so many runs takes of the processor.
pub fn each_of(times: u32, mut work: impl FnMut()) -> Duration {
    cpu(|| (0..times).for_each(|_| work())) / times
}
