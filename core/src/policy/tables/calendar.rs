//! Checks the windows and the freezes.

use super::Reader;
use crate::org::Org;

impl Reader {
    pub(super) fn check_calendar(&mut self, org: &Org) {
        for (name, window) in &org.windows.entries {
            if window.from == window.to || window.from.minutes() == 24 * 60 {
                let help = "write a closing time other than the opening time; a whole day is \"00:00\" to \"24:00\"";
                self.report(
                    "windows",
                    &[name, "to"],
                    format!("the window {name} opens and closes at the same time"),
                    help,
                );
            }
            if window.days.is_empty() || window.tiers.is_empty() {
                self.report(
                    "windows",
                    &[name],
                    format!("the window {name} never opens"),
                    "list at least one day and one tier",
                );
            }
        }
        for (index, freeze) in org.freezes.freezes.iter().enumerate() {
            if freeze.end <= freeze.start {
                let message = format!("the freeze {} ends before it starts", freeze.name);
                self.report(
                    "freezes",
                    &["freezes", &index.to_string(), "end"],
                    message,
                    "correct its start or its end",
                );
            }
        }
    }
}
