//! Sample questions after the merge: may this be executed now, may it be closed so.
//!
//! Together they reach who acts, what proves that it was approved, each state of a change, what goes on
//! beside it, and each way in which it can be closed.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{ID, INCIDENT, actions, emergency, full, people, target};
use crate::digest::Digest;
use crate::evidence::{Incident, IncidentStatus, LoggedDebt};
use crate::input::Purpose;
use crate::layout::REQUESTS;
use crate::operations::authorize::{Approval, Approved, Attempt, Question, Steps};
use crate::operations::checks::answers;
use crate::operations::closing::Closing;
use crate::operations::event::Actor;
use crate::operations::kinds::{Outcome, Owed, ProvenBy};
use crate::operations::life::Life;
use crate::operations::open::Open;
use crate::operations::state::PullState;
use crate::org::Org;
use crate::policy::Requirement;
use crate::request::RequestFile;
use crate::terms::{RiskTier, TicketId, Verdict};
use crate::time::{Duration, Time};

mod town;

use town::Town;

const HOUR: Duration = Duration::hours(1);

/// A question that policies have to be able to answer, whatever the answer is.
pub struct Asked {
    /// What it is about, such as `executing a change that was cancelled`.
    pub name: String,
    id: TicketId,
    file: Option<RequestFile>,
    alike: Vec<TicketId>,
    pull: PullState,
    verdict: Option<Verdict>,
    attempt: Attempt,
    is_break_glass: bool,
    approved: Approved,
    life: Life,
    open: Option<Open>,
    debts: Vec<LoggedDebt>,
    incident: Option<Incident>,
    age: Option<Duration>,
    outcome: Option<Outcome>,
    may_close: bool,
}

impl Asked {
    /// Returns the purpose for which it is asked.
    pub fn purpose(&self) -> Purpose {
        if self.outcome.is_some() { Purpose::Outcome } else { Purpose::Execute }
    }

    /// Returns the question, for `now`.
    pub fn question(&self, now: Time) -> Question<'_> {
        Question {
            id: &self.id,
            file: self.file.as_ref(),
            alike: &self.alike,
            pull: self.pull,
            verdict: self.verdict,
            now,
            execution: &self.attempt,
            is_break_glass: self.is_break_glass,
            awaits_commander: self.is_break_glass,
            approval: &self.approved,
            life: &self.life,
            open: self.open.as_ref(),
            debts: &self.debts,
            suspends: &[],
            incident: self.incident.as_ref(),
            is_alone: self.file.is_none() && self.incident.is_some(),
            age: self.age,
        }
    }

    /// Returns the question whether the change may be closed, if it is one.
    pub fn closing(&self, now: Time) -> Option<Closing<'_>> {
        let said = self.outcome.as_ref()?;
        Some(Closing {
            question: self.question(now),
            said,
            incident: self.incident.as_ref().map(|it| &it.id),
            may: self.may_close,
        })
    }
}

/// Returns the sample questions for an organisation, about changes planned around `now`.
pub fn questions(org: &Org, now: Time) -> Vec<Asked> {
    let town = Town { org, now };
    town.of_executions().into_iter().chain(town.of_outcomes()).flatten().collect()
}

impl Town<'_> {
    fn of_executions(&self) -> Vec<Option<Asked>> {
        let now = self.now;
        let usual = |name: &str| self.asked(&format!("executing {name}"), &self.planned(now));
        let with = |name: &str, change: &dyn Fn(&mut Asked)| {
            let mut asked = usual(name)?;
            change(&mut asked);
            Some(asked)
        };
        let after = |name: &str, events: &[Value]| {
            let mut asked = usual(name)?;
            asked.life = self.life(events)?;
            Some(asked)
        };
        let begin = json!({"event": "begin", "lease_until": now + HOUR});
        let [done, failed] = ["done", "failed"].map(|it| json!({"event": "end", "result": it}));
        let escalated = json!({"event": "escalated", "incident": INCIDENT});
        let mut samples = vec![
            usual("a change"),
            self.asked("executing a change too early", &self.planned(now + HOUR)),
            self.asked("executing a change too late", &self.planned(now - HOUR - HOUR)),
            self.asked("executing a change without a plan", &json!({"schedule": null})),
            with("what isn't there", &|it| {
                (it.file, it.alike) = (None, self.id("CHG-1").into_iter().collect());
                it.approved = Approved::Unproven(None);
            }),
            with("what isn't merged", &|it| {
                (it.pull, it.verdict) = (PullState::Open, Some(Verdict::Pending));
                it.approved = Approved::Unproven(None);
            }),
            with("what was given up", &|it| {
                (it.pull, it.approved) = (PullState::GivenUp, Approved::Unproven(None));
            }),
            with("what isn't recorded yet", &|it| it.approved = Approved::NotYet),
            with("what nothing proves", &|it| {
                it.approved = Approved::Unproven(Some("it went around".to_owned()));
            }),
            with("what was changed since", &|it| {
                if let Approved::By(approval) = &mut it.approved {
                    (approval.material_holds, approval.tier) = (false, RiskTier::Low);
                }
            }),
            with("a step of other parameters", &|it| {
                it.attempt.steps = Steps::Numbers(vec![1]);
                it.attempt.parameters = BTreeMap::from([("name".to_owned(), "other".to_owned())]);
                it.attempt.expected = Some(Duration::hours(2));
            }),
            with("a step that isn't there", &|it| it.attempt.steps = Steps::Numbers(vec![99])),
            with("as somebody unproven", &|it| it.attempt.is_proven = false),
            with("as an approver", &|it| {
                let approver = self.approver().cloned().map(Actor::Person);
                it.attempt.by = approver.unwrap_or_else(|| it.attempt.by.clone());
            }),
            with("as a machine", &|it| self.by_machine(it)),
            with("as a machine for somebody", &|it| {
                self.by_machine(it);
                it.attempt.on_behalf = people(self.org).next().cloned();
            }),
            with("a change where nothing can be fetched", &|it| it.age = Some(HOUR)),
            with("a change beside others", &|it| it.open = self.beside()),
            with("a change of a debtor", &|it| it.debts = self.debts()),
            after("what goes on", std::slice::from_ref(&begin)),
            after("what is lost", &[json!({"event": "begin", "lease_until": now - HOUR})]),
            after("what failed", &[begin.clone(), failed.clone()]),
            after("what is done", &[begin.clone(), done.clone()]),
            after("what is done, once more", &[begin.clone(), done.clone()]).map(|it| {
                let attempt = Attempt { steps: Steps::Numbers(vec![1]), ..it.attempt };
                Asked { attempt, ..it }
            }),
            after("what led to an incident", &[begin.clone(), done.clone(), escalated])
                .map(|it| Asked { open: self.beside(), ..it }),
            after("what is closed", &[begin.clone(), failed, json!({"event": "outcome"})]),
            after("what was cancelled", &[json!({"event": "cancelled"})]),
            after("what goes on, to roll it back", &[begin, done]).map(|it| {
                let attempt = Attempt { rollback: true, ..it.attempt };
                Asked { attempt, ..it }
            }),
            self.reading(true),
            self.reading(false),
        ];
        for tier in RiskTier::ALL {
            let mut own = self.planned(now);
            own["actions"] = actions(self.org, tier).into();
            samples.push(self.asked(&format!("executing a change of {tier} risk"), &own));
        }
        samples.extend(self.of_emergencies());
        samples
    }

    fn of_emergencies(&self) -> Vec<Option<Asked>> {
        let breaks_glass = |name: &str, proof: Option<ProvenBy>, status| {
            let mut own = self.planned(self.now);
            let emergency = emergency("P1", true);
            own.as_object_mut()?.extend(emergency.as_object()?.clone());
            let mut asked = self.asked(&format!("executing an emergency {name}"), &own)?;
            asked.is_break_glass = true;
            asked.incident = self.incident(status);
            match (proof, &mut asked.approved) {
                (Some(proof), Approved::By(approval)) => {
                    let due_at = self.now + HOUR;
                    approval.proof = proof;
                    approval.owed = vec![Owed { what: Requirement::Commander, due_at }];
                }
                _ => asked.approved = Approved::Unproven(None),
            }
            let is_merged = proof == Some(ProvenBy::Merge);
            asked.pull = if is_merged { PullState::Merged } else { PullState::Open };
            asked.verdict = (!is_merged).then_some(Verdict::Pending);
            Some(asked)
        };
        vec![
            breaks_glass("that is merged", Some(ProvenBy::Merge), IncidentStatus::Open),
            breaks_glass("from its open change", Some(ProvenBy::Open), IncidentStatus::Open),
            breaks_glass("without a commander", None, IncidentStatus::Open),
            breaks_glass("that is over", Some(ProvenBy::Open), IncidentStatus::Resolved),
        ]
    }

    fn of_outcomes(&self) -> Vec<Option<Asked>> {
        let begin = json!({"event": "begin", "lease_until": self.now + HOUR});
        let end = |result: &str| json!({"event": "end", "result": result});
        let sample = self.asked("", &self.planned(self.now));
        let request = sample.as_ref().and_then(|it| it.file.as_ref()?.request.as_ref());
        let verified = |health: &str| {
            let checks = request.map(|it| answers(it, self.org, health == "passed"));
            json!({
                "event": "verified", "health": health, "unexpected_impact": "it was slow",
                "checks": checks.unwrap_or_default(),
                "error_rate": {"before": "0.1", "after": "2.5", "source": "prometheus", "samples": 30},
            })
        };
        let undone = json!({"event": "begin", "rollback": true, "lease_until": self.now + HOUR});
        let lives = [
            ("nothing of which was executed", vec![]),
            ("that goes on", vec![begin.clone()]),
            ("that is lost", vec![json!({"event": "begin", "lease_until": self.now - HOUR})]),
            ("that failed", vec![begin.clone(), end("failed")]),
            ("that is done", vec![begin.clone(), end("done")]),
            ("that passed", vec![begin.clone(), end("done"), verified("passed")]),
            ("that didn't pass", vec![begin.clone(), end("done"), verified("failed")]),
            (
                "that was rolled back",
                vec![begin, end("done"), undone, end("done"), verified("passed")],
            ),
        ];
        let mut samples = Vec::new();
        for result in ["successful", "with-issues", "rolled-back", "failed"] {
            for (name, events) in &lives {
                let name = format!("closing a change {name} as {result}");
                samples.push(self.asked(&name, &self.planned(self.now)).and_then(|asked| {
                    let skipped = json!([{"step": 1, "why": "not needed"}]);
                    let said = json!({"result": result, "skipped": skipped, "note": "as seen"});
                    let outcome = Some(read(said)?);
                    Some(Asked { life: self.life(events)?, outcome, ..asked })
                }));
            }
        }
        let name = "closing a change that led to an incident, as somebody else";
        samples.push(self.asked(name, &self.planned(self.now)).and_then(|asked| {
            let escalated = json!({"event": "escalated", "incident": INCIDENT});
            let (_, done) = &lives[4];
            Some(Asked {
                life: self.life(&[&done[..], &[escalated]].concat())?,
                open: self.beside(),
                incident: self.incident(IncidentStatus::Open),
                outcome: Some(read(json!({"result": "failed"}))?),
                may_close: false,
                ..asked
            })
        }));
        samples
    }

    /// Something that is read under an incident alone, or isn't just read.
    fn reading(&self, only: bool) -> Option<Asked> {
        let mut actions = self.org.actions.entries.iter();
        let named = actions.find(|(_, entry)| entry.read_only == only);
        let action = named.map_or("an-action", |(name, _)| name.as_str()).parse().ok()?;
        let what = if only { "reading" } else { "changing something" };
        let mut asked = self.asked(&format!("{what} under an incident"), &json!({}))?;
        asked.file = None;
        asked.id = self.id(INCIDENT)?;
        asked.incident = self.incident(IncidentStatus::Open);
        asked.attempt.steps = Steps::Named(action, target(self.org).parse().ok()?);
        asked.open = self.beside();
        let opened = read(json!(hex("opened")))?;
        asked.approved = Approved::By(Approval::under_incident(&opened, RiskTier::Low));
        Some(asked)
    }

    /// A request with every field, with the fields of `own` on top, that is merged and approved.
    fn asked(&self, name: &str, own: &Value) -> Option<Asked> {
        let text = full(self.org, self.now, std::slice::from_ref(own)).to_string();
        let file = RequestFile::read(&format!("{REQUESTS}/{ID}.yaml"), text.as_bytes());
        let implementer = file.request.as_ref()?.implementer()?.clone();
        let opened = read(json!(hex("opened")))?;
        let mut approval = Approval::under_incident(&opened, RiskTier::Medium);
        approval.proof = ProvenBy::Merge;
        approval.sign_off.required = read(json!([
            {"kind": "commander", "satisfied_by": self.approver(), "eligible": []},
        ]))?;
        Some(Asked {
            name: name.to_owned(),
            id: self.id(ID)?,
            file: Some(file),
            alike: Vec::new(),
            pull: PullState::Merged,
            verdict: None,
            attempt: Attempt {
                steps: Steps::Left,
                rollback: false,
                parameters: BTreeMap::new(),
                expected: None,
                by: Actor::Person(implementer),
                on_behalf: None,
                contributed: false,
                is_proven: true,
            },
            is_break_glass: false,
            approved: Approved::By(approval),
            life: Life::default(),
            open: Some(Open::new(read(json!(hex("log")))?)),
            debts: Vec::new(),
            incident: None,
            age: None,
            outcome: None,
            may_close: true,
        })
    }
}

fn hex(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string().replace("sha256:", "")
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}
