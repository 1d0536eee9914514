//! What a job on GitHub is told: outputs of its step, and the decision in the job's summary.

use std::fs::OpenOptions;
use std::io::Write as _;

use crate::cli::shared::say::complain;
use anyhow::Context as _;

/// Tells the job on GitHub that this is part of something as outputs of its step.
pub fn tell(outputs: &[(&str, &str)]) {
    let lines = outputs.iter().map(|(name, value)| format!("{name}={value}\n"));
    append("GITHUB_OUTPUT", &lines.collect::<String>());
}

/// Puts text into the summary of the job on GitHub that this is part of.
pub fn summarize(text: &str) {
    append("GITHUB_STEP_SUMMARY", text);
}

/// Appends to the file that GitHub names in the environment of a job. Nothing depends on it.
fn append(variable: &str, text: &str) {
    let file = std::env::var_os(variable).filter(|_| std::env::var_os("GITHUB_ACTIONS").is_some());
    let Some(file) = file.filter(|file| !file.is_empty()) else { return };
    let appended = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = appended.with_context(|| format!("cannot write {}", file.display())) {
        complain(&error);
    }
}
