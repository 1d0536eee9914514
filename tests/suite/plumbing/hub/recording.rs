//! Hubs with a ledger.

use std::fs;

use super::{Desk, Hub, Ran};

/// The origin line of the ledger.
pub const ORIGIN: &str = "git.acme.example/ops";

const SETTINGS: &str = "policies/org/settings/data.yaml";

impl Hub {
    /// A guarded hub whose settings name a ledger, which hasn't begun.
    pub fn to_record() -> Self {
        Self::to_record_with("")
    }

    /// A hub like that, whose settings say more of the ledger.
    pub fn to_record_with(more: &str) -> Self {
        let hub = Self::open();
        let carol = hub.desk_at("carol", "founder");
        let tip = carol.settles("origin/main", more);
        carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
        hub.guard();
        hub
    }

    /// A guarded hub whose ledger has begun.
    pub fn recording() -> Self {
        let hub = Self::to_record();
        let carol = Desk { hub: &hub, who: "carol", folder: hub.path("founder") };
        carol.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
        hub
    }

    /// Removes the hooks.
    pub fn unguard(&self) {
        for name in ["pre-receive", "reference-transaction"] {
            fs::remove_file(self.folder().join("hooks").join(name)).unwrap();
        }
    }

    /// Somebody's desk, with all branches as its own and no remote.
    pub fn desk_apart(&self, who: &'static str, folder: &str) -> Desk<'_> {
        let desk = self.desk_at(who, folder);
        desk.git(&["remote", "remove", "origin"]);
        desk.git(&["switch", "--quiet", "--detach"]);
        let hub = self.folder();
        desk.git(&["fetch", "--quiet", hub.to_str().unwrap(), "+refs/heads/*:refs/heads/*"]);
        desk.git(&["switch", "--quiet", "main"]);
        desk
    }
}

impl Desk<'_> {
    /// A commit behind another one whose settings name a ledger, and say more of it.
    pub fn settles(&self, parent: &str, more: &str) -> String {
        let settings = self.git(&["show", &format!("{parent}:{SETTINGS}")]);
        let (rest, _) = settings.split_once("\nledger: ").unwrap();
        let ledger =
            format!("{{on: true, origin: {ORIGIN}, repository: \"git+https://{ORIGIN}\"{more}}}");
        let text = format!("{rest}\nledger: {ledger}\n");
        self.put(parent, &[(SETTINGS, &text)], "Settle what is recorded")
    }

    /// Submits a change that its requester may execute directly, and merges it.
    #[track_caller]
    pub fn execute(&self, id: &str) {
        self.submit(id).ended(0, &["submitted"]);
        self.changegate(&["merge", id]).ended(0, &[&format!("merged {id}")]);
        self.git(&["switch", "--quiet", "main"]);
    }

    /// Verifies the ledger.
    #[track_caller]
    pub fn verify(&self) -> Ran {
        self.changegate(&["audit", "verify"])
    }

    /// Pushes to the hub by its path, all or nothing.
    #[track_caller]
    pub fn push_together(&self, refspecs: &[&str]) -> Ran {
        let hub = self.hub.folder();
        let arguments = ["push", "--quiet", "--atomic", hub.to_str().unwrap()];
        Ran::of(&mut self.command("git", &[&arguments, refspecs].concat()), "")
    }
}
