//! Who moved which branch.

use super::super::page::Page;
use super::super::state::{Activity, State};
use super::{Answer, Call, Said};
use changegate::core::time::Duration;

pub fn list(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    if state.hides_pushes {
        return Err(Answer::error(403, "Resource not accessible by integration"));
    }
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
