//! What the App does as itself: it finds its installation, and gets a token.

use serde_json::{Value, json};

use super::super::state::State;
use super::super::tokens::{Permissions, Token};
use super::{Answer, Call, Said};

/// An App that anybody may see: the one for workflows, as far as the server shows it.
pub fn by_slug(state: &State, call: &Call<'_>) -> Said {
    let id = state.actions.filter(|_| call.parameter("app_slug") == "github-actions");
    let mut value = state.app_json();
    super::super::shapes::extend(
        &mut value,
        json!({"id": id.ok_or_else(Answer::missing)?, "slug": "github-actions", "name": "GitHub Actions"}),
    );
    Ok(Answer::ok(value))
}

pub fn installation(state: &State, call: &Call<'_>) -> Said {
    // It is installed on acme alone, not where forks are.
    if call.its_repository(state)?.fork {
        return Err(Answer::missing());
    }
    Ok(Answer::ok(installation_json(state)))
}

/// Mints a token for what is asked for, which lasts an hour.
pub fn mint(state: &mut State, call: &Call<'_>) -> Said {
    if call.number("installation_id")? != state.app.installation {
        return Err(Answer::missing());
    }
    let permissions = granted(state, call)?;
    let repositories = repositories(state, call)?;
    let number = state.new_id();
    let token = Token {
        secret: format!("ghs_minted{number:030}"),
        user: state.id_of("changegate[bot]"),
        permissions,
        app: Some(state.app.id),
        repositories: Some(repositories.clone()),
        expires_at: Some(state.now + "1h".parse().unwrap()),
    };
    let chosen = !call.body["repositories"].is_null() || !call.body["repository_ids"].is_null();
    let mut value = json!({
        "token": token.secret,
        "expires_at": token.expires_at,
        "permissions": token.permissions,
        "repository_selection": if chosen { "selected" } else { "all" },
    });
    if chosen {
        let named = state.repositories.iter().filter(|it| repositories.contains(&it.id));
        let named: Vec<_> = named.map(|it| state.repository_json(it)).collect();
        super::super::shapes::extend(&mut value, json!({"repositories": named}));
    }
    state.tokens.push(token);
    Ok(Answer::created(value))
}

/// The permissions asked for, all of which the App has; all that it has if none are named.
fn granted(state: &State, call: &Call<'_>) -> Result<Permissions, Answer> {
    let Some(asked) = call.body["permissions"].as_object() else {
        return Ok(state.app.permissions.clone());
    };
    let mut granted = Permissions::new();
    for (name, access) in asked {
        let access = access.as_str().unwrap_or_default();
        let has = state.app.permissions.get(name).map(String::as_str);
        if has != Some("write") && has != Some(access) {
            return Err(Answer::invalid(
                "The permissions requested are not granted to this installation.",
            ));
        }
        granted.insert(name.clone(), access.to_owned());
    }
    Ok(granted)
}

fn repositories(state: &State, call: &Call<'_>) -> Result<Vec<u64>, Answer> {
    let none = || {
        Answer::invalid(
            "There is at least one repository that does not exist or is not accessible to the \
             parent installation.",
        )
    };
    let ops = state.ops();
    let names = call.texts("repositories");
    let ids = call.body["repository_ids"].as_array().into_iter().flatten();
    if names.iter().any(|name| *name != ops.name) || ids.into_iter().any(|id| *id != ops.id) {
        return Err(none());
    }
    Ok(vec![ops.id])
}

fn installation_json(state: &State) -> Value {
    let id = state.app.installation;
    json!({
        "id": id,
        "account": state.user_json(state.id_of("acme")),
        "repository_selection": "all",
        "access_tokens_url": state.url(&format!("/app/installations/{id}/access_tokens")),
        "repositories_url": state.url("/installation/repositories"),
        "html_url": state.url(&format!("/organizations/acme/settings/installations/{id}")),
        "app_id": state.app.id,
        "app_slug": state.app.slug,
        "target_id": state.id_of("acme"),
        "target_type": "Organization",
        "permissions": state.app.permissions,
        "events": ["pull_request", "pull_request_review"],
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "single_file_name": null,
        "suspended_by": null,
        "suspended_at": null,
    })
}
