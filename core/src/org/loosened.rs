//! The settings that are looser than the usual ones: every report names them.

use super::{Offline, Settings};
use crate::digest::to_json;
use crate::terms::RiskTier;

impl Settings {
    /// Returns the settings that are looser than the usual ones, each with its value.
    pub fn loosened(&self) -> Vec<String> {
        let usual = Settings::default();
        let longer = |name: &str, is: crate::time::Duration, usual: crate::time::Duration| {
            (is > usual).then(|| format!("{name}: {is}, usually {usual}"))
        };
        let lists = |name: &str, values: Vec<String>| {
            (!values.is_empty()).then(|| format!("{name}: {}", values.join(", ")))
        };
        let closed = self.outcome.close.iter().filter(|tier| **tier > RiskTier::Medium);
        let reactive = self.reactive_outside_windows.iter();
        let monitored = self.outcome.monitor_at_least;
        let tolerance = &self.outcome.error_rate;
        let unsigned = self.unsigned_reviews.is_allowed();
        let all = [
            unsigned.then(|| "unsigned_reviews: allow".to_owned()),
            (!self.ledger.on).then(|| "ledger.on: false".to_owned()),
            lists("bots", self.bots.iter().map(ToString::to_string).collect()),
            longer("approval_valid_for", self.approval_valid_for, usual.approval_valid_for),
            longer("sign_off.due_after", self.sign_off.due_after, usual.sign_off.due_after),
            longer(
                "break_glass.due_after",
                self.break_glass.due_after,
                usual.break_glass.due_after,
            ),
            longer("execution.lease", self.execution.lease, usual.execution.lease),
            longer(
                "execution.offline_max",
                self.execution.offline_max,
                usual.execution.offline_max,
            )
            .filter(|_| self.execution.offline != Offline::Off),
            longer(
                "outcome.missing_after",
                self.outcome.missing_after,
                usual.outcome.missing_after,
            ),
            (monitored < usual.outcome.monitor_at_least).then(|| {
                let usual = usual.outcome.monitor_at_least;
                format!("outcome.monitor_at_least: {monitored}, usually {usual}")
            }),
            (tolerance.times > usual.outcome.error_rate.times)
                .then(|| format!("outcome.error_rate.times: {}", to_json(&tolerance.times))),
            (tolerance.points > usual.outcome.error_rate.points)
                .then(|| format!("outcome.error_rate.points: {}", to_json(&tolerance.points))),
            lists("outcome.close", closed.map(ToString::to_string).collect()),
            lists("reactive_outside_windows", reactive.map(ToString::to_string).collect()),
        ];
        all.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looser_than_usual_is_named() {
        let mut settings = Settings::default();
        settings.ledger.on = true;
        assert_eq!(settings.loosened(), Vec::<String>::new());
        settings.ledger.on = false;
        settings.bots = vec!["release-bot[bot]".parse().unwrap()];
        settings.outcome.monitor_at_least = "2s".parse().unwrap();
        settings.outcome.close = vec![RiskTier::Low, RiskTier::High];
        settings.reactive_outside_windows = vec![RiskTier::Medium];
        settings.approval_valid_for = "14d".parse().unwrap();
        settings.execution.offline_max = "96h".parse().unwrap();
        settings.execution.offline = Offline::Off;
        assert_eq!(
            settings.loosened(),
            [
                "ledger.on: false",
                "bots: release-bot[bot]",
                "approval_valid_for: 336h, usually 168h",
                "outcome.monitor_at_least: 2s, usually 15m",
                "outcome.close: high",
                "reactive_outside_windows: medium",
            ]
        );
    }
}
