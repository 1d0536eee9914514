//! References, and who moved them.

use changegate::time::Duration;
use git2::Oid;
use serde_json::{Value, json};

use super::super::page::Page;
use super::super::repository::Repository;
use super::super::state::{Activity, State};
use super::{Answer, Call, Said};

pub fn get(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let name = format!("refs/{}", call.parameter("ref"));
    let id = repository.git.refname_to_id(&name).map_err(|_| Answer::missing())?;
    Ok(Answer::ok(reference_json(state, repository, &name, id)))
}

pub fn matching(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let start = format!("refs/{}", call.parameter("ref"));
    let names = repository.git.references().unwrap().filter_map(|reference| {
        let reference = reference.unwrap();
        let name = reference.name().ok()?.to_owned();
        name.starts_with(&start).then_some((name, reference.target()?))
    });
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    let shown = names.iter().map(|(name, id)| reference_json(state, repository, name, *id));
    Ok(Answer::ok(Value::Array(shown.collect())))
}

pub fn create(state: &mut State, call: &Call<'_>) -> Said {
    let name = call.text("ref").unwrap_or_default();
    let place = place(state, call)?;
    let to = target(&state.repositories[place], call)?;
    if !name.starts_with("refs/") || name.matches('/').count() < 2 {
        return Err(Answer::invalid("Reference name must start with 'refs/' and have two slashes"));
    }
    if state.repositories[place].git.refname_to_id(&name).is_ok() {
        return Err(Answer::invalid("Reference already exists"));
    }
    move_to(state, place, &name, to, call.user());
    Ok(Answer::created(reference_json(state, &state.repositories[place], &name, to)))
}

pub fn update(state: &mut State, call: &Call<'_>) -> Said {
    let name = format!("refs/{}", call.parameter("ref"));
    let place = place(state, call)?;
    let repository = &state.repositories[place];
    let before = repository.git.refname_to_id(&name);
    let before = before.map_err(|_| Answer::invalid("Reference does not exist"))?;
    let to = target(repository, call)?;
    if !repository.holds(to, before) && call.body["force"] != true {
        return Err(Answer::invalid("Update is not a fast forward"));
    }
    move_to(state, place, &name, to, call.user());
    Ok(Answer::ok(reference_json(state, &state.repositories[place], &name, to)))
}

pub fn activity(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let asked_ref = call.asked("ref");
    let matches = |activity: &&Activity| {
        let name = activity.reference.as_str();
        activity.repository == repository.id
            && asked_ref.is_none_or(|asked| name == asked || name == format!("refs/heads/{asked}"))
            && call.asked("activity_type").is_none_or(|kind| activity.kind == kind)
            && call
                .asked("time_period")
                .is_none_or(|period| state.now - activity.at <= length(period))
            && call.asked("actor").is_none_or(|login| state.login(activity.actor) == login)
    };
    let mut found: Vec<_> = state.activity.iter().filter(matches).collect();
    if call.asked("direction") != Some("asc") {
        found.reverse();
    }
    if call.asked("before").is_some() {
        return Err(Answer::over("The fake reads activity on, not back: ask with `after`."));
    }
    let shape = |activity: &&Activity| state.activity_json(activity);
    Ok(Page::after(call, state, "after", &found, |activity| activity.id, shape).into_answer())
}

/// How far a period goes back.
fn length(period: &str) -> Duration {
    let days = match period {
        "day" => "1d",
        "week" => "7d",
        "month" => "30d",
        "quarter" => "90d",
        _ => "365d",
    };
    days.parse().unwrap()
}

fn place(state: &State, call: &Call<'_>) -> Result<usize, Answer> {
    let repository = call.its_repository(state)?;
    let found = state.repositories.iter().position(|it| it.id == repository.id);
    found.ok_or_else(Answer::missing)
}

fn target(repository: &Repository, call: &Call<'_>) -> Result<Oid, Answer> {
    let id = call.body["sha"].as_str().and_then(|id| id.parse::<Oid>().ok());
    let id = id.filter(|id| repository.git.find_commit(*id).is_ok());
    id.ok_or_else(|| Answer::invalid("Object does not exist"))
}

fn move_to(state: &mut State, place: usize, name: &str, to: Oid, user: u64) {
    state.repositories[place].point(name, Some(to));
    state.notice(place, user);
}

fn reference_json(state: &State, repository: &Repository, name: &str, id: Oid) -> Value {
    let url = state.url(&format!("/repos/{}/git", repository.full_name()));
    json!({
        "ref": name,
        "node_id": format!("REF_{name}"),
        "url": format!("{url}/{name}"),
        "object": {"type": "commit", "sha": id.to_string(), "url": format!("{url}/commits/{id}")},
    })
}
