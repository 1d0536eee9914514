//! Pull requests, their reviews and reviewers.

use serde_json::json;

use super::super::state::{Pull, Reviewer, State};
use super::{Answer, Call, Said};

/// How many commits GitHub lists at most.
const MOST_COMMITS: usize = 250;

pub fn list(state: &State, call: &Call<'_>) -> Said {
    if !std::ptr::eq(call.its_repository(state)?, state.ops()) {
        return Ok(Answer::ok(json!([])));
    }
    let wanted = call.asked("state").unwrap_or("open");
    let matches = |pull: &&Pull| {
        let head = format!("{}:{}", state.login(pull.head_owner), pull.head_branch);
        (wanted == "all" || pull.state == wanted)
            && call.asked("base").is_none_or(|base| pull.base == base)
            && call.asked("head").is_none_or(|asked| asked.eq_ignore_ascii_case(&head))
    };
    let mut pulls: Vec<_> = state.pulls.iter().filter(matches).collect();
    let by_update = call.asked("sort") == Some("updated");
    pulls.sort_by_key(|pull| (if by_update { pull.updated_at } else { pull.created_at }, pull.id));
    let ascending = match call.asked("direction") {
        Some(direction) => direction == "asc",
        None => call.asked("sort").is_some_and(|sort| sort != "created"),
    };
    if !ascending {
        pulls.reverse();
    }
    Ok(call.page(state, &pulls, |pull| state.pull_json(pull)))
}

/// The pull requests that a commit is part of: by their own commits, or by what merging made of them.
pub fn of_commit(state: &State, call: &Call<'_>) -> Said {
    let repository = call.its_repository(state)?;
    let commit = repository.resolve(call.parameter("commit_sha")).ok_or_else(Answer::missing)?;
    let is_its = |pull: &&Pull| {
        let merged = pull.merged.as_ref().map(|merged| (merged.onto, merged.commit));
        let ranges = merged.into_iter().chain([state.range(pull)]);
        ranges.into_iter().any(|range| state.ops().brought(range).contains(&commit))
    };
    let pulls: Vec<_> = state.pulls.iter().filter(is_its).collect();
    Ok(call.page(state, &pulls, |pull| state.pull_json(pull)))
}

pub fn get(state: &State, call: &Call<'_>) -> Said {
    Ok(Answer::ok(state.whole_pull_json(the(state, call)?)))
}

pub fn commits(state: &State, call: &Call<'_>) -> Said {
    let mut commits = state.ops().brought(state.range(the(state, call)?));
    commits.truncate(MOST_COMMITS);
    Ok(call.page(state, &commits, |commit| state.commit_json(state.ops(), *commit)))
}

pub fn reviews(state: &State, call: &Call<'_>) -> Said {
    let pull = the(state, call)?;
    // What is pending is seen by its author alone.
    let visible = pull
        .reviews
        .iter()
        .filter(|review| review.submitted_at.is_some() || review.user == call.user());
    let reviews: Vec<_> = visible.collect();
    Ok(call.page(state, &reviews, |review| state.review_json(pull.number, review)))
}

pub fn request(state: &mut State, call: &Call<'_>) -> Said {
    let (number, author) = {
        let pull = the(state, call)?;
        (pull.number, pull.author)
    };
    let whom = reviewers(state, call)?;
    if whom.contains(&Reviewer::User(author)) {
        return Err(Answer::invalid("Review cannot be requested from pull request author."));
    }
    for reviewer in &whom {
        state.request(number, call.user(), reviewer);
    }
    Ok(Answer::created(state.pull_json(state.pull(number))))
}

/// The pull request that the path names.
fn the<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a Pull, Answer> {
    let number = call.number("pull_number")?;
    let is_ops = std::ptr::eq(call.its_repository(state)?, state.ops());
    let found = state.pulls.iter().find(|pull| is_ops && pull.number == number);
    found.ok_or_else(Answer::missing)
}

/// The people and teams that the body names; all of them have to be collaborators.
fn reviewers(state: &State, call: &Call<'_>) -> Result<Vec<Reviewer>, Answer> {
    let strange = || {
        Answer::invalid(
            "Reviews may only be requested from collaborators. One or more of the users or teams \
             you specified is not a collaborator of the acme/ops repository.",
        )
    };
    let mut whom = Vec::new();
    for login in call.texts("reviewers") {
        let user = state.find_user(login).ok_or_else(strange)?;
        let is_collaborator = state.collaborators.contains_key(&user.id);
        whom.push(is_collaborator.then_some(Reviewer::User(user.id)).ok_or_else(strange)?);
    }
    for slug in call.texts("team_reviewers") {
        let team = state.teams.iter().find(|team| team.slug == slug).ok_or_else(strange)?;
        whom.push(Reviewer::Team(team.slug.clone()));
    }
    Ok(whom)
}
