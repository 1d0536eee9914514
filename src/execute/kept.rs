//! What a clone keeps of its own until the shared log has it: events that couldn't be written there, and
//! which executions run on this machine.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::{Deserialize, Serialize};

use crate::core::operations::event::{About, Event};
use crate::core::operations::kinds::What;
use crate::core::operations::life::Life;
use crate::core::operations::lines;
use crate::core::operations::proof::Proof;
use crate::core::record::parts::Hex;
use crate::core::terms::TicketId;
use crate::files;
use crate::git::Repo;
use crate::operations::Log;

/// The folder of a clone that keeps them.
pub struct Kept {
    folder: PathBuf,
}

/// An execution that runs on this machine, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Running {
    /// The change, or the incident.
    pub about: TicketId,
    /// What its beginning says that no other one does: it is known before that is written.
    pub nonce: Hex,
    /// The process that waits for its command.
    pub process: u32,
    /// When that process began, as the system says it; `None` if it doesn't.
    pub since: Option<String>,
}

impl Running {
    /// Returns this process as the one that waits for an execution.
    pub fn here(about: &TicketId, nonce: &Hex) -> Self {
        let process = std::process::id();
        let (about, nonce) = (about.clone(), nonce.clone());
        Running { about, nonce, process, since: since(process) }
    }

    /// Whether its process is gone.
    pub fn is_gone(&self) -> bool {
        match (&self.since, since(self.process)) {
            (Some(then), Some(now)) => *then != now,
            (Some(_), None) => true,
            // Where the system doesn't say, it may be there.
            (None, _) => false,
        }
    }
}

/// Returns when a process began, in the system's ticks; `None` if it is gone, or if that isn't said here.
fn since(process: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program is in brackets, and can hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(19).map(str::to_owned)
}

/// That an execution runs here is known until this is dropped.
pub struct RunsHere(PathBuf);

impl RunsHere {
    /// Leaves it to the next execution here to say that nobody knows how this one ended.
    pub fn stays(self) {
        mem::forget(self);
    }
}

impl Drop for RunsHere {
    fn drop(&mut self) {
        // What became of it then, nobody has said.
        if !std::thread::panicking() {
            forget(&self.0);
        }
    }
}

impl Kept {
    /// Returns what the clone with this repository keeps.
    pub fn of(repo: &Repo) -> Self {
        Kept { folder: repo.folder().join("changegate/operations") }
    }

    /// Returns the events that wait, in the order in which they were written.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn waiting(&self) -> anyhow::Result<Vec<(Event, Proof)>> {
        let file = self.waiting_file();
        if !file.exists() {
            return Ok(Vec::new());
        }
        let text = String::from_utf8(files::read(&file)?).context("they aren't text");
        let read = text.and_then(|text| lines::read(&text).map_err(|why| anyhow!(why)));
        read.with_context(|| {
            format!(
                "cannot read the events that wait in {}: take out the line, and say what it said with `changegate \
                 record --help`",
                file.display()
            )
        })
    }

    /// Returns what has happened to a change, or under an incident, with what waits here.
    ///
    /// # Errors
    /// When the log, or what waits, can't be read.
    pub fn life(&self, log: &Log<'_>, about: About<'_>) -> anyhow::Result<Life> {
        let mut events = log.events(&about.path())?;
        let waiting = self.waiting()?.into_iter().map(|(event, _)| event);
        events.extend(waiting.filter(|event| event.about() == Some(about)));
        Ok(Life::of(&events, &|_, _| true))
    }

    /// Whether the beginning with a nonce waits here.
    ///
    /// # Errors
    /// As [`Kept::waiting`].
    pub fn waits(&self, nonce: &Hex) -> anyhow::Result<bool> {
        let is_it = |(event, _): &(Event, Proof)| match event.what() {
            What::Begin(begin) => begin.nonce == *nonce,
            _ => false,
        };
        Ok(self.waiting()?.iter().any(is_it))
    }

    /// Keeps another event until the log has it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&self, event: &Event, proof: &Proof) -> anyhow::Result<()> {
        let mut events = self.waiting()?;
        events.push((event.clone(), proof.clone()));
        self.set_waiting(&events)
    }

    /// Keeps just these events.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn set_waiting(&self, events: &[(Event, Proof)]) -> anyhow::Result<()> {
        let text: String = events.iter().map(|(event, proof)| lines::text(event, proof)).collect();
        self.write(&self.waiting_file(), text.as_bytes())
    }

    /// Returns the executions that run on this machine, or began here and whose end nobody recorded.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn running(&self) -> anyhow::Result<Vec<Running>> {
        let Ok(entries) = fs::read_dir(self.folder.join("running")) else { return Ok(Vec::new()) };
        let mut running = Vec::new();
        for entry in entries {
            let path = entry.context("read the executions that run here")?.path();
            // Of one that is being written, nothing is known yet.
            running.extend(serde_json::from_slice::<Running>(&files::read(&path)?).ok());
        }
        Ok(running)
    }

    /// Keeps that an execution runs here.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn begins(&self, running: &Running) -> anyhow::Result<RunsHere> {
        let file = self.running_file(running);
        self.write(&file, &serde_json::to_vec(running)?)?;
        Ok(RunsHere(file))
    }

    /// Forgets an execution that runs no more.
    pub fn ends(&self, running: &Running) {
        forget(&self.running_file(running));
    }

    fn waiting_file(&self) -> PathBuf {
        self.folder.join("waiting.jsonl")
    }

    fn running_file(&self, running: &Running) -> PathBuf {
        self.folder.join("running").join(String::from(running.nonce.clone()))
    }

    /// Writes a file as a whole, or not at all.
    fn write(&self, file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let folder = file.parent().unwrap_or(&self.folder);
        let written = fs::create_dir_all(folder).and_then(|()| {
            let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
            std::io::Write::write_all(&mut new, bytes)?;
            new.as_file().sync_all()?;
            new.persist(file).map_err(|error| error.error)?;
            Ok(())
        });
        written.with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Removes a file. One that is left behind is found again, and what it says is in the log.
fn forget(file: &Path) {
    let _ = fs::remove_file(file);
}
