//! Checks whether a branch accepts only what changegate has approved.

use super::protection::{Held, Required};
use super::{ASK_AN_ADMIN, Answerer, Check, Mode, Protection, Seen, bypass, listed};
use crate::core::terms::Login;
use crate::forge::github::plan::TRIAL;
use crate::forge::github::snapshot::CONTEXT;

/// The rules that must not be bypassed.
const BINDING: [&str; 4] =
    ["deletion", "non_fast_forward", "pull_request", "required_status_checks"];

/// Compares the protection of a branch with what is needed. `known` returns the owner of an account
/// id.
pub fn examine<'a>(
    protected: &ProtectedBranch<'_>,
    known: &dyn Fn(u64) -> Option<&'a Login>,
) -> Vec<Check> {
    let mut checks = protected.status();
    checks.push(protected.pull_requests());
    checks.push(protected.force_pushes());
    checks.push(protected.deletion());
    checks.extend(protected.bypassing(known));
    checks.push(protected.stale_reviews());
    checks.push(protected.dismissal());
    checks
}

/// A branch with its protection, and how changegate publishes its decisions.
pub struct ProtectedBranch<'a> {
    pub branch: &'a str,
    pub protection: &'a Protection,
    pub answerer: Answerer,
    pub actions: &'a Seen<u64>,
}

impl ProtectedBranch<'_> {
    /// Returns the page on GitHub where the rules of the branch are set.
    pub fn page(&self) -> String {
        let ruleset = match self.protection.rules.is_empty() {
            true => "New branch ruleset, with the target",
            false => "the ruleset of",
        };
        format!("Settings → Rules → Rulesets → {ruleset} {}", self.branch)
    }

    /// Returns the App that the status has to come from: its id, and its name on GitHub's pages.
    fn source(&self) -> (Seen<u64>, String) {
        match self.answerer.mode {
            Mode::Action => (self.actions.clone(), "GitHub Actions".to_owned()),
            Mode::App(id) => (Ok(id), format!("the App {id}")),
        }
    }

    fn status(&self) -> Vec<Check> {
        let required = match self.protection.required() {
            Ok(required) => required,
            Err(reason) => {
                let found = format!("it isn't visible whether the status `{CONTEXT}` is required");
                return vec![Check::unseen("status/required", found, &reason).fix(ASK_AN_ADMIN)];
            }
        };
        let own: Vec<_> = required.iter().filter(|check| check.context == CONTEXT).collect();
        let mut checks = Vec::new();
        if own.is_empty() {
            let (_, source) = self.source();
            checks.push(
                Check::bad("status/required", format!("the status `{CONTEXT}` isn't required"))
                    .why("a change can be merged whatever the decision is")
                    .fix(format!(
                        "{}: set the enforcement to “Active”, switch on “Require status checks to \
                         pass”, and add `{CONTEXT}` with the source {source}",
                        self.page()
                    )),
            );
        } else {
            checks.push(self.pinning(&own));
            checks.extend(self.forgery());
            checks.push(self.strictness());
        }
        checks.push(self.informing(&required));
        checks.push(self.trial(&required));
        checks
    }

    /// Checks whether the status has to come from changegate's own App.
    fn pinning(&self, own: &[&Required]) -> Check {
        let (id, name) = self.source();
        let source = own.iter().find_map(|check| check.source);
        let id = match (id, source) {
            (Err(reason), Some(source)) => {
                let found = format!("it isn't visible whether the App {source} is {name}");
                return Check::unseen("status/source", found, &reason).fix(ASK_AN_ADMIN);
            }
            (id, _) => id.unwrap_or_default(),
        };
        let fix = format!(
            "{}: under “Require status checks to pass”, set the source of `{CONTEXT}` to {name}",
            self.page()
        );
        if own.iter().any(|check| check.source == Some(id)) && self.answerer.is_supposed {
            let found = format!("`{CONTEXT}` is required, and has to come from {name}");
            let reason =
                "this token is a person's, so it doesn't show whether changegate is that App";
            return Check::unseen("status/source", found, reason).fix(format!(
                "run `CHANGEGATE_APP_ID={id} CHANGEGATE_APP_KEY=FILE.pem changegate doctor` to \
                 check as that App"
            ));
        }
        if own.iter().any(|check| check.source == Some(id)) {
            let found = format!("the status `{CONTEXT}` is required, and has to come from {name}");
            return Check::good("status/source", found);
        }
        match source {
            Some(other) => {
                let found =
                    format!("`{CONTEXT}` has to come from the App {other}, not from {name}");
                Check::bad("status/source", found)
                    .why("changegate's decision has no effect, and that App decides what is merged")
                    .fix(format!(
                        "{fix}; if changegate runs as that App, set CHANGEGATE_APP_ID and \
                         CHANGEGATE_APP_KEY, and run `changegate doctor` again"
                    ))
            }
            None => Check::bad("status/source", format!("`{CONTEXT}` may come from anybody"))
                .why("anyone who can write to the repository can post it, with any token")
                .fix(fix),
        }
    }

    /// Advises about what pinning can't prevent if a workflow publishes the decisions.
    fn forgery(&self) -> Option<Check> {
        let advice = Check::advice("status/forgery", "every workflow can post this status")
            .why(format!(
                "the source is GitHub Actions, and anyone who can push a branch can push a \
                 workflow that posts `{CONTEXT}`: this prevents mistakes, not deliberate abuse"
            ))
            .fix(
                "run changegate as a GitHub App of its own (set CHANGEGATE_APP_ID and \
                 CHANGEGATE_APP_KEY), and set the source of the status to that App",
            );
        (self.answerer.mode == Mode::Action).then_some(advice)
    }

    fn strictness(&self) -> Check {
        let (code, branch) = ("status/strict", self.branch);
        let good =
            format!("a pull request is judged against the current {branch} before the merge");
        let found = format!("a pull request can be merged with a decision on an older {branch}");
        let bad = Check::bad(code, found)
            .why(
                "two approved changes to one request can be merged at the same time, into a text \
                 that nobody judged",
            )
            .fix(format!(
                "{}: switch on “Require branches to be up to date before merging”, or use a merge \
                 queue",
                self.page()
            ));
        graded(code, self.protection.is_strict(), &good, bad)
    }

    /// Checks that no status is required besides the decision itself: the others only inform.
    fn informing(&self, required: &[Required]) -> Check {
        let prefix = format!("{CONTEXT}/");
        let contexts = required.iter().map(|check| &check.context);
        let parts: Vec<_> = contexts.filter(|context| context.starts_with(&prefix)).collect();
        if parts.is_empty() {
            return Check::good("status/informing", "no status that only informs is required");
        }
        let why = match self.answerer.mode {
            Mode::Action => "such a status explains the decision, but isn't always updated with it",
            Mode::App(_) => "an App doesn't post such a status, so nothing can be merged",
        };
        Check::bad("status/informing", format!("{} is required", listed(&parts)))
            .why(why)
            .fix(format!("{}: remove it from “Require status checks to pass”", self.page()))
    }

    /// Checks whether a change of policies has to pass its trial.
    fn trial(&self, required: &[Required]) -> Check {
        let code = "status/policies";
        if required.iter().any(|check| check.context == TRIAL) {
            return Check::good(code, format!("the status `{TRIAL}` is required"));
        }
        Check::advice(code, format!("the status `{TRIAL}` isn't required"))
            .why("people can sign policies whose own tests fail, or that can't decide any more")
            .fix(format!(
                "{}: under “Require status checks to pass”, add `{TRIAL}` with the source GitHub \
                 Actions",
                self.page()
            ))
    }

    fn pull_requests(&self) -> Check {
        let branch = self.branch;
        let held = self.protection.asks_for_pull_requests();
        let good = format!("{branch} can only be changed by pull requests");
        let bad = Check::bad("branch/pull-requests", format!("{branch} can be pushed to directly"))
            .why("a change without a pull request isn't judged")
            .fix(format!("{}: switch on “Require a pull request before merging”", self.page()));
        graded("branch/pull-requests", held, &good, bad)
    }

    fn force_pushes(&self) -> Check {
        let branch = self.branch;
        let held = self.protection.blocks_force_pushes();
        let good = format!("the history of {branch} can't be rewritten");
        let bad = Check::bad("branch/force-pushes", format!("{branch} can be force-pushed"))
            .why("merged changes, and with them the audit trail, can disappear")
            .fix(format!("{}: switch on “Block force pushes”", self.page()));
        graded("branch/force-pushes", held, &good, bad)
    }

    fn deletion(&self) -> Check {
        let branch = self.branch;
        let held = self.protection.blocks_deletion();
        let good = format!("{branch} can't be deleted");
        let bad = Check::bad("branch/deletion", format!("{branch} can be deleted"))
            .why("it could be created again with other policies")
            .fix(format!("{}: switch on “Restrict deletions”", self.page()));
        graded("branch/deletion", held, &good, bad)
    }

    /// Checks who can bypass the protection: one check for each place that allows somebody to.
    fn bypassing<'a>(&self, known: &dyn Fn(u64) -> Option<&'a Login>) -> Vec<Check> {
        let binding = |id: &u64| {
            let mut rules = self.protection.rules.iter();
            rules.any(|rule| rule.ruleset_id == Some(*id) && BINDING.contains(&rule.kind.as_str()))
        };
        let rulesets = self.protection.rulesets.iter().filter(|(id, _)| binding(id));
        let by_rules = rulesets
            .filter_map(|(id, ruleset)| bypass::of_ruleset(*id, ruleset, self.actions, known));
        let mut checks: Vec<_> = by_rules.collect();
        if let (Some(reason), Some(_)) = (&self.protection.hidden, &self.protection.classic) {
            let found = "it isn't visible who can bypass the classic protection";
            checks.push(Check::unseen("branch/bypass", found, reason).fix(ASK_AN_ADMIN));
        } else if let Some(classic) = &self.protection.classic {
            checks.extend(bypass::of_classic(self.branch, classic));
        }
        let is_bound = matches!(self.protection.asks_for_pull_requests(), Held::Yes);
        if checks.is_empty() && is_bound {
            checks.push(Check::good("branch/bypass", "nobody can bypass the protection"));
        }
        checks
    }

    fn stale_reviews(&self) -> Check {
        let code = "reviews/stale";
        match self.protection.dismisses_at_push() {
            Held::No => Check::good(code, "approvals survive a push that changes nothing material"),
            Held::Unseen(reason) => {
                let found = "it isn't visible whether a push dismisses approvals";
                Check::unseen(code, found, &reason).fix(ASK_AN_ADMIN)
            }
            Held::Yes => Check::advice(code, "every push dismisses all approvals")
                .why(
                    "changegate itself voids an approval when the approved content changes, and \
                     keeps it when only a typo is fixed; with this setting people have to approve \
                     again in both cases",
                )
                .fix(format!(
                    "{}: switch off “Dismiss stale pull request approvals when new commits are \
                     pushed”",
                    self.page()
                )),
        }
    }

    fn dismissal(&self) -> Check {
        let branch = self.branch;
        let held = self.protection.restricts_dismissal();
        let good = "only some people can dismiss a review";
        let found = "everybody with write access can dismiss reviews";
        let advice = Check::advice("reviews/dismissal", found)
            .why("a dismissed objection no longer prevents the merge")
            .fix(format!(
                "{}: switch on “Restrict who can dismiss pull request reviews”, there or in \
                 Settings → Branches → {branch}",
                self.page()
            ));
        graded("reviews/dismissal", held, good, advice)
    }
}

pub fn graded(code: &'static str, held: Held, good: &str, otherwise: Check) -> Check {
    match held {
        Held::Yes => Check::good(code, good),
        Held::No => otherwise,
        Held::Unseen(reason) => {
            Check::unseen(code, format!("it isn't visible whether {good}"), &reason)
                .fix(ASK_AN_ADMIN)
        }
    }
}
