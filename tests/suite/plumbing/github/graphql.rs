//! The GraphQL queries that are asked.

use git2::Oid;
use serde_json::{Value, json};

use super::answers::Answer;
use super::state::{Event, Pull, State, What};
use super::tokens::Asker;

const QUERIES: &str = include_str!("../../../../src/forge/github/queries.graphql");

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
    let fields = body.as_object().ok_or("the body isn't an object")?;
    if let Some(unknown) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("unknown field `{unknown}`"));
    }
    if body["query"] != QUERIES {
        return Err(format!("these aren't the queries that are known: {}", body["query"]));
    }
    let data = match body["operationName"].as_str() {
        Some("Viewer") => {
            variables(body, &[])?;
            json!({"viewer": {"login": state.login(user)}})
        }
        Some("Snapshot") => {
            let about = About::of(body, &["number", "head"])?;
            let (number, head) = (about.variables["number"].as_u64(), &about.variables["head"]);
            let (number, head) = number.zip(head.as_str()).ok_or("number or head is missing")?;
            if !about.names_ops(state) {
                return Ok(about.not_found());
            }
            let mut standing = about.standing(state, number, head);
            standing["viewer"] = json!({"login": state.login(user)});
            standing
        }
        Some("Survey") => {
            let about = About::of(body, &["after"])?;
            if !about.names_ops(state) {
                return Ok(about.not_found());
            }
            about.survey(state)
        }
        other => return Err(format!("there is no operation {other:?}")),
    };
    Ok(Answer::ok(json!({"data": data})))
}

/// What a query is about.
struct About {
    variables: Value,
    name: String,
    /// Whose check runs are asked for; statuses if left out.
    app: Option<u64>,
}

impl About {
    fn of(body: &Value, more: &[&str]) -> Result<Self, String> {
        let variables = variables(body, &[&["owner", "name", "byApp", "app"], more].concat())?;
        let text = |name: &str| variables[name].as_str();
        let (owner, name) = text("owner").zip(text("name")).ok_or("owner or name is missing")?;
        let name = format!("{owner}/{name}");
        let app = match variables["byApp"].as_bool().ok_or("byApp is missing")? {
            true => Some(variables["app"].as_u64().ok_or("app is missing")?),
            false => None,
        };
        Ok(About { variables, name, app })
    }

    fn names_ops(&self, state: &State) -> bool {
        state.repository(&self.name).is_some_and(|repository| !repository.fork)
    }

    fn not_found(&self) -> Answer {
        let message = format!("Could not resolve to a Repository with the name '{}'.", self.name);
        Answer::ok(json!({
            "data": {"repository": null},
            "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": message}],
        }))
    }

    /// The tips of branches, and what is posted on a commit.
    fn standing(&self, state: &State, number: u64, head: &str) -> Value {
        let commit = state.ops().resolve(head);
        let pull = state.pulls.iter().find(|pull| pull.number == number);
        json!({"repository": {
            "defaultBranchRef": tip(state, "main"),
            "ledger": tip(state, "audit/ledger"),
            "operations": tip(state, "audit/operations"),
            "pullRequest": pull.map(|pull| json!({
                "state": if pull.merged.is_some() { "MERGED".to_owned() } else { pull.state.to_uppercase() },
                "isDraft": pull.draft,
                "headRefOid": pull.head.to_string(),
                "baseRef": tip(state, &pull.base),
                "timelineItems": {
                    "totalCount": pull.timeline.iter().filter(|event| decides(event)).count(),
                },
            })),
            "object": commit.map(|commit: Oid| self.posted(state, &commit.to_string())),
        }})
    }

    /// All open pull requests and what is posted on their heads.
    fn survey(&self, state: &State) -> Value {
        let after = self.variables["after"].as_str();
        let after = after.and_then(|cursor| cursor.strip_prefix("after-")?.parse().ok());
        let is_asked = |pull: &&Pull| pull.state == "open" && pull.number > after.unwrap_or(0);
        let open: Vec<_> = state.pulls.iter().filter(is_asked).collect();
        let nodes: Vec<_> = open.iter().take(PAGE).map(|pull| self.node(state, pull)).collect();
        let last = open.iter().take(PAGE).next_back().map(|pull| format!("after-{}", pull.number));
        json!({"repository": {
            "defaultBranchRef": tip(state, "main"),
            "operations": tip(state, "audit/operations"),
            "pullRequests": {
                "pageInfo": {"hasNextPage": open.len() > PAGE, "endCursor": last},
                "nodes": nodes,
            },
        }})
    }

    fn node(&self, state: &State, pull: &Pull) -> Value {
        let sha = pull.head.to_string();
        let mut commit = self.posted(state, &sha);
        commit["oid"] = json!(sha);
        json!({
            "number": pull.number,
            "updatedAt": pull.updated_at,
            "headRefOid": sha,
            "baseRef": tip(state, &pull.base),
            "commits": {"nodes": [{"commit": commit}]},
        })
    }

    /// The statuses on a commit, or the check run of an App.
    fn posted(&self, state: &State, sha: &str) -> Value {
        let Some(app) = self.app else {
            let statuses = state.latest_statuses(sha).into_iter().map(|status| {
                json!({
                    "context": status.context,
                    "state": status.state.to_uppercase(),
                    "description": status.description,
                    "targetUrl": status.target_url,
                })
            });
            let contexts: Vec<_> = statuses.collect();
            let status = (!contexts.is_empty()).then(|| json!({"contexts": contexts}));
            return json!({"status": status});
        };
        let own: Vec<_> =
            state.check_runs.iter().filter(|run| run.sha == sha && run.app == app).collect();
        let latest = own
            .iter()
            .rfind(|run| run.name == "changegate")
            .map(|run| json!({"externalId": run.external_id, "detailsUrl": run.details_url}));
        let runs: Vec<_> = latest.into_iter().collect();
        let suites =
            if own.is_empty() { vec![] } else { vec![json!({"checkRuns": {"nodes": runs}})] };
        json!({"checkSuites": {"nodes": suites}})
    }
}

/// Whether an event is of one of the types that are counted.
fn decides(event: &Event) -> bool {
    match &event.what {
        What::Reviewed(_) | What::ReviewDismissed { .. } | What::HeadForcePushed(_) => true,
        What::Other(name) => [
            "base_ref_changed",
            "automatic_base_change_succeeded",
            "convert_to_draft",
            "ready_for_review",
        ]
        .contains(&name.as_str()),
        _ => false,
    }
}

/// A branch with its commit; `null` if it is gone.
fn tip(state: &State, branch: &str) -> Value {
    let commit = state.ops().tip(branch);
    commit.map_or(
        Value::Null,
        |commit| json!({"name": branch, "target": {"oid": commit.to_string()}}),
    )
}

fn variables(body: &Value, known: &[&str]) -> Result<Value, String> {
    let given = &body["variables"];
    let names = given.as_object().into_iter().flat_map(serde_json::Map::keys);
    match names.into_iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(format!("unknown variable `{unknown}`")),
        None => Ok(given.clone()),
    }
}
