//! Checks whether a branch accepts only what changegate has approved.

use super::protection::{Held, Required};
use super::{ACTIONS, Actor, Actors, Answerer, Check, Classic, Mode, Protection, Seen, listed};
use crate::core::terms::Login;
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
    fn source(&self) -> (u64, String) {
        match self.answerer.mode {
            Mode::Action => (ACTIONS, "GitHub Actions".to_owned()),
            Mode::App(id) => (id, format!("the App {id}")),
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
        checks
    }

    /// Checks whether the status has to come from changegate's own App.
    fn pinning(&self, own: &[&Required]) -> Check {
        let (id, name) = self.source();
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
        match own.iter().find_map(|check| check.source) {
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
        let by_rules = rulesets.filter_map(|(id, ruleset)| bypass_of(*id, ruleset, known));
        let mut checks: Vec<_> = by_rules.collect();
        if let (Some(reason), Some(_)) = (&self.protection.hidden, &self.protection.classic) {
            let found = "it isn't visible who can bypass the classic protection";
            checks.push(Check::unseen("branch/bypass", found, reason).fix(ASK_AN_ADMIN));
        } else if let Some(classic) = &self.protection.classic {
            checks.extend(classic_bypass(self.branch, classic));
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

/// What to do if the token isn't allowed to read something.
pub const ASK_AN_ADMIN: &str = "run `GITHUB_TOKEN=$(gh auth token) changegate doctor` as an \
   administrator of the repository";

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

/// Checks who can bypass a ruleset; returns `None` if nobody can.
fn bypass_of<'a>(
    id: u64,
    ruleset: &Seen<super::Ruleset>,
    known: &dyn Fn(u64) -> Option<&'a Login>,
) -> Option<Check> {
    let code = "branch/bypass";
    let unseen = |name: &str, reason: &str| {
        let found = format!("it isn't visible who can bypass {name}");
        Some(Check::unseen(code, found, reason).fix(ASK_AN_ADMIN))
    };
    let ruleset = match ruleset {
        Ok(ruleset) => ruleset,
        Err(reason) => return unseen(&format!("the ruleset {id}"), reason),
    };
    let name = format!("the ruleset “{}”", ruleset.name);
    let Some(actors) = &ruleset.bypass_actors else {
        return unseen(&name, "GitHub shows that only to people who can change the ruleset");
    };
    if actors.is_empty() {
        return None;
    }
    let people: Vec<_> = actors.iter().map(|actor| named(actor, known)).collect();
    let found = format!("{name} can be bypassed by {}", listed(&people));
    let fix = format!("Settings → Rules → Rulesets → {}: clear the “Bypass list”", ruleset.name);
    let check = if actors.iter().any(is_ordinary) {
        Check::bad(code, found).why("everybody with write access can bypass it")
    } else if actors.iter().any(is_actions) {
        Check::bad(code, found).why(ANY_WORKFLOW)
    } else {
        Check::advice(code, found).why("for them the protection has no effect")
    };
    Some(check.fix(fix))
}

/// The names of GitHub's roles, by id.
const ROLES: [(u64, &str); 5] =
    [(1, "read"), (2, "maintain"), (3, "triage"), (4, "write"), (5, "admin")];

/// Whether this actor includes people who only have write access, or less.
fn is_ordinary(actor: &Actor) -> bool {
    actor.actor_type == "RepositoryRole" && matches!(actor.actor_id, Some(1 | 3 | 4))
}

/// Why GitHub Actions must not bypass anything.
const ANY_WORKFLOW: &str = "any workflow can bypass it, and anyone who can push a branch can push a \
    workflow";

/// Whether this actor is the App that workflows act as.
fn is_actions(actor: &Actor) -> bool {
    actor.actor_type == "Integration" && actor.actor_id == Some(ACTIONS)
}

fn named<'a>(actor: &Actor, known: &dyn Fn(u64) -> Option<&'a Login>) -> String {
    let id = actor.actor_id.unwrap_or_default();
    let who = match actor.actor_type.as_str() {
        "RepositoryRole" => match ROLES.iter().find(|(role, _)| *role == id) {
            Some((_, role)) => format!("the role {role}"),
            None => format!("the role with the id {id}"),
        },
        "OrganizationAdmin" => "the organisation's owners".to_owned(),
        "DeployKey" => "deploy keys".to_owned(),
        "Team" => format!("the team with the id {id}"),
        "Integration" if id == ACTIONS => "GitHub Actions".to_owned(),
        "Integration" => format!("the App {id}"),
        "User" => known(id).map_or_else(|| format!("the account {id}"), Login::to_string),
        other => format!("{other} {id}"),
    };
    match actor.bypass_mode.as_str() {
        "pull_request" => who + " (in pull requests)",
        _ => who,
    }
}

/// Checks who can bypass the classic protection.
fn classic_bypass(branch: &str, classic: &Classic) -> Vec<Check> {
    let mut checks = Vec::new();
    let page = format!("Settings → Branches → {branch}");
    if !classic.enforce_admins.is_some_and(|switch| switch.enabled) {
        checks.push(
            Check::advice("branch/bypass", "administrators can bypass the classic protection")
                .why("for them the protection has no effect")
                .fix(format!("{page}: switch on “Do not allow bypassing the above settings”")),
        );
    }
    let reviews = classic.required_pull_request_reviews.as_ref();
    let allowed = reviews.and_then(|reviews| reviews.bypass_pull_request_allowances.as_ref());
    let people = allowed.map(Actors::names).unwrap_or_default();
    if !people.is_empty() {
        let found = format!("{} can push without a pull request", listed(&people));
        let check = match allowed.is_some_and(Actors::include_actions) {
            true => Check::bad("branch/bypass", found).why(ANY_WORKFLOW),
            false => Check::advice("branch/bypass", found).why("what they push isn't judged"),
        };
        checks.push(check.fix(format!(
            "{page}: remove them from “Allow specified actors to bypass required pull requests”"
        )));
    }
    checks
}

impl Actors {
    /// Whether the App that workflows act as is among them.
    fn include_actions(&self) -> bool {
        self.apps.iter().any(|app| app.slug == "github-actions")
    }

    fn names(&self) -> Vec<String> {
        let users = self.users.iter().map(|user| user.login.clone());
        let teams = self.teams.iter().map(|team| format!("the team {}", team.slug));
        let apps = self.apps.iter().map(|app| format!("the App {}", app.slug));
        users.chain(teams).chain(apps).collect()
    }
}
