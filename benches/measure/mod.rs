//! How the benchmarks of the whole program measure.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a program without a word.
pub fn run(command: &mut Command) {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
}

/// The median time of so many runs.
pub fn median(times: usize, mut work: impl FnMut()) -> Duration {
    let mut durations: Vec<_> = (0..times)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    durations.sort_unstable();
    durations[times / 2]
}

/// `9.87 ms`
pub fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
