//! `changegate demo`: the life of an off-script change, and of one that is executed, played by four people
//! in real repositories.
//!
//! ```text
//! times: a closed and an open time for the change ─┐
//! town:  a server, its hook, people with keys ─────┼─▶ act the story, step by step ─▶ screen
//! own:   its own settings, a service to watch ─────┤
//! story: the steps, as data ───────────────────────┘
//! ```
//!
//! Nothing is faked: each command is run exactly as it is shown, its exit code and output are
//! checked, and the first unexpected result ends the demo with an error.

mod own;
mod screen;
mod story;
mod times;
mod town;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use self::screen::Screen;
use self::story::{Act, REQUEST, STORY};
use self::times::Times;
use self::town::Town;
use super::shared::args::NowArg;
use super::shared::say::print;
use changegate::core::policy::{PolicyBundle, shipped_files};

/// Watch an off-script change go from submission to the audit trail
///
/// Four people with new SSH keys and a clone each share a bare repository whose hook judges every
/// push: a closed window, a refused self-approval, two sign-offs, an approval that becomes void by
/// an edit, refused attempts to bypass the review, the merge, the ledger's proof of it, a change that is
/// executed, verified and closed, one that leads to an incident, and a forged entry. All of it is real, and each step shows the git
/// command that gives the same information. Needs git 2.34 or later and ssh-keygen.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate demo
      in a temporary folder, which is deleted afterwards
  changegate demo --keep tour
      in the folder tour, which is kept for a closer look")]
pub struct DemoArgs {
    /// Run the demo in this folder, which must be new or empty, and keep everything there
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let bundle = PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time)
        .map_err(|error| anyhow::anyhow!("the shipped policies can't be used:\n{error}"))?;
    let times = Times::of(&bundle.calendar, NowArg::present())?;
    // The folder is removed when this is dropped.
    let mut temporary = None;
    let folder = match &args.keep {
        Some(folder) => new_folder(folder)?,
        None => {
            let made = tempfile::Builder::new().prefix("changegate-demo-").tempdir();
            temporary.insert(made.context("make a temporary folder")?).path().to_owned()
        }
    };
    let port = own::service()?;
    let stage = Stage { town: Town::found(&folder)?, times, port, screen: Screen::new() };
    print(&stage.screen.opening())?;
    for (index, step) in STORY.iter().enumerate() {
        let number = index + 1;
        print(&stage.screen.title(number, step))?;
        for act in step.acts {
            stage.play(act).with_context(|| {
                format!("the demo stops at its step {number}, “{}”", step.title)
            })?;
        }
    }
    print(&stage.screen.ending(began.elapsed(), args.keep.as_deref()))?;
    Ok(ExitCode::SUCCESS)
}

/// Creates a folder if it doesn't exist, and checks that it is empty.
fn new_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    let shown = folder.display();
    std::fs::create_dir_all(folder).with_context(|| format!("make the folder {shown}"))?;
    let mut inside = std::fs::read_dir(folder).with_context(|| format!("read {shown}"))?;
    ensure!(inside.next().is_none(), "{shown} isn't empty: name an empty folder, or a new one");
    std::path::absolute(folder).with_context(|| format!("find {shown}"))
}

/// The state of the demo.
struct Stage {
    town: Town,
    times: Times,
    /// The port of the service that is watched.
    port: u16,
    screen: Screen,
}

impl Stage {
    fn play(&self, act: &Act) -> anyhow::Result<()> {
        match act {
            Act::Adapt => self.adapt(),
            Act::Write { who, path, text, shows } => self.write((who, path), text, shows),
            Act::Edit { from, to } => self.edit(from, to),
            Act::Run { who, line, code, shows } => self.run(who, line, *code, shows),
            Act::Git { line, says } => self.git(line, says),
        }
    }

    /// Carol gives the demo settings of its own.
    fn adapt(&self) -> anyhow::Result<()> {
        let lines = own::adapt(&self.town.home("carol")?, self.port)?;
        print(
            &self
                .screen
                .deed("carol edits policies/org, so that the demo ends within seconds", &lines),
        )
    }

    /// Somebody writes a request.
    fn write(&self, (who, path): (&str, &str), text: &str, shows: &[&str]) -> anyhow::Result<()> {
        let text = self.times.put_into(text).replace("{port}", &self.port.to_string());
        self.save((who, path), &text)?;
        let excerpt = screen::cut(&text, shows)?;
        print(&self.screen.deed(&format!("{who} writes {path}"), &excerpt))
    }

    /// Alice edits her request.
    fn edit(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let path = self.town.home("alice")?.join(REQUEST);
        let before = std::fs::read_to_string(&path).with_context(|| format!("read {REQUEST}"))?;
        let (from, to) = (self.times.put_into(from), self.times.put_into(to));
        let after = before.replacen(&from, &to, 1);
        self.save(("alice", REQUEST), &after)?;
        let pairs = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
        let lines: Vec<_> =
            pairs.flat_map(|(before, after)| [format!("-{before}"), format!("+{after}")]).collect();
        ensure!(!lines.is_empty(), "{REQUEST} doesn't contain `{from}`");
        print(&self.screen.deed(&format!("alice edits {REQUEST}"), &lines))
    }

    fn save(&self, (who, path): (&str, &str), text: &str) -> anyhow::Result<()> {
        let path = self.town.home(who)?.join(path);
        let folder = path.parent().context("the request is in a folder")?;
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("write {}", path.display()))
    }

    /// Runs a command that a person types in their clone.
    fn run(&self, who: &str, line: &str, code: i32, shows: &[&str]) -> anyhow::Result<()> {
        let said = self.town.run(&self.town.home(who)?, line)?;
        if said.code != Some(code) {
            bail!("`{line}` by {who} should have ended with exit code {code}:\n{said}");
        }
        let lines = screen::cut(&said.text, shows).with_context(|| format!("`{line}` by {who}"))?;
        print(&self.screen.command(&format!("{who}$ {line}"), &lines))
    }

    /// Shows that git has the same information for anyone.
    fn git(&self, line: &str, says: &str) -> anyhow::Result<()> {
        let said = self.town.run(self.town.root(), line)?;
        ensure!(said.code == Some(0), "`{line}` failed:\n{said}");
        let lines: Vec<_> = said.text.trim_end().lines().map(str::to_owned).collect();
        print(&self.screen.look(line, says, &lines))
    }
}
