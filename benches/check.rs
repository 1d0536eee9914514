//! The whole program, from outside: `cargo bench --bench check`.
//!
//! A cold process that judges one request, against one that does nothing; then 1,000 and 10,000
//! request files on one and two threads, against reading, parsing and evaluating them alone, with
//! the process's peak memory. Medians; ratios are what to compare between machines.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints what it measured"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use changegate::core::decision::{Case, decide};
use changegate::core::evidence::Evidence;
use changegate::core::policy::{PolicyBundle, SHIPPED, shipped_files};
use changegate::core::request::RequestFile;
use measure::{median, milliseconds, run};
use peak::peak;

mod measure;
#[path = "measure/peak.rs"]
mod peak;

/// The program's allocator, so that both sides of a comparison pay the same for memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHANGEGATE: &str = env!("CARGO_BIN_EXE_changegate");
const NOW: &str = "2026-11-23T10:00:00Z";
const SAMPLE: &str = "requests/CHG-1222.yaml";

fn main() {
    if std::env::args().any(|argument| argument == "--nothing") {
        return;
    }
    cold_process();
    phases_of_a_cold_process();
    for count in [1_000, 10_000] {
        many_requests(count);
    }
}

fn cold_process() {
    let own = std::env::current_exe().unwrap();
    let nothing = median(200, || run(Command::new(&own).arg("--nothing")));
    let check = median(200, || run(Command::new(CHANGEGATE).args(["check", SAMPLE, "--now", NOW])));
    println!("cold process: check of one request {}", milliseconds(check));
    println!("              a process that does nothing {}", milliseconds(nothing));
    println!("              ratio {:.1}\n", check.as_secs_f64() / nothing.as_secs_f64());
}

/// The same work inside this process, step by step.
fn phases_of_a_cold_process() {
    let timed = |what: &str, duration| println!("  {what:32} {}", milliseconds(duration));
    println!("of which, in a warm process:");
    timed("load the shipped bundle", median(100, || drop(bundle())));
    let bytes = fs::read(SAMPLE).unwrap();
    timed("read the request", median(100, || drop(RequestFile::read(SAMPLE, &bytes))));
    let (bundle, evidence) = (bundle(), Evidence::default());
    let file = RequestFile::read(SAMPLE, &bytes);
    let case =
        Case { file: Some(&file), evidence: &evidence, brings: None, now: NOW.parse().unwrap() };
    // The first decision of an evaluator also prepares the rules.
    timed(
        "the first decision",
        median(100, || {
            drop(decide(&case, &bundle, SHIPPED, |input| bundle.evaluator().rule(input)))
        }),
    );
    let mut evaluator = bundle.evaluator();
    timed(
        "a later decision",
        median(100, || drop(decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)))),
    );
    println!();
}

fn many_requests(count: usize) {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_requests(dir.path(), count);
    println!("{count} request files:");
    for threads in [1, 2] {
        let mut peak = 0;
        // In turns, so that both meet the machine in the same moods.
        let (mut alones, mut checks) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            alones.push(median(1, || alone(&paths, threads)));
            checks.push(median(1, || peak = check_folder(dir.path(), threads)));
        }
        let middle = |durations: &mut Vec<Duration>| {
            durations.sort_unstable();
            durations[1]
        };
        let (alone, check) = (middle(&mut alones), middle(&mut checks));
        println!(
            "  {threads} threads: check {:.0} requests/s, {:.2} times reading, parsing and evaluating \
             alone; peak memory {:.1} MiB",
            count as f64 / check.as_secs_f64(),
            check.as_secs_f64() / alone.as_secs_f64(),
            peak as f64 / 1024.0,
        );
    }
    println!("  share of evaluation: {:.0} %\n", 100.0 * share_of_evaluation(&paths));
}

/// Requests that differ in id and target, a fifth of them meeting another.
fn write_requests(dir: &Path, count: usize) -> Vec<PathBuf> {
    let sample = fs::read_to_string(SAMPLE).unwrap();
    let write = |number: usize| {
        let path = dir.join(format!("requests/{:03}/CHG-{number}.yaml", number / 100));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = sample
            .replace("CHG-1222", &format!("CHG-{number}"))
            .replace("waf-ip-set", &format!("host-{}", number - number % 10 / 9));
        fs::write(&path, text).unwrap();
        path
    };
    (0..count).map(write).collect()
}

/// What can't be left out: read each file, parse it, evaluate the policies.
fn alone(paths: &[PathBuf], threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let bundle = bundle();
    let evidence = Evidence::default();
    pool.install(|| {
        paths.par_chunks(paths.len().div_ceil(threads * 8)).for_each_init(
            || bundle.evaluator(),
            |evaluator, paths| {
                for path in paths {
                    let name = path.to_str().unwrap();
                    let file = RequestFile::read(name, &fs::read(path).unwrap());
                    let case = Case {
                        file: Some(&file),
                        evidence: &evidence,
                        brings: None,
                        now: NOW.parse().unwrap(),
                    };
                    decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)).unwrap();
                }
            },
        );
    });
}

fn share_of_evaluation(paths: &[PathBuf]) -> f64 {
    let (bundle, evidence) = (bundle(), Evidence::default());
    let mut evaluator = bundle.evaluator();
    let (mut whole, mut evaluating) = (Duration::ZERO, Duration::ZERO);
    for path in paths.iter().take(1_000) {
        let began = Instant::now();
        let file = RequestFile::read(path.to_str().unwrap(), &fs::read(path).unwrap());
        let case = Case {
            file: Some(&file),
            evidence: &evidence,
            brings: None,
            now: NOW.parse().unwrap(),
        };
        let input =
            decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)).unwrap().input.unwrap();
        whole += began.elapsed();
        let input = serde_json::from_str(&input).unwrap();
        let began = Instant::now();
        evaluator.rule(&input).unwrap();
        evaluating += began.elapsed();
    }
    evaluating.as_secs_f64() / whole.as_secs_f64()
}

/// Runs `check` on the folder; answers with its peak memory in KiB, where the system tells.
fn check_folder(dir: &Path, threads: usize) -> u64 {
    peak(
        Command::new(CHANGEGATE)
            .args(["check", "--now", NOW, "--format", "json"])
            .current_dir(dir)
            .env("RAYON_NUM_THREADS", threads.to_string()),
    )
    .0
}

fn bundle() -> PolicyBundle {
    PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap()
}
