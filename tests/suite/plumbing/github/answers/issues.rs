//! What issues and pull requests share: comments and the timeline.

use super::super::state::{Comment, State};
use super::{Answer, Call, Said};
use changegate::core::time::Time;

const LONGEST_COMMENT: usize = 65_536;

pub fn timeline(state: &State, call: &Call<'_>) -> Said {
    let number = the(state, call)?;
    let Some(pull) = state.pulls.iter().find(|pull| pull.number == number) else {
        return Ok(call.page(state, &[], |event: &u8| (*event).into()));
    };
    Ok(call.page(state, &pull.timeline, |event| state.event_json(pull, event)))
}

pub fn comments(state: &State, call: &Call<'_>) -> Said {
    let number = the(state, call)?;
    let since: Option<Time> = call.asked("since").and_then(|since| since.parse().ok());
    let matches = |comment: &&Comment| {
        comment.number == number && since.is_none_or(|since| comment.updated_at >= since)
    };
    let comments: Vec<_> = state.comments.iter().filter(matches).collect();
    Ok(call.page(state, &comments, |comment| state.comment_json(comment)))
}

pub fn comment(state: &mut State, call: &Call<'_>) -> Said {
    let number = the(state, call)?;
    let body = body(call)?;
    if state.locked.contains(&number) {
        return Err(Answer::error(403, "Unable to create comment because issue is locked."));
    }
    let id = state.comment(number, call.user(), &body);
    let comment = state.comments.iter().find(|comment| comment.id == id);
    Ok(Answer::created(state.comment_json(comment.unwrap())))
}

pub fn edit_comment(state: &mut State, call: &Call<'_>) -> Said {
    let (id, user) = (call.number("comment_id")?, call.user());
    let body = body(call)?;
    let now = state.now;
    let comment = state.comments.iter_mut().find(|comment| comment.id == id);
    let comment = comment.ok_or_else(Answer::missing)?;
    if comment.user != user {
        return Err(Answer::error(403, "Must have write access to edit this comment"));
    }
    (comment.body, comment.updated_at) = (body, now);
    let comment = state.comments.iter().find(|comment| comment.id == id);
    Ok(Answer::ok(state.comment_json(comment.unwrap())))
}

pub fn react(state: &mut State, call: &Call<'_>) -> Said {
    let (id, user) = (call.number("comment_id")?, call.user());
    let content = call.text("content").unwrap_or_default();
    state.comments.iter().find(|comment| comment.id == id).ok_or_else(Answer::missing)?;
    state.reactions.push((id, content.clone()));
    let (number, now) = (state.new_id(), state.now.to_string());
    let user = state.user_json(user);
    Ok(Answer::created(serde_json::json!({
        "id": number, "node_id": "x", "user": user, "content": content, "created_at": now,
    })))
}

fn the(state: &State, call: &Call<'_>) -> Result<u64, Answer> {
    let number = call.number("issue_number")?;
    let is_ops = std::ptr::eq(call.its_repository(state)?, state.ops());
    let is_pull = state.pulls.iter().any(|pull| pull.number == number);
    let is_there = is_ops && (is_pull || state.issues.contains(&number));
    is_there.then_some(number).ok_or_else(Answer::missing)
}

fn body(call: &Call<'_>) -> Result<String, Answer> {
    let body = call.text("body").unwrap_or_default();
    match body.chars().count() {
        0 => Err(Answer::invalid("Validation Failed: body can't be blank")),
        1..=LONGEST_COMMENT => Ok(body),
        _ => Err(Answer::over("Validation Failed: body is too long (maximum is 65536 characters)")),
    }
}
