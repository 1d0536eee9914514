//! Checks the windows and the freezes.

use super::Reader;
use crate::org::Org;
use crate::terms::Name;
use crate::yaml::did_you_mean;

impl Reader {
    pub(super) fn check_calendar(&mut self, org: &Org) {
        for (name, window) in &org.windows.entries {
            let is_spanning = (window.from_day, window.to_day);
            if matches!(is_spanning, (Some(_), None) | (None, Some(_)))
                || !window.days.is_empty() && window.from_day.is_some()
            {
                self.report(
                    "windows",
                    &[name],
                    format!("the window {name} doesn't say plainly when it begins and ends"),
                    "list the `days` on which it begins or, for one that lasts for days, `from_day` and `to_day`",
                );
            }
            let is_daily = window.from_day == window.to_day;
            if window.from.minutes() == 24 * 60 {
                self.report(
                    "windows",
                    &[name, "from"],
                    format!("the window {name} opens at 24:00"),
                    "write \"00:00\", and the day after",
                );
            } else if window.from == window.to && is_daily {
                let help = "write a closing time other than the opening time; a whole day is \"00:00\" to \"24:00\"";
                self.report(
                    "windows",
                    &[name, "to"],
                    format!("the window {name} opens and closes at the same time"),
                    help,
                );
            }
            if window.begins_on().is_empty() || window.tiers.is_empty() {
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
                let message = format!("the freeze {} doesn't end after it starts", freeze.name);
                self.report(
                    "freezes",
                    &["freezes", &index.to_string(), "end"],
                    message,
                    "correct its start or its end",
                );
            }
            let known: Vec<_> = org.roster.services.keys().map(Name::as_str).collect();
            for service in freeze.services.iter().filter(|it| !known.contains(&it.as_str())) {
                let help = match did_you_mean(service.as_str(), &known) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => {
                        "name services of the roster; without `services`, all are frozen".to_owned()
                    }
                };
                self.report(
                    "freezes",
                    &["freezes", &index.to_string(), "services"],
                    format!(
                        "the freeze {} is for {service}, which isn't in the roster",
                        freeze.name
                    ),
                    &help,
                );
            }
        }
    }
}
