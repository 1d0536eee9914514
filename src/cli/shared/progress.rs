//! A progress bar on standard error, for work of more than half a second, on a terminal only.

use std::cell::OnceCell;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long no bar is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// The progress of some work.
pub struct Progress {
    total: usize,
    began: Instant,
    bar: OnceCell<ProgressBar>,
    done: std::cell::Cell<usize>,
}

impl Progress {
    /// Starts the progress of work with `total` steps.
    pub fn of(total: usize) -> Self {
        Progress {
            total,
            began: Instant::now(),
            bar: OnceCell::new(),
            done: std::cell::Cell::new(0),
        }
    }

    /// Adds completed steps.
    pub fn advance(&self, steps: usize) {
        self.reach(self.done.get() + steps);
    }

    /// Sets the number of completed steps.
    pub fn reach(&self, done: usize) {
        self.done.set(done);
        if self.began.elapsed() > PATIENCE && std::io::stderr().is_terminal() {
            self.bar.get_or_init(|| self.draw()).set_position(self.done.get() as u64);
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn draw(&self) -> ProgressBar {
        let bar =
            ProgressBar::with_draw_target(Some(self.total as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len}, {eta} left") {
            bar.set_style(style);
        }
        bar
    }
}
