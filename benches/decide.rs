//! A decision on a compiled bundle, and its parts: `cargo bench --bench decide`.
//!
//! `decide` is the whole; `evaluate` the bundle alone, from the input document to the ruling; the
//! difference is working out the input document and settling the sign-off.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use divan::Bencher;

use changegate::core::decision::{Case, decide};
use changegate::core::evidence::Evidence;
use changegate::core::policy::{PolicyBundle, SHIPPED, shipped_files};
use changegate::core::request::RequestFile;
use changegate::core::time::Time;
use changegate::report::{Format, Judged, Reporter};

/// The program's allocator, so that both sides of a comparison pay the same for memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REQUESTS: [&str; 3] = [
    "requests/CHG-1198.yaml", // medium, direct
    "requests/CHG-1222.yaml", // high, by an L1
    "requests/CHG-1234.yaml", // off-script
];

fn main() {
    divan::main();
}

fn now() -> Time {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn shipped() -> PolicyBundle {
    PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap()
}

fn file(path: &str) -> RequestFile {
    RequestFile::read(path, &std::fs::read(path).unwrap())
}

#[divan::bench(args = REQUESTS)]
fn read(bencher: Bencher, path: &str) {
    let bytes = std::fs::read(path).unwrap();
    bencher.bench(|| RequestFile::read(path, &bytes));
}

#[divan::bench(args = REQUESTS)]
fn decide_whole(bencher: Bencher, path: &str) {
    let (bundle, file, evidence) = (shipped(), file(path), Evidence::default());
    let mut evaluator = bundle.evaluator();
    let case = Case { file: Some(&file), evidence: &evidence, brings: None, now: now() };
    bencher.bench_local(|| decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)).unwrap());
}

#[divan::bench(args = REQUESTS)]
fn evaluate(bencher: Bencher, path: &str) {
    let (bundle, file, evidence) = (shipped(), file(path), Evidence::default());
    let mut evaluator = bundle.evaluator();
    let case = Case { file: Some(&file), evidence: &evidence, brings: None, now: now() };
    let input =
        decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)).unwrap().input.unwrap();
    let input = serde_json::from_str(&input).unwrap();
    bencher.bench_local(|| evaluator.rule(&input).unwrap());
}

#[divan::bench(args = REQUESTS)]
fn report_as_text(bencher: Bencher, path: &str) {
    let (bundle, file, evidence) = (shipped(), file(path), Evidence::default());
    let mut evaluator = bundle.evaluator();
    let case = Case { file: Some(&file), evidence: &evidence, brings: None, now: now() };
    let decided = decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)).unwrap();
    let codes = changegate::core::policy::codes::catalogue(&shipped_files());
    let reporter = Reporter {
        format: Format::Text,
        policies: SHIPPED,
        colour: false,
        width: 100,
        verbose: false,
        codes: &|| &codes,
    };
    let judged = Judged { decision: &decided.decision, request: file.request.as_ref(), source: "" };
    bencher.bench_local(|| reporter.section(&judged));
}

#[divan::bench]
fn load_shipped_bundle() -> PolicyBundle {
    shipped()
}
