//! Services that sign entries: what they seal is verified by the keys that were in force, and no key
//! signs before it is named, after it is taken away, or where it was lost.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use changegate::core::record::dsse::Signatures;
use changegate::core::record::entry::Entry;
use changegate::core::record::key::{PublicKey, ServiceKey};
use changegate::core::record::note::{KeyName, SignatureType, VerifierKey};
use changegate::core::record::parts::CollectorKind;
use changegate::core::record::seal::Seal;
use changegate::core::record::statement::{Kind, Statement};
use changegate::core::time::Time;
use changegate::forge::git::{Branches, Git};
use changegate::gate::arrivals::{self, unrecorded};
use changegate::gate::record::{Record, Recorder};
use changegate::gate::recording::{append, covered, log_of, tip};
use changegate::gate::signing::end;
use changegate::git::{Entry as File, Moved, Repo};
use changegate::ledger::{self, NOBODY, Signer};

use super::free_text::{ADDRESS, MARK, holds_none};
use super::{entry_at, titles};
use crate::plumbing::hub::{Desk, Hub, Ran, program, request};
use crate::plumbing::judges;

mod forged;
mod keys;
mod memory;
mod notes;

/// A service with a new key.
pub struct Service {
    pub name: &'static str,
    pub key: ServiceKey,
}

impl Service {
    pub fn new(hub: &Hub, name: &'static str) -> Self {
        let file = hub.path(name);
        let arguments = ["-q", "-t", "ed25519", "-N", "", "-f"];
        Ran::of(Command::new("ssh-keygen").args(arguments).arg(&file), "").went_well();
        Service { name, key: ServiceKey::read(&fs::read(file).unwrap()).unwrap() }
    }

    fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// How the settings name it: the comment of its key is a text.
    pub fn writer(&self) -> String {
        format!("{{name: {}, key: {} {ADDRESS}}}", self.name, self.public().ssh())
    }
}

/// What settings say of a ledger with these services.
pub fn writers(services: &[&Service], more: &str) -> String {
    let writers: Vec<_> = services.iter().map(|service| service.writer()).collect();
    format!(", writers: [{}]{more}", writers.join(", "))
}

fn opened(desk: &Desk<'_>) -> Git {
    let branches = Branches::own(Repo::discover(&desk.folder).unwrap());
    Git::new(branches, Some("main".to_owned())).unwrap()
}

fn now() -> Time {
    Time::from(chrono::Utc::now())
}

/// What reached main and isn't recorded, as a service records it.
fn records(git: &Git, who: &str) -> Vec<Record> {
    let judges = judges();
    let tip = end(git, &judges).unwrap().unwrap();
    let from = covered(&tip.entry.state, "main").unwrap().unwrap();
    let commits = unrecorded(git.repo(), &judges, from, git.base().unwrap()).unwrap();
    let recorder = Recorder { who, at: now() };
    let record = |commit| {
        let log = log_of(&tip);
        let record = arrivals::record(git, &judges, "main", commit, &log, recorder);
        let mut record = record.unwrap();
        record.statement.predicate.collector.kind = CollectorKind::Server;
        record
    };
    commits.iter().map(record).collect()
}

/// Writes records at a desk.
fn write(git: &Git, records: Vec<Record>, signer: Signer<'_>) -> anyhow::Result<()> {
    let tip = end(git, &judges())?;
    let moves = append(git, &judges(), tip.as_ref(), records, signer)?;
    assert_eq!(git.branches.put_all(&moves)?, Moved::Yes);
    Ok(())
}

/// Has a service record what reached main.
pub fn seal(desk: &Desk<'_>, service: &Service) -> anyhow::Result<()> {
    let git = opened(desk);
    write(&git, records(&git, service.name), Signer::Service(&service.key))
}

/// Puts an entry behind the last one at a desk, whether that is allowed or not.
fn force(desk: &Desk<'_>, statement: Statement, signer: Signer<'_>) {
    let git = opened(desk);
    let tip = tip(&git).unwrap().unwrap();
    let entry = Entry::behind(&tip.entry.state, statement, None).unwrap();
    let program = git.branches.program();
    let commit = ledger::commit(git.repo(), program, &entry, Some(tip.commit), signer).unwrap();
    desk.git(&["update-ref", "refs/heads/audit/ledger", &commit.to_string()]);
}

/// Puts a commit on main, past every hook.
fn put(desk: &Desk<'_>, commit: &str) {
    desk.git(&["update-ref", "refs/heads/main", commit]);
    desk.git(&["reset", "--quiet", "--hard"]);
}

/// Something that goes around the gate.
fn around(desk: &Desk<'_>, number: usize) {
    let text = format!("a: {number}\n");
    put(desk, &desk.put("main", &[("requests/CHG-9.yaml", &text)], "by hand"));
}

/// A desk without a remote, where a ledger has begun with these services.
pub fn begun<'a>(hub: &'a Hub, services: &[&Service], more: &str) -> Desk<'a> {
    let desk = hub.lonely_desk("bob");
    put(&desk, &desk.settles("main", &writers(services, more)));
    desk.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    desk
}

/// Merges a change, and takes back that its maker recorded it.
pub fn merge_unrecorded(desk: &Desk<'_>, id: &str) {
    let branches = ["refs/heads/audit/ledger", "refs/heads/audit/evidence"];
    let before =
        branches.map(|branch| desk.git(&["for-each-ref", "--format=%(objectname)", branch]));
    desk.execute(id);
    for (branch, before) in branches.iter().zip(before) {
        match before.as_str() {
            "" => desk.git(&["update-ref", "-d", branch]),
            before => desk.git(&["update-ref", branch, before]),
        };
    }
}

#[test]
fn what_a_service_records_is_signed_three_times() {
    let hub = Hub::to_record();
    let service = Service::new(&hub, "server");
    let bob = begun(&hub, &[&service], ", signature: required");
    merge_unrecorded(&bob, "CHG-1");
    seal(&bob, &service).unwrap();
    bob.execute("CHG-2");
    let sealed = "audit/ledger~1";
    assert_eq!(bob.git(&["show", "--format=", "--name-only", sealed]).lines().count(), 4);
    assert_eq!(
        bob.git(&["log", "-1", "--format=%an <%ae> %cn", sealed]),
        "changegate <changegate> changegate"
    );
    fs::write(hub.path("signers"), bob.changegate(&["signers"]).went_well()).unwrap();
    let setting = format!("gpg.ssh.allowedSignersFile={}", hub.path("signers").display());
    assert_eq!(bob.git(&["-c", &setting, "log", "-1", "--format=%G? %GS", sealed]), "G server");
    bob.verify().ended(0, &["signed       1 by services and 2 by people", "\nverified\n"]);

    // By the key that is known from elsewhere.
    let origin: KeyName = "git.acme.example/ops".parse().unwrap();
    let of = |name: &KeyName, key| {
        VerifierKey::of(name.clone(), SignatureType::Ed25519, key).to_string()
    };
    let other = Service::new(&hub, "other");
    let line = service.public().ssh().to_string();
    let verify = |key: &str| bob.changegate(&["audit", "verify", "--vkey", key]);
    for key in [&line, &of(&origin, service.public())] {
        verify(key).ended(0, &["\nverified\n"]);
    }
    verify(&other.public().ssh().to_string()).ended(
        1,
        &["anchors: the log began with a key that wasn't given", &service.public().fingerprint()],
    );
    let elsewhere = of(&"git.acme.example/x".parse().unwrap(), service.public());
    verify(&elsewhere).ended(1, &["a key was given that signs another log, git.acme.example/x"]);
    verify("nonsense").ended(2, &["is not an SSH public key"]);

    // By hand, as it is shown.
    let shown = bob.changegate(&["audit", "show", "1", "--format", "json"]);
    let shown: Value = serde_json::from_str(shown.went_well()).unwrap();
    let shown = &shown["entries"][0];
    assert_eq!(shown["signature"]["by"], "server");
    let bin = program().parent().unwrap().display().to_string();
    let checks = shown["by_hand"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["proves"].as_str().unwrap().contains("DSSE")));
    for check in checks {
        let command = format!("PATH={bin}:$PATH\n{}", check["command"].as_str().unwrap());
        let ran = Ran::of(&mut bob.command("bash", &["-c", &command]), "");
        ran.ended(0, &[check["prints"].as_str().unwrap()]);
    }
    let ran = bob.changegate(&["audit", "show", "1"]);
    ran.ended(
        0,
        &[
            "recorded     ",
            "by server\n",
            &format!("signed by    server with {}", service.public().fingerprint()),
        ],
    );

    bob.changegate(&["audit", "export", "--format", "intoto", "--out", "out"]).went_well();
    let lines = fs::read_to_string(bob.folder.join("out/entries.intoto.jsonl")).unwrap();
    let signed: Vec<_> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["signatures"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(signed, [0, 1, 0]);
}

#[test]
fn a_sweep_records_by_the_key_of_a_service() {
    let hub = Hub::to_record();
    let service = Service::new(&hub, "server");
    Service::new(&hub, "other");
    let bob = begun(&hub, &[&service], ", signature: required");
    merge_unrecorded(&bob, "CHG-1");
    let sweep = |key: &str, more: &[&str]| {
        let mut command = bob.command(program(), &[&["sweep"], more].concat());
        Ran::of(command.env("CHANGEGATE_LEDGER_KEY", hub.path(key)), "")
    };
    sweep("other", &[]).failed(&["may not sign the ledger"]);
    let recorded = "record what reached protected branches: 1";
    sweep("server", &["--dry-run"]).ended(0, &[recorded]);
    sweep("server", &[]).ended(0, &[recorded]);
    sweep("server", &[]).ended(0, &["everything that reached protected branches is recorded"]);
    bob.verify().ended(0, &["signed       1 by services", "\nverified\n"]);
}

#[test]
fn a_sweep_records_what_reached_any_protected_branch() {
    let hub = Hub::to_record();
    let bob = begun(&hub, &[], "");
    let settings = "policies/org/settings/data.yaml";
    let shipped = bob.git(&["show", &format!("main:{settings}")]);
    let both = shipped.replace("protected_bases: [main]", "protected_bases: [main, release]");
    assert_ne!(shipped, both);
    put(&bob, &bob.put("main", &[(settings, &both)], "Protect release"));
    bob.git(&["branch", "release", "main"]);
    let on_release = bob.put("release", &[("requests/CHG-8.yaml", "a: 1\n")], "by hand");
    bob.git(&["update-ref", "refs/heads/release", &on_release]);
    around(&bob, 1);
    // Two on main, a note that release is covered, and one there.
    let recorded = "record what reached protected branches: 4";
    bob.changegate(&["sweep"]).ended(0, &[recorded]);
    bob.changegate(&["sweep"])
        .ended(0, &["everything that reached protected branches is recorded"]);
    let titles = bob.git(&["log", "--format=%s", "audit/ledger"]);
    for title in ["on main (", "on release (", "note: branch"] {
        assert!(titles.contains(title), "{title}: {titles}");
    }
    bob.verify().ended(0, &["3 bypass"]);
}

#[test]
fn a_bundle_holds_what_a_service_signed() {
    let hub = Hub::to_record();
    let service = Service::new(&hub, "server");
    let bob = begun(&hub, &[&service], "");
    merge_unrecorded(&bob, "CHG-1");
    seal(&bob, &service).unwrap();
    let folder = hub.path("bundle");
    let path = folder.to_str().unwrap();
    bob.changegate(&["audit", "bundle", "CHG-1", "--out", path]).went_well();
    let verify =
        |more: &[&str]| bob.changegate(&[&["audit", "verify", "--bundle", path], more].concat());
    let own = ["signed by    server, with a key that the bundle names: SHA256:", "by its own keys"];
    verify(&[]).ended(0, &own);
    let line = service.public().ssh().to_string();
    verify(&["--vkey", &line]).ended(0, &["with a key that --vkey names", "\nverified\n"]);
    let other = Service::new(&hub, "other").public().ssh().to_string();
    verify(&["--vkey", &other]).ended(1, &["--vkey doesn't hold the key that signed it"]);

    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    // For programs of others, which verify it apart.
    let left = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("records/ledger");
    fs::create_dir_all(&left).unwrap();
    for name in ["entry.json", "entry.dsse.json", "entry.sigstore.json", "checkpoint"] {
        fs::write(left.join(name), read(name)).unwrap();
    }
    fs::write(left.join("key.pem"), service.public().pem()).unwrap();
    let origin = "git.acme.example/ops".parse().unwrap();
    let vkey = VerifierKey::of(origin, SignatureType::Ed25519, service.public());
    fs::write(left.join("log.vkey"), vkey.to_string()).unwrap();

    let envelope: Value = serde_json::from_str(&read("entry.dsse.json")).unwrap();
    let bundle: Value = serde_json::from_str(&read("entry.sigstore.json")).unwrap();
    assert_eq!(bundle["dsseEnvelope"], envelope);
    assert_eq!(bundle["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    let hint = &bundle["verificationMaterial"]["publicKey"]["hint"];
    assert_eq!(*hint, service.public().fingerprint());
    assert_eq!(envelope["signatures"][0]["keyid"], *hint);

    // What is shown in VERIFY.md.
    let (mut commands, mut expected) = ("set -e\n".to_owned(), Vec::new());
    let text = read("VERIFY.md");
    for block in text.split("```sh\n").skip(1) {
        for line in block.split_once("```\n").unwrap().0.lines() {
            match line.strip_prefix("#=> ") {
                Some(line) => expected.push(line.trim_end_matches('…')),
                None => commands += &format!("{line}\n"),
            }
        }
    }
    let mut command = bob.command("sh", &["-c", &commands]);
    let ran = Ran::of(command.current_dir(&folder), "");
    assert_eq!(ran.code, 0, "{commands}\n{ran:?}");
    assert_eq!(expected.iter().filter(|line| line.starts_with("Signature Verified")).count(), 2);
    for line in expected {
        let mut printed = ran.stdout.lines().chain(ran.stderr.lines());
        assert!(printed.any(|it| it.starts_with(line)), "{line}\n{ran:?}");
    }

    for name in
        ["entry.dsse.json", "entry.sigstore.json", "entry.sig", "entry.tlog-proof", "checkpoint"]
    {
        let before = read(name);
        let changed = match name {
            "entry.sig" | "entry.dsse.json" | "entry.sigstore.json" => {
                let (start, sig) = before.split_once("\"sig\":\"").unwrap();
                let first = if sig.starts_with('A') { "B" } else { "A" };
                format!("{start}\"sig\":\"{first}{}", &sig[1..])
            }
            _ => {
                let (start, line) = before.rsplit_once(' ').unwrap();
                let at = line.len() - 20;
                let middle = if line[at..].starts_with('A') { "B" } else { "A" };
                format!("{start} {}{middle}{}", &line[..at], &line[at + 1..])
            }
        };
        assert_ne!(changed, before);
        fs::write(folder.join(name), changed).unwrap();
        verify(&[]).ended(1, &["not as it has to be"]);
        fs::remove_file(folder.join(name)).unwrap();
        assert_ne!(verify(&[]).code, 0, "{name} is missing");
        fs::write(folder.join(name), before).unwrap();
    }
    verify(&[]).ended(0, &own);
}
