//! What comes next, as the verbs say it.

use super::caches::kept;
use super::say::note;
use super::site::Site;
use changegate::changes::going_on::{GoingOn, request};
use changegate::changes::progress::Executions;
use changegate::content::Requests;
use changegate::core::org::Org;
use changegate::core::terms::TicketId;
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::report::escape::terminal;
use changegate::report::hanging;

/// Returns the line that says what comes next for a change, by what is known of it here: `next: changegate
/// verify CHG-1234`. Empty where nothing is to be done; nothing depends on it.
pub fn next(git: &Git, org: &Org, id: &TicketId, now: Time) -> String {
    let next = || -> anyhow::Result<Option<String>> {
        let (request, pull) = request((git, &Requests::of(git.repo())), id)?;
        let executions = Executions::of(git, org, now, kept(git))?;
        let (_, progress) = executions.progress(request.as_ref(), pull)?;
        Ok(progress.and_then(|progress| progress.next_in_words))
    };
    let next = next().ok().flatten();
    next.map(|next| format!("next: {}\n", terminal(&next))).unwrap_or_default()
}

/// Says on standard error what comes next for a change.
pub fn say_next(site: &Site, id: &TicketId, now: Time) {
    let next = next(&site.git, &site.judge.bundle().org, id, now);
    if !next.is_empty() {
        note(next.trim_end());
    }
}

/// Returns what goes on, for people: each with the command that comes next on a line of its own, so that it
/// can be copied.
pub fn going_on(all: &[GoingOn], columns: usize) -> String {
    let mut text = String::new();
    for it in all {
        let beginning = format!("{:10}  {}  ", it.what, it.id);
        text += match it.told.is_empty() {
            true => beginning.trim_end().to_owned() + "\n",
            false => hanging(&beginning, &terminal(&it.told), columns),
        }
        .as_str();
        if let Some(next) = &it.next {
            text += &format!("{:12}next: {}\n", "", terminal(next));
        }
    }
    text
}
