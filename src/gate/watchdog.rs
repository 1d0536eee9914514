//! The last bounds on evaluating policies other than the shipped ones: time and memory.
//!
//! The interpreter checks its timer between steps, and loading a bundle refuses anything that could
//! make a single step endless. The watchdog notices the rest, such as a text that doubles with each
//! rule. It then calls a function that has to end the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::cpu::Work;
use crate::core::policy::{Files, PolicyBundle};

/// The maximum CPU time for loading a bundle or for one decision.
pub(super) const TIME: Duration = Duration::from_secs(5);

/// The maximum memory of the process, in bytes.
pub(super) const MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// The interval of the watchdog's checks.
const INTERVAL: Duration = Duration::from_millis(20);

type Running = Arc<Mutex<HashMap<thread::ThreadId, Work>>>;

/// A function that is called with a message when a bound is exceeded. A thread that is evaluating
/// can't be stopped, so the function has to end the process.
pub type AtBound = fn(&str);

/// Watches the loading of a bundle and its decisions; idle for the shipped policies.
pub struct Watchdog(Option<Running>);

/// A guard that ends the watch over a thread's work when it is dropped.
pub struct Watched<'a>(Option<&'a Running>);

impl Watchdog {
    /// Starts watching, if these policies need it.
    pub fn start(files: &Files, at_bound: AtBound) -> Self {
        if PolicyBundle::ships(files) {
            return Watchdog(None);
        }
        let running = Running::default();
        let seen = Arc::downgrade(&running);
        thread::spawn(move || {
            while let Some(running) = seen.upgrade() {
                let longest = lock(&running).values().map(Work::used).max();
                if let Some(bound) = longest.and_then(exceeded) {
                    at_bound(&format!(
                        "the policies exceeded a bound: {bound}; nothing was decided"
                    ));
                }
                drop(running);
                thread::sleep(INTERVAL);
            }
        });
        Watchdog(Some(running))
    }

    /// Watches what this thread does until the returned value is dropped.
    pub fn watch(&self) -> Watched<'_> {
        if let Some(running) = &self.0 {
            lock(running).insert(thread::current().id(), Work::begin());
        }
        Watched(self.0.as_ref())
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.0 {
            lock(running).remove(&thread::current().id());
        }
    }
}

fn lock(running: &Running) -> std::sync::MutexGuard<'_, HashMap<thread::ThreadId, Work>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

fn exceeded(used: Duration) -> Option<String> {
    if used > TIME {
        return Some(format!(
            "loading or deciding used more than {} s of CPU time",
            TIME.as_secs()
        ));
    }
    (memory()? > MEMORY)
        .then(|| format!("the process used more than {} MiB of memory", MEMORY >> 20))
}

/// Returns the process's resident memory in bytes, if the system provides it.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
