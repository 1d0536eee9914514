//! Measures the CPU time of threads. Bounds use CPU time, so that a busy machine reaches the same
//! decisions as an idle one.
//!
//! On systems that don't provide it, wall-clock time is used instead.

use std::time::{Duration, Instant};

/// Returns the CPU time that the calling thread has used so far.
#[cfg(unix)]
pub fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Returns the time since the first call.
#[cfg(not(unix))]
pub fn thread_time() -> Duration {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed()
}

/// The work of one thread. Other threads can read its CPU time.
pub struct Work {
    #[cfg(target_os = "linux")]
    thread: rustix::thread::Pid,
    begun: Instant,
    used_before: Duration,
}

impl Work {
    /// Starts to measure the work of the calling thread.
    pub fn begin() -> Self {
        let mut work = Work {
            #[cfg(target_os = "linux")]
            thread: rustix::thread::gettid(),
            begun: Instant::now(),
            used_before: Duration::ZERO,
        };
        work.used_before = work.used_by_thread().unwrap_or_default();
        work
    }

    /// Returns the CPU time that the work has used so far.
    pub fn used(&self) -> Duration {
        match self.used_by_thread() {
            Some(used) => used.saturating_sub(self.used_before),
            None => self.begun.elapsed(),
        }
    }

    /// Returns the thread's user and system time, fields 14 and 15 of its `stat`. The second field
    /// is the thread's name in parentheses, which can hold anything.
    #[cfg(target_os = "linux")]
    fn used_by_thread(&self) -> Option<Duration> {
        let path = format!("/proc/self/task/{}/stat", self.thread.as_raw_nonzero());
        let stat = std::fs::read_to_string(path).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
        let ticks = times.next()?.ok()? + times.next()?.ok()?;
        let per_second = rustix::param::clock_ticks_per_second();
        Some(Duration::from_millis(ticks * 1000 / per_second))
    }

    #[cfg(not(target_os = "linux"))]
    fn used_by_thread(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_uses_no_cpu_time_and_work_does() {
        let work = Work::begin();
        let before = thread_time();
        std::thread::sleep(Duration::from_millis(50));
        assert!(work.used() <= Duration::from_millis(20), "{:?}", work.used());
        while thread_time().saturating_sub(before) < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        assert!(work.used() >= Duration::from_millis(40), "{:?}", work.used());
    }
}
