//! How hubs begin: nearly all from one that was made once, and is kept in memory.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use changegate::core::policy::shipped_files;

use super::{Hub, Ran};

/// The people with desks; they are those of the shipped roster.
const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dan", "erin", "heidi"];

const ROSTER: &str = "policies/org/roster/data.yaml";

/// Git's settings of all users: no program that tidies up behind a test's back, and takes its time.
const SETTINGS: &str =
    "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[receive]\n\tautogc = false\n";

/// The files around a repository: everybody's keys, and git's settings.
static SURROUNDINGS: LazyLock<Vec<Found>> = LazyLock::new(|| {
    let hub = Hub { dir: tempfile::tempdir().unwrap() };
    fs::write(hub.path("home.gitconfig"), SETTINGS).unwrap();
    fs::create_dir(hub.path("keys")).unwrap();
    for person in PEOPLE {
        let key = hub.key(person);
        let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", person, "-f"];
        Ran::of(Command::new("ssh-keygen").args(arguments).arg(key), "").went_well();
    }
    kept(hub.dir.path())
});

/// All that, and a repository with the shipped policies on `main`.
static FOUNDED: LazyLock<Vec<Found>> = LazyLock::new(|| {
    let hub = Hub::bare(&["init", "--quiet", "--bare", "-b", "main"]);
    hub.found("main");
    kept(hub.dir.path())
});

/// A file: its path, its bytes, and who may do what with it; a folder without bytes.
struct Found {
    path: PathBuf,
    bytes: Option<Vec<u8>>,
    mode: u32,
}

fn kept(folder: &Path) -> Vec<Found> {
    let mut kept = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let is_folder = entry.file_type().unwrap().is_dir();
            let path = entry.path();
            kept.push(Found {
                path: path.strip_prefix(folder).unwrap().to_owned(),
                bytes: (!is_folder).then(|| fs::read(&path).unwrap()),
                mode: entry.metadata().unwrap().permissions().mode(),
            });
            folders.extend(is_folder.then_some(path));
        }
    }
    kept
}

impl Hub {
    /// A hub that takes whatever is pushed.
    pub fn open() -> Self {
        Self::of(&FOUNDED)
    }

    /// An empty repository, made by these arguments of git's.
    pub fn bare(arguments: &[&str]) -> Self {
        let hub = Self::of(&SURROUNDINGS);
        let folder = hub.folder();
        Ran::of(hub.surround(Command::new("git").args(arguments).arg(folder)), "").went_well();
        hub
    }

    fn of(files: &[Found]) -> Self {
        let hub = Hub { dir: tempfile::tempdir().unwrap() };
        for Found { path, bytes, mode } in files {
            let path = hub.dir.path().join(path);
            match bytes {
                None => fs::create_dir(&path).unwrap(),
                Some(bytes) => fs::write(&path, bytes).unwrap(),
            }
            fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        hub
    }

    /// Puts the shipped policies, with everybody's key in the roster, onto a branch.
    pub fn found(&self, branch: &str) {
        let seed = self.path("seed");
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.arg("-C").arg(&seed).args(["-c", "user.name=carol"]);
            command.args(["-c", "user.email=carol@acme.example"]).args(arguments);
            Ran::of(self.surround(&mut command), "").went_well();
        };
        for (path, bytes) in shipped_files() {
            let file = seed.join(&path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let is_roster = path == ROSTER;
            fs::write(file, if is_roster { self.roster(&bytes) } else { bytes }).unwrap();
        }
        git(&["init", "--quiet", "-b", branch]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "-m", "Policies"]);
        git(&["push", "--quiet", self.folder().to_str().unwrap(), branch]);
        fs::remove_dir_all(&seed).unwrap();
    }

    fn roster(&self, shipped: &[u8]) -> Vec<u8> {
        let mut text = String::from_utf8(shipped.to_vec()).unwrap();
        for person in PEOPLE {
            let key = self.public_key(person);
            let email = format!("emails: [{person}@acme.example]");
            assert!(text.contains(&email));
            text = text.replace(&email, &format!("{email}, keys: [\"{key}\"]"));
        }
        text.into_bytes()
    }
}
