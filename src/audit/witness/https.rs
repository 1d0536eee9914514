//! Asks a witness on the network to cosign the checkpoint, as C2SP's `tlog-witness` has it.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};

use super::{Witnessed, put_tag};
use crate::audit::log::Log;
use crate::core::record::note::{Note, VerifierKey};
use crate::core::record::witness::{
    ADD_CHECKPOINT, Cosigned, cosigned, known_size, request, with_cosignatures,
};
use crate::forge::git::Branches;
use crate::report::escape::terminal;
use crate::web::{Answer, Limits, exchange};

/// What asking a witness may take.
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(10), whole: Duration::from_secs(60), longest: 64 * 1024 };

/// Has a witness cosign the checkpoint, and keeps that in the tag of its size. `witnesses` are those
/// whose cosignatures count.
///
/// # Errors
/// When the witness can't be reached, or doesn't know the log.
pub fn https(
    url: &str,
    log: &Log,
    branches: &Branches,
    witnesses: &[VerifierKey],
) -> anyhow::Result<Witnessed> {
    let note = log.checkpoint(branches.repo())?;
    let size = log.tree.size();
    let address = format!("{}/{ADD_CHECKPOINT}", url.trim_end_matches('/'));
    let ask = |old: u64| -> anyhow::Result<Answer> {
        let proof = log.tree.consistency(old, size).context("there is no such proof")?;
        let body = request(old, &proof, &note);
        exchange(&LIMITS, |client| client.post(&address).body(body))
            .with_context(|| format!("cannot reach the witness at {url}"))
    };
    // A witness that has never seen the log cosigns this; any other says from where on it wants a proof.
    let mut old = 0;
    let mut answer = ask(old)?;
    if answer.status == 409 {
        old = known_size(&answer.body).context("the witness doesn't say which size it knows")?;
        if old > size {
            return Ok(Witnessed::Refused(format!(
                "it cosigned a log of {old} entries: entries were removed from this one"
            )));
        }
        answer = ask(old)?;
    }
    match answer.status {
        200 => keep(&answer.body, &note, log, branches, witnesses),
        422 => Ok(Witnessed::Refused(format!(
            "the log of {old} entries that it cosigned isn't continued by this one: it was rewritten"
        ))),
        409 if known_size(&answer.body) == Some(size) && old == size => {
            Ok(Witnessed::Refused(format!(
                "it cosigned a log with other entries among its first {size}: it was rewritten"
            )))
        }
        409 => bail!("the witness has cosigned something newer meanwhile: run the command again"),
        status => Err(refused(status, &answer.body, &note, log)),
    }
}

/// Keeps what a witness cosigned.
fn keep(
    body: &str,
    note: &Note,
    log: &Log,
    branches: &Branches,
    witnesses: &[VerifierKey],
) -> anyhow::Result<Witnessed> {
    let kept = with_cosignatures(note, body, witnesses);
    let kept = kept.map_err(|why| anyhow!("the witness answered, but {why}"))?;
    let by = cosigned(&kept, witnesses).map_err(|why| anyhow!(why))?;
    let by: Vec<_> = by.iter().map(|Cosigned { by, at }| format!("{by} at {at}")).collect();
    let by = format!("cosigned by {}", crate::core::terms::all_of(&by));
    Ok(match put_tag(log, branches, &kept)? {
        Witnessed::Given(tag) => Witnessed::Given(format!("the checkpoint, {by}; it is in {tag}")),
        Witnessed::Unchanged => Witnessed::Given(format!(
            "the checkpoint, {by}; its tag is there already and is never moved, so keep this yourself:\n\
             {kept}"
        )),
        refused @ Witnessed::Refused(_) => refused,
    })
}

/// Says why a witness didn't cosign.
fn refused(status: u16, body: &str, note: &Note, log: &Log) -> anyhow::Error {
    let origin = &log.last_entry.statement.predicate.origin;
    let why = match status {
        403 if note.is_unsigned() => {
            "it wants the checkpoint to be signed by a key of the log, and this \
                                      ledger has no service key: its people sign its commits"
                .to_owned()
        }
        403 => format!("none of the keys that it knows of {origin} signed the checkpoint"),
        404 => format!("it doesn't know the log {origin}: have its owner add the log's key"),
        _ => {
            let said = terminal(body.lines().next().unwrap_or_default()).into_owned();
            format!("it answered {status} {said}").trim_end().to_owned()
        }
    };
    anyhow!("the witness didn't cosign: {why}")
}
