//! Verifying and closing changes in plain Git, with services that answer here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::Value;

use crate::executing::{ALWAYS, WINDOWS, now};
use crate::plumbing::hub::{Desk, Hub, Ran, make_executable, program};

const ROSTER: &str = "policies/org/roster/data.yaml";
const SETTINGS: &str = "policies/org/settings/data.yaml";
const TARGETS: &str = "    targets: [eu-west-1, checkout-web, checkout-cache]\n";

/// A server that answers every request, and keeps what was asked: lines and headers.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it; `answer` gets the number of the request, from 0, and its first line.
    fn of(answer: impl Fn(usize, &str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> = lines
                    .by_ref()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let number = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(head.join("\n"));
                    kept.len() - 1
                };
                // Who asked may have gone.
                let _ =
                    stream.write_all(answer(number, head.first().map_or("", |it| it)).as_bytes());
            }
        });
        Server { port, asked }
    }

    /// Starts one that always answers with this status and header.
    fn always(status: &'static str, header: &'static str) -> Self {
        Server::of(move |_, _| said(status, header, ""))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn said(status: &str, header: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// A hub with an operations log, whose windows are always open, where the roster says this of checkout and
/// a change is watched for this long.
pub fn watched(checkout: &str, least: &str) -> Hub {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    let shown = |path: &str| carol.git(&["show", &format!("origin/main:{path}")]) + "\n";
    let (roster, settings) = (shown(ROSTER), shown(SETTINGS));
    let (own, usual) = (format!("{TARGETS}    {checkout}\n"), "monitor_at_least: 15m");
    assert!(roster.contains(TARGETS) && settings.contains(usual));
    let roster = roster.replace(TARGETS, if checkout.is_empty() { TARGETS } else { &own });
    let settings = settings.replace(usual, &format!("monitor_at_least: {least}"));
    let files = [(WINDOWS, ALWAYS), (ROSTER, &roster), (SETTINGS, &settings)];
    let tip = carol.put("origin/main", &files, "Watch checkout");
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    carol.changegate(&["init", "--operations"]).ended(0, &["began audit/operations as"]);
    hub
}

/// A change that may run now, is watched for this long, and has this check.
pub fn change(id: &str, action: &str, watch: &str, check: &str) -> String {
    let text = now(id, "bob").replace("monitor: 15m", &format!("monitor: {watch}"));
    let text = text.replace("action: maintenance-mode", &format!("action: {action}"));
    text.replace("https://checkout.example/healthz", check)
}

impl Desk<'_> {
    fn verifies(&self, arguments: &[&str]) -> Ran {
        self.changegate(&[&["verify", "CHG-001"], arguments].concat())
    }

    fn outcome(&self, arguments: &[&str]) -> Ran {
        self.changegate(&[&["outcome", "CHG-001"], arguments].concat())
    }

    /// The last event of the change.
    fn last(&self) -> Value {
        self.events("CHG-001").pop().unwrap()
    }

    fn with_variable(&self, name: &str, value: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(program(), arguments).env(name, value), "")
    }
}

const MANUAL: [&str; 2] = ["--manual", "checkout/error-rate=passed"];

/// Edges 55: what wasn't executed has no outcome.
#[test]
fn what_is_healthy_is_closed_as_successful() {
    let server = Server::always("204 No Content", "");
    let url = format!("http://127.0.0.1:{}/up", server.port);
    let hub = watched(&format!("health: [\"{url}\"]\n    hosts: [127.0.0.1]"), "2s");
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    let text = change("CHG-001", "maintenance-mode", "2s", "an order = paid");
    bob.merges("CHG-001", &text);
    bob.verifies(&[]).ended(1, &["nothing of CHG-001 was executed"]);
    bob.outcome(&["successful"]).ended(1, &["outcome/not-executed"]);
    bob.changegate(&["begin", "CHG-001"]).went_well();
    bob.verifies(&[]).ended(1, &["CHG-001 is being executed"]);
    bob.outcome(&["failed", "--note", "x"]).ended(3, &["outcome/running"]);
    bob.changegate(&["end", "CHG-001"]).went_well();
    bob.outcome(&["successful"])
        .ended(1, &["outcome/monitoring", "watch it for 2s: `changegate verify CHG-001`"]);
    alice.changegate(&["verify", "CHG-001"]).ended(1, &["alice may not verify CHG-001"]);
    alice.outcome(&["failed", "--note", "x"]).ended(1, &["outcome/who"]);
    bob.verifies(&["--manual", "an order=passed"])
        .failed(&["`an order` isn't a check", "`an order = paid`"]);
    bob.verifies(&["--interval", "4s"]).failed(&["at least 5s"]);
    let dry = bob.verifies(&["--dry-run"]);
    dry.ended(
        0,
        &["would watch for 2 s", &format!("polls      {url}"), "by hand    an order = paid"],
    );
    assert_eq!(server.asked().len(), 0);
    let order = ["--manual", "an order = paid=passed"];
    let verified = bob.verifies(&[&MANUAL[..], &order].concat());
    verified.ended(
        0,
        &["passed  http://127.0.0.1:", "  2 samples, worst ", "recorded verified CHG-001: passed"],
    );
    assert_eq!((server.asked().len(), verified.stderr.as_str()), (2, ""));
    let last = bob.last();
    assert_eq!((&last["health"], last["checks"].as_array().unwrap().len()), (&"passed".into(), 3));
    bob.outcome(&["successful", "--skipped", "1=x"])
        .ended(1, &["step 1 isn't skipped: it is done"]);
    bob.outcome(&["successful"]).ended(0, &["recorded outcome CHG-001: successful"]);
    bob.outcome(&["failed", "--note", "x"]).ended(1, &["it is closed already"]);
    bob.verifies(&[]).ended(1, &["CHG-001 is closed already"]);
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end", "verified", "outcome"]);
}

/// Edges 52: a check that nobody answers can't be measured.
#[test]
fn what_is_not_healthy_is_not_successful() {
    let server = Server::always("503 Service Unavailable", "");
    let url = format!("http://127.0.0.1:{}/up", server.port);
    let hub = watched(&format!("health: [\"{url}\"]\n    hosts: [127.0.0.1]"), "1s");
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &change("CHG-001", "scale-service", "1s", "an order"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let said = "only a person can say how an order went: `changegate verify CHG-001 --manual ";
    bob.verifies(&MANUAL).ended(2, &["CHG-001 isn't verified: ", said]);
    assert_eq!(
        (bob.kinds("CHG-001"), server.asked().len()),
        (["begin", "end"].map(str::to_owned).to_vec(), 0)
    );
    let failed = bob.verifies(&[&MANUAL[..], &["--manual", "an order=failed"]].concat());
    failed.ended(
        1,
        &[
            &format!("{url}: it answered 503"),
            "2 of 2 failed: it answered 503",
            "failed  an order",
            "recorded verified CHG-001: failed",
        ],
    );
    bob.outcome(&["successful"]).ended(1, &["outcome/health", &format!("{url}; an order")]);
    bob.outcome(&["with-issues"]).ended(1, &["outcome/note"]);
    bob.outcome(&["rolled-back", "--note", "x"]).ended(1, &["outcome/rollback"]);
    let impact = ["--unexpected-impact", "carts were empty", "--manual", "an order=passed"];
    let impact = bob.verifies(&[&MANUAL[..], &impact].concat());
    impact.ended(1, &["recorded verified"]);
    assert_eq!(bob.last()["unexpected_impact"], "carts were empty");
    let note = ["with-issues", "--note", "checkout was down for a minute", "--format", "json"];
    bob.outcome(&note).ended(0, &["\"event\": \"outcome\""]);
    assert_eq!(bob.last()["note"], "checkout was down for a minute");
}

/// Edges 51: neither redirects nor private addresses. Attacks 56, 57: whatever names them.
#[test]
fn only_what_is_listed_is_asked() {
    let server = Server::always("200 OK", "");
    let away = Server::always("302 Found", "Location: http://evil.example/\r\n");
    let hub = watched("hosts: [127.0.0.1]", "1s");
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &change("CHG-001", "scale-service", "1s", "https://127.0.0.2/up"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let port = server.port;
    let urls = [
        format!("http://localhost:{port}/name"),
        format!("http://127.0.0.2:{port}/literal"),
        format!("http://2130706434:{port}/number"),
        format!("http://[::1]:{port}/six"),
        format!("http://[::ffff:127.0.0.2]:{port}/mapped"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://127.0.0.1:{}/away", away.port),
        format!("http://127.0.0.1:{port}/listed"),
    ];
    let mut flags: Vec<_> = urls.iter().flat_map(|url| ["--health", url]).collect();
    bob.verifies(&flags)
        .ended(2, &["how checkout/health, checkout/error-rate and https://127.0.0.2/up went"]);
    flags.extend(MANUAL);
    flags.extend(["--manual", "checkout/health=passed", "--manual", "https://127.0.0.2/up=passed"]);
    let began = Instant::now();
    bob.verifies(&flags).ended(1, &["recorded verified CHG-001: failed"]);
    assert!(began.elapsed() < Duration::from_secs(60));
    let last = bob.last();
    let found = last["checks"].as_array().unwrap().iter().filter(|it| it["kind"] == "http");
    let notes: Vec<_> = found.map(|it| it["note"].as_str().unwrap_or("passed")).collect();
    for (index, note) in notes.iter().enumerate() {
        let expected = match index {
            0..6 => "which isn't a public address",
            6 => "it redirects to evil.example, which isn't followed",
            _ => "passed",
        };
        assert!(note.contains(expected), "{}: {note}", urls[index]);
    }
    assert_eq!(notes.len(), 8);
    let asked = server.asked();
    assert!(asked.iter().all(|it| it.starts_with("GET /listed ")), "{asked:?}");
    assert_eq!(asked.len(), 2);
}

/// What Prometheus answers: this many samples of this rate.
fn series(samples: usize, rate: &str) -> String {
    let values: Vec<_> = (0..samples).map(|at| format!("[{at},\"{rate}\"]")).collect();
    let values = values.join(",");
    let result = format!("[{{\"metric\":{{}},\"values\":[{values}]}}]");
    let body = format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":{result}}}}}"
    );
    said("200 OK", "", &body)
}

const TOKEN: &str = "CHANGEGATE_PROMETHEUS_TOKEN";

/// Edges 50: without data nothing passes. Failures 9: some samples may be missing, and that is told.
#[test]
fn an_error_rate_is_compared_by_prometheus() {
    // What is answered: before and after a change that is well, one that isn't, and one without data.
    let server = Server::of(|number, _| match number {
        0 | 2 => series(6, "0.20"),
        1 => series(5, "0.24"),
        3 => series(6, "4e-1"),
        4 => series(6, "0.2"),
        5 => series(4, "0.2"),
        _ => said("500 Internal Server Error", "", ""),
    });
    let prometheus =
        format!("url: \"http://127.0.0.1:{}/prom/\", query: \"up{{a='b'}}\"", server.port);
    let hub = watched(
        &format!("hosts: [127.0.0.1]\n    error_rate: {{prometheus: {{{prometheus}}}}}"),
        "6s",
    );
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &change("CHG-001", "scale-service", "6s", "an order"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let manual = ["--manual", "an order=passed", "--manual", "checkout/health=passed"];
    let arguments = [&["verify", "CHG-001"][..], &manual].concat();
    let verify = || bob.with_variable(TOKEN, "verysecret", &arguments);
    let well = verify();
    well.ended(
        0,
        &["passed  checkout/error-rate: 0.2 % before, 0.24 % after; 1 samples are missing"],
    );
    let asked = server.asked();
    assert!(asked[0].starts_with("GET /prom/api/v1/query_range?query=up%7Ba%3D%27b%27%7D&start="));
    assert!(asked[0].contains("&step=1s "), "{asked:?}");
    assert!(asked.iter().all(|it| it.contains("authorization: Bearer verysecret")), "{asked:?}");
    let rate = &bob.last()["error_rate"];
    assert_eq!(
        (&rate["before"], &rate["after"], &rate["samples"]),
        (&"0.2".into(), &"0.24".into(), &5.into())
    );
    let raised = verify();
    raised.ended(1, &["failed  checkout/error-rate: 0.2 % before, 0.4 % after"]);
    assert!(!format!("{raised:?}{:?}", bob.events("CHG-001")).contains("verysecret"));
    bob.outcome(&["successful"])
        .ended(1, &["outcome/error-rate", "the error rate rose from 0.2 % to 0.4 %"]);
    let events = bob.events("CHG-001").len();
    verify().failed(&[
        "the error rate of checkout couldn't be measured",
        "there are 4 samples after it",
    ]);
    // It fails before anybody waits.
    verify().failed(&["couldn't be measured, so nothing is recorded", "it answered 500"]);
    assert_eq!(bob.events("CHG-001").len(), events);
}

/// Failures 10: a program that isn't there is named.
#[test]
fn an_error_rate_is_compared_by_cloudwatch() {
    let query = "{Id: e1, Expression: 100*m1/m2, Period: 1}";
    let hub = watched(
        &format!("error_rate: {{cloudwatch: {{region: eu-west-1, queries: [{query}]}}}}"),
        "5s",
    );
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &change("CHG-001", "scale-service", "5s", "an order"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let folder = hub.path("programs");
    fs::create_dir(&folder).unwrap();
    let arguments = |path: &Path| {
        let path = path.display().to_string();
        move |desk: &Desk<'_>| {
            let manual = ["--manual", "an order=passed", "--manual", "checkout/health=passed"];
            desk.with_variable("PATH", &path, &[&["verify", "CHG-001"][..], &manual].concat())
        }
    };
    // git and what it signs with are there, and nothing else.
    for name in ["git", "ssh-keygen", "sh", "cat"] {
        let path = env::var_os("PATH").unwrap();
        let found = env::split_paths(&path).map(|it| it.join(name)).find(|it| it.exists()).unwrap();
        std::os::unix::fs::symlink(found, folder.join(name)).unwrap();
    }
    let verify = arguments(&folder);
    verify(&bob).failed(&["the program `aws` isn't installed, or isn't in PATH"]);
    let aws = |script: &str| {
        fs::write(folder.join("aws"), format!("#!/bin/sh\n{script}\n")).unwrap();
        make_executable(&folder.join("aws"));
    };
    let told = hub.path("told");
    let answer = |values: &str| {
        format!(
            "echo \"$@\" >> '{}'\necho '{{\"MetricDataResults\": [{{\"Id\": \"e1\", \"Values\": [{values}]}}]}}'",
            told.display()
        )
    };
    aws("echo 'Unable to locate credentials' >&2; exit 253");
    verify(&bob).failed(&["`aws` failed: Unable to locate credentials"]);
    aws("echo '{\"MetricDataResults\": []}'");
    verify(&bob).failed(&["there are 0 samples before the change"]);
    aws(&answer("0.1, 0.2, 0.3, 0.4, 0.5"));
    verify(&bob).ended(0, &["passed  checkout/error-rate: 0.3 % before, 0.3 % after"]);
    assert_eq!(bob.last()["error_rate"]["source"], "cloudwatch");
    let told = fs::read_to_string(told).unwrap();
    let first = "cloudwatch get-metric-data --no-cli-pager --output json --region eu-west-1 --start-time 20";
    assert!(told.starts_with(first) && told.contains("\"Id\":\"e1\""), "{told}");
    assert_eq!(told.lines().count(), 2);
}

#[test]
fn exec_closes_what_the_settings_let_it_close() {
    let server = Server::always("200 OK", "");
    let url = format!("http://127.0.0.1:{}/up", server.port);
    let rate = "error_rate: {cloudwatch: {region: eu-west-1, queries: [{Id: e1}]}}";
    let hub = watched(&format!("health: [\"{url}\"]\n    hosts: [127.0.0.1]\n    {rate}"), "2s");
    let bob = hub.desk("bob");
    let folder = hub.path("programs");
    fs::create_dir(&folder).unwrap();
    let values = "[0, 0, 0, 0, 0]";
    let aws = format!("#!/bin/sh\necho '{{\"MetricDataResults\": [{{\"Values\": {values}}}]}}'\n");
    fs::write(folder.join("aws"), aws).unwrap();
    make_executable(&folder.join("aws"));
    let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap());
    let exec = |id: &str, command: &str| {
        let arguments = ["exec", id, "--verify", "--close", "--", command];
        bob.with_variable("PATH", &path, &arguments)
    };
    bob.merges("CHG-001", &change("CHG-001", "scale-service", "2s", &url));
    let failed = exec("CHG-001", "false");
    assert_eq!((failed.code, bob.kinds("CHG-001").len()), (1, 2), "{failed:?}");
    let closed = exec("CHG-001", "true");
    closed.ended(0, &["passed  http://127.0.0.1:", "changegate: CHG-001 is closed as successful"]);
    let last = bob.last();
    assert_eq!((&last["result"], &last["automatic"]), (&"successful".into(), &true.into()));
    // A person says it of what is high.
    bob.merges("CHG-002", &change("CHG-002", "maintenance-mode", "2s", &url));
    exec("CHG-002", "true")
        .ended(0, &["isn't closed by itself: `changegate outcome CHG-002 successful` closes it"]);
    assert_eq!(bob.kinds("CHG-002"), ["begin", "end", "verified"]);
}

/// Failures 11: nothing is written.
#[test]
fn exec_verifies_with_the_answers_that_it_is_given() {
    let hub = watched("", "1s");
    let bob = hub.desk("bob");
    let merges = |id: &str| bob.merges(id, &change(id, "scale-service", "1s", "an order"));
    let exec = |id: &str, order: &str| {
        let answers = ["checkout/health=passed", "checkout/error-rate=passed", order];
        let answers = answers.iter().filter(|it| !it.is_empty());
        let answers: Vec<_> = answers.flat_map(|answer| ["--manual", answer]).collect();
        bob.exec(&[&[id, "--verify", "--close"], &answers[..], &["--", "true"]].concat())
    };
    merges("CHG-001");
    exec("CHG-001", "an order=passed").ended(0, &["CHG-001 is closed as successful"]);
    merges("CHG-002");
    exec("CHG-002", "an order=failed").ended(
        0,
        &[
            "failed  an order",
            "next: changegate outcome CHG-002 with-issues --note \"what happened\"",
        ],
    );
    let note = ["outcome", "CHG-002", "with-issues", "--note", "what happened"];
    bob.changegate(&note).went_well();
    merges("CHG-003");
    // Who would watch without an answer would watch for nothing.
    exec("CHG-003", "").ended(
        0,
        &[
            "CHG-003 wasn't verified: only a person can say how an order went: `changegate verify CHG-003 \
             --manual 'checkout/health=passed' --manual 'checkout/error-rate=passed' \
             --manual 'an order=passed'`",
        ],
    );
    assert_eq!(bob.kinds("CHG-003"), ["begin", "end"]);
    exec("CHG-003", "an order=perhaps").ended(202, &["NAME=passed or NAME=failed"]);
}

#[test]
fn who_watches_is_interrupted_at_once() {
    let hub = watched("", "1h");
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &change("CHG-001", "scale-service", "1h", "an order"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let said = hub.path("said");
    let mut verify = bob.command(program(), &["verify", "CHG-001"]);
    let mut child = verify.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    while !fs::read_to_string(&said).unwrap().contains("checkout/error-rate") {
        thread::sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(!child.wait().unwrap().success());
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end"]);
}
