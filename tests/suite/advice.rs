//! Advice in the state in which it is shown: each command that a story's steps advise is typed as it
//! is shown, and works.

use crate::plumbing::hub::{Desk, Hub, Ran, program, request};
use crate::verifying::{change, watched};

/// Who types what, and the exit code.
type Step<'a> = (&'a Desk<'a>, &'a str, i32);

/// Plays a story on terminals, answering each question with yes. Every advised command has to be a
/// later step, typed exactly so.
#[track_caller]
fn play(steps: &[Step<'_>]) {
    let mut advised: Vec<(String, &str)> = Vec::new();
    for (desk, line, code) in steps {
        let ran = typed(desk, line);
        assert_eq!(ran.code, *code, "{line}: {ran:?}");
        advised.retain(|(command, _)| command.replace("COMMAND", "true") != *line);
        for command in commands(&ran.stdout) {
            if command != *line && !advised.iter().any(|(known, _)| *known == command) {
                advised.push((command, line));
            }
        }
    }
    assert_eq!(advised, [], "advised, and not tried");
}

/// What somebody's terminal shows; its lines are long enough for any command.
fn typed(desk: &Desk<'_>, line: &str) -> Ran {
    let mut script = desk.command("script", &[]);
    let folder = program().parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    script.env("PATH", format!("{}:{path}", folder.display()));
    Ran::on_terminal(script, 1000, line, &"y\n".repeat(3))
}

/// Returns the commands that a text advises: those in backquotes, and those after `next`; but none
/// that begins a dialogue.
fn commands(text: &str) -> Vec<String> {
    let is_one = |text: &&str| {
        let is_program = text.starts_with("changegate ") || text.starts_with("git ");
        is_program && !["changegate new", "changegate init"].contains(text)
    };
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let next = text.lines().map(str::trim_start).filter(|line| line.starts_with("next"));
    let next = next.filter_map(|line| line.split_once(": ")).flat_map(|(_, rest)| rest.split(", "));
    let next = next.map(|part| part.trim_start_matches("or ").trim_start_matches("then "));
    let next = next.map(|part| part.split(" (").next().unwrap_or(part));
    quoted.chain(next).filter(is_one).map(str::to_owned).collect()
}

#[test]
fn on_the_way_to_a_merge() {
    let hub = Hub::guarded();
    let (alice, bob, carol) = (&hub.desk("alice"), &hub.desk("bob"), &hub.desk("carol"));
    alice.write("requests/CHG-1.yaml", &request("CHG-1", "alice"));
    play(&[
        (alice, "changegate submit", 0),
        (carol, "changegate review CHG-1 --approve", 0),
        (bob, "changegate review CHG-1 --request-changes --comment 'who watches?'", 0),
        (alice, "echo '# on-call watches' >> requests/CHG-1.yaml", 0),
        (alice, "changegate submit", 0),
        (alice, "git switch -", 0),
        (alice, "git switch -", 0),
        (bob, "changegate review CHG-1 --approve", 0),
        (bob, "changegate review CHG-1 --withdraw", 0),
        (alice, "changegate submit", 0),
        (carol, "changegate review CHG-1 --approve", 0),
        (alice, "changegate submit", 0),
        (alice, "changegate merge CHG-1", 0),
        (alice, "changegate merge CHG-1", 0),
        (alice, "git push --quiet origin --delete change/CHG-1", 0),
        (carol, "changegate merge CHG-1", 2),
        (carol, "changegate review CHG-1 --approve", 2),
        (carol, "changegate show CHG-1", 0),
        (alice, "git pull --quiet origin main && git switch --quiet main", 0),
        (alice, "changegate check", 0),
        (alice, "changegate check --all", 3),
    ]);
}

#[test]
fn while_it_is_executed() {
    let hub = watched("", "1s");
    let (bob, dan) = (&hub.desk("bob"), &hub.desk("dan"));
    bob.write("requests/CHG-1.yaml", &change("CHG-1", "scale-service", "1s", "an order"));
    play(&[
        (bob, "changegate exec CHG-1 -- true", 201),
        (bob, "changegate submit CHG-1", 0),
        (bob, "git switch -", 0),
        (bob, "git switch main", 0),
        (bob, "changegate exec CHG-1 -- true", 203),
        (bob, "changegate cancel CHG-1 --reason 'not needed'", 2),
        (bob, "changegate close CHG-1", 0),
        (bob, "changegate close CHG-1 --reopen", 0),
        (bob, "changegate merge CHG-1", 0),
        (bob, "changegate show CHG-1", 0),
        (bob, "changegate begin CHG-1", 0),
        (dan, "changegate exec CHG-1 -- true", 203),
        (dan, "changegate end CHG-1 --result stopped --why \"it hangs\"", 0),
        (bob, "changegate exec CHG-1 -- true", 0),
        (bob, "changegate exec CHG-1 -- true", 201),
        (bob, "changegate show CHG-1", 0),
        (bob, "changegate exec CHG-1 --rollback -- true", 0),
        (bob, "changegate begin CHG-1", 0),
        (bob, "changegate end CHG-1 --result unknown --why 'power cut'", 0),
        (dan, "changegate exec CHG-1 -- true", 201),
        (dan, "changegate list", 0),
        (dan, "changegate list --state all", 0),
        (bob, "changegate end CHG-1 --result failed --why \"looked at it\"", 0),
        (bob, "changegate exec CHG-1 --rollback -- true", 0),
        (bob, "changegate begin CHG-1", 0),
        (bob, "changegate end CHG-1", 0),
        (bob, "changegate outcome CHG-1 successful", 1),
        (bob, "changegate verify CHG-1", 0),
        (
            bob,
            "changegate verify CHG-1 --manual 'checkout/health=passed' --manual \
             'checkout/error-rate=passed' --manual 'an order=passed'",
            0,
        ),
        (bob, "changegate outcome CHG-1 with-issues --note \"what happened\"", 0),
        (bob, "changegate exec CHG-1 --rollback -- true", 201),
        (bob, "changegate outcome CHG-1 successful", 1),
    ]);
}

#[test]
fn where_something_is_in_the_way() {
    let hub = Hub::guarded();
    let (alice, bob, carol) = (&hub.desk("alice"), &hub.desk("bob"), &hub.desk("carol"));
    let text = request("CHG-2", "alice");
    alice.write("requests/CHG-2.yaml", &text.replace("rollback:", "# rollback:"));
    bob.write("requests/CHG-2.yaml", &format!("{text}# bob's\n"));
    play(&[
        (alice, "changegate submit CHG-2", 1),
        (alice, "changegate submit CHG-2 --anyway", 0),
        (alice, "git switch --quiet main", 0),
        (alice, "changegate check CHG-2", 2),
        (alice, "changegate check --branch CHG-2", 1),
        (bob, "changegate submit CHG-2", 2),
        (bob, "mv requests/CHG-2.yaml mine.yaml", 0),
        (bob, "git switch --track origin/change/CHG-2", 0),
        (bob, "cp mine.yaml requests/CHG-2.yaml", 0),
        (bob, "changegate submit CHG-2", 0),
        (bob, "git switch -", 0),
        (bob, "git switch -", 0),
        (carol, "changegate review CHG-2 --approve", 0),
        (alice, "changegate close CHG-2", 0),
        (carol, "changegate merge CHG-2", 2),
        (carol, "changegate check --branch CHG-2", 0),
        (carol, "changegate close CHG-2 --reopen", 0),
    ]);
}

#[test]
fn of_the_policies() {
    let hub = Hub::guarded();
    let (bob, carol) = (&hub.desk("bob"), &hub.desk("carol"));
    let rule = "policies/rules/odd/odd.rego";
    bob.write(rule, "package changegate.rules.odd\n\nfindings contains {\n");
    play(&[
        (bob, "changegate submit", 2),
        (bob, "changegate submit --policies", 2),
        (bob, "changegate submit --policies release-notes", 1),
        (bob, "changegate submit --policies release-notes --anyway", 0),
        (carol, "changegate review release-notes --approve", 0),
        (bob, "git switch -", 0),
    ]);
    play(&[
        (carol, "git sparse-checkout set requests", 0),
        (carol, "changegate check", 2),
        (carol, "git sparse-checkout add policies", 0),
        (carol, "changegate check", 0),
    ]);
}
