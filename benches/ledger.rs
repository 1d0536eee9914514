//! The ledger: `cargo bench --bench ledger`, or `-- 100000` for a ledger of another size, `-- merges 10000` for
//! one of merges.
//!
//! Ledgers that the program's own writer makes of commits that went around the gate, each with material of
//! the usual size. What is measured: one more entry by a service with a key, made, fetched for and pushed;
//! the size after packing; verifying all of it, beside reading and hashing the same objects, and one entry
//! more than was verified; the verbs that look at changes; the peak memory of those that read all; the tree
//! alone, and proofs; a bundle. Then merges whose decisions are made again, and tried on other policies.
//! Medians; ratios are what to compare between machines.
//!
//! Measured on two cores with little else to do, in time of the processor:
//!
//! | what | target | 1,000 entries | 10,000 entries |
//! | --- | --- | --- | --- |
//! | append without push, with a key file | 15 ms | 0.73 ms | 0.93 ms |
//! | bytes fetched, pushed for one entry | 16 kB, 8 kB | 3.4 kB, 3.9 kB | 3.3 kB, 3.9 kB |
//! | push from the store | 1.5 x a bare one | 1.24 x | 1.61 x |
//! | log, evidence, packed | 2.3 kB, 2.8 kB | 1.5 kB, 1.4 kB | 1.5 kB, 1.4 kB |
//! | line, statements, tree | 10,000 entries/s on two cores | 9,090/s on one | 8,620/s on one |
//! | all steps | report | 1,920/s | 1,850/s |
//! | the same as reading and hashing | 1.5 x | 2.6 x | 2.6 x |
//! | one entry more, in a process of its own | 200 ms | 166 ms | 138 ms |
//! | bundle, in this process | 20 ms | 59 ms | 47 ms |
//! | the tree alone | 1 s at 100,000 | 2 ms | 23 ms; a proof less than 0.01 ms |
//! | memory of `audit verify --full`, the program's own | flat | 69 MiB | 66 MiB |
//! | `check --pr`, without a ledger | 15 ms | 3.5 ms, 2.5 ms | 4.0 ms, 7.5 ms |
//! | what if, 1,000 merges | 1 s on two cores | 3.3 s | |
//!
//! All steps take more than reading and hashing because each entry's signature is verified, its message rendered
//! again, and what it counts compared with the commits on the base. What if takes two decisions a merge, those of the
//! interpreter, some 3 ms each, so that 1,000 merges in a second would take one that is three times faster. A
//! bundle's policies are read for its roster. What has to grow in memory is the leaves and times of the entries (some
//! 120 bytes each), where their evidence is, and the bypasses, which are listed: here all entries are some. What is
//! mapped of Git's packs counts as memory, and isn't the program's own.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints what it measured"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use changegate::audit::bundle;
use changegate::audit::log::Log as Whole;
use changegate::audit::verify::{Approves, GoesAround, verify};
use changegate::core::operations::event::Event;
use changegate::core::policy::shipped_files;
use changegate::core::record::key::ServiceKey;
use changegate::core::record::parts::{Because, Repository};
use changegate::core::record::tree::{Tree, leaf, verify_inclusion};
use changegate::core::terms::TicketId;
use changegate::core::time::Time;
use changegate::forge::git::{Branches, Git};
use changegate::gate::arrivals::{self, unrecorded};
use changegate::gate::judge::Judges;
use changegate::gate::record::{Arrival, Log, Record, Recorder, of_bypass};
use changegate::gate::recording::{append, genesis, made, tip};
use changegate::git::{Moved, Oid, Repo, blob_id};
use changegate::ledger::store::Store;
use changegate::ledger::{LEDGER, MaterialFile, Signer, material};
use changegate::operations::Log as Operations;
use cpu::{cpu, each_of};
use measure::{median, milliseconds, run};
use peak::peak;
use stream::file;

#[path = "measure/cpu.rs"]
mod cpu;
mod measure;
#[path = "measure/peak.rs"]
mod peak;
#[path = "measure/stream.rs"]
mod stream;

/// The program's allocator, so that both sides of a comparison pay the same for memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHANGEGATE: &str = env!("CARGO_BIN_EXE_changegate");
const BEGAN: u64 = 1_795_424_400;
/// The number of merges that are looked at.
const MERGES: usize = 1_000;
/// The commits that aren't recorded, but for measuring.
const SPARE: usize = 12;
/// The number of entries that are made and moved at a time.
const BATCH: usize = 500;
/// The number of batches after which Git packs what they left.
const PACKED: usize = 20;
/// The number of entries beyond which what takes long is measured once.
const MANY: usize = 20_000;

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|it| it.parse().ok()).collect();
    let (entries, merges) = match std::env::args().any(|it| it == "merges") {
        true => (Vec::new(), sizes),
        false if sizes.is_empty() => (vec![1_000, 10_000], vec![MERGES / 4, MERGES]),
        false => (sizes, Vec::new()),
    };
    let keys = tempfile::tempdir().unwrap();
    let key = new_key(keys.path());
    for size in entries {
        println!("{size} entries");
        let dir = tempfile::tempdir().unwrap();
        found(dir.path(), size, &key);
        record(dir.path(), size);
        // With the deltas that there are, where to look for all of them again would take all day.
        let (deltas, rounds) = if size > MANY { ("-adq", 1) } else { ("-adfq", 3) };
        stream::git(dir.path(), &["repack", deltas, "--window=20"], "");
        measure_sizes(dir.path(), size);
        measure_append(dir.path(), size, &key);
        measure_verify(dir.path(), rounds);
        measure_incremental(dir.path());
        measure_looking(dir.path(), "CHG-1");
        measure_memory(dir.path());
        measure_bundle(dir.path(), size / 2);
        measure_tree(size);
        measure_transport(dir.path(), size, &key);
        measure_check(dir.path());
    }
    for merges in merges {
        println!("{merges} merges, recorded");
        let dir = tempfile::tempdir().unwrap();
        found_merges(dir.path(), merges, &key);
        record_merges(&open(dir.path()));
        stream::git(dir.path(), &["repack", "-adq"], "");
        measure_incremental(dir.path());
        if merges <= MERGES {
            measure_verify(dir.path(), 3);
            measure_what_if(dir.path());
        }
        measure_memory(dir.path());
        measure_looking(dir.path(), "CHG-9");
        println!("{merges} merges, without a ledger");
        stream::git(dir.path(), &["update-ref", "-d", "refs/heads/audit/ledger"], "");
        measure_looking(dir.path(), "CHG-9");
    }
}

/// A service's key.
fn new_key(dir: &Path) -> ServiceKey {
    let file = dir.join("key");
    run(Command::new("ssh-keygen").args(["-qt", "ed25519", "-N", "", "-f"]).arg(&file));
    ServiceKey::read(&fs::read(file).unwrap()).unwrap()
}

/// The shipped policies, with a ledger that a service may sign.
fn policies(stream: &mut String, key: &ServiceKey) {
    let key = serde_json::to_string(&key.public()).unwrap();
    let settings = format!(
        "ledger: {{on: true, origin: git.acme.example/ops, \
         repository: \"git+https://git.acme.example/ops\", writers: [{{name: bench, key: {key}}}]}}"
    );
    for (path, bytes) in shipped_files() {
        let text = String::from_utf8(bytes).unwrap();
        let text = text.replace("unsigned_reviews: refuse", "unsigned_reviews: allow");
        file(stream, &path, &text.replace("ledger: {on: false}", &settings));
    }
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
    stream::git(dir, &["init", "--quiet", "--bare", "-b", "main"], "");
    stream::git(dir, &["config", "user.name", "bench"], "");
    stream::git(dir, &["config", "user.email", "bench@acme.example"], "");
}

/// A repository with policies, and commits that change one request: as many as there will be entries, and
/// some more.
fn found(dir: &Path, commits: usize, key: &ServiceKey) {
    empty(dir);
    let mut stream = String::new();
    begin(&mut stream, BEGAN);
    policies(&mut stream, key);
    for number in 1..=commits + SPARE {
        begin(&mut stream, BEGAN + number as u64);
        file(&mut stream, "requests/CHG-1.yaml", &format!("id: CHG-1\nreason: {number}\n"));
    }
    stream::git(dir, &["fast-import", "--quiet"], &stream);
}

/// A repository with policies, and so many merges of a change each, in folders of a hundred.
fn found_merges(dir: &Path, merges: usize, key: &ServiceKey) {
    empty(dir);
    let mut stream = String::new();
    begin(&mut stream, BEGAN);
    policies(&mut stream, key);
    let sample = fs::read_to_string("requests/CHG-1222.yaml").unwrap();
    for number in 1..=merges {
        let (id, at) = (format!("CHG-{number}"), BEGAN + number as u64);
        let path = format!("requests/{:03}/{id}.yaml", number / 100);
        // Each acts on a target of its own: what overlaps is named in each decision.
        let text = sample.replace("CHG-1222", &id).replace("waf-ip-set", &id.to_lowercase());
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
    stream::git(dir, &["fast-import", "--quiet"], &stream);
}

/// Records the beginning.
fn record_beginning(git: &Git, base: Oid) {
    let judges = judges();
    let judge = judges.at(git.repo(), base).unwrap();
    let at = git.repo().commit(base).unwrap().time;
    let record = genesis(
        git.repo(),
        &judge.bundle().org,
        ("main", base),
        |name| Ok((name == "main").then_some(base)),
        recorder(at),
    );
    let moves = append(git, &judges, None, vec![record.unwrap()], BENCH).unwrap();
    git.branches.put_all(&moves).unwrap();
}

/// Records all commits but the spare ones.
fn record(dir: &Path, size: usize) {
    let git = &open(dir);
    let commits = git.repo().first_parents(git.base().unwrap()).unwrap();
    let commits: Vec<_> = commits.into_iter().rev().collect();
    record_beginning(git, commits[0]);
    let judges = judges();
    let began = Instant::now();
    let pairs: Vec<_> = commits.windows(2).take(size - 1).collect();
    for (number, batch) in pairs.chunks(BATCH).enumerate() {
        if number % PACKED == PACKED - 1 {
            stream::git(dir, &["repack", "-dq"], "");
        }
        let records = batch.iter().map(|pair| of_commit(git, pair[0], pair[1])).collect();
        let moves = append(git, &judges, tip(git).unwrap().as_ref(), records, BENCH);
        git.branches.put_all(&moves.unwrap()).unwrap();
    }
    let each = began.elapsed() / u32::try_from(pairs.len().max(1)).unwrap();
    println!("  writing, many at a time   {} an entry", milliseconds(each));
}

/// Records all merges as the next person who merges would: each is judged as of its own time.
fn record_merges(git: &Git) {
    let (judges, base) = (judges(), git.base().unwrap());
    let first = *git.repo().first_parents(base).unwrap().last().unwrap();
    record_beginning(git, first);
    let began = Instant::now();
    let due = unrecorded(git.repo(), &judges, first, base).unwrap();
    for batch in due.chunks(BATCH) {
        let record =
            |it| arrivals::record(git, &judges, "main", it, &log(), recorder(it.1.time)).unwrap();
        let records: Vec<_> = batch.iter().map(record).collect();
        let moves = append(git, &judges, tip(git).unwrap().as_ref(), records, BENCH);
        git.branches.put_all(&moves.unwrap()).unwrap();
    }
    let each = began.elapsed() / u32::try_from(due.len()).unwrap();
    println!("  judging and writing       {} an entry", milliseconds(each));
}

fn log() -> Log {
    let uri = "git+https://git.acme.example/ops".to_owned();
    Log { origin: "git.acme.example/ops".to_owned(), repository: Repository { uri, id: None } }
}

fn recorder(at: Time) -> Recorder<'static> {
    Recorder { who: "bench", at }
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

fn measure_sizes(dir: &Path, size: usize) {
    for branch in ["ledger", "evidence"] {
        let branch = format!("refs/heads/audit/{branch}");
        let arguments = ["rev-list", "--objects", "--disk-usage", &branch, "--not", "main"];
        let out = Command::new("git").current_dir(dir).args(arguments).output().unwrap();
        let bytes: usize = String::from_utf8(out.stdout).unwrap().trim().parse().unwrap();
        println!("  {branch:25} {} bytes an entry, packed", bytes / size);
    }
}

fn measure_append(dir: &Path, size: usize, key: &ServiceKey) {
    let (git, judges) = (open(dir), judges());
    let (from, to) = spare(&git, size, 0);
    let time = median(20, || {
        let record = of_commit(&git, from, to);
        let signer = Signer::Service(key);
        append(&git, &judges, tip(&git).unwrap().as_ref(), vec![record], signer).unwrap();
    });
    println!("  one more, without a push  {}", milliseconds(time));
}

/// The spare commit of this number, behind the one before it.
fn spare(git: &Git, size: usize, number: usize) -> (Oid, Oid) {
    let line = git.repo().first_parents(git.base().unwrap()).unwrap();
    let place = line.len() - 1 - size - number;
    (line[place + 1], line[place])
}

/// Entries by a service, from a repository without the ledger, beside commits that `git push` alone takes
/// there.
fn measure_transport(dir: &Path, size: usize, key: &ServiceKey) {
    let (clone, judges, ours) = (tempfile::tempdir().unwrap(), judges(), open(dir));
    let url = format!("file://{}", dir.display());
    let main = ["clone", "--quiet", "--bare", "--single-branch", "-b", "main", &url, "."];
    stream::git(clone.path(), &main, "");
    let changes = Repo::open(clone.path()).unwrap();
    let mut store = Store::fetch(&changes, &url, |program| program).unwrap();
    let objects = store.repo().folder().join("objects");
    let bytes = || walk(&objects).iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    println!("  fetched to add one        {} bytes", bytes());
    let (mut pushed, mut pushes, mut alone) = (0, Vec::new(), Vec::new());
    for number in 0..SPARE {
        let (from, to) = spare(&ours, size, number);
        let (tip, before) = (store.tip(&|_| Ok(true)).unwrap(), bytes());
        let place = (store.repo(), store.program());
        let evidence = |branch: &str| Ok(store.branch(branch));
        let record = vec![of_commit(&ours, from, to)];
        let signer = Signer::Service(key);
        let made = made(place, &judges, tip.as_ref(), evidence, ("main", to), record, signer);
        pushed = bytes() - before;
        let moves = made.unwrap().moves;
        let began = Instant::now();
        assert!(store.push(&moves).unwrap() == Moved::Yes);
        pushes.push(began.elapsed());
        stream::git(clone.path(), &["update-ref", "refs/heads/x", &to.to_string()], "");
        let tree = format!("{to}^{{tree}}");
        let new = ["commit-tree", "-p", &to.to_string(), "-m", &number.to_string(), &tree];
        let new = Command::new("git").current_dir(clone.path()).args(identity()).args(new).output();
        let new = String::from_utf8(new.unwrap().stdout).unwrap();
        let to = format!("{}:refs/heads/alone-{number}", new.trim());
        let began = Instant::now();
        stream::git(clone.path(), &["push", "--quiet", &url, &to], "");
        alone.push(began.elapsed());
    }
    let middle = |durations: &mut Vec<Duration>| {
        durations.sort_unstable();
        durations[durations.len() / 2]
    };
    let (pushes, alone) = (middle(&mut pushes), middle(&mut alone));
    let ratio = pushes.as_secs_f64() / alone.as_secs_f64();
    println!("  pushed                    {pushed} bytes, in {}", milliseconds(pushes));
    println!("  git push of a commit      {}: ours takes {ratio:.2} x", milliseconds(alone));
}

fn identity() -> [&'static str; 4] {
    ["-c", "user.name=bench", "-c", "user.email=bench@acme.example"]
}

/// In times of the processor: those of the clock say nothing where others work beside it.
fn measure_verify(dir: &Path, rounds: usize) {
    let git = open(dir);
    let tips = |name: &str| git.branches.tip(name);
    let folder = git.repo().folder();
    let mut found = None;
    // In turns, so that all meet the machine in the same moods.
    let (mut whole, mut log, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        whole.push(cpu(|| {
            let outside = (&[][..], &[][..]);
            let (judges, approves) = (judges(), |_: &Event, _: &Operations<'_>| Ok(()));
            let goes_around = |_: &TicketId, _: &Operations<'_>| Ok(Vec::new());
            let by = (&judges, &approves as Approves<'_>, &goes_around as GoesAround<'_>);
            let done = verify(&folder, &tips, "main", by, outside, None, &|_, _| {});
            found = Some(done.unwrap());
        }));
        log.push(cpu(|| drop(Whole::read(&folder, &tips, |_| ()).unwrap())));
        read.push(cpu(|| read_and_hash(dir)));
    }
    let [whole, log, read] = [whole, log, read].map(|mut it| {
        it.sort_unstable();
        it[rounds / 2]
    });
    let found = found.unwrap();
    let left: Vec<_> =
        found.findings.iter().filter(|it| !it.message.contains("recorded nowhere")).collect();
    assert!(left.is_empty(), "{left:?}");
    let a_second = |time: Duration| found.entries as f64 / time.as_secs_f64();
    let ratio = whole.as_secs_f64() / read.as_secs_f64();
    println!("  line, statements, tree    {}, {:.0} entries/s", milliseconds(log), a_second(log));
    println!(
        "  verify                    {}, {:.0} entries/s",
        milliseconds(whole),
        a_second(whole)
    );
    println!("  read and hash the same    {}: verify takes {ratio:.2} x", milliseconds(read));
    println!("  decisions made again      {:?}", found.replayed);
}

/// What can't be left out: Git reads all objects, and they are hashed.
fn read_and_hash(dir: &Path) {
    let batch = ["cat-file", "--batch-all-objects", "--unordered", "--batch", "--buffer"];
    let mut git = Command::new("git");
    let git = git.current_dir(dir).args(batch).stdout(Stdio::piped());
    let mut child = git.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let (mut part, mut hasher) = (vec![0; 65_536], Sha256::new());
    loop {
        let count = out.read(&mut part).unwrap();
        if count == 0 {
            break;
        }
        hasher.update(&part[..count]);
        std::hint::black_box(blob_id(&part[..count]));
    }
    std::hint::black_box(hasher.finalize());
    assert!(child.wait().unwrap().success());
}

/// Tries the policies themselves on what is recorded.
fn measure_what_if(dir: &Path) {
    let arguments = ["audit", "replay", "--base", "main", "--policies", "main"];
    let time = median(3, || run(Command::new(CHANGEGATE).current_dir(dir).args(arguments)));
    println!("  what if                   {}", milliseconds(time));
}

/// The verbs that read all entries.
fn measure_memory(dir: &Path) {
    let out = dir.join("out");
    for arguments in [
        &["audit", "verify", "--full"][..],
        &["audit", "coverage"],
        &["audit", "sample", "--seed", "1", "--size", "25"],
        &["audit", "controls"],
        &["audit", "export", "--out", "out", "--format", "jsonl"],
        &["audit", "export", "--out", "out", "--format", "csv"],
        &["audit", "export", "--out", "out", "--format", "intoto"],
        &["audit", "export", "--out", "out", "--format", "md"],
    ] {
        let mut command = Command::new(CHANGEGATE);
        command
            .current_dir(dir)
            .env("XDG_CACHE_HOME", dir)
            .args(arguments)
            .args(["--base", "main"]);
        let began = Instant::now();
        let (all, own) = peak(&mut command);
        let [all, own] = [all, own].map(|it| it as f64 / 1024.0);
        let time = milliseconds(began.elapsed());
        let named = arguments.join(" ");
        println!("  {named:25} {all:.0} MiB at most, {own:.0} of it its own, {time}");
        let _ = fs::remove_dir_all(&out);
    }
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
    let ledger = |to: Oid| {
        stream::git(dir, &["update-ref", &format!("refs/heads/{LEDGER}"), &to.to_string()], "")
    };
    ledger(before);
    run(&mut verify());
    let remembered: Vec<_> = walk(caches.path());
    let [(path, bytes)] = &remembered[..] else { panic!("{} files", remembered.len()) };
    ledger(now.commit);
    let time = each_of(5, || {
        run(&mut verify());
        fs::write(path, bytes).unwrap();
    });
    println!("  verify one new entry      {}, in a process of its own", milliseconds(time));
}

/// Judges an open change, with the ledger and without.
fn measure_check(dir: &Path) {
    let sample = fs::read_to_string("requests/CHG-1222.yaml").unwrap().replace("1222", "2");
    let mut stream = String::from("commit refs/heads/change/CHG-2\n");
    let _ = writeln!(stream, "committer bench <bench@acme.example> {BEGAN} +0000");
    stream += "data 1\nx\nfrom refs/heads/main\n";
    file(&mut stream, "requests/CHG-2.yaml", &sample);
    stream::git(dir, &["fast-import", "--quiet"], &stream);
    let check = || {
        let arguments = ["check", "--pr", "CHG-2", "--base", "main"];
        each_of(20, || run(Command::new(CHANGEGATE).current_dir(dir).args(arguments)))
    };
    let with = check();
    stream::git(dir, &["update-ref", "-d", "refs/heads/audit/ledger"], "");
    let (with, without) = (milliseconds(with), milliseconds(check()));
    println!("  check --pr                {with}, without a ledger {without}");
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
    let time = each_of(50, || {
        let found = bundle::verify(&made, &judges(), None, &[]).unwrap();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
    });
    println!("  verify it, no repository  {}", milliseconds(time));
    let out = dir.join("bundle");
    bundle::folder::write(&out, &made).unwrap();
    let arguments = ["audit", "verify", "--bundle"];
    let time = each_of(20, || run(Command::new(CHANGEGATE).args(arguments).arg(&out)));
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
