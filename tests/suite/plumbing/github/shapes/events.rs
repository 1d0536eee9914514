//! A timeline's events in GitHub's shapes.

use git2::Oid;
use serde_json::{Value, json};

use super::super::state::{Event, Pull, Reviewer, State, What};
use super::extend;

impl State {
    /// An event.
    pub fn event_json(&self, pull: &Pull, event: &Event) -> Value {
        match &event.what {
            What::Committed(id) => {
                let mut value = self.inner_commit(self.ops(), *id);
                extend(&mut value, json!({"event": "committed"}));
                value
            }
            What::Reviewed(id) => {
                let review = pull.reviews.iter().find(|review| review.id == *id).unwrap();
                let mut value = self.review_json(pull.number, review);
                // Timelines say it in lower case, lists of reviews in upper case.
                let state = review.state.to_lowercase();
                extend(&mut value, json!({"event": "reviewed", "state": state}));
                value
            }
            What::Commented(id) => {
                let comment = self.comments.iter().find(|comment| comment.id == *id).unwrap();
                let mut value = self.comment_json(comment);
                extend(
                    &mut value,
                    json!({"event": "commented", "actor": self.user_json(comment.user)}),
                );
                value
            }
            What::HeadForcePushed(to) => {
                self.plain(event, "head_ref_force_pushed", self.of_commit(*to))
            }
            What::Merged(commit) => self.plain(event, "merged", self.of_commit(*commit)),
            What::ReviewRequested(whom) => {
                self.plain(event, "review_requested", self.reviewer(event, whom))
            }
            What::ReviewRequestRemoved(whom) => {
                self.plain(event, "review_request_removed", self.reviewer(event, whom))
            }
            What::ReviewDismissed { review, was, message } => {
                let dismissed =
                    json!({"state": was, "review_id": review, "dismissal_message": message});
                self.plain(event, "review_dismissed", json!({"dismissed_review": dismissed}))
            }
            What::Other(name) => {
                // Merging closes, and says by which commit.
                let merge = pull.merged.as_ref().filter(|_| name == "closed");
                let more = merge.map_or(json!({}), |merged| self.of_commit(merged.commit));
                self.plain(event, name, more)
            }
        }
    }

    fn plain(&self, event: &Event, name: &str, more: Value) -> Value {
        let mut value = json!({
            "id": event.id,
            "node_id": format!("E_{}", event.id),
            "url": self.url(&format!("/repos/acme/ops/issues/events/{}", event.id)),
            "actor": self.user_json(event.actor),
            "event": name,
            "commit_id": null,
            "commit_url": null,
            "created_at": event.at,
            "performed_via_github_app": null,
        });
        extend(&mut value, more);
        value
    }

    fn of_commit(&self, id: Oid) -> Value {
        let url = self.url(&format!("/repos/acme/ops/commits/{id}"));
        json!({"commit_id": id.to_string(), "commit_url": url})
    }

    fn reviewer(&self, event: &Event, whom: &Reviewer) -> Value {
        let requester = self.user_json(event.actor);
        match whom {
            Reviewer::User(id) => {
                json!({"review_requester": requester, "requested_reviewer": self.user_json(*id)})
            }
            Reviewer::Team(slug) => {
                let team = self.teams.iter().find(|team| team.slug == *slug);
                let team = team.map(|team| self.team_json(team));
                json!({"review_requester": requester, "requested_team": team})
            }
        }
    }
}
