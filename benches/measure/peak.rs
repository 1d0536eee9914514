//! How much memory a program takes.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs a program without a word; answers with its peak memory in KiB, where the system tells: all of it,
/// and what is its own, without what it maps of files, such as Git's packs, which the system takes back when
/// it needs it.
pub fn peak(command: &mut Command) -> (u64, u64) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut all, mut own) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kibibytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.trim().parse().ok()
        };
        all = all.max(kibibytes("VmHWM:").unwrap_or(0));
        own = own.max(kibibytes("RssAnon:").unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    (all, own)
}
