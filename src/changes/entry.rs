//! One change of the list.

use std::cmp::{Ordering, Reverse};

use schemars::JsonSchema;
use serde::Serialize;

use super::story::{ChangeStatus, State, Stories};
use crate::content::{Changeset, request_at};
use crate::core::decision::{Decision, Required, SignOffMode};
use crate::core::input::affected_services;
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::{Effect, Login, RiskTier, Verdict};
use crate::core::time::{Interval, Time};
use crate::forge::Pull;
use crate::forge::git::Git;
use crate::gate::{Gate, Judgement};
use crate::report::one_line;

/// A change, in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ListEntry {
    /// What it is called: its request's id, or a name that a change of policies has.
    pub change: String,
    /// Open, merged or closed.
    pub state: State,
    /// What is going to be done.
    pub summary: Option<String>,
    /// Who asks.
    pub requester: Option<Login>,
    /// Everybody whose change it is: who asks, who submitted it, who performs it.
    pub people: Vec<Login>,
    /// The risk tier; of a merged change the one that its merge records.
    pub tier: Option<RiskTier>,
    /// Whether it leaves the usual script.
    pub off_script: bool,
    /// The services that it affects.
    pub services: Vec<String>,
    /// Whether an open change may go ahead; null if nothing could be decided.
    pub verdict: Option<Verdict>,
    /// How that comes, in a line; of a merged or closed change, by whom.
    pub why: String,
    /// The same in a few words.
    #[serde(skip)]
    pub brief: String,
    /// Who can do something about it now: whoever can give a sign-off that is missing, or
    /// the requester of what is denied.
    pub waits_for: Vec<Login>,
    /// Since when it has been open, merged or closed.
    pub since: Option<Time>,
    /// When a missing sign-off is overdue; off-script only.
    pub due_at: Option<Time>,
    /// Whether a sign-off is overdue.
    pub overdue: bool,
    /// When it is planned to run.
    pub planned: Option<Interval>,
}

impl ListEntry {
    /// A change that can't be judged, so that it stays listed.
    pub fn unclear(name: &str, state: State, error: &anyhow::Error) -> Self {
        let why = format!("can't be judged: {error:#}");
        ListEntry { change: name.to_owned(), state, brief: why.clone(), why, ..Self::default() }
    }

    /// What is open first: overdue, denied, pending, approved, the oldest first. Then what is
    /// merged and what is closed, the latest first.
    pub fn by_urgency(&self, other: &Self) -> Ordering {
        let by_time = match self.state {
            State::Open => self.since.cmp(&other.since),
            _ => other.since.cmp(&self.since),
        };
        let key = |entry: &Self| {
            let undecided_first = entry.verdict.map_or(Verdict::Denied as u8 + 1, |it| it as u8);
            (entry.state, !entry.overdue, Reverse(undecided_first))
        };
        key(self).cmp(&key(other)).then(by_time).then_with(|| self.change.cmp(&other.change))
    }
}

/// Makes entries.
pub struct Lister<'a> {
    /// The forge.
    pub git: &'a Git,
    /// What judges them.
    pub gate: &'a Gate<'a, Git>,
    /// What happened to them.
    pub stories: &'a Stories<'a>,
    /// The organisation at base.
    pub org: &'a Org,
    /// The time that the list is for.
    pub now: Time,
}

impl Lister<'_> {
    /// The entry of a change. One that can't be judged says why.
    pub fn entry(&self, name: &str, status: &ChangeStatus) -> ListEntry {
        let state = status.state;
        let entry = ListEntry { change: name.to_owned(), state, ..ListEntry::default() };
        let made = match state {
            State::Merged => self.merged(entry, name),
            State::Open => self.judge(name, status).map(|it| self.open(entry, &it)),
            State::Closed => self.closed(entry, name, status),
        };
        made.unwrap_or_else(|error| ListEntry::unclear(name, state, &error))
    }

    fn judge(&self, name: &str, status: &ChangeStatus) -> anyhow::Result<Judgement> {
        let base = self.git.base()?;
        self.gate.judge(
            Pull {
                name: name.to_owned(),
                id: Some(name.to_owned()),
                base_ref: Some(self.git.base_ref.clone()),
                base,
                head: status.head.unwrap_or(base),
            },
            &[],
            self.now,
        )
    }

    fn open(&self, entry: ListEntry, judgement: &Judgement) -> ListEntry {
        let decision = &judgement.decision;
        let submitted = judgement.evidence.pull_request.as_ref();
        let author = submitted.and_then(|pull_request| pull_request.author.as_ref());
        let due_at = decision.sign_off.as_ref().and_then(|sign_off| sign_off.due_at);
        let is_missing = decision.missing().next().is_some();
        let request = judgement.file.as_ref().and_then(|file| file.request.as_ref());
        let mut entry = self.of_request(entry, request);
        entry.people.extend(author.filter(|author| !entry.people.contains(author)).cloned());
        ListEntry {
            summary: entry.summary.or_else(|| request.is_none().then(|| "policies".to_owned())),
            tier: decision.tier,
            verdict: Some(decision.verdict),
            why: one_line(decision),
            brief: brief(decision),
            waits_for: waits_for(decision, author),
            since: submitted.map(|pull_request| pull_request.submitted_at),
            due_at: due_at.filter(|_| is_missing),
            overdue: is_missing && due_at.is_some_and(|due| due < self.now),
            ..entry
        }
    }

    fn closed(
        &self,
        entry: ListEntry,
        name: &str,
        status: &ChangeStatus,
    ) -> anyhow::Result<ListEntry> {
        let entry = self.open(entry, &self.judge(name, status)?);
        let (why, since) = match &status.closed_by {
            Some(closing) => {
                let by = self.stories.signer(&closing.commit).login;
                let by = by.map_or(closing.commit.committer.email.clone(), String::from);
                (format!("closed by {by}"), Some(closing.commit.time))
            }
            None => ("its branch is gone".to_owned(), None),
        };
        Ok(ListEntry {
            verdict: None,
            brief: why.clone(),
            why,
            waits_for: Vec::new(),
            since,
            due_at: None,
            overdue: false,
            ..entry
        })
    }

    fn merged(&self, entry: ListEntry, name: &str) -> anyhow::Result<ListEntry> {
        let Some(merge) = self.stories.merges(name)?.last() else {
            let why = "merged without a merge commit".to_owned();
            return Ok(ListEntry { brief: why.clone(), why, ..entry });
        };
        let repo = self.git.repo();
        let path = Changeset::of(repo, merge.base, merge.head, name)?.path;
        let request = match &path {
            Some(path) => request_at(repo, merge.head, path)?.0.request,
            None => None,
        };
        let by = self.stories.signer(&merge.commit).login;
        let by = by.map_or(merge.commit.committer.email.clone(), String::from);
        let recorded =
            |tier: &RiskTier| merge.trailer("Tier").is_some_and(|text| text == tier.to_string());
        let entry = self.of_request(entry, request.as_ref());
        Ok(ListEntry {
            summary: entry.summary.or_else(|| Some(merge.commit.title().to_owned())),
            tier: RiskTier::ALL.into_iter().find(recorded),
            why: format!("merged by {by}"),
            brief: format!("merged by {by}"),
            since: Some(merge.commit.time),
            ..entry
        })
    }

    /// What the request itself says.
    fn of_request(&self, entry: ListEntry, request: Option<&ChangeRequest>) -> ListEntry {
        let Some(request) = request else { return entry };
        let targets: Vec<_> = request.targets().into_iter().collect();
        let services = affected_services(request.services(), &targets, self.org);
        let mut people: Vec<Login> =
            request.requester.iter().chain(request.implementer.iter()).cloned().collect();
        people.dedup();
        ListEntry {
            summary: request.summary.clone(),
            requester: request.requester.clone(),
            people,
            off_script: request.off_script.is_some(),
            services: services.into_iter().map(str::to_owned).collect(),
            planned: request.planned(),
            ..entry
        }
    }
}

fn waits_for(decision: &Decision, author: Option<&Login>) -> Vec<Login> {
    match decision.verdict {
        Verdict::Approved => Vec::new(),
        Verdict::Denied => decision.requester.as_ref().or(author).cloned().into_iter().collect(),
        Verdict::Pending => {
            let mut people: Vec<Login> = Vec::new();
            for login in decision.missing().flat_map(|required| &required.eligible) {
                if !people.contains(login) {
                    people.push(login.clone());
                }
            }
            people
        }
    }
}

/// `waits for carol|erin, bob`, `direct (L2)`, `signed by carol, bob`, or what it is denied for.
fn brief(decision: &Decision) -> String {
    let strongest = |effect| {
        let mut findings = decision.findings.iter().filter(move |it| it.effect == effect);
        findings.next().map_or_else(|| decision.verdict.to_string(), |it| it.message.clone())
    };
    match decision.verdict {
        Verdict::Denied => strongest(Effect::Deny),
        Verdict::Pending => {
            let groups: Vec<_> = decision.missing().map(any_of).collect();
            match groups.is_empty() {
                true => strongest(Effect::Pending),
                false => format!("waits for {}", groups.join(", ")),
            }
        }
        Verdict::Approved => match (&decision.sign_off, decision.level) {
            (Some(sign_off), level) if sign_off.mode == SignOffMode::Direct => {
                level.map_or("direct".to_owned(), |level| format!("direct ({level})"))
            }
            (Some(sign_off), _) => {
                let signed = sign_off.required.iter().filter_map(|it| it.satisfied_by.as_ref());
                let mut names: Vec<_> = signed.map(Login::as_str).collect();
                names.dedup();
                format!("signed by {}", names.join(", "))
            }
            (None, _) => "approved".to_owned(),
        },
    }
}

/// `carol|erin`, and of many the first ones: `bob|carol|+4`.
fn any_of(required: &Required) -> String {
    const MANY: usize = 3;
    let names: Vec<_> = required.eligible.iter().map(Login::as_str).collect();
    match names.len() {
        0 => format!("nobody ({})", required.what),
        more if more > MANY => format!("{}|+{}", names[..MANY - 1].join("|"), more - MANY + 1),
        _ => names.join("|"),
    }
}
