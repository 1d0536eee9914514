//! Whether a branch lets in only what changegate approved.

use super::protection::{Held, Required};
use super::{ACTIONS, Actor, Actors, Answerer, Check, Classic, Mode, Protection, Seen, listed};
use crate::core::terms::Login;
use crate::forge::github::snapshot::CONTEXT;

/// The rules whose bypassing matters.
const BINDING: [&str; 4] =
    ["deletion", "non_fast_forward", "pull_request", "required_status_checks"];

/// What protects a branch, held against what has to. `known` says whose account an id is.
pub fn examine<'a>(
    place: &ProtectedBranch<'_>,
    known: &dyn Fn(u64) -> Option<&'a Login>,
) -> Vec<Check> {
    let mut checks = place.status();
    checks.push(place.pull_requests());
    checks.push(place.force_pushes());
    checks.push(place.deletion());
    checks.extend(place.bypassing(known));
    checks.push(place.stale_reviews());
    checks.push(place.dismissal());
    checks
}

/// A branch, and who answers there.
pub struct ProtectedBranch<'a> {
    pub branch: &'a str,
    pub protection: &'a Protection,
    pub answerer: Answerer,
}

impl ProtectedBranch<'_> {
    /// Where its rules are set.
    pub fn page(&self) -> String {
        let ruleset = match self.protection.rules.is_empty() {
            true => "New branch ruleset, with the target",
            false => "the ruleset of",
        };
        format!("Settings → Rules → Rulesets → {ruleset} {}", self.branch)
    }

    /// The App that the status has to come from: its id, and its name in GitHub's pages.
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
                let found = format!("whether the status `{CONTEXT}` is required doesn't show");
                return vec![Check::unseen("status/required", found, &reason).fix(ASK_AN_ADMIN)];
            }
        };
        let own: Vec<_> = required.iter().filter(|it| it.context == CONTEXT).collect();
        let mut checks = Vec::new();
        if own.is_empty() {
            let (_, source) = self.source();
            checks.push(
                Check::bad("status/required", format!("the status `{CONTEXT}` isn't required"))
                    .why("a change can be merged whatever is decided about it")
                    .fix(format!(
                        "{}: enforcement “Active”, “Require status checks to pass”, add \
                         `{CONTEXT}` with the source {source}",
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

    /// Whether the status has to come from whom changegate is.
    fn pinning(&self, own: &[&Required]) -> Check {
        let (id, name) = self.source();
        let fix = format!(
            "{}: “Require status checks to pass”, give `{CONTEXT}` the source {name}",
            self.page()
        );
        if own.iter().any(|it| it.source == Some(id)) && self.answerer.is_supposed {
            let found = format!("`{CONTEXT}` is required, and has to come from {name}");
            let reason =
                "this token is a person's, and doesn't tell whether changegate is that App";
            return Check::unseen("status/source", found, reason).fix(format!(
                "look again as that App, with CHANGEGATE_APP_ID={id} and CHANGEGATE_APP_KEY"
            ));
        }
        if own.iter().any(|it| it.source == Some(id)) {
            let found = format!("the status `{CONTEXT}` is required, and has to come from {name}");
            return Check::good("status/source", found);
        }
        match own.iter().find_map(|it| it.source) {
            Some(other) => {
                let found =
                    format!("`{CONTEXT}` has to come from the App {other}, not from {name}");
                Check::bad("status/source", found)
                    .why(
                        "what is decided here counts for nothing, and what that App says is merged",
                    )
                    .fix(format!(
                        "{fix}; if changegate runs as that App, set CHANGEGATE_APP_ID and \
                         CHANGEGATE_APP_KEY, and look again"
                    ))
            }
            None => Check::bad("status/source", format!("`{CONTEXT}` may come from anybody"))
                .why("whoever can write to the repository can post it, with any token")
                .fix(fix),
        }
    }

    /// What pinning can't prevent where a workflow answers.
    fn forgery(&self) -> Option<Check> {
        let advice = Check::advice("status/forgery", "every workflow is GitHub Actions")
            .why(format!(
                "whoever can push a branch can push a workflow with it that posts `{CONTEXT}` \
                 itself: this holds back mistakes, not people who mean it"
            ))
            .fix(
                "run changegate as a GitHub App of its own (CHANGEGATE_APP_ID and \
                 CHANGEGATE_APP_KEY), and give the status that App as its source",
            );
        (self.answerer.mode == Mode::Action).then_some(advice)
    }

    fn strictness(&self) -> Check {
        let branch = self.branch;
        if self.protection.is_strict() {
            let found = format!("what is merged was judged as it meets {branch}");
            return Check::good("status/strict", found);
        }
        Check::advice("status/strict", format!("what is merged may be older than {branch}"))
            .why(
                "a change that conflicts with one merged a moment ago keeps its success until the \
                 next sweep",
            )
            .fix(format!(
                "{}: “Require branches to be up to date before merging”, or a merge queue",
                self.page()
            ))
    }

    /// The statuses beside the one that answers inform, and may not be required.
    fn informing(&self, required: &[Required]) -> Check {
        let prefix = format!("{CONTEXT}/");
        let contexts = required.iter().map(|it| &it.context);
        let parts: Vec<_> = contexts.filter(|context| context.starts_with(&prefix)).collect();
        if parts.is_empty() {
            return Check::good("status/informing", "no status that only informs is required");
        }
        let why = match self.answerer.mode {
            Mode::Action => "they tell how the answer came about, and aren't kept up with it",
            Mode::App(_) => "an App doesn't post them, so that nothing could be merged",
        };
        Check::bad("status/informing", format!("{} is required", listed(&parts)))
            .why(why)
            .fix(format!("{}: “Require status checks to pass”, take it out", self.page()))
    }

    fn pull_requests(&self) -> Check {
        let branch = self.branch;
        let held = self.protection.asks_for_pull_requests();
        let good = format!("{branch} takes pull requests only");
        let bad = Check::bad("branch/pull-requests", format!("{branch} can be pushed to directly"))
            .why("what doesn't come by a pull request is judged by nobody")
            .fix(format!("{}: “Require a pull request before merging”", self.page()));
        graded("branch/pull-requests", held, &good, bad)
    }

    fn force_pushes(&self) -> Check {
        let branch = self.branch;
        let held = self.protection.blocks_force_pushes();
        let good = format!("the history of {branch} can't be replaced");
        let bad = Check::bad("branch/force-pushes", format!("{branch} can be force-pushed"))
            .why("merged changes, and with them the audit trail, can disappear")
            .fix(format!("{}: “Block force pushes”", self.page()));
        graded("branch/force-pushes", held, &good, bad)
    }

    fn deletion(&self) -> Check {
        let branch = self.branch;
        let held = self.protection.blocks_deletion();
        let good = format!("{branch} can't be deleted");
        let bad = Check::bad("branch/deletion", format!("{branch} can be deleted"))
            .why("it could be made anew with other policies")
            .fix(format!("{}: “Restrict deletions”", self.page()));
        graded("branch/deletion", held, &good, bad)
    }

    /// Who is bound by nothing of all that, a check for each place where somebody is let through.
    fn bypassing<'a>(&self, known: &dyn Fn(u64) -> Option<&'a Login>) -> Vec<Check> {
        let binding = |id: &u64| {
            let mut rules = self.protection.rules.iter();
            rules.any(|rule| rule.ruleset_id == Some(*id) && BINDING.contains(&rule.kind.as_str()))
        };
        let rulesets = self.protection.rulesets.iter().filter(|(id, _)| binding(id));
        let by_rules = rulesets.filter_map(|(id, ruleset)| bypass_of(*id, ruleset, known));
        let mut checks: Vec<_> = by_rules.collect();
        if let (Some(reason), Some(_)) = (&self.protection.hidden, &self.protection.classic) {
            let found = "whom classic protection lets through doesn't show";
            checks.push(Check::unseen("branch/bypass", found, reason).fix(ASK_AN_ADMIN));
        } else if let Some(classic) = &self.protection.classic {
            checks.extend(classic_bypass(self.branch, classic));
        }
        let is_bound = matches!(self.protection.asks_for_pull_requests(), Held::Yes);
        if checks.is_empty() && is_bound {
            checks.push(Check::good("branch/bypass", "nobody can bypass that"));
        }
        checks
    }

    fn stale_reviews(&self) -> Check {
        let code = "reviews/stale";
        match self.protection.dismisses_at_push() {
            Held::No => Check::good(code, "approvals outlive a push that changes nothing material"),
            Held::Unseen(reason) => {
                let found = "whether a push dismisses approvals doesn't show";
                Check::unseen(code, found, &reason).fix(ASK_AN_ADMIN)
            }
            Held::Yes => Check::advice(code, "every push dismisses all approvals")
                .why(
                    "changegate voids an approval when what it approved has changed, and keeps it \
                     over a mended typo; so people have to approve the same once more",
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
        let good = "not everybody may dismiss a review";
        let advice = Check::advice("reviews/dismissal", "whoever may write may dismiss reviews")
            .why("an objection that is dismissed holds nothing back any more")
            .fix(format!(
                "{}: “Restrict who can dismiss pull request reviews”, or the same in Settings → \
                 Branches → {branch}",
                self.page()
            ));
        graded("reviews/dismissal", held, good, advice)
    }
}

/// What to do where the token may not look.
pub const ASK_AN_ADMIN: &str = "look again with the token of somebody who administers the \
    repository: GITHUB_TOKEN=$(gh auth token) changegate doctor";

pub fn graded(code: &'static str, held: Held, good: &str, otherwise: Check) -> Check {
    match held {
        Held::Yes => Check::good(code, good),
        Held::No => otherwise,
        Held::Unseen(reason) => {
            Check::unseen(code, format!("it doesn't show whether {good}"), &reason)
                .fix(ASK_AN_ADMIN)
        }
    }
}

/// Who can bypass a ruleset; nothing if nobody can.
fn bypass_of<'a>(
    id: u64,
    ruleset: &Seen<super::Ruleset>,
    known: &dyn Fn(u64) -> Option<&'a Login>,
) -> Option<Check> {
    let code = "branch/bypass";
    let unseen = |name: &str, reason: &str| {
        let found = format!("who can bypass {name} doesn't show");
        Some(Check::unseen(code, found, reason).fix(ASK_AN_ADMIN))
    };
    let ruleset = match ruleset {
        Ok(ruleset) => ruleset,
        Err(reason) => return unseen(&format!("the ruleset {id}"), reason),
    };
    let name = format!("the ruleset “{}”", ruleset.name);
    let Some(actors) = &ruleset.bypass_actors else {
        return unseen(&name, "GitHub tells it only to those who may change the ruleset");
    };
    if actors.is_empty() {
        return None;
    }
    let people: Vec<_> = actors.iter().map(|actor| named(actor, known)).collect();
    let found = format!("{name} can be bypassed by {}", listed(&people));
    let fix =
        format!("Settings → Rules → Rulesets → {} → Bypass list: take them out", ruleset.name);
    let check = match actors.iter().any(is_ordinary) {
        true => Check::bad(code, found).why("everybody who may write is let through"),
        false => Check::advice(code, found).why("for them nothing of all that holds"),
    };
    Some(check.fix(fix))
}

/// What GitHub's roles are called by their ids.
const ROLES: [(u64, &str); 5] =
    [(1, "read"), (2, "maintain"), (3, "triage"), (4, "write"), (5, "admin")];

/// Whether this lets everybody through who may write.
fn is_ordinary(actor: &Actor) -> bool {
    actor.actor_type == "RepositoryRole" && matches!(actor.actor_id, Some(1 | 3 | 4))
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
        "Integration" => format!("the App {id}"),
        "User" => known(id).map_or_else(|| format!("the account {id}"), Login::to_string),
        other => format!("{other} {id}"),
    };
    match actor.bypass_mode.as_str() {
        "pull_request" => who + " (in pull requests)",
        _ => who,
    }
}

/// Whom classic protection lets through.
fn classic_bypass(branch: &str, classic: &Classic) -> Vec<Check> {
    let mut checks = Vec::new();
    let page = format!("Settings → Branches → {branch}");
    if !classic.enforce_admins.is_some_and(|it| it.enabled) {
        checks.push(
            Check::advice("branch/bypass", "classic protection doesn't bind administrators")
                .why("for them nothing of all that holds")
                .fix(format!("{page}: “Do not allow bypassing the above settings”")),
        );
    }
    let reviews = classic.required_pull_request_reviews.as_ref();
    let allowed = reviews.and_then(|it| it.bypass_pull_request_allowances.as_ref());
    let people = allowed.map(Actors::names).unwrap_or_default();
    if !people.is_empty() {
        let found = format!("{} can push without a pull request", listed(&people));
        checks.push(
            Check::advice("branch/bypass", found).why("what they push is judged by nobody").fix(
                format!(
                    "{page}: “Allow specified actors to bypass required pull requests”, take them \
                     out"
                ),
            ),
        );
    }
    checks
}

impl Actors {
    fn names(&self) -> Vec<String> {
        let users = self.users.iter().map(|user| user.login.clone());
        let teams = self.teams.iter().map(|team| format!("the team {}", team.slug));
        let apps = self.apps.iter().map(|app| format!("the App {}", app.slug));
        users.chain(teams).chain(apps).collect()
    }
}
