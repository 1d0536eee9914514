//! Checks who can bypass the protection of a branch.

use super::{ACTIONS, ASK_AN_ADMIN, Actor, Actors, Check, Classic, Ruleset, Seen, listed};
use crate::core::terms::Login;

/// Checks who can bypass a ruleset; returns `None` if nobody can.
pub fn of_ruleset<'a>(
    id: u64,
    ruleset: &Seen<Ruleset>,
    actions: &Seen<u64>,
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
    let people: Vec<_> = actors.iter().map(|actor| named(actor, actions, known)).collect();
    let found = format!("{name} can be bypassed by {}", listed(&people));
    let fix = format!("Settings → Rules → Rulesets → {}: clear the “Bypass list”", ruleset.name);
    let check = if actors.iter().any(is_ordinary) {
        Check::bad(code, found).why("everybody with write access can bypass it")
    } else if actors.iter().any(|actor| is_actions(actor, actions)) {
        Check::bad(code, found).why(ANY_WORKFLOW)
    } else if let (Err(reason), true) = (actions, actors.iter().any(is_app)) {
        Check::unseen(
            code,
            format!("{found}; it isn't visible whether that is GitHub Actions"),
            reason,
        )
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

fn is_app(actor: &Actor) -> bool {
    actor.actor_type == "Integration"
}

/// Whether this actor is the App that workflows act as.
fn is_actions(actor: &Actor, actions: &Seen<u64>) -> bool {
    is_app(actor) && actor.actor_id.is_some() && actor.actor_id == actions.as_ref().ok().copied()
}

fn named<'a>(
    actor: &Actor,
    actions: &Seen<u64>,
    known: &dyn Fn(u64) -> Option<&'a Login>,
) -> String {
    let id = actor.actor_id.unwrap_or_default();
    let who = match actor.actor_type.as_str() {
        "RepositoryRole" => match ROLES.iter().find(|(role, _)| *role == id) {
            Some((_, role)) => format!("the role {role}"),
            None => format!("the role with the id {id}"),
        },
        "OrganizationAdmin" => "the organisation's owners".to_owned(),
        "DeployKey" => "deploy keys".to_owned(),
        "Team" => format!("the team with the id {id}"),
        "Integration" if is_actions(actor, actions) => "GitHub Actions".to_owned(),
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
pub fn of_classic(branch: &str, classic: &Classic) -> Vec<Check> {
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
        self.apps.iter().any(|app| app.slug == ACTIONS)
    }

    fn names(&self) -> Vec<String> {
        let users = self.users.iter().map(|user| user.login.clone());
        let teams = self.teams.iter().map(|team| format!("the team {}", team.slug));
        let apps = self.apps.iter().map(|app| format!("the App {}", app.slug));
        users.chain(teams).chain(apps).collect()
    }
}
