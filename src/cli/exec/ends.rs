//! Records how executions go on and end.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration as StdDuration, Instant};

use anyhow::Context as _;

use super::told;
use crate::cli::shared::args::NowArg;
use crate::cli::shared::say::{complain, warn};
use crate::cli::shared::site::{Site, SiteArgs};
use changegate::core::digest::to_json;
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::{EndResult, Renew, What};
use changegate::core::record::parts::Hex;
use changegate::core::request::OutcomeResult;
use changegate::core::terms::{Login, TicketId};
use changegate::core::time::Duration;
use changegate::execute::end::{Went, closes, end, named, without_end};
use changegate::execute::kept::Kept;
use changegate::execute::{Author, Identity, Made, NotTaken};
use changegate::forge::git::Rejected;

/// How long after it failed an end is recorded again.
const RETRIED_AFTER: StdDuration = StdDuration::from_millis(500);

/// Writes events in threads of its own, so that signals reach the command meanwhile.
#[derive(Clone)]
pub struct Writer {
    /// Where the log is.
    pub here: SiteArgs,
    /// Who executes.
    pub identity: Identity,
    /// The person for whom a machine with a key acts.
    pub on_behalf: Option<Login>,
    /// The change, or the incident.
    pub id: TicketId,
    /// Whether it is an incident, under which something is read.
    pub is_incident: bool,
    /// How long it is tried to record the end; `None` where nothing can be reached.
    pub timeout: Option<Duration>,
}

impl Writer {
    fn about(&self) -> About<'_> {
        if self.is_incident { About::Incident(&self.id) } else { About::Change(&self.id) }
    }

    /// Renews the lease.
    pub fn renew(self, execution: Hex, lease: Duration) {
        if self.timeout.is_none() {
            return;
        }
        thread::spawn(move || {
            let renewed = Site::open(&self.here).and_then(|site| {
                let author = site.author(self.on_behalf.clone())?;
                author.write(|_, now| {
                    let lease_until = now + lease;
                    let renew = Renew { execution: execution.clone(), lease_until };
                    Ok(vec![Made::about(self.about(), What::Renew(renew))])
                })
            });
            if let Err(error) = renewed {
                warn("warning", &format!("the lease couldn't be renewed: {error:#}"));
            }
        });
    }

    /// Records an end, before anything else, or keeps it here if that takes too long; returns whether it is
    /// recorded or kept.
    pub fn end(self, execution: &Hex, result: EndResult, went: Went) -> bool {
        let Some(timeout) = self.timeout else {
            let kept = self.keep_end(execution, result, went);
            return kept.inspect_err(complain).is_ok();
        };
        let (sender, ended) = channel();
        let (writer, name, of_it) = (self.clone(), execution.clone(), went.clone());
        let for_people = timeout.for_people();
        let timeout = StdDuration::from_secs(timeout.as_seconds());
        let until = Instant::now() + timeout;
        thread::spawn(move || {
            loop {
                let written = Site::open(&writer.here)
                    .and_then(|site| writer.write_end(&site, &name, result, &of_it));
                let is_final = match &written {
                    Ok(_) => true,
                    Err(error) => error.is::<Rejected>() || error.is::<NotTaken>(),
                };
                if is_final || Instant::now() + RETRIED_AFTER >= until {
                    return sender.send(written);
                }
                thread::sleep(RETRIED_AFTER);
            }
        });
        told::tell(&[("result", &word(&result))]);
        let why = match ended.recv_timeout(timeout) {
            Ok(Ok(outcome)) => {
                if let Some(outcome) = outcome {
                    told::tell(&[("outcome", &word(&outcome))]);
                }
                return true;
            }
            Ok(Err(error)) if error.is::<NotTaken>() => {
                let what = format!("its end was recorded by somebody else: {error:#}");
                warn("warning", &what);
                return true;
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("it took longer than {}", for_people),
        };
        let kept = self.keep_end(execution, result, went);
        match &kept {
            Ok(()) => warn(
                "warning",
                &format!(
                    "how it ended couldn't be recorded: {why}\nit is kept here: `changegate sync` brings it \
                     to the log"
                ),
            ),
            Err(error) => warn(
                "error",
                &format!("how it ended couldn't be recorded, nor kept: {why}\n{error:#}"),
            ),
        }
        kept.is_ok()
    }

    /// Records an end; returns the outcome that it brings by itself.
    fn write_end(
        &self,
        site: &Site,
        execution: &Hex,
        result: EndResult,
        went: &Went,
    ) -> anyhow::Result<Option<OutcomeResult>> {
        let id = &self.id;
        let org = &site.judge.bundle().org;
        let written = site.author(self.on_behalf.clone())?.write(|log, now| {
            let life = log.life(self.about())?;
            let begun = named(&life, execution).context("its beginning isn't in the log")?;
            let what = end(begun, result, went.clone(), now);
            if self.is_incident {
                return Ok(vec![Made::of_incident(id, what)]);
            }
            let request = site.executed(id)?;
            let closes = closes(id, &request, org, &life, &what);
            Ok([Some(Made::of_change(id, what)), closes].into_iter().flatten().collect())
        })?;
        Ok(written.iter().find_map(|it| match it.event.what() {
            What::Outcome(outcome) => Some(outcome.result),
            _ => None,
        }))
    }

    /// Keeps an end in this clone.
    fn keep_end(&self, execution: &Hex, result: EndResult, went: Went) -> anyhow::Result<()> {
        let git = self.here.at_hand()?;
        let author = Author::new(&git, self.identity.clone(), NowArg::present);
        author.keep(|log, now| {
            let life = Kept::of(git.repo()).life(log, self.about())?;
            let begun = named(&life, execution).context("its beginning isn't in the log")?;
            Ok(Made::about(self.about(), end(begun, result, went, now)))
        })?;
        Ok(())
    }
}

/// Says of executions that ran on this machine, and whose process is gone, that nobody knows how they
/// ended.
pub fn end_what_is_gone(site: &Site, author: &Author<'_>) {
    let kept = Kept::of(site.git.repo());
    for running in kept.running().unwrap_or_default() {
        if !running.is_gone() {
            continue;
        }
        let id = &running.about;
        let written = author.write(|log, now| {
            let open = without_end(log, id, &running.nonce)?;
            let end = |(about, it)| Made::about(about, end(&it, EndResult::Unknown, gone(), now));
            Ok(open.map(end).into_iter().collect())
        });
        match written {
            // What waits here isn't in the log yet.
            Ok(_) if kept.waits(&running.nonce).unwrap_or(true) => {}
            Ok(_) => kept.ends(&running),
            Err(error) => {
                warn("warning", &format!("the end of {id} couldn't be recorded: {error:#}"))
            }
        }
    }
}

/// Keeps of executions that ran on this machine, and whose process is gone, that nobody knows how they ended.
pub fn keep_end_of_what_is_gone(site: &Site, author: &Author<'_>) {
    let kept = Kept::of(site.git.repo());
    for running in kept.running().unwrap_or_default().iter().filter(|it| it.is_gone()) {
        let about = About::Change(&running.about);
        let ended = author.keep(|log, now| {
            let life = kept.life(log, about)?;
            let mut open = life.open().filter(|it| it.end.is_none());
            let open = open.find(|it| it.begin.what.nonce == running.nonce);
            let end = end(open.context("it isn't open")?, EndResult::Unknown, gone(), now);
            Ok(Made::about(about, end))
        });
        if ended.is_ok() {
            kept.ends(running);
        }
    }
}

/// Returns what is known of how something ended whose process is gone.
fn gone() -> Went {
    Went { why: Some("the process that waited for it is gone".to_owned()), ..Went::default() }
}

/// Returns a value as events write it.
fn word(value: &impl serde::Serialize) -> String {
    to_json(value).as_str().unwrap_or_default().to_owned()
}
