//! Ctrl-C, where it must not end the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// Does something during which Ctrl-C doesn't end the process; a second Ctrl-C does.
///
/// # Errors
/// If the system refuses.
pub fn held<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    static ENDS_PROCESS: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let ends_process = match ENDS_PROCESS.get() {
        Some(flag) => flag,
        None => {
            let ends_process = Arc::new(AtomicBool::new(true));
            flag::register_conditional_default(SIGINT, ends_process.clone())
                .and_then(|_| flag::register(SIGINT, ends_process.clone()))
                .context("prepare for Ctrl-C")?;
            ENDS_PROCESS.get_or_init(|| ends_process)
        }
    };
    ends_process.store(false, Ordering::SeqCst);
    let done = work();
    ends_process.store(true, Ordering::SeqCst);
    Ok(done)
}
