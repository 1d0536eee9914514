//! Commit statuses and check runs.

use git2::Oid;
use serde_json::Value;

use super::super::page::Page;
use super::super::state::{CheckRun, State, Status};
use super::super::tokens::Asker;
use super::{Answer, Call, Said};
use changegate::core::time::Time;

const LONGEST_DESCRIPTION: usize = 140;

pub fn post_status(state: &mut State, call: &Call<'_>) -> Said {
    let commit = commit(state, call.parameter("sha"))?;
    let description = call.text("description");
    if description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
        let limit = "Validation Failed: description is too long (maximum is 140 characters)";
        return Err(Answer::over(limit));
    }
    if description.as_ref().is_some_and(|text| text.chars().any(|c| c.len_utf8() == 4)) {
        let limit = "Validation Failed: description doesn't accept 4-byte Unicode";
        return Err(Answer::over(limit));
    }
    let status = Status {
        id: state.new_id(),
        sha: commit.to_string(),
        state: call.text("state").unwrap_or_default(),
        context: call.text("context").unwrap_or_else(|| "default".to_owned()),
        description,
        target_url: call.text("target_url"),
        creator: call.user(),
        at: state.now,
    };
    let answer = Answer::created(state.status_json(&status));
    state.statuses.push(status);
    Ok(answer)
}

pub fn create(state: &mut State, call: &Call<'_>) -> Said {
    let app = for_apps(call)?;
    let sha = commit(state, call.body["head_sha"].as_str().unwrap_or_default())?.to_string();
    let mut run = CheckRun::new(state.new_id(), app, sha, state.now);
    fill(&mut run, call, state.now)?;
    let answer = Answer::created(state.check_run_json(&run));
    state.check_runs.push(run);
    Ok(answer)
}

pub fn update(state: &mut State, call: &Call<'_>) -> Said {
    let app = for_apps(call)?;
    let id = call.number("check_run_id")?;
    let now = state.now;
    let index = state.check_runs.iter().position(|run| run.id == id);
    let index = index.ok_or_else(Answer::missing)?;
    if state.check_runs[index].app != app {
        return Err(Answer::error(403, &format!("Invalid app_id `{app}` for this check run")));
    }
    fill(&mut state.check_runs[index], call, now)?;
    Ok(Answer::ok(state.check_run_json(&state.check_runs[index])))
}

pub fn list(state: &State, call: &Call<'_>) -> Said {
    let sha = commit(state, call.parameter("ref"))?.to_string();
    let all = call.asked("filter") == Some("all");
    let mut runs: Vec<&CheckRun> = Vec::new();
    for run in state.check_runs.iter().rev().filter(|run| run.sha == sha) {
        let is_latest = !runs.iter().any(|later| (later.app, &later.name) == (run.app, &run.name));
        let is_asked = call.asked("check_name").is_none_or(|name| run.name == name)
            && call.asked("status").is_none_or(|status| run.status == status)
            && call.asked("app_id").is_none_or(|asked| run.app.to_string() == asked);
        if is_asked && (all || is_latest) {
            runs.push(run);
        }
    }
    Ok(Page::of(call, state, &runs, |run| state.check_run_json(run)).under("check_runs"))
}

impl State {
    /// The latest status of each context on a commit, latest first.
    pub fn latest_statuses(&self, sha: &str) -> Vec<&Status> {
        let mut latest: Vec<&Status> = Vec::new();
        for status in self.statuses.iter().rev().filter(|status| status.sha == sha) {
            if !latest.iter().any(|later| later.context == status.context) {
                latest.push(status);
            }
        }
        latest
    }
}

/// Puts into a check run what a body says; annotations are added to those that are there.
fn fill(run: &mut CheckRun, call: &Call<'_>, now: Time) -> Result<(), Answer> {
    let (status, conclusion) = (call.text("status"), call.text("conclusion"));
    match (status.as_deref(), &conclusion) {
        (Some("completed"), None) => {
            return Err(Answer::over("Invalid request. `conclusion` is missing with `completed`."));
        }
        (Some(status), Some(_)) if status != "completed" => {
            return Err(Answer::over("Invalid request. `conclusion` needs `completed`."));
        }
        _ => {}
    }
    if let Some(name) = call.text("name") {
        run.name = name;
    }
    if conclusion.is_some() {
        run.status = "completed".to_owned();
        run.completed_at = Some(now);
    } else if let Some(status) = status {
        (run.status, run.completed_at) = (status, None);
    }
    run.conclusion = conclusion;
    let output = &call.body["output"];
    let text = |name: &str| output[name].as_str().map(str::to_owned);
    run.external_id = call.text("external_id").or_else(|| run.external_id.take());
    run.details_url = call.text("details_url").or_else(|| run.details_url.take());
    run.title = text("title").or_else(|| run.title.take());
    run.summary = text("summary").or_else(|| run.summary.take());
    run.text = text("text").or_else(|| run.text.take());
    let annotations: Option<&Vec<Value>> = output["annotations"].as_array();
    run.annotations.extend(annotations.into_iter().flatten().cloned());
    Ok(())
}

/// The App that asks: check runs are for Apps alone; workflows count as one.
fn for_apps(call: &Call<'_>) -> Result<u64, Answer> {
    let app = match &call.asker {
        Asker::Token(token) => token.app,
        _ => None,
    };
    app.ok_or_else(|| Answer::error(403, "You must authenticate via a GitHub App."))
}

fn commit(state: &State, name: &str) -> Result<Oid, Answer> {
    let found = state.ops().resolve(name);
    found.ok_or_else(|| Answer::invalid(&format!("No commit found for SHA: {name}")))
}
