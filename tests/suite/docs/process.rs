//! docs/process.md keeps its word: each command in its `text` blocks is run by the person before the `$`, in
//! order, in one repository. It ends with exit code 0, or with that of a comment `# exit code N`, and says
//! what is below it.

use std::collections::BTreeMap;

use super::page::Page;
use crate::executing::open_with;
use crate::plumbing::hub::{Desk, program};

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dan", "erin"];

/// A command as the page shows it.
struct Typed {
    who: &'static str,
    line: String,
    code: i32,
    says: Vec<String>,
}

fn commands() -> Vec<Typed> {
    let page = Page::read("docs/process.md");
    let mut commands: Vec<Typed> = Vec::new();
    let blocks = page.blocks.iter().filter(|block| block.language == "text");
    for line in blocks.flat_map(|block| block.text.lines()) {
        let typed = line.split_once("$ ").and_then(|(who, line)| {
            Some((PEOPLE.into_iter().find(|person| *person == who)?, line.to_owned()))
        });
        match (typed, commands.last_mut()) {
            (Some((who, line)), _) => {
                let (line, code) = match line.split_once("   # exit code ") {
                    Some((line, code)) => (line.to_owned(), code.parse().unwrap()),
                    None => (line, 0),
                };
                commands.push(Typed { who, line, code, says: Vec::new() });
            }
            (None, Some(last)) => last.says.push(line.to_owned()),
            (None, None) => panic!("{line}: no command"),
        }
    }
    commands
}

#[test]
fn each_sentence_of_the_process_has_a_command_that_keeps_it() {
    let hub = open_with("outcome: {monitor_at_least: 2s}\n");
    let mut desks: BTreeMap<&str, Desk<'_>> = BTreeMap::new();
    let path = std::env::join_paths(
        [program().parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let path = path.unwrap();
    let commands = commands();
    assert!(commands.len() > 40, "{} commands", commands.len());
    for Typed { who, line, code, says } in commands {
        let desk = desks.entry(who).or_insert_with(|| {
            let folder = hub.path(who);
            if folder.exists() { Desk { hub: &hub, who, folder } } else { hub.desk(who) }
        });
        let output = desk.command("sh", &["-c", &line]).env("PATH", &path).output().unwrap();
        let text =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        let text = text.concat();
        assert_eq!(output.status.code(), Some(code), "{who}$ {line}\n{text}");
        for part in says {
            assert!(text.contains(&part), "{who}$ {line}\n{part:?} isn't said:\n{text}");
        }
    }
}
