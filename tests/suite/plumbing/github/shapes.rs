//! The state in GitHub's shapes: accounts, repositories, pull requests and what hangs on them.
//! [`commits`] has those of Git's objects.

mod commits;
mod events;
mod repository;

use serde_json::{Map, Value, json};

use super::state::{Activity, CheckRun, Comment, Pull, Review, State, Status, Team, User};

impl State {
    /// Where something is in the API.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// An account by its id; null if it was deleted.
    pub fn user_json(&self, id: u64) -> Value {
        let user = self.users.iter().find(|user| user.id == id).unwrap();
        if user.gone { Value::Null } else { self.account_json(user) }
    }

    /// An account.
    pub fn account_json(&self, user: &User) -> Value {
        let origin = &self.origin;
        let name = user.login.replace('[', "%5B").replace(']', "%5D");
        let of = |rest: &str| format!("{origin}/users/{name}{rest}");
        json!({
            "login": user.login,
            "id": user.id,
            "node_id": format!("U_{}", user.id),
            "avatar_url": format!("{origin}/avatars/{}", user.id),
            "gravatar_id": if user.without_gravatar { None } else { Some("") },
            "url": of(""),
            "html_url": format!("{origin}/{name}"),
            "followers_url": of("/followers"),
            "following_url": of("/following{/other_user}"),
            "gists_url": of("/gists{/gist_id}"),
            "starred_url": of("/starred{/owner}{/repo}"),
            "subscriptions_url": of("/subscriptions"),
            "organizations_url": of("/orgs"),
            "repos_url": of("/repos"),
            "events_url": of("/events{/privacy}"),
            "received_events_url": of("/received_events"),
            "type": user.kind,
            "site_admin": false,
        })
    }

    /// A pull request as lists have it.
    pub fn pull_json(&self, pull: &Pull) -> Value {
        let (id, number) = (pull.id, pull.number);
        let url = self.url(&format!("/repos/acme/ops/pulls/{number}"));
        let issue = self.url(&format!("/repos/acme/ops/issues/{number}"));
        let html = self.url(&format!("/acme/ops/pull/{number}"));
        let statuses = self.url(&format!("/repos/acme/ops/statuses/{}", pull.head));
        let link = |href: &str| json!({"href": href});
        let head = self.repositories.iter().find(|it| Some(it.id) == pull.head_repository);
        let teams = self.teams.iter().filter(|team| pull.requested_teams.contains(&team.slug));
        json!({
            "id": id,
            "node_id": format!("PR_{id}"),
            "url": url,
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{url}/comments{{/number}}"),
            "comments_url": format!("{issue}/comments"),
            "statuses_url": statuses,
            "number": number,
            "state": pull.state,
            "locked": false,
            "title": pull.title,
            "user": self.user_json(pull.author),
            "body": pull.body,
            "labels": [],
            "milestone": null,
            "active_lock_reason": null,
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged.as_ref().map(|merged| merged.at),
            "merge_commit_sha": self.merge_commit(pull),
            "assignee": null,
            "assignees": [],
            "requested_reviewers": pull.requested_users.iter().map(|id| self.user_json(*id)).collect::<Vec<_>>(),
            "requested_teams": teams.map(|team| self.team_json(team)).collect::<Vec<_>>(),
            "head": {
                "label": format!("{}:{}", self.login(pull.head_owner), pull.head_branch),
                "ref": pull.head_branch,
                "sha": pull.head.to_string(),
                "user": self.user_json(pull.head_owner),
                "repo": head.map(|head| self.repository_json(head)),
            },
            "base": {
                "label": format!("acme:{}", pull.base),
                "ref": pull.base,
                "sha": pull.base_then.to_string(),
                "user": self.user_json(self.id_of("acme")),
                "repo": self.repository_json(self.ops()),
            },
            "_links": {
                "self": link(&url),
                "html": link(&html),
                "issue": link(&issue),
                "comments": link(&format!("{issue}/comments")),
                "review_comments": link(&format!("{url}/comments")),
                "review_comment": link(&format!("{url}/comments{{/number}}")),
                "commits": link(&format!("{url}/commits")),
                "statuses": link(&statuses),
            },
            "author_association": self.association(pull.author),
            "auto_merge": null,
            "draft": pull.draft,
        })
    }

    /// A pull request by itself, which tells more.
    pub fn whole_pull_json(&self, pull: &Pull) -> Value {
        let range = self.range(pull);
        let changed = self.ops().changed(range);
        let mut value = self.pull_json(pull);
        let more = json!({
            "merged": pull.merged.is_some(),
            "mergeable": pull.mergeable,
            "rebaseable": pull.mergeable,
            "mergeable_state": if pull.draft { "draft" } else { &pull.mergeable_state },
            "merged_by": pull.merged.as_ref().map(|merged| self.user_json(merged.by)),
            "comments": self.comments.iter().filter(|comment| comment.number == pull.number).count(),
            "review_comments": 0,
            "maintainer_can_modify": false,
            "commits": self.ops().brought(range).len(),
            "additions": changed.insertions(),
            "deletions": changed.deletions(),
            "changed_files": changed.files_changed(),
        });
        extend(&mut value, more);
        value
    }

    /// A review.
    pub fn review_json(&self, number: u64, review: &Review) -> Value {
        let html = self.url(&format!("/acme/ops/pull/{number}#pullrequestreview-{}", review.id));
        let pull = self.url(&format!("/repos/acme/ops/pulls/{number}"));
        let mut value = json!({
            "id": review.id,
            "node_id": format!("PRR_{}", review.id),
            "user": self.user_json(review.user),
            "body": review.body,
            "state": review.state,
            "html_url": html,
            "pull_request_url": pull,
            "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
            "commit_id": review.commit.map(|commit| commit.to_string()),
            "author_association": self.association(review.user),
        });
        if let Some(at) = review.submitted_at {
            extend(&mut value, json!({"submitted_at": at}));
        }
        value
    }

    /// A comment.
    pub fn comment_json(&self, comment: &Comment) -> Value {
        let issue = self.url(&format!("/repos/acme/ops/issues/{}", comment.number));
        let html = self.url(&format!("/acme/ops/pull/{}", comment.number));
        json!({
            "id": comment.id,
            "node_id": format!("IC_{}", comment.id),
            "url": self.url(&format!("/repos/acme/ops/issues/comments/{}", comment.id)),
            "html_url": format!("{html}#issuecomment-{}", comment.id),
            "body": comment.body,
            "user": self.user_json(comment.user),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "issue_url": issue,
            "author_association": self.association(comment.user),
            "performed_via_github_app": null,
        })
    }

    /// A commit status as lists have it.
    pub fn status_json(&self, status: &Status) -> Value {
        json!({
            "id": status.id,
            "node_id": format!("SC_{}", status.id),
            "url": self.url(&format!("/repos/acme/ops/statuses/{}", status.sha)),
            "avatar_url": self.url(&format!("/avatars/{}", status.creator)),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": status.at,
            "updated_at": status.at,
            "creator": self.user_json(status.creator),
        })
    }

    /// A check run.
    pub fn check_run_json(&self, run: &CheckRun) -> Value {
        let url = self.url(&format!("/repos/acme/ops/check-runs/{}", run.id));
        json!({
            "id": run.id,
            "node_id": format!("CR_{}", run.id),
            "head_sha": run.sha,
            "external_id": run.external_id.as_deref().unwrap_or_default(),
            "url": url,
            "html_url": self.url(&format!("/acme/ops/runs/{}", run.id)),
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "output": {
                "title": run.title,
                "summary": run.summary,
                "text": run.text,
                "annotations_count": run.annotations.len(),
                "annotations_url": format!("{url}/annotations"),
            },
            "name": run.name,
            "check_suite": {"id": 1},
            "app": self.app_json(),
            "pull_requests": [],
        })
    }

    /// The App.
    pub fn app_json(&self) -> Value {
        json!({
            "id": self.app.id,
            "slug": self.app.slug,
            "client_id": self.app.client_id,
            "node_id": format!("A_{}", self.app.id),
            "owner": self.user_json(self.id_of("acme")),
            "name": self.app.slug,
            "description": null,
            "external_url": "https://changegate.example",
            "html_url": self.url(&format!("/apps/{}", self.app.slug)),
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "permissions": self.app.permissions,
            "events": ["pull_request", "pull_request_review"],
        })
    }

    /// A team.
    pub fn team_json(&self, team: &Team) -> Value {
        let url = self.url(&format!("/organizations/100/team/{}", team.id));
        json!({
            "id": team.id,
            "node_id": format!("T_{}", team.id),
            "url": url,
            "html_url": self.url(&format!("/orgs/acme/teams/{}", team.slug)),
            "members_url": format!("{url}/members{{/member}}"),
            "repositories_url": format!("{url}/repos"),
            "name": team.slug,
            "slug": team.slug,
            "description": null,
            "privacy": "closed",
            "permission": "push",
            "type": "organization",
            "organization_id": 100,
            "parent": null,
        })
    }

    /// A change of a branch.
    pub fn activity_json(&self, activity: &Activity) -> Value {
        json!({
            "id": activity.id,
            "node_id": format!("PU_{}", activity.id),
            "before": activity.before.to_string(),
            "after": activity.after.to_string(),
            "ref": activity.reference,
            "timestamp": activity.at,
            "activity_type": activity.kind,
            "actor": self.user_json(activity.actor),
        })
    }

    /// What somebody is to `acme/ops`.
    pub fn association(&self, user: u64) -> &'static str {
        match self.permission(user) {
            "none" => "NONE",
            _ => "MEMBER",
        }
    }

    /// The commit that merging made; before, that of GitHub's own trial.
    fn merge_commit(&self, pull: &Pull) -> Option<String> {
        if let Some(merged) = &pull.merged {
            return Some(merged.commit.to_string());
        }
        let trial = format!("trial {} {}", pull.base_then, pull.head);
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, trial.as_bytes()).unwrap();
        pull.mergeable.map(|_| id.to_string())
    }
}

/// Lays fields over an object.
pub fn extend(value: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("only objects extend one") };
    let fields: &mut Map<String, Value> = value.as_object_mut().unwrap();
    fields.extend(more);
}
