//! The last bound on evaluating policies that aren't the shipped ones: time and memory.
//!
//! The interpreter looks at its timer between its steps, and what a single step could make endless
//! is refused when a bundle is loaded. What is left, such as a text that doubles with each rule, is
//! ended here: the process says so and exits with 2, because nothing was decided.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::cpu::Work;
use crate::core::policy::{Files, PolicyBundle};

/// The most CPU time that loading, or one decision, may use.
const TIME: Duration = Duration::from_secs(5);

/// The most memory that the process may take, in bytes.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// How often the watchdog looks.
const INTERVAL: Duration = Duration::from_millis(20);

type Running = Arc<Mutex<HashMap<thread::ThreadId, Work>>>;

/// Watches over loading and deciding; idle for the shipped policies.
pub struct Watchdog(Option<Running>);

/// Work that is watched until this is dropped.
pub struct Watched<'a>(Option<&'a Running>);

impl Watchdog {
    /// Starts watching, if these policies need it.
    pub fn start(files: &Files) -> Self {
        if PolicyBundle::ships(files) {
            return Watchdog(None);
        }
        let running = Running::default();
        let seen = Arc::downgrade(&running);
        thread::spawn(move || {
            while let Some(running) = seen.upgrade() {
                let longest = lock(&running).values().map(Work::used).max();
                if let Some(bound) = longest.and_then(bound_hit) {
                    eprintln!("error: the policies hit a bound: {bound}; nothing was decided");
                    std::process::exit(2);
                }
                drop(running);
                thread::sleep(INTERVAL);
            }
        });
        Watchdog(Some(running))
    }

    /// Watches over what this thread does next.
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

fn bound_hit(used: Duration) -> Option<String> {
    if used > TIME {
        return Some(format!(
            "loading or deciding took more than {} s of CPU time",
            TIME.as_secs()
        ));
    }
    (memory()? > MEMORY)
        .then(|| format!("the process took more than {} MiB of memory", MEMORY >> 20))
}

/// The process's resident memory in bytes, where the system tells.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
