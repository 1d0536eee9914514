//! Accounts, teams and collaborators.

use serde_json::{Value, json};

use super::super::shapes::extend;
use super::super::state::{State, Team, User};
use super::{Answer, Call, Said};

pub fn user(state: &State, call: &Call<'_>) -> Said {
    let user = find(state, call)?;
    let mut value = state.account_json(user);
    let more = json!({
        "name": user.login,
        "company": null,
        "blog": "",
        "location": null,
        "email": null,
        "hireable": null,
        "bio": null,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
    });
    extend(&mut value, more);
    Ok(Answer::ok(value))
}

pub fn members(state: &State, call: &Call<'_>) -> Said {
    acme(call)?;
    let members: Vec<_> = people(state).collect();
    Ok(call.page(state, &members, |user| state.account_json(user)))
}

pub fn team_members(state: &State, call: &Call<'_>) -> Said {
    let team = team(state, call)?;
    let members: Vec<_> = people(state).filter(|user| team.members.contains(&user.id)).collect();
    Ok(call.page(state, &members, |user| state.account_json(user)))
}

pub fn membership(state: &State, call: &Call<'_>) -> Said {
    let (team, user) = (team(state, call)?, find(state, call)?);
    if !team.members.contains(&user.id) {
        return Err(Answer::empty(404));
    }
    let url = format!("/organizations/100/team/{}/memberships/{}", team.id, user.login);
    Ok(Answer::ok(json!({"url": state.url(&url), "role": "member", "state": "active"})))
}

pub fn collaborators(state: &State, call: &Call<'_>) -> Said {
    call.its_repository(state)?;
    let found: Vec<_> = people(state).collect();
    Ok(call.page(state, &found, |user| with_role(state, user)))
}

pub fn permission(state: &State, call: &Call<'_>) -> Said {
    call.its_repository(state)?;
    let user = find(state, call)?;
    let role = state.permission(user.id);
    // Two roles are told as what they are derived from.
    let permission = match role {
        "maintain" => "write",
        "triage" => "read",
        other => other,
    };
    let value = json!({
        "permission": permission,
        "role_name": role,
        "user": with_role(state, user),
    });
    Ok(Answer::ok(value))
}

fn with_role(state: &State, user: &User) -> Value {
    let role = state.permission(user.id);
    let rank = ["none", "read", "triage", "write", "maintain", "admin"];
    let rank = rank.iter().position(|known| *known == role);
    let at_least = |wanted: usize| rank.is_some_and(|rank| rank >= wanted);
    let mut value = state.account_json(user);
    let permissions = json!({
        "pull": at_least(1),
        "triage": at_least(2),
        "push": at_least(3),
        "maintain": at_least(4),
        "admin": at_least(5),
    });
    extend(&mut value, json!({"role_name": role, "permissions": permissions}));
    value
}

/// The collaborators, who are the organisation's members too.
fn people(state: &State) -> impl Iterator<Item = &User> {
    state.users.iter().filter(|user| !user.gone && state.collaborators.contains_key(&user.id))
}

fn find<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a User, Answer> {
    state.find_user(call.parameter("username")).ok_or_else(Answer::missing)
}

fn team<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a Team, Answer> {
    acme(call)?;
    let slug = call.parameter("team_slug");
    state.teams.iter().find(|team| team.slug == slug).ok_or_else(Answer::missing)
}

fn acme(call: &Call<'_>) -> Result<(), Answer> {
    if call.parameter("org") == "acme" { Ok(()) } else { Err(Answer::missing()) }
}
