//! Standard output, standard error and the terminal: a result is the same wherever they lead.

use std::fs::{self, File};
use std::io::pipe;
use std::process::{Command, Stdio};

use crate::cli::{NOW, repository};
use crate::plumbing::hub::{Desk, Hub, program};
use crate::plumbing::ran::Ran;

/// Makes where a stream leads.
type Stream = fn() -> Stdio;

/// A pipe that nobody reads.
fn closed() -> Stdio {
    pipe().unwrap().1.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a_verdict_is_the_exit_code_whoever_reads() {
    for (arguments, code) in [
        (&["check", "requests/CHG-1203.yaml"][..], 0),
        (&["check", "requests/CHG-1222.yaml"], 3),
        (&["check", "--format", "json", "requests"], 3),
        (&["check", "nowhere"], 2),
        (&["explain", "nothing/there"], 2),
        (&["frobnicate"], 2),
        (&["window"], 0),
        (&["test"], 0),
    ] {
        let streams: [(&str, Stream, Stream); 5] = [
            ("no output", closed, Stdio::null),
            ("no errors", Stdio::null, closed),
            ("neither", closed, closed),
            ("errors to a full disk", Stdio::null, full),
            ("both elsewhere", Stdio::null, Stdio::null),
        ];
        for (what, stdout, stderr) in streams {
            let mut command = Command::new(program());
            command.args(arguments).current_dir(repository());
            if arguments[0] == "check" {
                command.args(["--now", NOW]);
            }
            let status = command.stdin(Stdio::null()).stdout(stdout()).stderr(stderr()).status();
            assert_eq!(status.unwrap().code(), Some(code), "{arguments:?}: {what}");
        }
    }
    // What could not be delivered was not decided.
    let mut command = Command::new(program());
    command.args(["check", "--now", NOW, "requests/CHG-1203.yaml"]).current_dir(repository());
    assert_eq!(command.stdout(full()).stderr(Stdio::null()).status().unwrap().code(), Some(2));
}

#[test]
fn what_was_done_is_done_whoever_reads() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let status = |desk: &Desk<'_>, arguments: &[&str], stream: Stream| {
        let mut command = desk.command(program(), arguments);
        let command = command.stdin(Stdio::null()).stdout(stream()).stderr(stream());
        command.status().unwrap().code()
    };
    let reviews = || hub.git(&["rev-list", "--count", "reviews/CHG-1", "^change/CHG-1"]);
    let remark = ["review", "CHG-1", "--comment", "- fine"];
    assert_eq!((status(&carol, &remark, closed), reviews().as_str()), (Some(0), "1"));
    // Nobody signs what could not be shown.
    assert_eq!((status(&carol, &remark, full), reviews().as_str()), (Some(2), "1"));
    assert_eq!(status(&alice, &["close", "CHG-1"], full), Some(0));
    assert_eq!(reviews(), "2");
}

#[test]
fn what_auditors_did_is_done_whoever_reads() {
    let hub = Hub::to_record();
    let status = |desk: &Desk<'_>, arguments: &[&str]| {
        let mut command = desk.command(program(), arguments);
        command.stdin(Stdio::null()).stdout(full()).stderr(full()).status().unwrap().code()
    };
    let carol = hub.desk("carol");
    assert_eq!(status(&carol, &["init", "--ledger"]), Some(0));
    let main = carol.put("origin/main", &[("requests/CHG-9.yaml", "a: b\n")], "By hand");
    hub.unguard();
    carol.push(&[&format!("{main}:refs/heads/main")]).went_well();
    hub.guard();
    for arguments in [
        &["record-bypass", &main, "--because", "a fire"][..],
        &["bundle", "1", "--out", "bundle"],
        &["export", "--format", "csv", "--out", "export"],
        &["witness", "file:witness"],
        &["expunge"],
    ] {
        let arguments = [&["audit"], arguments].concat();
        assert_eq!(status(&carol, &arguments), Some(0), "{arguments:?}");
    }
    assert_eq!(hub.git(&["rev-list", "--count", "audit/ledger"]), "3");
    for written in ["bundle/VERIFY.md", "export/manifest.json", "witness"] {
        assert!(carol.folder.join(written).exists(), "{written}");
    }
    // What nobody could read was not answered.
    assert_eq!(status(&carol, &["audit", "show", "1"]), Some(2));
}

#[test]
fn what_the_rules_forbid_is_one() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    // The hook refuses what a stranger signs.
    let stranger = hub.path("keys/stranger");
    let arguments = ["-q", "-t", "ed25519", "-N", "", "-f", stranger.to_str().unwrap()];
    Ran::of(Command::new("ssh-keygen").args(arguments), "").went_well();
    let signingkey = format!("{}.pub", stranger.display());
    let key = carol.git(&["config", "user.signingkey"]);
    carol.git(&["config", "user.signingkey", &signingkey]);
    for verb in [&["close", "CHG-1"][..], &["review", "CHG-1", "--approve", "--yes"]] {
        carol.changegate(verb).ended(1, &["error: the server rejected reviews/CHG-1"]);
    }
    carol.git(&["config", "user.signingkey", &key]);
    carol.approve("CHG-1").went_well();
    alice.changegate(&["merge", "CHG-1"]).went_well();
    alice.changegate(&["close", "CHG-1"]).ended(1, &["not closed: CHG-1", "what is merged"]);
}

/// What a terminal of so many columns shows of a command line, without colours, and its exit code.
fn on_terminal(columns: usize, line: &str, typed: &str) -> Ran {
    let mut script = Command::new("script");
    script.current_dir(repository());
    Ran::on_terminal(script, columns, line, typed)
}

#[test]
fn lines_are_as_wide_as_the_terminal_and_whole_elsewhere() {
    // A slow machine shows the progress.
    let check = format!("{} check --all --now {NOW} 2>/dev/null", program().display());
    let window = format!("{} window --now {NOW} 2>/dev/null", program().display());
    for columns in [60, 80, 140] {
        for line in [&check, &window] {
            let shown = on_terminal(columns, line, "").stdout;
            let is_wide = |line: &&str| line.chars().count() > columns;
            assert_eq!(shown.lines().find(is_wide), None, "{columns}: {line}");
        }
    }
    let whole =
        |line: &str| Ran::of(Command::new("sh").args(["-c", line]).current_dir(repository()), "");
    let (narrow, whole) = (on_terminal(60, &check, "").stdout, whole(&check).stdout);
    assert!(whole.lines().count() < narrow.lines().count());
    assert!(whole.lines().any(|line| line.chars().count() > 110), "{whole}");
}

#[test]
fn a_question_goes_to_the_terminal_wherever_the_output_leads() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let (out, said) = (hub.path("out"), hub.path("said"));
    let line = format!(
        "cd {}; GIT_CONFIG_GLOBAL=/dev/null {} review CHG-1 --approve >{} 2>{}",
        carol.folder.display(),
        program().display(),
        out.display(),
        said.display()
    );
    let shown = on_terminal(90, &line, "y\n");
    shown.ended(0, &["The criteria of a review", "Sign that CHG-1 may go ahead"]);
    assert!(fs::read_to_string(out).unwrap().contains("CHG-1: approved by carol"));
    assert_eq!(carol.decision("CHG-1")["verdict"], "approved");
}

#[test]
fn an_interrupted_dialogue_is_130() {
    let dir = tempfile::tempdir().unwrap();
    // Not before it asks.
    let asks = "for _ in $(seq 600); do grep -qs '›' shown && break; sleep 0.1; done";
    let new = program().display().to_string() + " new";
    let typing = format!("({asks}; printf '\\003') | script -qfec '{new}' shown");
    let mut shell = Command::new("sh");
    let ran = Ran::of(shell.args(["-c", &typing]).current_dir(dir.path()), "");
    ran.ended(130, &["cancelled; nothing was written"]);
}
