//! Workflows, run on this machine by act: no containers, no network but the one that a test gives.
//!
//! act knows neither what a token permits nor what a fork may do. It runs the files as they are
//! shipped; only actions of GitHub's are stood in for, by those in `tests/data/act`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::hub::make_executable;
use super::ran::Ran;
use super::root;

/// The variable that names the program `act`.
const ACT: &str = "CHANGEGATE_ACT";

/// The beginning of a program that says that it was built from the commit that is checked out.
const BUILT_HERE: &str = "#!/bin/sh
[ \"$1\" = --version ] && { echo changegate 9.8.7; echo commit \"$(git rev-parse HEAD)\"; exit; }
";

/// A runner, in a folder of its own.
pub struct Runner {
    act: PathBuf,
    dir: TempDir,
}

/// Where a workflow runs.
pub struct Site<'a> {
    /// The address or the folder of the repository that is checked out.
    pub repository: &'a str,
    /// Where GitHub's API is, and its pages.
    pub api: &'a str,
    /// The workflow's token.
    pub token: &'a str,
}

impl Runner {
    /// A runner whose workflows find this program in PATH; nothing, and a note, where nobody says which act
    /// to use.
    pub fn with(program: &Path) -> Option<Self> {
        let Some(act) = std::env::var_os(ACT) else {
            eprintln!(
                "skipped: {ACT} doesn't name the program act, which runs workflows; .ci/run does"
            );
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let found = dir.path().join("bin/changegate");
        let script = format!("{BUILT_HERE}exec '{}' \"$@\"\n", program.display());
        fs::write(&found, script).unwrap();
        make_executable(&found);
        Some(Runner { act: act.into(), dir })
    }

    /// Runs the workflows of a file in `.github/workflows` for an event.
    pub fn run(&self, site: &Site<'_>, workflow: &str, event: &str, payload: &Value) -> Ran {
        let folder = tempfile::tempdir_in(self.dir.path()).unwrap();
        let workflow = root().join(".github/workflows").join(workflow);
        self.run_in(site, (folder.path(), &workflow), event, payload, &[])
    }

    /// Runs the workflows of a file for an event, in a folder, with more in their environment.
    pub fn run_in(
        &self,
        site: &Site<'_>,
        (folder, workflow): (&Path, &Path),
        event: &str,
        payload: &Value,
        more: &[(&str, String)],
    ) -> Ran {
        let payload_file = folder.join("event.json");
        fs::write(&payload_file, payload.to_string()).unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(&self.act);
        command
            .arg(event)
            .arg("--eventpath")
            .arg(payload_file)
            .arg("--workflows")
            .arg(workflow)
            .arg("--directory")
            .arg(folder)
            .args(["--platform", "ubuntu-24.04=-self-hosted", "--action-offline-mode"])
            .args(["--no-skip-checkout", "--no-cache-server"]);
        for (file, action) in [
            (workflow, "actions/checkout"),
            (&*root().join(".github/actions/changegate/action.yml"), "actions/cache"),
            (&*root().join(".github/workflows/report.yml"), "actions/upload-artifact"),
        ] {
            let stand_in =
                root().join("tests/data/act").join(action.trim_start_matches("actions/"));
            command.arg("--local-repository").arg(format!(
                "{}={}",
                pinned(file, action),
                stand_in.display()
            ));
        }
        command.arg("--secret").arg(format!("GITHUB_TOKEN={}", site.token));
        for (name, value) in [
            ("CHECKOUT_FROM", site.repository),
            ("GITHUB_API_URL", site.api),
            ("GITHUB_SERVER_URL", site.api),
            ("GITHUB_REPOSITORY", "acme/ops"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ] {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        for (name, value) in more {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command
            .current_dir(folder)
            .env("HOME", self.dir.path().join("home"))
            .env("PATH", format!("{}:{path}", self.dir.path().join("bin").display()));
        Ran::of(&mut command, "")
    }
}

/// An action that a file uses, and the commit of it.
fn pinned(file: &Path, action: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let (_, rest) = text.split_once(&format!("uses: {action}@")).unwrap_or(("", "none"));
    let commit: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    format!("{action}@{commit}")
}
