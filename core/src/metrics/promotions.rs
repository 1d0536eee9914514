//! Which exceptions have become usual: what went well so often that it can be decided once, as a template.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::account::Account;
use crate::org::Org;
use crate::request::OutcomeResult;
use crate::terms::all_of;
use crate::time::{Duration, Time};

/// How far back is looked.
const WITHIN: Duration = Duration::days(180);

/// Changes that did the same beside a usual script, and went well each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Promotion {
    /// The script that none of them followed; empty if none is named.
    pub script: String,
    /// What their steps do, sorted: each action, and the services of its target or, without one, the target.
    pub does: Vec<String>,
    /// The changes, the oldest first.
    pub changes: Vec<String>,
}

impl Promotion {
    /// Says what they do, and how often: `drain-traffic on checkout instead of runbooks/drain.md: 3 times, …`.
    pub fn told(&self) -> String {
        let script = match self.script.is_empty() {
            true => String::new(),
            false => format!(" instead of {}", self.script),
        };
        format!("{}{script}: {} times, all successful", all_of(&self.does), self.changes.len())
    }

    /// Returns the command that makes a template of them.
    pub fn command(&self) -> String {
        let what: String = self.does.first().map(|it| it.replace(" on ", "-")).unwrap_or_default();
        let name: String =
            what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let name = name.split('-').filter(|it| !it.is_empty()).collect::<Vec<_>>().join("-");
        format!("changegate template from {} --name {name}", self.changes.join(" "))
    }
}

/// Returns the candidates at a time: groups of executed off-script changes of which at least
/// `settings.promote_after` were successful within 180 days, and none was anything else. What a template names
/// as its origin was promoted already.
pub fn promotions(accounts: &[Account], org: &Org, now: Time) -> Vec<Promotion> {
    let mut groups: BTreeMap<(String, Vec<String>), Vec<&Account>> = BTreeMap::new();
    for account in accounts {
        let executed = account.executed_at().filter(|at| now - WITHIN <= *at && *at <= now);
        let (Some(script), Some(_)) = (&account.off_script, executed) else { continue };
        let mut does = account.does.clone();
        does.sort();
        groups.entry((script.clone(), does)).or_default().push(account);
    }
    let promoted = |account: &&Account| {
        let named = |from: &crate::terms::TicketId| from.as_str() == account.change;
        org.templates.values().any(|template| template.from.iter().any(named))
    };
    let went_well =
        |account: &&Account| account.outcome.is_some_and(|(it, _)| it == OutcomeResult::Successful);
    let mut found = Vec::new();
    for ((script, does), mut accounts) in groups {
        accounts.sort_by_key(|it| (it.executed_at(), it.change.clone()));
        let often = accounts.len() >= org.settings.promote_after as usize;
        if often && accounts.iter().all(went_well) && !accounts.iter().any(promoted) {
            let changes = accounts.iter().map(|it| it.change.clone()).collect();
            found.push(Promotion { script, does, changes });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, done};
    use super::*;
    use crate::policy::{PolicyBundle, shipped_files};

    #[test]
    fn what_went_well_often_enough_is_a_candidate() {
        let org: Org = PolicyBundle::tables(&shipped_files()).unwrap();
        let account = |name: &str, result: Option<OutcomeResult>, day: &str| {
            let mut account = done(name, day);
            account.off_script = Some("runbooks/drain.md".to_owned());
            account.does = vec![
                "scale-service on checkout".to_owned(),
                "drain-traffic on checkout".to_owned(),
            ];
            account.outcome = result.map(|result| (result, at("11-28")));
            account
        };
        let well = Some(OutcomeResult::Successful);
        let three = || {
            vec![
                account("CHG-3", well, "11-12"),
                account("CHG-1", well, "11-10"),
                account("CHG-2", well, "11-11"),
            ]
        };
        let found = |accounts: &[Account]| promotions(accounts, &org, at("11-29"));
        assert_eq!(
            found(&three()),
            [Promotion {
                script: "runbooks/drain.md".to_owned(),
                does: vec![
                    "drain-traffic on checkout".to_owned(),
                    "scale-service on checkout".to_owned()
                ],
                changes: ["CHG-1", "CHG-2", "CHG-3"].map(str::to_owned).to_vec(),
            }]
        );
        assert_eq!(found(&three()[..2]), []);
        // One that went otherwise, or that nobody closed, is enough against it.
        for other in [Some(OutcomeResult::WithIssues), Some(OutcomeResult::Failed), None] {
            let mut accounts = three();
            accounts.push(account("CHG-4", other, "11-13"));
            assert_eq!(found(&accounts), [], "{other:?}");
        }
        // What is older than 180 days, does something else, or follows the script, is another matter.
        let mut accounts = three();
        accounts.push(account("CHG-4", Some(OutcomeResult::Failed), "05-01"));
        assert_eq!(found(&accounts).len(), 1);
        let mut accounts = three();
        accounts[0].does.pop();
        assert_eq!(found(&accounts), []);
        let mut accounts = three();
        accounts[0].off_script = None;
        assert_eq!(found(&accounts), []);
        // A template that names one of them decides about the next already.
        let mut org = org.clone();
        let template = serde_json::json!({
            "summary": "x", "actions": [{"action": "scale-service", "target": "x"}], "from": ["CHG-1"],
        });
        org.templates.insert("drain".parse().unwrap(), serde_json::from_value(template).unwrap());
        assert_eq!(promotions(&three(), &org, at("11-29")), []);
    }
}
