//! How a server begins: people, teams, tokens, and `acme/ops` with its policies.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use git2::Oid;

use super::repository::{NewCommit, Repository};
use super::state::{State, Team, User};
use super::tokens::{Token, permissions};
use changegate::core::policy::shipped_files;
use changegate::core::time::Time;

/// The people, with their ids of the shipped roster, and what they may do.
const PEOPLE: [(&str, u64, &str); 12] = [
    ("alice", 101, "write"),
    ("bob", 102, "write"),
    ("carol", 103, "admin"),
    ("dan", 104, "write"),
    ("dave", 105, "write"),
    ("erin", 106, "maintain"),
    ("frank", 107, "write"),
    ("grace", 108, "write"),
    ("heidi", 109, "admin"),
    ("ivan", 110, "write"),
    ("judy", 111, "write"),
    ("ken", 112, "write"),
];

/// Accounts that aren't collaborators.
const OTHERS: [(&str, u64, &str); 7] = [
    ("acme", 100, "Organization"),
    ("mallory", 666, "User"),
    ("changegate[bot]", 5001, "Bot"),
    ("dependabot[bot]", 49_699_333, "Bot"),
    ("github-actions[bot]", 41_898_282, "Bot"),
    ("github-merge-queue[bot]", 118_344_674, "Bot"),
    ("web-flow", 19_864_447, "User"),
];

const TEAMS: [(&str, u64, &[&str]); 4] = [
    ("learning", 301, &["ivan", "judy"]),
    ("payments", 302, &["alice", "bob", "dan"]),
    ("platform", 303, &["carol", "dave", "erin", "grace"]),
    ("security", 304, &["frank", "heidi", "ken"]),
];

/// The App that workflows are.
pub const ACTIONS: u64 = 15368;

/// What a workflow's token says.
pub const WORKFLOW_TOKEN: &str = "ghs_workflow000000000000000000000000000000";

/// What a workflow may be given; members and administration aren't among it.
const WORKFLOW: &[(&str, &str)] = &[
    ("actions", "read"),
    ("checks", "write"),
    ("contents", "write"),
    ("deployments", "write"),
    ("issues", "write"),
    ("metadata", "read"),
    ("pull_requests", "write"),
    ("statuses", "write"),
];

/// What a person's token permits.
const PERSONAL: &[(&str, &str)] = &[
    ("actions", "write"),
    ("administration", "write"),
    ("contents", "write"),
    ("deployments", "write"),
    ("issues", "write"),
    ("members", "read"),
    ("metadata", "read"),
    ("pull_requests", "write"),
    ("statuses", "write"),
];

const OPS: u64 = 1001;

/// What somebody's personal token says.
pub fn token_of(login: &str) -> String {
    format!("ghp_{login:0<36}")
}

/// The first commit of every server, with the pack that holds it: a hundred files less to write.
static FIRST: LazyLock<(Oid, Vec<u8>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::new(OPS, "acme", "ops", folder.path());
    let first = NewCommit {
        author: super::person("carol"),
        files: files(),
        message: "Policies".to_owned(),
        ..NewCommit::default()
    };
    let begins: Time = super::NOW.parse().unwrap();
    let first = repository.write(&first, begins.utc().timestamp());
    (first, repository.packed(first))
});

impl State {
    /// The state that every server begins with.
    pub fn founded(now: Time, origin: String, folder: &Path) -> Self {
        let mut state = State::new(now, origin, folder.to_owned(), users());
        state.collaborators = PEOPLE.iter().map(|(_, id, role)| (*id, *role)).collect();
        let teams = TEAMS.iter().map(|(slug, id, members)| Team {
            id: *id,
            slug: (*slug).to_owned(),
            members: members.iter().map(|login| state.id_of(login)).collect(),
        });
        state.teams = teams.collect();
        state.tokens = tokens(&state);
        let ops = Repository::new(OPS, "acme", "ops", folder);
        let (first, pack) = &*FIRST;
        ops.take(pack);
        state.repositories.push(ops);
        state.push(state.id_of("carol"), "main", Some(*first));
        state
    }

    /// Makes somebody's fork of `acme/ops`.
    pub fn fork(&mut self, owner: &str) {
        let id = self.new_id();
        let fork = self.ops().fork(id, owner, &self.folder);
        self.repositories.push(fork);
    }

    /// Deletes it; its pull requests stay.
    pub fn delete_fork(&mut self, owner: &str) {
        let place = self.repositories.iter().position(|it| it.fork && it.owner == owner).unwrap();
        let fork = self.repositories.remove(place);
        let lost = self.pulls.iter_mut().filter(|pull| pull.head_repository == Some(fork.id));
        lost.for_each(|pull| pull.head_repository = None);
        fs::remove_dir_all(fork.folder).unwrap();
    }
}

fn users() -> Vec<User> {
    let people = PEOPLE.iter().map(|(login, id, _)| (*login, *id, "User"));
    let users = people.chain(OTHERS).map(|(login, id, kind)| User {
        id,
        login: login.to_owned(),
        kind,
        emails: match login {
            "web-flow" => vec!["noreply@github.com".to_owned()],
            _ => vec![format!("{login}@acme.example")],
        },
        gone: false,
        without_gravatar: false,
    });
    users.collect()
}

fn tokens(state: &State) -> Vec<Token> {
    let people = state.users.iter().filter(|user| user.kind == "User").map(|user| Token {
        secret: token_of(&user.login),
        user: user.id,
        permissions: permissions(PERSONAL),
        app: None,
        repositories: None,
        expires_at: None,
    });
    let workflow = Token {
        secret: WORKFLOW_TOKEN.to_owned(),
        user: state.id_of("github-actions[bot]"),
        permissions: permissions(WORKFLOW),
        app: Some(ACTIONS),
        repositories: Some(vec![OPS]),
        expires_at: None,
    };
    people.chain([workflow]).collect()
}

/// The shipped policies, but for GitHub's teams, which a workflow's token can't see, and the
/// project's own `.github`.
fn files() -> Vec<(String, Option<Vec<u8>>)> {
    let policies = shipped_files().into_iter();
    let mut files: Vec<_> = policies.map(|(path, bytes)| (path, Some(bytes))).collect();
    for (path, text) in &mut files {
        if path == super::ROSTER {
            *text = text.take().map(|text| without_teams(&text));
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join(".github")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, Some(fs::read(path).unwrap())));
            }
        }
    }
    files
}

fn without_teams(roster: &[u8]) -> Vec<u8> {
    let lines = str::from_utf8(roster).unwrap().lines();
    let kept = lines.map(|line| match line.split_once("{forge_team:") {
        Some((name, _)) => format!("{name}{{}}\n"),
        None => format!("{line}\n"),
    });
    kept.collect::<String>().into_bytes()
}
