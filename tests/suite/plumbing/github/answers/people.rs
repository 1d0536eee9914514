//! Accounts, and the members of teams.

use serde_json::json;

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

pub fn team_members(state: &State, call: &Call<'_>) -> Said {
    let team = team(state, call)?;
    let members: Vec<_> = people(state).filter(|user| team.members.contains(&user.id)).collect();
    Ok(call.page(state, &members, |user| state.account_json(user)))
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
