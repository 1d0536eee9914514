//! What an auditor takes away from a ledger: the bundle of an entry, which is checked with no
//! repository, and by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::plumbing::hub::{Desk, Hub, Ran, program};

const SETTINGS: &str = "policies/org/settings/data.yaml";
const ORIGIN: &str = "git.acme.example/ops";

/// A guarded hub whose ledger has begun, and has recorded a change that carol approved.
pub fn hub() -> Hub {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    let settings = carol.git(&["show", &format!("origin/main:{SETTINGS}")]);
    let lines = settings.lines().filter(|line| !line.starts_with("ledger:"));
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    let text = format!("{lines}\nledger: {{on: true, origin: {ORIGIN}}}\n");
    let tip = carol.put("origin/main", &[(SETTINGS, &text)], "Record what is decided");
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    carol.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    hub.desk("alice").submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    hub
}

/// Writes the bundle of an entry, outside of every repository.
fn bundle(desk: &Desk<'_>, name: &str) -> PathBuf {
    let folder = desk.hub.path(&format!("bundle-{name}"));
    let arguments = ["audit", "bundle", name, "--out", folder.to_str().unwrap()];
    desk.changegate(&arguments)
        .ended(0, &["wrote entry ", "next: changegate audit verify --bundle"]);
    folder
}

/// Verifies a bundle where there is no repository.
fn verify(folder: &Path, more: &[&str]) -> Ran {
    let mut command = Command::new(program());
    let arguments = ["audit", "verify", "--bundle", folder.to_str().unwrap()];
    command.current_dir(folder.parent().unwrap()).args(arguments).args(more);
    Ran::of(command.env("GIT_CEILING_DIRECTORIES", "/"), "")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_bundle_proves_its_entry() {
    let hub = hub();
    let erin = hub.desk("erin");
    let merged = bundle(&erin, "CHG-1");
    let own = [
        "git.acme.example/ops, entry 1 of 2\n",
        "says         merged: CHG-1 Put worker CHG1 into maintenance",
        "signed by    carol, with a key that the bundle names: SHA256:",
        "made again   1 byte for byte the same",
        "verified by its own keys: compare with keys or a checkpoint that you trust",
    ];
    verify(&merged, &[]).ended(0, &own);

    // By what is known from elsewhere.
    let known = hub.path("signers");
    fs::write(&known, erin.changegate(&["signers"]).went_well()).unwrap();
    let by_keys = ["--allowed-signers", known.to_str().unwrap()];
    let said = format!("signed by    carol@acme.example, with a key that {}", known.display());
    verify(&merged, &by_keys).ended(0, &[&said, "\nverified\n"]);
    let text = fs::read_to_string(&known).unwrap();
    let others: String = text
        .lines()
        .filter(|line| !line.contains("carol@"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&known, others).unwrap();
    verify(&merged, &by_keys).ended(1, &["signature: ", "doesn't hold the key that signed it"]);

    let kept = hub.path("kept");
    let newest = erin.git(&["show", "refs/changegate/origin/audit/ledger:checkpoint"]);
    fs::write(&kept, format!("{newest}\n\n")).unwrap();
    let by_checkpoint = ["--checkpoint", kept.to_str().unwrap()];
    verify(&merged, &by_checkpoint).ended(0, &["1 checkpoint of others", "\nverified\n"]);
    let other = newest.lines().last().unwrap();
    let root = format!("{}{}", if other.starts_with('A') { 'B' } else { 'A' }, &other[1..]);
    fs::write(&kept, newest.replace(other, &root)).unwrap();
    verify(&merged, &by_checkpoint).ended(1, &["is of a log with other entries"]);
    fs::write(&kept, newest.replace("\n2\n", "\n7\n")).unwrap();
    verify(&merged, &by_checkpoint).ended(2, &["not compared", "of 7 entries", "not verified"]);
    fs::write(&kept, "something").unwrap();
    verify(&merged, &by_checkpoint).ended(2, &["this is not a checkpoint"]);

    let genesis = bundle(&erin, "0");
    verify(&genesis, &[])
        .ended(0, &["entry 0 of 2\n", "says         genesis: git.acme.example/ops"]);
    let json = verify(&merged, &["--format", "json"]);
    json.went_well();
    let json = json.json("audit-bundle");
    let id = json["id"].as_str().unwrap().to_owned();
    let again = bundle(&erin, &id["sha256:".len()..][..12]);
    assert_eq!(files(&merged).len(), files(&again).len());

    let folder = merged.to_str().unwrap();
    erin.changegate(&["audit", "bundle", "1", "--out", folder]).failed(&["holds files already"]);
    for name in ["2", "CHG-9", "sha256:0000000"] {
        let ran = erin.changegate(&["audit", "bundle", name, "--out", "x"]);
        ran.failed(&["the ledger holds no entry", "an index from 0 to 1"]);
    }
    verify(&hub.path("keys"), &[]).ended(2, &["this is not a bundle of an entry"]);
    verify(&hub.path("nowhere"), &[]).ended(2, &["there is no folder"]);
}

#[test]
fn one_file_holds_a_bundle() {
    let hub = hub();
    let erin = hub.desk("erin");
    let write = |name: &str| {
        let file = hub.path(name);
        let ran = erin.changegate(&["audit", "bundle", "CHG-1", "--out", file.to_str().unwrap()]);
        ran.ended(0, &["wrote entry 1, ", &format!("audit verify --bundle {}", file.display())]);
        file
    };
    let (one, other) = (write("one.zip"), write("other.ZIP"));
    verify(&one, &[])
        .ended(0, &["entry 1 of 2\n", "1 byte for byte the same", "verified by its own"]);
    let bytes = fs::read(&one).unwrap();
    assert_eq!(bytes, fs::read(&other).unwrap());
    let again = ["audit", "bundle", "CHG-1", "--out", one.to_str().unwrap()];
    erin.changegate(&again).failed(&["one.zip: name a file that is not there yet"]);
    // What is changed within is found by its digests, and what is changed around it isn't read.
    let found = |needle: &[u8]| bytes.windows(needle.len()).position(|it| it == needle).unwrap();
    for (at, why) in [(bytes.len() - 1, "unpack it"), (found(b"CHG-1"), "unpack it")] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&other, changed).unwrap();
        verify(&other, &[]).failed(&["cannot use ", "other.ZIP", why]);
    }
    fs::write(&other, "something").unwrap();
    verify(&other, &[]).failed(&["it is not a bundle"]);
}

/// What changes a bundle in one place, and what the file holds then; `None` removes it.
fn changes(bytes: &[u8]) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let flipped = |at: usize| {
        let mut changed = bytes.to_vec();
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= 1;
        }
        Some(changed)
    };
    let longer = Some([bytes, b"\n"].concat());
    let mut all = vec![("longer", longer), ("missing", None)];
    if !bytes.is_empty() {
        all.extend([
            ("another byte in the middle", flipped(bytes.len() / 2)),
            ("another first byte", flipped(0)),
            ("shorter", Some(bytes[..bytes.len() - 1].to_vec())),
        ]);
    }
    all
}

#[test]
fn each_change_of_a_bundle_is_caught() {
    let hub = hub();
    let erin = hub.desk("erin");
    let mut tried = 0;
    for name in ["1", "0"] {
        let folder = bundle(&erin, name);
        let mut all = files(&folder);
        // Of the policies, some: each is bound by the same digest.
        let is_policy = |path: &PathBuf| path.to_str().unwrap().contains("/base/policies/");
        let policies: Vec<_> = all.iter().filter(|path| is_policy(path)).cloned().collect();
        all.retain(|path| !is_policy(path));
        all.extend(policies.into_iter().step_by(12));
        assert!(all.len() > 10, "{all:?}");
        for path in all {
            let bytes = fs::read(&path).unwrap();
            for (what, changed) in changes(&bytes) {
                match changed {
                    Some(changed) => fs::write(&path, changed).unwrap(),
                    None => fs::remove_file(&path).unwrap(),
                }
                let ran = verify(&folder, &[]);
                assert!(matches!(ran.code, 1 | 2), "{}, {what}: {ran:?}", path.display());
                assert!(what == "missing" || ran.code == 1, "{}, {what}: {ran:?}", path.display());
                tried += 1;
            }
            fs::write(&path, bytes).unwrap();
        }
        for path in ["more", "material/more", "base/policies/more.rego", "head/tree"] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "more\n").unwrap();
            verify(&folder, &[]).ended(1, &["\nnot as it has to be: "]);
            fs::remove_file(&path).unwrap();
            tried += 1;
        }
        verify(&folder, &[]).ended(0, &["verified by its own keys"]);
    }
    assert!(tried > 100, "{tried}");
}

/// Whether its tables leave enough people belongs to the decision, so that they come with the bundle.
#[test]
fn a_change_of_policies_brings_its_tables() {
    let hub = hub();
    let (bob, carol) = (hub.desk("bob"), hub.desk_at("carol", "again"));
    let erin = hub.desk("erin");
    let settings = bob.git(&["show", &format!("main:{SETTINGS}")]);
    bob.write(SETTINGS, &format!("{settings}\n# Looked at again.\n"));
    bob.changegate(&["submit", "--policies", "looked-at", "--message", "looked at again"])
        .ended(0, &["submitted"]);
    for desk in [&carol, &erin] {
        desk.approve("looked-at").ended(0, &["and counts"]);
    }
    erin.changegate(&["merge", "looked-at"]).ended(0, &["merged looked-at"]);
    let folder = bundle(&erin, "looked-at");
    verify(&folder, &[]).ended(0, &["entry 2 of 3", "1 byte for byte the same"]);
    let head = folder.join("head").join(SETTINGS);
    let text = fs::read_to_string(&head).unwrap();
    assert!(text.ends_with("# Looked at again.\n"));
    fs::write(&head, text.replace("again", "twice")).unwrap();
    verify(&folder, &[]).ended(1, &["head/policies isn't what its commit holds"]);
    fs::write(&head, text).unwrap();
    verify(&folder, &[]).ended(0, &["verified by its own keys"]);
}

/// Somebody of the real roster, with the key that everybody knows, makes a log of the same name in which
/// the approver's key is another one, or is their own under another name.
#[test]
fn a_bundle_on_an_invented_roster() {
    let fork = hub();
    let alice = fork.desk_at("alice", "forger");
    alice.submit("CHG-66").went_well();
    fork.desk_at("carol", "invented").approve("CHG-66").went_well();
    alice.changegate(&["merge", "CHG-66"]).ended(0, &["merged CHG-66"]);
    let folder = bundle(&alice, "CHG-66");
    let line = |who: &str, names: &str| {
        let key = fork.public_key(who);
        let key: Vec<_> = key.split(' ').take(2).collect();
        format!("{names} namespaces=\"git\" {}\n", key.join(" "))
    };
    let signers = fork.path("known");
    let found = |lines: &[String]| {
        fs::write(&signers, lines.concat()).unwrap();
        verify(&folder, &["--allowed-signers", signers.to_str().unwrap()])
    };
    let (alice, carol) = ("alice@acme.example", "carol@acme.example");
    let [own, invented] = [("alice", alice), ("carol", carol)].map(|(who, it)| line(who, it));
    // What carol really signs with.
    let real = line("heidi", carol);
    found(&[own.clone(), real]).ended(1, &["signature: ", "by carol as the bundle's roster says"]);
    let theirs = line("carol", alice);
    found(&[own.clone(), theirs]).ended(1, &["signature: ", "doesn't hold that key as theirs"]);
    found(&[own, invented]).ended(0, &["\nverified\n"]);
}

/// The file of another version can be worded otherwise.
#[test]
fn what_another_version_says_of_checking_by_hand_is_not_compared() {
    let hub = hub();
    let folder = bundle(&hub.desk("erin"), "1");
    let path = folder.join("VERIFY.md");
    fs::write(&path, "Otherwise.\n\nWritten by changegate 99.0.0.\n").unwrap();
    let said = ["not compared VERIFY.md: another version of changegate wrote it", "not verified"];
    verify(&folder, &[]).ended(2, &said);
    fs::write(&path, "Otherwise.\n").unwrap();
    verify(&folder, &[]).ended(1, &["VERIFY.md was changed"]);
}

/// Each command of a VERIFY.md prints what is shown behind it.
#[test]
fn by_hand_it_is_checked_as_printed() {
    let hub = hub();
    let erin = hub.desk("erin");
    erin.submit_text("CHG-2", &crate::plumbing::hub::request("CHG-2", "erin")).went_well();
    erin.changegate(&["merge", "CHG-2"]).ended(0, &["merged CHG-2"]);
    for name in ["0", "1", "2"] {
        let folder = bundle(&erin, name);
        let text = fs::read_to_string(folder.join("VERIFY.md")).unwrap();
        let mut commands = String::from("set -e\n");
        let mut expected = Vec::new();
        for block in text.split("```sh\n").skip(1) {
            let (block, _) = block.split_once("```\n").unwrap();
            for line in block.lines() {
                match line.strip_prefix("#=> ") {
                    Some(line) => expected.push(line.trim_end_matches('…')),
                    None => commands += &format!("{line}\n"),
                }
            }
        }
        assert!(expected.len() > 8, "{text}");
        let mut command = Command::new("sh");
        command.current_dir(&folder).env("GIT_CONFIG_GLOBAL", "/dev/null").args(["-c", &commands]);
        let ran = Ran::of(&mut command, "");
        assert_eq!(ran.code, 0, "{commands}\n{ran:?}");
        for line in expected {
            let printed = ran.stdout.lines().chain(ran.stderr.lines());
            assert!(printed.clone().any(|it| it.starts_with(line)), "{line}\n{ran:?}");
        }
    }
}
