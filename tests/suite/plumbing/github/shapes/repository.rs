//! A repository in GitHub's shape.

use serde_json::{Value, json};

use super::super::repository::Repository;
use super::super::state::State;

impl State {
    /// A repository.
    pub fn repository_json(&self, repository: &Repository) -> Value {
        let full = repository.full_name();
        let url = self.url(&format!("/repos/{full}"));
        let html = self.url(&format!("/{full}"));
        let open = self.pulls.iter().filter(|pull| pull.state == "open").count();
        let mut value = json!({
            "id": repository.id,
            "node_id": format!("R_{}", repository.id),
            "name": repository.name,
            "full_name": full,
            "owner": self.user_json(self.id_of(&repository.owner)),
            "private": true,
            "html_url": html,
            "description": null,
            "fork": repository.fork,
            "url": url,
            "git_url": format!("{html}.git"),
            "ssh_url": format!("git@localhost:{full}.git"),
            "clone_url": self.clone_url.clone().unwrap_or_else(|| format!("{html}.git")),
            "svn_url": html,
            "mirror_url": null,
            "homepage": null,
            "language": null,
            "license": null,
            "default_branch": "main",
            "pushed_at": self.now,
            "created_at": "2020-01-01T00:00:00Z",
            "updated_at": self.now,
            "open_issues_count": open,
            "open_issues": open,
        });
        let fields = value.as_object_mut().unwrap();
        for (name, rest) in PLACES {
            fields.insert((*name).to_owned(), format!("{url}{rest}").into());
        }
        for name in COUNTS {
            fields.insert((*name).to_owned(), 0.into());
        }
        for (name, is) in SWITCHES {
            fields.insert((*name).to_owned(), (*is).into());
        }
        value
    }
}

/// A repository's other addresses, below its own.
const PLACES: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

const COUNTS: &[&str] = &[
    "forks",
    "forks_count",
    "network_count",
    "size",
    "stargazers_count",
    "subscribers_count",
    "watchers",
    "watchers_count",
];

const SWITCHES: &[(&str, bool)] = &[
    ("archived", false),
    ("disabled", false),
    ("has_discussions", false),
    ("has_downloads", true),
    ("has_issues", true),
    ("has_pages", false),
    ("has_projects", true),
    ("has_wiki", false),
];
