//! The repository itself and what governs it: rules, protection, code owners.

use serde_json::{Value, json};

use super::super::shapes::extend;
use super::super::state::State;
use super::super::tokens::{Asker, Token};
use super::{Answer, Call, Said};

/// How many requests an hour has.
pub const LIMIT: u64 = 5000;

const CODEOWNERS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

pub fn repository(state: &State, call: &Call<'_>) -> Said {
    let mut value = state.repository_json(call.its_repository(state)?);
    if let Some(token) = personal(call) {
        let at_least = |roles: &[&str]| roles.contains(&state.permission(token.user));
        let permissions = json!({
            "admin": at_least(&["admin"]),
            "maintain": at_least(&["admin", "maintain"]),
            "push": at_least(&["admin", "maintain", "write"]),
            "triage": at_least(&["admin", "maintain", "write", "triage"]),
            "pull": true,
        });
        extend(&mut value, json!({"permissions": permissions}));
    }
    Ok(Answer::ok(value))
}

/// A branch, with as much of its classic protection as everybody sees.
pub fn of_name(state: &State, call: &Call<'_>) -> Said {
    let name = branch(state, call)?;
    let repository = call.its_repository(state)?;
    let url = state.url(&format!("/repos/{}/branches/{name}", repository.full_name()));
    let protection = state.protection.get(name);
    let none = json!({"enforcement_level": "off", "contexts": [], "checks": []});
    let checks = protection.and_then(|protection| protection.get("required_status_checks"));
    Ok(Answer::ok(json!({
        "name": name,
        "commit": state.commit_json(repository, repository.tip(name).unwrap()),
        "_links": {"self": url, "html": state.url(&format!("/acme/ops/tree/{name}"))},
        "protected": protection.is_some() || state.rules.contains_key(name),
        "protection": {
            "enabled": protection.is_some(),
            "required_status_checks": checks.unwrap_or(&none),
        },
        "protection_url": format!("{url}/protection"),
    })))
}

/// Classic protection, which is shown to administrators; to others as if there were nothing.
pub fn protection(state: &State, call: &Call<'_>) -> Said {
    let branch = branch(state, call)?;
    if personal(call).is_some_and(|token| state.permission(token.user) != "admin") {
        return Err(Answer::missing());
    }
    let protection = state.protection.get(branch);
    let missing = || Answer::error(404, "Branch not protected");
    protection.cloned().map(Answer::ok).ok_or_else(missing)
}

pub fn of_branch(state: &State, call: &Call<'_>) -> Said {
    call.its_repository(state)?;
    let rules = state.rules.get(call.parameter("branch")).map_or(&[][..], Vec::as_slice);
    Ok(call.page(state, rules, Clone::clone))
}

/// A ruleset; who can bypass it is shown to those who can change it.
pub fn ruleset(state: &State, call: &Call<'_>) -> Said {
    call.its_repository(state)?;
    let id = call.number("ruleset_id")?;
    let found = state.rulesets.iter().find(|ruleset| ruleset["id"] == id);
    let mut ruleset = found.cloned().ok_or_else(Answer::missing)?;
    let may_change = match &call.asker {
        Asker::Token(token) if token.permits("administration", "write") => {
            token.app.is_some() || state.permission(token.user) == "admin"
        }
        _ => false,
    };
    if let (false, Value::Object(fields)) = (may_change, &mut ruleset) {
        fields.remove("bypass_actors");
    }
    Ok(Answer::ok(ruleset))
}

pub fn codeowners(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let at = repository.resolve(call.asked("ref").unwrap_or("HEAD")).ok_or_else(Answer::missing)?;
    let tree = repository.commit(at).tree().unwrap();
    if !CODEOWNERS.iter().any(|path| tree.get_path(std::path::Path::new(path)).is_ok()) {
        return Err(Answer::empty(404));
    }
    Ok(Answer::ok(json!({"errors": state.codeowners_errors})))
}

fn branch<'a>(state: &State, call: &'a Call<'_>) -> Result<&'a str, Answer> {
    let branch = call.parameter("branch");
    let tip = call.its_repository(state)?.tip(branch);
    tip.map(|_| branch).ok_or_else(|| Answer::error(404, "Branch not found"))
}

/// The token, if it is a person's.
fn personal<'a>(call: &'a Call<'_>) -> Option<&'a Token> {
    match &call.asker {
        Asker::Token(token) if token.app.is_none() => Some(token),
        _ => None,
    }
}
