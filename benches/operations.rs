//! The operations log: `cargo bench --bench operations`, or `-- 100000` for a log of another size.
//!
//! A log of changes that were merged, executed, verified and closed: four events each, proven by an SSH key.
//! What is measured: the walk of a clone that knows nothing of it, with proofs and without; then, with what
//! was walked kept, `authorize` without network, and `exec` of a command that does nothing, beside what git
//! alone takes to fetch and push as often; at last the report, the calendar and the list of all changes. Of a process it is the time on the processor, which says more on a
//! busy machine than how long it takes, with that of the programs that it runs.
//!
//! Measured on two cores with little else to do:
//!
//! | what | target at 100,000 | 10,000 events | 80,000 events | 100,000 events |
//! | --- | --- | --- | --- | --- |
//! | walk, without proofs | 50,000 events/s | 2,460 events/s | 2,940 events/s | 3,280 events/s |
//! | `authorize` without network | 60 ms, whatever the history | 66 ms | 324 ms | 447 ms |
//! | the same, of what a ledger records | 60 ms, whatever the history | 56 ms | 85 ms | 107 ms |
//! | `exec`, beside git's own 91, 105 and 140 ms | 100 ms | 121 ms | 669 ms | 875 ms |
//!
//! An event is a commit: the folder of the 256 folders of changes is read and hashed for each, and of each change
//! its request is read, so that 50,000 events/s are out of reach of a walk. `authorize` and `exec` grow with the
//! requests on the base, a quarter as many as events, because without a ledger what proves the approval of a merge is
//! its being judged again beside all others.
//!
//! All requests are in one folder here, which each commit changes. Looking at 15,000 changes that no ledger records,
//! beside other work:
//!
//! | what | target | first | again |
//! | --- | --- | --- | --- |
//! | `report` of a month with 12,500 of them | 3 s | 15.7 s | 0.65 s, 139 MB |
//! | `list --state scheduled` | 300 ms | 760 ms | 90 ms |
//! | `calendar` of 110 of them, each judged again | 300 ms | | 1,410 ms |
//! | `calendar` of none of them | 300 ms | | 450 ms |
//!
//! The first time, what each of 30,000 commits on the base brought is read, and kept. What is kept is read whole by
//! each of these verbs, 14 MB here.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use changegate::core::operations::event::{API_VERSION, About, Event, Head};
use changegate::core::operations::kinds::What;
use changegate::core::operations::life::Life;
use changegate::core::operations::lines;
use changegate::core::operations::message::message;
use changegate::core::operations::open::{Open, STATE};
use changegate::core::operations::proof::{Proof, ProofBy};
use changegate::core::policy::shipped_files;
use changegate::core::request::RequestFile;
use changegate::core::terms::TicketId;
use changegate::git::{Repo, Signature, verified};
use changegate::operations::{Log, NAMESPACE, OPERATIONS, Rules};
use cpu::{cpu, each_of};
use measure::{median, milliseconds, run};
use peak::peak;
use stream::{file, git};

#[path = "measure/cpu.rs"]
mod cpu;
mod measure;
#[path = "measure/peak.rs"]
mod peak;
#[path = "measure/stream.rs"]
mod stream;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHANGEGATE: &str = env!("CARGO_BIN_EXE_changegate");

/// The events of a change.
const EACH: usize = 4;

/// How many seconds lie between two merges.
const APART: i64 = 20;

/// Of so many changes one has no outcome yet.
const LEFT: usize = 500;

/// The change that is executed.
const NOW: &str = "CHG-NOW";

const LEDGER: &str = "ledger: {on: true, origin: git.acme.example/ops, \
                      repository: \"git+https://git.acme.example/ops\"}";

const ALWAYS: &str = "\
reviewed: 2026-11-02
days: {days: [mon, tue, wed, thu, fri, sat, sun], from: \"00:00\", to: \"23:59\", zone: UTC, for: [low, medium, high]}
nights: {days: [mon, tue, wed, thu, fri, sat, sun], from: \"12:00\", to: \"11:59\", zone: UTC, for: [low, medium, high]}
";

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|it| it.parse().ok()).collect();
    for size in if sizes.is_empty() { vec![10_000, 100_000] } else { sizes } {
        println!("{size} events");
        let town = Town::found(size / EACH);
        town.measure_walk();
        town.measure_authorize(NOW);
        town.measure_exec();
        town.begin_ledger();
        town.measure_authorize("CHG-LATER");
        town.measure_looking();
        if std::env::var_os("KEEP").is_some() {
            println!("  kept in {}", town.dir.keep().display());
        }
    }
}

/// A hub, and bob's clone of it.
struct Town {
    dir: tempfile::TempDir,
}

fn utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A request of bob's.
fn request(id: &str, (start, end): (DateTime<Utc>, DateTime<Utc>)) -> String {
    let target = id.to_lowercase();
    format!(
        "id: {id}\ntype: normal\nsummary: Scale {target}\nreason: more customers\nrequester: bob\n\
         actions: [{{action: scale-service, target: {target}}}]\n\
         impact: {{services: [checkout], users: none, operations: none}}\n\
         schedule: {{start: {}, end: {}}}\n\
         rollback: {{steps: [scale it back], owner: bob}}\n\
         verification:\n  monitor: 15m\n  health_checks: [an order]\n  error_rates: [\"5xx\"]\n",
        utc(start),
        utc(end)
    )
}

impl Town {
    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// With so many changes that are over.
    fn found(changes: usize) -> Self {
        let town = Town { dir: tempfile::tempdir().unwrap() };
        let key = town.path("bob.key");
        run(Command::new("ssh-keygen").args(["-qt", "ed25519", "-N", "", "-f"]).arg(&key));
        let hub = town.path("hub.git");
        run(Command::new("git").args(["init", "--quiet", "--bare", "-b", "main"]).arg(&hub));
        let began = Utc::now() - TimeDelta::seconds((changes as i64 + 100) * APART);
        let public = fs::read_to_string(key.with_extension("key.pub")).unwrap();
        let marks = town.path("marks");
        let stream = merges(changes, began, public.trim());
        git(
            &hub,
            &["fast-import", "--quiet", &format!("--export-marks={}", marks.display())],
            &stream,
        );
        let marks = fs::read_to_string(marks).unwrap();
        let mut bases = vec![String::new(); changes + 1];
        for line in marks.lines() {
            let (mark, commit) = line[1..].split_once(' ').unwrap();
            let mark: usize = mark.parse().unwrap();
            if mark % 2 == 1 {
                bases[mark / 2] = commit.to_owned();
            }
        }
        let key = PrivateKey::from_openssh(fs::read(&key).unwrap()).unwrap();
        git(&hub, &["fast-import", "--quiet"], &events(&bases, began, &key));
        git(&hub, &["repack", "-adq"], "");
        town.settle();
        town
    }

    /// Bob's clone, in which a change is ready.
    fn settle(&self) {
        let desk = self.path("bob");
        run(Command::new("git").args(["clone", "--quiet"]).arg(self.path("hub.git")).arg(&desk));
        let key = self.path("bob.key.pub");
        for (name, value) in [
            ("user.name", "bob"),
            ("user.email", "bob@acme.example"),
            ("user.signingkey", key.to_str().unwrap()),
            ("gpg.format", "ssh"),
            ("commit.gpgsign", "true"),
            // Packing in the background would be measured.
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
        ] {
            git(&desk, &["config", name, value], "");
        }
        git(&self.path("hub.git"), &["config", "receive.autogc", "false"], "");
    }

    fn changegate(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(CHANGEGATE);
        command.args(arguments).current_dir(self.path("bob")).env("HOME", self.dir.path());
        command
    }

    /// Runs the program, which has to succeed.
    fn works(&self, arguments: &[&str]) {
        let ran = self.changegate(arguments).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    }

    /// Reads the log as a clone does that knows nothing of it.
    fn measure_walk(&self) {
        let repo = Repo::open(&self.path("bob/.git")).unwrap();
        let base = repo.tip("refs/remotes/origin/main").unwrap().unwrap();
        let tip = repo.tip(&format!("refs/remotes/origin/{OPERATIONS}")).unwrap().unwrap();
        let whole = cpu(|| {
            let log = Log::read(Rules::at(&repo, base).unwrap(), tip).unwrap().unwrap();
            assert!(log.foreign().is_empty(), "{:?}", log.foreign().first());
        });
        let all = Log::all(Rules::at(&repo, base).unwrap(), tip).unwrap();
        let proofs = cpu(|| {
            for (event, proof) in &all {
                let ProofBy::Ssh { signature } = &proof.by else { panic!("{proof:?}") };
                let found = verified(NAMESPACE, event.line().as_bytes(), signature.as_bytes());
                assert!(matches!(found, Signature::By(_)));
            }
        });
        let a_second = |time: Duration| all.len() as f64 / time.as_secs_f64();
        println!("  walk                      {}", milliseconds(whole));
        println!("  of it proofs              {}", milliseconds(proofs));
        let rest = whole.saturating_sub(proofs);
        println!("  the rest                  {:.0} events/s", a_second(rest));
    }

    /// From now on, a ledger records what is merged.
    fn begin_ledger(&self) {
        let mut stream = String::from("commit refs/heads/main\n");
        let at = Utc::now().timestamp();
        let _ = writeln!(stream, "committer bob <bob@acme.example> {at} +0000\ndata 1\nx");
        stream += "from refs/heads/main^0\n";
        let settings = "policies/org/settings/data.yaml";
        let text = fs::read_to_string(settings).unwrap().replace("ledger: {on: false}", LEDGER);
        file(&mut stream, settings, &text);
        git(&self.path("hub.git"), &["fast-import", "--quiet"], &stream);
        self.works(&["init", "--ledger"]);
    }

    /// Asks whether a new change may be executed.
    fn measure_authorize(&self, id: &str) {
        let text =
            request(id, (Utc::now() - TimeDelta::minutes(10), Utc::now() + TimeDelta::hours(9)));
        fs::create_dir_all(self.path("bob/requests")).unwrap();
        fs::write(self.path(&format!("bob/requests/{id}.yaml")), text).unwrap();
        self.works(&["submit", id]);
        self.works(&["merge", id]);
        let ask = ["authorize", id, "--no-fetch"];
        self.works(&ask);
        let time = each_of(20, || run(&mut self.changegate(&ask)));
        let passed = median(20, || run(&mut self.changegate(&ask)));
        let (time, passed) = (milliseconds(time), milliseconds(passed));
        println!("  authorize {id:15} {time}, by the clock {passed}");
    }

    /// The verbs that look at all changes: when nothing is kept of what they read, and then.
    fn measure_looking(&self) {
        let (from, to) = (Utc::now() - TimeDelta::days(400), Utc::now() + TimeDelta::days(40));
        let [from, to] = [from, to].map(|it| it.format("%Y-%m-%d").to_string());
        for arguments in [
            &["report", "--from", &from][..],
            &["report", "--from", &from, "--format", "html"],
            &["report", "--from", &from, "--format", "csv"],
            &["calendar"],
            &["calendar", "--from", &from, "--to", &to, "--format", "json"],
            &["list", "--state", "scheduled"],
        ] {
            let _ = fs::remove_dir_all(self.path("caches"));
            let look = || {
                let mut command = self.changegate(&[arguments, &["--no-fetch"]].concat());
                command.env("XDG_CACHE_HOME", self.path("caches"));
                command
            };
            let first = median(1, || run(&mut look()));
            let again = median(5, || run(&mut look()));
            let (_, own) = peak(&mut look());
            let (first, again) = (milliseconds(first), milliseconds(again));
            let named = arguments.join(" ");
            println!("  {named}: {first}, again {again}, {} MiB its own", own / 1024);
        }
    }

    fn measure_exec(&self) {
        let failing = ["exec", NOW, "--", "false"];
        self.works(&["exec", NOW, "--if-not-done", "--", "true"]);
        self.works(&["exec", NOW, "--rollback", "--", "true"]);
        let ran = self.changegate(&failing).output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "{ran:?}");
        let whole = each_of(10, || run(&mut self.changegate(&failing)));
        // As often as a begin and an end fetch and push, and sign.
        let desk = self.path("bob");
        let (log, main) =
            (format!("refs/heads/{OPERATIONS}"), "+refs/heads/*:refs/remotes/origin/*");
        let mut tip =
            output(&desk, &["rev-parse", &format!("refs/changegate/origin/{OPERATIONS}")]);
        let bare = each_of(10, || {
            for _ in 0..2 {
                git(
                    &desk,
                    &["fetch", "--quiet", "origin", main, &format!("{log}:refs/bench/x")],
                    "",
                );
                let tree = format!("{tip}^{{tree}}");
                tip = output(&desk, &["commit-tree", "-S", &tree, "-p", &tip, "-m", "x"]);
                git(&desk, &["push", "--quiet", "origin", &format!("{tip}:refs/heads/bench")], "");
            }
        });
        println!("  exec                      {}", milliseconds(whole));
        println!("  git alone                 {}", milliseconds(bare));
    }
}

/// The policies, and so many merges of a request each, in folders of a hundred.
fn merges(changes: usize, began: DateTime<Utc>, key: &str) -> String {
    let mut stream = String::new();
    let commit = |stream: &mut String, branch: &str, mark: usize, at: DateTime<Utc>| {
        let at = at.timestamp();
        let _ = writeln!(stream, "commit refs/heads/{branch}\nmark :{mark}");
        let _ = writeln!(stream, "committer bob <bob@acme.example> {at} +0000\ndata 1\nx");
    };
    commit(&mut stream, "main", 1, began);
    for (path, bytes) in shipped_files() {
        let text = String::from_utf8(bytes).unwrap();
        let email = "emails: [bob@acme.example]";
        let text = text.replace(email, &format!("{email}, keys: [\"{key}\"]"));
        file(&mut stream, &path, if path.ends_with("/windows/data.yaml") { ALWAYS } else { &text });
    }
    for number in 1..=changes {
        let at = began + TimeDelta::seconds(number as i64 * APART);
        let id = format!("CHG-{number}");
        let (path, text) =
            (format!("requests/{:03}/{id}.yaml", number / 100), request(&id, planned(at)));
        commit(&mut stream, "side", 2 * number, at);
        let _ = writeln!(stream, "from :{}", 2 * number - 1);
        file(&mut stream, &path, &text);
        commit(&mut stream, "main", 2 * number + 1, at);
        let _ = writeln!(stream, "merge :{}", 2 * number);
        file(&mut stream, &path, &text);
    }
    stream + "reset refs/heads/side\nfrom 0000000000000000000000000000000000000000\n\n"
}

fn planned(at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    (at, at + TimeDelta::hours(1))
}

/// The log: each change begins, ends, is verified and closed. `bases` are the commits that they are judged by.
fn events(bases: &[String], began: DateTime<Utc>, key: &PrivateKey) -> String {
    let mut stream = String::new();
    let (log, _) = append(
        &mut stream,
        began,
        key,
        json!({"base": bases[0], "event": "genesis", "nonce": "0".repeat(64)}),
        None,
    );
    let mut open = Open::new(log.id().clone());
    file(&mut stream, STATE, &open.text());
    for (number, base) in bases.iter().enumerate().skip(1) {
        let at = began + TimeDelta::seconds(number as i64 * APART);
        let id: TicketId = format!("CHG-{number}").parse().unwrap();
        let text = request(id.as_str(), planned(at));
        let read = RequestFile::read(&format!("requests/{id}.yaml"), text.as_bytes());
        let material = read.request.unwrap().material_digest();
        let (start, end) = planned(at);
        let (mut life, mut held, mut execution) = (Life::default(), String::new(), Value::Null);
        let step =
            json!({"number": 1, "action": "scale-service", "target": id.as_str().to_lowercase()});
        for kind in ["begin", "end", "verified", "outcome"] {
            if kind == "outcome" && number % LEFT == 0 {
                continue;
            }
            let own = match kind {
                "begin" => json!({
                    "steps": [step], "tier": "medium", "services": ["checkout"], "material": material,
                    "approval": {"proof": "merge", "at": base, "mode": "direct"},
                    "planned": {"start": utc(start), "end": utc(end)}, "window": "days",
                    "lease_until": utc(at + TimeDelta::minutes(30)), "host": "build-7",
                    "command": "1".repeat(64), "nonce": format!("{number:064}"),
                }),
                "end" => json!({"execution": execution, "result": "done", "code": 0}),
                "verified" => json!({
                    "monitored": {"from": utc(at), "to": utc(at)}, "health": "passed",
                    "checks": [{"name": "an order", "kind": "manual", "passed": true}],
                }),
                _ => json!({"result": "successful", "automatic": true}),
            };
            let mut event = json!({
                "log": log.id(), "change": id, "base": base, "event": kind, "previous": life.last,
                "policies": material, "input": material,
            });
            event.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
            let (event, lines) = append(&mut stream, at, key, event, Some(&held));
            held = lines;
            if kind == "begin" {
                execution = json!(event.id());
            }
            life = life.after(&event, &|_| false).unwrap();
            open = open.with(About::Change(&id), &life);
            file(&mut stream, STATE, &open.text());
        }
    }
    stream
}

/// The commit of an event, without the log's state; returns the event, and the text of its file.
fn append(
    stream: &mut String,
    at: DateTime<Utc>,
    key: &PrivateKey,
    mut event: Value,
    before: Option<&str>,
) -> (Event, String) {
    event["api_version"] = API_VERSION.into();
    event["by"] = "bob".into();
    event["at"] = utc(at).into();
    let head: Head = serde_json::from_value(event.clone()).unwrap();
    let what: What = serde_json::from_value(event).unwrap();
    let event = Event::new(head, what);
    let signature = key.sign(NAMESPACE, HashAlg::Sha512, event.line().as_bytes()).unwrap();
    let signature = signature.to_pem(LineEnding::LF).unwrap();
    let proof = Proof { of: event.id().clone(), by: ProofBy::Ssh { signature } };
    let text = before.unwrap_or_default().to_owned() + &lines::text(&event, &proof);
    let (at, message) = (at.timestamp(), message(&event));
    let _ = writeln!(stream, "commit refs/heads/{OPERATIONS}");
    let _ = writeln!(stream, "committer bob <bob> {at} +0000\ndata {}\n{message}", message.len());
    file(stream, &lines::path(&event), &text);
    (event, text)
}

fn output(dir: &Path, arguments: &[&str]) -> String {
    let out = Command::new("git").current_dir(dir).args(arguments).output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {out:?}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}
