//! The two GraphQL queries that are asked.

use serde_json::{Value, json};

use super::answers::Answer;
use super::state::{Pull, State};
use super::tokens::Asker;

const SURVEY: &str = include_str!("../../../../src/forge/github/survey.graphql");
const VIEWER: &str = include_str!("../../../../src/forge/github/viewer.graphql");

const PAGE: usize = 100;

/// Answers a query.
///
/// # Errors
/// What of it isn't known.
pub fn answer(state: &State, asker: &Asker, body: &Value) -> Result<Answer, String> {
    let user = match asker {
        Asker::Token(token) => token.user,
        _ => return Ok(Answer::error(401, "This endpoint requires you to be authenticated.")),
    };
    let known = ["query", "variables", "operationName"];
    let fields = body.as_object().ok_or("the body is no object")?;
    if let Some(unknown) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("unknown field `{unknown}`"));
    }
    let query = normalised(body["query"].as_str().unwrap_or_default());
    let data = if query == normalised(VIEWER) {
        variables(body, &[])?;
        json!({"viewer": {"login": state.login(user)}})
    } else if query == normalised(SURVEY) {
        let variables = variables(body, &["owner", "name", "after"])?;
        let text = |name: &str| variables[name].as_str();
        let (owner, name) = text("owner").zip(text("name")).ok_or("owner or name is missing")?;
        match state.repository(&format!("{owner}/{name}")) {
            Some(repository) if !repository.fork => survey(state, text("after")),
            _ => return Ok(not_found(owner, name)),
        }
    } else {
        return Err(format!("this isn't one of the two queries: {query}"));
    };
    Ok(Answer::ok(json!({"data": data})))
}

/// All open pull requests and what is posted on their heads.
fn survey(state: &State, after: Option<&str>) -> Value {
    let start = after.and_then(|cursor| cursor.strip_prefix("after-")?.parse().ok()).unwrap_or(0);
    let open = state.pulls.iter().filter(|pull| pull.state == "open" && pull.number > start);
    let open: Vec<_> = open.collect();
    let nodes: Vec<_> = open.iter().take(PAGE).map(|pull| node(state, pull)).collect();
    let last = open.iter().take(PAGE).next_back().map(|pull| format!("after-{}", pull.number));
    json!({"repository": {"pullRequests": {
        "pageInfo": {"hasNextPage": open.len() > PAGE, "endCursor": last},
        "nodes": nodes,
    }}})
}

fn node(state: &State, pull: &Pull) -> Value {
    let sha = pull.head.to_string();
    let statuses = state.latest_statuses(&sha);
    let contexts: Vec<_> = statuses
        .iter()
        .map(|status| {
            json!({
                "context": status.context,
                "state": status.state.to_uppercase(),
                "targetUrl": status.target_url,
            })
        })
        .collect();
    let runs = state.check_runs.iter().filter(|run| run.sha == sha && run.name == "changegate");
    let runs: Vec<_> = runs
        .map(|run| {
            json!({
                "detailsUrl": run.details_url,
                "status": run.status.to_uppercase(),
                "conclusion": run.conclusion.as_ref().map(|conclusion| conclusion.to_uppercase()),
            })
        })
        .collect();
    let any_run = state.check_runs.iter().any(|run| run.sha == sha);
    let suites = if any_run { vec![json!({"checkRuns": {"nodes": runs}})] } else { Vec::new() };
    json!({
        "number": pull.number,
        "updatedAt": pull.updated_at,
        "headRefOid": sha,
        "baseRefName": pull.base,
        "commits": {"nodes": [{"commit": {
            "oid": sha,
            "status": (!contexts.is_empty()).then(|| json!({"contexts": contexts})),
            "checkSuites": {"nodes": suites},
        }}]},
    })
}

fn not_found(owner: &str, name: &str) -> Answer {
    let message = format!("Could not resolve to a Repository with the name '{owner}/{name}'.");
    Answer::ok(json!({
        "data": {"repository": null},
        "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": message}],
    }))
}

fn variables(body: &Value, known: &[&str]) -> Result<Value, String> {
    let given = &body["variables"];
    let names = given.as_object().into_iter().flat_map(serde_json::Map::keys);
    match names.into_iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(format!("unknown variable `{unknown}`")),
        None => Ok(given.clone()),
    }
}

fn normalised(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}
