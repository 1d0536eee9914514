//! Asks GitHub about a pull request again, to compare what it tells with what was recorded.

use anyhow::Context as _;

use super::collect::state;
use super::contributors::known_commit;
use super::facts::ApiFacts;
use super::types::{Pull, User};
use super::{GitHub, client, name};
use crate::core::evidence::{Dismissed, Merged, Review};
use crate::core::record::told::Told;

impl GitHub {
    /// Returns what GitHub tells about a pull request, as it is now; `None` if it has none of this number.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses, or doesn't show the repository.
    pub fn told(&self, number: u64) -> anyhow::Result<Option<Told>> {
        let path = self.repository.path(&["pulls", &number.to_string()]);
        let pull: Pull = match self.client.run(self.client.get(&path)) {
            Ok(pull) => pull,
            Err(error) if client::status_of(&error) == Some(404) => {
                let path = self.repository.path(&[]);
                let seen = self.client.run(self.client.get::<serde_json::Value>(&path));
                seen.context("cannot see the repository")?;
                return Ok(None);
            }
            Err(error) => return Err(error.context(format!("cannot read {}", name(number)))),
        };
        let read = ApiFacts::read(self, &pull, pull.state == "open");
        let known =
            self.client.run(read).with_context(|| format!("cannot read {}", name(number)))?;
        let known = known.with_context(|| {
            format!("{} has just changed, or its base branch is gone", name(number))
        })?;
        self.client.take_record();
        let mut told = Told { head: pull.head.sha.clone(), ..Told::default() };
        let mut account = |user: Option<&User>| {
            let user = user?;
            told.logins.insert(user.id.to_string(), user.login.clone());
            Some(user.id.to_string())
        };
        told.author_id = account(pull.user.as_ref());
        let by_id = account(pull.merged_by.as_ref());
        told.merged = pull
            .merged_at
            .zip(pull.merge_commit_sha.clone())
            .map(|(at, commit)| Merged { by: None, by_id, at, commit });
        for review in &known.reviews {
            let Some(submitted_at) = review.submitted_at else { continue };
            let mut dismissals = known.timeline.iter().filter_map(|event| {
                let it = event.dismissed_review.as_ref().filter(|it| it.review_id == review.id)?;
                Some((event, it))
            });
            let dismissed = dismissals.next_back().map(|(event, it)| Dismissed {
                by: None,
                by_id: account(event.actor.as_ref()),
                was: Some(state(&it.state)),
                at: event.created_at,
            });
            told.reviews.push(Review {
                id: review.id.to_string(),
                user: None,
                user_id: account(review.user.as_ref()),
                bot: review.user.as_ref().is_some_and(User::is_bot),
                state: state(&review.state),
                commit: review.commit_id.clone(),
                submitted_at,
                material: None,
                dismissed,
                unproven: None,
            });
        }
        for commit in &known.commits {
            account(commit.author.as_ref());
            account(commit.committer.as_ref());
            told.commits.push(known_commit(commit));
        }
        let pushes = known.pushes.iter().flatten().filter(|push| !push.is_deletion());
        for push in pushes.filter(|push| push.timestamp >= pull.created_at) {
            let by = account(push.actor.as_ref());
            told.pushes.extend(by.map(|by| (push.timestamp, by)));
        }
        let forced = known.timeline.iter().filter(|event| event.event == "head_ref_force_pushed");
        told.forced_at = forced.filter_map(|event| event.created_at).max();
        Ok(Some(told))
    }
}
