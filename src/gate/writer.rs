//! The writer of a ledger that is kept on GitHub: records what is decided there before it is
//! published, and what was merged.
//!
//! Several writers don't wait for each other: the one whose push comes too late looks at what was
//! recorded in between, and puts its entry behind that, or has the decision made again.

use std::cell::RefCell;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::judge::Judges;
use super::record::{Record, Recorder, judged_material, of_decision};
use super::recording::{genesis, log_of, made};
use super::signing::counts;
use super::witnessing::witnessed;
use super::{Judgement, Recorded};
use crate::content::SKEW;
use crate::core::digest::{Digest, canonical_json};
use crate::core::org::{LedgerSettings, Org, RemoteUrl};
use crate::core::record::bones::Bones;
use crate::core::record::entry::Entry;
use crate::core::record::key::ServiceKey;
use crate::core::record::parts::{Collector, CollectorKind, Hex, ObjectId, Run};
use crate::core::record::statement::Kind;
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::github::{Answered, GitHub};
use crate::forge::{Forge as _, Pull};
use crate::git::{Moved, Oid, pause};
use crate::ledger::store::Store;
use crate::ledger::{self, LEDGER, MaterialFile, NOBODY, Signer, Tip, oid};
use crate::operations::{Log, OPERATIONS};

mod merges;

/// The number of times that a push is tried while others are recording.
const ATTEMPTS: u32 = 100;

/// The writer of a ledger on GitHub.
pub struct Writer<'a> {
    github: &'a GitHub,
    judges: Judges,
    kind: CollectorKind,
    run: Option<Run>,
    /// What signs the entries, if anything does.
    key: Option<ServiceKey>,
    /// The ledger's end, as soon as it is needed.
    store: RefCell<Option<Store>>,
}

/// What became of adding to the ledger.
enum Added {
    /// The last one of the entries, with its commit.
    Yes(Digest, Oid),
    /// Others recorded these in the meantime, which the caller has to look at first.
    Outdated,
}

impl<'a> Writer<'a> {
    /// Makes the writer of the ledger in a repository on GitHub, on behalf of a program of some kind,
    /// and of the workflow's run that it is part of. The `key` signs what it writes.
    pub fn new(
        github: &'a GitHub,
        judges: Judges,
        kind: CollectorKind,
        run: Option<Run>,
        key: Option<ServiceKey>,
    ) -> Self {
        Writer { github, judges, kind, run, key, store: RefCell::default() }
    }

    /// Records a decision, unless the last one that is recorded of the pull request is the same.
    ///
    /// # Errors
    /// When the settings want it recorded and it can't be: it must not be published then.
    pub fn record(&self, judgement: &Judgement, now: Time) -> anyhow::Result<Recorded> {
        let org = &judgement.bundle().org;
        let ledger = &org.settings.ledger;
        let is_wanted = ledger.on && ledger.record.is_of_decisions();
        if !is_wanted || judgement.decision.ungoverned().is_some() {
            return Ok(Recorded::Nowhere);
        }
        let (pull, mut known) = (&judgement.pull, self.github.answered(&judgement.pull)?);
        let decision = same_decision(judgement);
        let not_recorded = || format!("decided, not recorded: {}", judgement.decision.verdict);
        if let Some(before) = &known {
            let author = judgement.evidence.pull_request.as_ref().and_then(|it| it.author.as_ref());
            let is_known = author.is_some_and(|author| org.roster.people.contains_key(author));
            // Strangers must not fill the log with what can't be merged.
            let is_noise = !is_known && judgement.decision.verdict != Verdict::Approved;
            if before.decision == decision || is_noise {
                if self.is_kept(pull, ledger, before.commit).with_context(not_recorded)? {
                    return Ok(Recorded::As(before.clone()));
                }
                known = None;
            }
        }
        self.in_store(ledger, |store| {
            let log = log_of(&self.begun(store)?);
            if !self.github.is_current(pull, &judgement.with_head)? {
                return Ok(Recorded::Outdated);
            }
            let protecting = self.github.protecting(pull)?.unwrap_or(pull.base);
            let files = self.material(judgement)?;
            let recorder = Recorder { who: NOBODY, at: now };
            let record = of_decision(store.repo(), judgement, protecting, files, &log, recorder)?;
            let record = self.completed(record, Some((pull, known.map(|known| known.entry))))?;
            let evaluated_at = judgement.decision.evaluated_at;
            let is_about_it = |entry: &Entry| {
                let it = &entry.statement.predicate;
                let is_its = it.pull.as_ref().is_some_and(|other| other.name == pull.name);
                let base = pull.base_ref.as_deref().map(|base| format!("refs/heads/{base}"));
                let moves_base =
                    it.merge.is_some() && it.base.as_ref().map(|it| &it.name) == base.as_ref();
                is_its || moves_base || it.kind == Kind::Keys
            };
            let is_late = || now > evaluated_at + SKEW;
            Ok(match self.add(store, vec![record], &is_about_it, is_late)? {
                Added::Yes(entry, commit) => Recorded::As(Answered { entry, commit, decision }),
                Added::Outdated => Recorded::Outdated,
            })
        })
        .with_context(not_recorded)
    }

    /// Whether the ledger still holds the entry of an earlier decision: it may have been deleted, or
    /// put back to before it. Most often it is the end of the ledger that was seen with the pull request.
    fn is_kept(&self, pull: &Pull, ledger: &LedgerSettings, entry: Oid) -> anyhow::Result<bool> {
        if ledger.remote.is_none() && self.github.ledger_tip(pull)? == Some(entry) {
            return Ok(true);
        }
        self.in_store(ledger, |store| {
            self.begun(store)?;
            store.holds(entry)
        })
    }

    /// Makes the record with which a ledger begins on GitHub, by the settings on the default branch with
    /// its tip.
    ///
    /// # Errors
    /// When it has begun already, or when the settings don't say what is to be recorded.
    pub fn beginning(&self, org: &Org, on: (&str, Oid), now: Time) -> anyhow::Result<Record> {
        let ledger = &org.settings.ledger;
        let tip = self.in_store(ledger, |store| store.tip(&self.counting(store)))?;
        if let Some(tip) = tip {
            bail!("the ledger has begun already: its size is {}", tip.entry.index + 1);
        }
        // A branch that the settings name may not be there yet.
        let tips = |name: &str| Ok(self.github.tip_of(name).ok());
        let recorder = Recorder { who: NOBODY, at: now };
        self.completed(genesis(self.github.repo(), org, on, tips, recorder)?, None)
    }

    /// Begins the ledger that the settings name with its first record; returns the commit.
    ///
    /// # Errors
    /// When it can't be written, or when it has begun in the meantime.
    pub fn begin(&self, record: Record, org: &Org, on: (&str, Oid)) -> anyhow::Result<Oid> {
        let mut records = vec![record];
        self.github.fetch_log()?;
        self.witness(&mut records, None, on.1)?;
        self.in_store(&org.settings.ledger, |store| {
            let signer = self.key.as_ref().map_or(Signer::Nobody(NOBODY), Signer::Service);
            let place = (store.repo(), store.program());
            let made = made(place, &self.judges, None, |_| Ok(None), on, records, signer)?;
            match store.push(&made.moves)? {
                Moved::Yes => {}
                Moved::Lost(why) => bail!("somebody else began it at the same time:\n{why}"),
                Moved::Refused(why) => bail!("the server rejected {LEDGER}:\n{why}"),
            }
            made.last.map(|(_, commit)| commit).context("there is nothing to record")
        })
    }

    /// Does something with the ledger's end, which is fetched when it is first needed.
    fn in_store<T>(
        &self,
        ledger: &LedgerSettings,
        work: impl FnOnce(&mut Store) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let own = self.github.address();
        let url = ledger.remote.as_ref().map_or(own.as_str(), RemoteUrl::as_str);
        let mut store = self.store.borrow_mut();
        let store = match &mut *store {
            Some(store) if store.url() == url => store,
            other => other.insert(self.github.ledger(url)?),
        };
        work(store)
    }

    /// Returns where a ledger is that isn't kept with the changes.
    fn elsewhere<'s>(&self, store: &'s Store) -> Option<&'s str> {
        Some(store.url()).filter(|url| *url != self.github.address())
    }

    /// Returns what the next entry is put behind. No writer begins a ledger by itself: one that was
    /// deleted would grow again unseen.
    fn begun(&self, store: &Store) -> anyhow::Result<Tip> {
        store.tip(&self.counting(store))?.with_context(|| {
            format!(
                "the settings say that decisions are recorded, and there is no branch {LEDGER}{}: an \
                 owner begins it with `changegate init --ledger`, or by the workflow `sweep`",
                self.elsewhere(store).map(|url| format!(" in {url}")).unwrap_or_default()
            )
        })
    }

    /// Returns whether what a commit of the ledger holds counts.
    fn counting<'s>(
        &'s self,
        store: &'s Store,
    ) -> impl Fn(&ledger::Recorded) -> anyhow::Result<bool> {
        move |recorded| {
            let entry = recorded.entry.as_ref().ok();
            let base = entry.and_then(|entry| entry.statement.predicate.base.as_ref());
            if let Some(base) = base.filter(|base| is_missing(store, &base.commit)) {
                // Another protected branch has it, or nobody.
                let _ = self.github.tip_of(base.name.trim_start_matches("refs/heads/"));
            }
            counts(store.repo(), &self.judges, recorded)
        }
    }

    /// Adds records to the ledger. If others record in the meantime something that `matters`, nothing
    /// is added, and neither if it `is_late` by then.
    fn add(
        &self,
        store: &mut Store,
        mut records: Vec<Record>,
        matters: &dyn Fn(&Entry) -> bool,
        is_late: impl Fn() -> bool,
    ) -> anyhow::Result<Added> {
        let signer = self.key.as_ref().map_or(Signer::Nobody(NOBODY), Signer::Service);
        for attempt in 0..ATTEMPTS {
            let tip = self.begun(store)?;
            let place = (store.repo(), store.program());
            let evidence = |branch: &str| Ok(store.branch(branch));
            let on = records.first().and_then(|it| it.statement.predicate.base.as_ref());
            let on = on.context("there is nothing to record")?;
            let (name, base) = (on.name.clone(), oid(&on.commit)?);
            let on = (name.trim_start_matches("refs/heads/"), base);
            self.witness(&mut records, Some(&tip), base)?;
            let made =
                made(place, &self.judges, Some(&tip), evidence, on, records.clone(), signer)?;
            let (entry, commit) = made.last.context("there is nothing to record")?;
            let pushed = store.push(&made.moves).with_context(|| match self.elsewhere(store) {
                None => {
                    format!("a workflow's job and an App need `contents: write` to add to {LEDGER}")
                }
                Some(url) => format!(
                    "the settings keep the ledger in {url}: give this job credentials with which git may \
                     push there"
                ),
            })?;
            match pushed {
                Moved::Yes => return Ok(Added::Yes(entry, commit)),
                Moved::Refused(why) => bail!("the server rejected {LEDGER}:\n{why}"),
                Moved::Lost(_) => {}
            }
            self.github.pause(pause(attempt));
            if store.catch_up()?.iter().any(matters) || is_late() {
                return Ok(Added::Outdated);
            }
        }
        bail!("others have recorded something {ATTEMPTS} times in the meantime: try again")
    }

    /// Says in records where the operations log is that is judged by a branch with this tip: at no older
    /// state than the last entry of the ledger says.
    fn witness(&self, records: &mut [Record], last: Option<&Tip>, base: Oid) -> anyhow::Result<()> {
        let read = |tip: Option<Oid>| -> anyhow::Result<Option<Log<'_>>> {
            Ok(tip.map(|tip| self.github.log_beside(base, tip)).transpose()?.flatten())
        };
        let mut log = read(self.github.fetched_tip(OPERATIONS)?)?;
        let said = last.and_then(|tip| tip.entry.statement.predicate.operations.as_ref());
        let said = said.map(|said| oid(&said.tip)).transpose()?;
        let holds = |log: &Log<'_>| said.map_or(Ok(true), |said| log.is_at(said));
        if !log.as_ref().map(holds).transpose()?.unwrap_or(said.is_none()) {
            // One that was rewound is what audits find; it must not end all recording.
            log = read(self.github.fetch_log()?)?;
        }
        let operations = witnessed(log.as_ref())?;
        for record in records {
            record.statement.predicate.operations.clone_from(&operations);
        }
        Ok(())
    }

    /// Completes a record by what there is on GitHub alone: who collected the facts, when by GitHub's
    /// clock, and the pull request's id with the last entry about it.
    fn completed(
        &self,
        mut record: Record,
        about: Option<(&Pull, Option<Digest>)>,
    ) -> anyhow::Result<Record> {
        let it = &mut record.statement.predicate;
        let who = self.github.viewer()?;
        it.collector = Collector { kind: self.kind, who, run: self.run.clone() };
        it.server_time = self.github.server_time();
        if let (Some((pull, previous)), Some(named)) = (about, &mut it.pull) {
            named.id = Some(self.github.id_of(pull)?);
            it.previous = Some(previous);
        }
        Ok(record)
    }

    /// Returns what a decision rests on: that of plain Git, and what GitHub was asked.
    fn material(&self, judgement: &Judgement) -> anyhow::Result<Vec<MaterialFile>> {
        let asked = self.github.record_of(&judgement.pull);
        let sources: Vec<_> = asked
            .iter()
            .map(|it| {
                json!({
                    "method": it.method, "path": it.path, "status": it.status, "date": it.date,
                    "bytes": it.body.len(), "sha256": Hex(Digest::of(it.body.as_bytes())),
                })
            })
            .collect();
        let mut files = judged_material(judgement);
        files.push(("sources.json".to_owned(), canonical_json(&json!(sources)).into_bytes()));
        Ok(files)
    }
}

/// Whether a commit isn't known.
fn is_missing(store: &Store, commit: &ObjectId) -> bool {
    !oid(commit).is_ok_and(|commit| store.repo().commit(commit).is_ok())
}

/// Returns a digest by which the same decision on the same head is known again, whenever it is made.
fn same_decision(judgement: &Judgement) -> String {
    let bones = Bones::of(&judgement.decision, None).timeless();
    let decision = json!({ "head": judgement.pull.head.to_string(), "decision": bones });
    Digest::of(canonical_json(&decision).as_bytes()).short()
}
