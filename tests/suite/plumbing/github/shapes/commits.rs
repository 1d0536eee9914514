//! Git's objects in GitHub's shapes.

use git2::Oid;
use serde_json::{Value, json};

use super::super::repository::Repository;
use super::super::state::State;

/// Who makes commits in the web editor.
const WEB_FLOW: &str = "web-flow";

impl State {
    /// A commit.
    pub fn commit_json(&self, repository: &Repository, id: Oid) -> Value {
        let commit = repository.commit(id);
        let url = self.url(&format!("/repos/{}/commits/{id}", repository.full_name()));
        let html = self.url(&format!("/{}/commit/{id}", repository.full_name()));
        let inner = self.inner_commit(repository, id);
        json!({
            "sha": id.to_string(),
            "node_id": format!("C_{id}"),
            "url": url,
            "html_url": html,
            "comments_url": format!("{url}/comments"),
            "commit": {
                "url": self.url(&format!("/repos/{}/git/commits/{id}", repository.full_name())),
                "author": inner["author"],
                "committer": inner["committer"],
                "message": inner["message"],
                "tree": inner["tree"],
                "comment_count": 0,
                "verification": inner["verification"],
            },
            "author": self.account_of(&commit.author()),
            "committer": self.account_of(&commit.committer()),
            "parents": inner["parents"],
        })
    }

    /// What a commit itself says, as timelines tell it.
    pub fn inner_commit(&self, repository: &Repository, id: Oid) -> Value {
        let commit = repository.commit(id);
        let at = |kind: &str, id: Oid| {
            self.url(&format!("/repos/{}/git/{kind}/{id}", repository.full_name()))
        };
        let html = |id: Oid| self.url(&format!("/{}/commit/{id}", repository.full_name()));
        let parents: Vec<_> = commit
            .parent_ids()
            .map(
                |id| json!({"sha": id.to_string(), "url": at("commits", id), "html_url": html(id)}),
            )
            .collect();
        json!({
            "sha": id.to_string(),
            "node_id": format!("C_{id}"),
            "url": at("commits", id),
            "html_url": html(id),
            "author": signature_json(&commit.author()),
            "committer": signature_json(&commit.committer()),
            "message": String::from_utf8_lossy(commit.message_raw_bytes()),
            "tree": {"sha": commit.tree_id().to_string(), "url": at("trees", commit.tree_id())},
            "parents": parents,
            "verification": self.verification(repository, id),
        })
    }

    /// The account that GitHub assigns a signature's email to; null if it is nobody's.
    fn account_of(&self, signature: &git2::Signature<'_>) -> Value {
        let email = String::from_utf8_lossy(signature.email_bytes());
        self.user_of_email(&email).map_or(Value::Null, |user| self.account_json(user))
    }

    fn verification(&self, repository: &Repository, id: Oid) -> Value {
        let signed = repository.git.extract_signature(&id, None).ok();
        let text = |buffer: &git2::Buf| String::from_utf8_lossy(buffer).into_owned();
        let (signature, payload) = match &signed {
            Some((signature, payload)) => (Some(text(signature)), Some(text(payload))),
            None => (None, None),
        };
        let verified = self.verified.contains(&id);
        let by_web = self.account_of(&repository.commit(id).committer())["login"] == WEB_FLOW;
        let web = |text: &str| (verified && by_web).then(|| text.to_owned());
        json!({
            "verified": verified,
            "reason": match (verified, &signature) {
                (true, _) => "valid",
                (false, Some(_)) => "unknown_key",
                (false, None) => "unsigned",
            },
            "signature": signature.or_else(|| web("-----BEGIN PGP SIGNATURE-----\n…\n")),
            "payload": payload.or_else(|| web(&format!("tree {}\n", repository.commit(id).tree_id()))),
            "verified_at": verified.then_some(self.now),
        })
    }
}

fn signature_json(signature: &git2::Signature<'_>) -> Value {
    let at = changegate::core::time::Time::nearest_unix(signature.when().seconds());
    json!({
        "name": String::from_utf8_lossy(signature.name_bytes()),
        "email": String::from_utf8_lossy(signature.email_bytes()),
        "date": at,
    })
}
