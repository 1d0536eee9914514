//! The ledger: `cargo bench --bench ledger`, or `-- 100000` for a ledger of another size.
//!
//! Ledgers that the program's own writer makes, unsigned, of commits that went around the gate, each with
//! material of the usual size. What is measured: one more entry, without its push; verifying all of it,
//! beside `git cat-file` of the same objects, and one entry more than was verified; the verbs that look
//! at changes; the tree alone, and proofs; a bundle. Medians.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints what it measured"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use changegate::audit::bundle;
use changegate::audit::verify::verify;
use changegate::core::policy::shipped_files;
use changegate::core::record::parts::{Because, Covered, Keys, Repository};
use changegate::core::record::statement::{Kind, Statement};
use changegate::core::record::tree::{Tree, leaf, verify_inclusion};
use changegate::core::time::Time;
use changegate::forge::git::{Branches, Git};
use changegate::gate::judge::Judges;
use changegate::gate::record::{Arrival, Log, Record, Recorder, entry, of_bypass, tip as subject};
use changegate::gate::recording::{append, tip};
use changegate::git::{Oid, Repo};
use changegate::ledger::{MaterialFile, Signer, material, object_id};
use measure::{median, milliseconds, run};

mod measure;

/// The program's allocator, so that both sides of a comparison pay the same for memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHANGEGATE: &str = env!("CARGO_BIN_EXE_changegate");
const BEGAN: u64 = 1_795_424_400;
const SETTINGS: &str = "ledger: {on: true, origin: git.acme.example/ops, \
                        repository: \"git+https://git.acme.example/ops\"}";
/// The number of merges that are looked at.
const MERGES: usize = 1_000;
/// The number of entries that are made and moved at a time.
const BATCH: usize = 500;

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|it| it.parse().ok()).collect();
    for size in if sizes.is_empty() { vec![1_000, 10_000] } else { sizes } {
        println!("{size} entries");
        let dir = tempfile::tempdir().unwrap();
        found(dir.path(), size);
        let git = open(dir.path());
        record(&git, size);
        command(dir.path(), &["repack", "-adq"], "");
        measure_append(dir.path(), size);
        measure_verify(dir.path());
        measure_incremental(dir.path());
        measure_looking(dir.path(), "CHG-1");
        measure_bundle(dir.path(), size / 2);
        measure_tree(size);
    }
    println!("{MERGES} merges, recorded");
    let dir = tempfile::tempdir().unwrap();
    found_merges(dir.path(), MERGES);
    let git = open(dir.path());
    record(&git, MERGES);
    command(dir.path(), &["repack", "-adq"], "");
    measure_looking(dir.path(), "CHG-9");
    println!("{MERGES} merges, without a ledger");
    command(dir.path(), &["update-ref", "-d", "refs/heads/audit/ledger"], "");
    measure_looking(dir.path(), "CHG-9");
}

/// Who writes the entries.
const BENCH: Signer<'_> = Signer::Nobody("bench");

fn judges() -> Judges {
    Judges::new(|bound| panic!("{bound}"))
}

fn open(dir: &Path) -> Git {
    let repo = Repo::discover(dir).unwrap();
    Git::new(Branches::own(repo), Some("main".to_owned())).unwrap()
}

/// A repository without commits, and who makes them.
fn empty(dir: &Path) {
    command(dir, &["init", "--quiet", "--bare", "-b", "main"], "");
    command(dir, &["config", "user.name", "bench"], "");
    command(dir, &["config", "user.email", "bench@acme.example"], "");
}

/// A repository with policies, and so many commits that change one request.
fn found(dir: &Path, commits: usize) {
    empty(dir);
    let mut stream = String::new();
    begin(&mut stream, BEGAN);
    for (path, bytes) in shipped_files() {
        let text = String::from_utf8(bytes).unwrap();
        let text = text.replace("unsigned_reviews: refuse", "unsigned_reviews: allow");
        let text = text.replace("ledger: {on: false}", SETTINGS);
        file(&mut stream, &path, &text);
    }
    for number in 1..=commits + 1 {
        begin(&mut stream, BEGAN + number as u64);
        file(&mut stream, "requests/CHG-1.yaml", &format!("id: CHG-1\nreason: {number}\n"));
    }
    command(dir, &["fast-import", "--quiet"], &stream);
}

/// A repository with policies, and so many merges of a change each, in folders of a hundred.
fn found_merges(dir: &Path, merges: usize) {
    empty(dir);
    let mut stream = String::new();
    begin(&mut stream, BEGAN);
    for (path, bytes) in shipped_files() {
        file(&mut stream, &path, &String::from_utf8(bytes).unwrap());
    }
    for number in 1..=merges {
        let (id, at) = (format!("CHG-{number}"), BEGAN + number as u64);
        let path = format!("requests/{:03}/{id}.yaml", number / 100);
        let text = format!("id: {id}\nsummary: Change {number}\nrequester: alice\n");
        let from = match number {
            1 => "from refs/heads/main\n".to_owned(),
            _ => format!("from :{}\n", 2 * number - 1),
        };
        let _ = writeln!(stream, "commit refs/heads/side\nmark :{}", 2 * number);
        let _ = writeln!(stream, "committer bench <bench@acme.example> {at} +0000\ndata 1\nx");
        stream += &from;
        file(&mut stream, &path, &text);
        let message = format!("Merge {id}\n\nChange: {id}\nTier: low\n");
        let (side, own) = (2 * number, 2 * number + 1);
        let _ = writeln!(stream, "commit refs/heads/main\nmark :{own}");
        let _ = writeln!(stream, "committer bench <bench@acme.example> {at} +0000");
        let from = if number == 1 { "" } else { &from };
        let _ = write!(stream, "data {}\n{message}\n{from}merge :{side}\n", message.len());
        file(&mut stream, &path, &text);
    }
    stream += "reset refs/heads/side\nfrom 0000000000000000000000000000000000000000\n\n";
    command(dir, &["fast-import", "--quiet"], &stream);
}

/// Records all commits but the last, which is left for measuring.
fn record(git: &Git, size: usize) {
    let commits = git.repo().first_parents(git.base().unwrap()).unwrap();
    let commits: Vec<_> = commits.into_iter().rev().collect();
    let records = vec![genesis(git, commits[0])];
    let judges = judges();
    let moves = append(git, &judges, None, records, BENCH).unwrap();
    git.branches.put_all(&moves).unwrap();
    let began = Instant::now();
    let pairs: Vec<_> = commits.windows(2).take(size - 1).collect();
    for batch in pairs.chunks(BATCH) {
        let records = batch.iter().map(|pair| of_commit(git, pair[0], pair[1])).collect();
        let moves = append(git, &judges, tip(git).unwrap().as_ref(), records, BENCH);
        git.branches.put_all(&moves.unwrap()).unwrap();
    }
    let each = began.elapsed() / u32::try_from(pairs.len().max(1)).unwrap();
    println!("  writing, many at a time   {} an entry", milliseconds(each));
}

fn log() -> Log {
    let uri = "git+https://git.acme.example/ops".to_owned();
    Log { origin: "git.acme.example/ops".to_owned(), repository: Repository { uri, id: None } }
}

fn recorder(at: Time) -> Recorder<'static> {
    Recorder { who: "bench", at }
}

fn genesis(git: &Git, base: Oid) -> Record {
    let commit = git.repo().commit(base).unwrap();
    let mut predicate = entry(Kind::Genesis, ("main", base), &log(), recorder(commit.time));
    predicate.bases = vec![Covered { name: "refs/heads/main".to_owned(), commit: object_id(base) }];
    predicate.keys = Some(Keys::default());
    let statement = Statement::new(vec![subject(&commit)], predicate);
    Record { statement, files: Vec::new(), policies: None }
}

/// The record of a commit on main, with material.
fn of_commit(git: &Git, from: Oid, to: Oid) -> Record {
    let commit = git.repo().commit(to).unwrap();
    let because = Some(Because::NoPullRequest);
    let arrival = Arrival { because, ..Arrival::pushed("main", &commit, from) };
    let mut record = of_bypass(&arrival, &log(), recorder(commit.time));
    record.files = files(git, to, commit.time);
    record.statement.predicate.material = material(&record.files);
    record
}

/// As much as a decision rests on.
fn files(git: &Git, commit: Oid, at: Time) -> Vec<MaterialFile> {
    let text = |name: &str, lines: usize| {
        let lines = (0..lines).map(|line| format!("\"{name} {line} {commit} {at}\",\n"));
        lines.collect::<String>().into_bytes()
    };
    vec![
        ("decision.json".to_owned(), text("decision", 50)),
        ("evidence.json".to_owned(), text("evidence", 20)),
        ("input.json".to_owned(), text("input", 100)),
        ("request.yaml".to_owned(), text("request", 10)),
        (format!("commits/{commit}"), git.repo().commit_bytes(commit).unwrap()),
    ]
}

fn measure_append(dir: &Path, size: usize) {
    let (git, judges) = (open(dir), judges());
    let line = git.repo().first_parents(git.base().unwrap()).unwrap();
    let (to, from) = (line[line.len() - 1 - size], line[line.len() - size]);
    let time = median(20, || {
        let record = of_commit(&git, from, to);
        append(&git, &judges, tip(&git).unwrap().as_ref(), vec![record], BENCH).unwrap();
    });
    println!("  one more, without a push  {}", milliseconds(time));
}

fn measure_verify(dir: &Path) {
    let git = open(dir);
    let tips = |name: &str| git.branches.tip(name);
    let mut entries = 0;
    let whole = median(3, || {
        let found =
            verify(&git.repo().folder(), &tips, "main", &judges(), (&[], &[]), None, &|_, _| {})
                .unwrap();
        let left: Vec<_> =
            found.findings.iter().filter(|it| !it.message.contains("recorded nowhere")).collect();
        assert!(left.is_empty(), "{left:?}");
        entries = found.entries;
    });
    let batch = ["cat-file", "--batch-all-objects", "--batch"];
    let read = median(3, || run(Command::new("git").current_dir(dir).args(batch)));
    let a_second = entries as f64 / whole.as_secs_f64();
    let ratio = whole.as_secs_f64() / read.as_secs_f64();
    println!("  verify                    {}, {a_second:.0} entries/s", milliseconds(whole));
    println!("  git cat-file of the same  {}: verify takes {ratio:.2} x", milliseconds(read));
}

/// One entry more than what was verified.
fn measure_incremental(dir: &Path) {
    let caches = tempfile::tempdir().unwrap();
    let verify = || {
        let mut command = Command::new(CHANGEGATE);
        command.current_dir(dir).env("XDG_CACHE_HOME", caches.path());
        command.args(["audit", "verify", "--base", "main"]);
        command
    };
    let git = open(dir);
    let now = tip(&git).unwrap().unwrap();
    let before = git.repo().commit(now.commit).unwrap().parents[0];
    let ledger =
        |to: Oid| command(dir, &["update-ref", "refs/heads/audit/ledger", &to.to_string()], "");
    ledger(before);
    run(&mut verify());
    let remembered: Vec<_> = walk(caches.path());
    let [(path, bytes)] = &remembered[..] else { panic!("{} files", remembered.len()) };
    ledger(now.commit);
    let time = median(5, || {
        run(&mut verify());
        fs::write(path, bytes).unwrap();
    });
    println!("  verify one new entry      {}, in a process of its own", milliseconds(time));
}

/// The files below a folder.
fn walk(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(walk(&path)),
            false => found.push((path.clone(), fs::read(path).unwrap())),
        }
    }
    found
}

/// The verbs that look at changes, each in a process of its own.
fn measure_looking(dir: &Path, id: &str) {
    for arguments in [
        &["list", "--base", "main"][..],
        &["list", "--state", "all", "--base", "main"],
        &["log", "--format", "csv", "--base", "main"],
        &["show", id, "--base", "main"],
        &["audit", "show", "1", "--base", "main"],
        &["audit", "coverage", "--base", "main"],
    ] {
        let time = median(3, || run(Command::new(CHANGEGATE).current_dir(dir).args(arguments)));
        let named = arguments[..arguments.len() - 2].join(" ");
        println!("  {named:25} {}", milliseconds(time));
    }
}

fn measure_bundle(dir: &Path, index: usize) {
    let git = open(dir);
    let tips = |name: &str| git.branches.tip(name);
    let folder = git.repo().folder();
    let began = Instant::now();
    let (_, made) = bundle::make(&folder, &tips, &judges(), &index.to_string()).unwrap();
    println!("  make a bundle             {}", milliseconds(began.elapsed()));
    let time = median(20, || {
        let found = bundle::verify(&made, &judges(), None, &[]).unwrap();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
    });
    println!("  verify it, no repository  {}", milliseconds(time));
    let out = dir.join("bundle");
    bundle::folder::write(&out, &made).unwrap();
    let arguments = ["audit", "verify", "--bundle"];
    let time = median(20, || run(Command::new(CHANGEGATE).args(arguments).arg(&out)));
    println!("  in a process of its own   {}", milliseconds(time));
    fs::remove_dir_all(out).unwrap();
}

fn measure_tree(size: usize) {
    let leaves: Vec<_> = (0..size).map(|number| format!("{number:02000}")).collect();
    let mut tree = Tree::default();
    let time = median(3, || tree = leaves.iter().map(|text| leaf(text.as_bytes())).collect());
    println!("  the tree alone            {}", milliseconds(time));
    let (index, size) = (size as u64 / 2, size as u64);
    let root = tree.root_at(size).unwrap();
    let this = leaf(leaves[index as usize].as_bytes());
    let time = median(100, || {
        let proof = tree.inclusion(index, size).unwrap();
        assert!(verify_inclusion(this, index, (size, root), &proof));
    });
    println!("  a proof, made and checked {}", milliseconds(time));
}

fn begin(stream: &mut String, at: u64) {
    let _ = writeln!(stream, "commit refs/heads/main");
    let _ = writeln!(stream, "committer bench <bench@acme.example> {at} +0000");
    let _ = writeln!(stream, "data 1\nx");
}

fn file(stream: &mut String, path: &str, text: &str) {
    let _ = writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len());
}

fn command(dir: &Path, arguments: &[&str], input: &str) {
    let mut child = Command::new("git")
        .current_dir(dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}
