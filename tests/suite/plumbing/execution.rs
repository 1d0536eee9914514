//! The question of a case whether something may be executed now, or closed.
//!
//! ```yaml
//!   execute:                     # the case's evidence is that of the merge, which its decision approved
//!     by: bob                    # or machine:deploy; default: the requester
//!     for: alice
//!     steps: [1]                 # or {action: deploy, target: web}; default: all that are left
//!     rollback: true
//!     break_glass: true          # it is asked to be executed from its open change
//!     awaits_commander: true     # that waits for the incident commander
//!     parameters: {pods: "12"}
//!     expected: 20m
//!     unproven: true             # nothing proves who acts
//!     approval: {tier: high}     # laid over the merge's, whatever was decided; null: the ledger lacks it;
//!                                # true, or a text that says why: nothing proves it
//!     pull: open
//!     verdict: denied
//!     under: INC-042             # no request: what is read under this incident
//!     alike: [CHG-2]             # there is no request, but these
//!     events: [{event: begin, at: 2026-11-24T22:00:00Z}]
//!     executions: [{change: CHG-9}]      # of others
//!     incidents: [{incident: INC-042}]
//!     debts: [{change: CHG-9}]
//!     incident: {id: INC-042, severity: P1, status: open}
//!     age: 3h
//!     outcome: {result: successful}      # how who acts says that it went: whether it may be closed
//!   now: 2026-11-24T22:10:00Z
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{CaseJudge, Nulls, case::Case, merge};
use changegate::core::decision::{self, Decided};
use changegate::core::digest::Digest;
use changegate::core::evidence::Incident;
use changegate::core::operations::authorize::{Approval, Approved, Attempt, Question, Steps};
use changegate::core::operations::checks::answers;
use changegate::core::operations::closing::Closing;
use changegate::core::operations::event::{API_VERSION, Event, Head};
use changegate::core::operations::kinds::{Outcome, Owed, ProvenBy, What};
use changegate::core::operations::life::Life;
use changegate::core::operations::open::Open;
use changegate::core::operations::state::PullState;
use changegate::core::operations::writer::Writing;
use changegate::core::org::Org;
use changegate::core::policy::{SHIPPED, Undecided};
use changegate::core::record::parts::Hex;
use changegate::core::request::{ChangeRequest, RequestFile};
use changegate::core::terms::{Level, Name, RiskTier, TicketId, Verdict};
use changegate::core::time::{Duration, Time};
use changegate::operations::owed;

/// What a case asks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    by: Option<String>,
    #[serde(rename = "for")]
    on_behalf: Option<String>,
    steps: Option<Value>,
    rollback: bool,
    break_glass: bool,
    awaits_commander: bool,
    parameters: BTreeMap<String, String>,
    expected: Option<Duration>,
    unproven: bool,
    #[serde(deserialize_with = "given")]
    approval: Option<Value>,
    pull: Option<String>,
    verdict: Option<Verdict>,
    under: Option<TicketId>,
    alike: Option<Vec<TicketId>>,
    events: Vec<Value>,
    executions: Vec<Value>,
    incidents: Vec<Value>,
    debts: Vec<Value>,
    incident: Option<Incident>,
    age: Option<Duration>,
    outcome: Option<Value>,
}

/// A value that is written, null too.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What is laid over an approval.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Changes {
    proof: Option<ProvenBy>,
    tier: Option<RiskTier>,
    level: Option<Level>,
    material_holds: Option<bool>,
    owed: Vec<Owed>,
}

const MERGED: &str = "2026-11-23T10:00:00Z";

fn hex(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string().replace("sha256:", "")
}

impl Asked {
    /// Asks the question.
    pub fn ask(&self, judge: &mut CaseJudge, case: &Case) -> Result<Decided, Undecided> {
        let file = case.file().expect("what is executed has a request");
        let request = file.request.as_ref().expect("what is merged can be read");
        let approval = self.approved(judge, case, &file)?;
        let attempt = self.attempt(request);
        let org = judge.bundle(&case.org).0.org.clone();
        let (life, open) = (self.life(request, &org), self.open());
        let debts: Vec<_> = open.debts.iter().cloned().map(owed).collect();
        let evidence = case.evidence().operations.unwrap_or_default();
        let pull = self.pull.as_ref().map_or(PullState::Merged, |word| read(json!(word)));
        let question = Question {
            id: self.under.as_ref().unwrap_or(request.id.as_ref().unwrap()),
            file: (self.alike.is_none() && self.under.is_none()).then_some(&file),
            alike: self.alike.as_deref().unwrap_or_default(),
            pull,
            verdict: self.verdict,
            now: case.now,
            execution: &attempt,
            is_break_glass: self.break_glass,
            awaits_commander: self.awaits_commander,
            approval: &approval,
            life: &life,
            open: Some(&open),
            debts: &debts,
            suspends: &evidence.suspends,
            incident: self.incident.as_ref(),
            is_alone: self.under.is_some(),
            age: self.age,
        };
        let (bundle, evaluator) = judge.bundle(&case.org);
        let Some(said) = &self.outcome else {
            return decision::ask(&question, bundle, SHIPPED, |input| evaluator.rule(input));
        };
        let outcome: Outcome = read(said.clone());
        let incident: Option<TicketId> = read(said["incident"].clone());
        let writing =
            Writing { org: &bundle.org, request: Some(request), life: &life, incidents: &[] };
        let may = writing.may_conclude(&attempt.by, attempt.on_behalf.as_ref());
        let closing = Closing { question, said: &outcome, incident: incident.as_ref(), may };
        decision::close(&closing, bundle, SHIPPED, |input| evaluator.rule(input))
    }

    /// The approval is the decision on the case at the time when it was merged.
    fn approved(
        &self,
        judge: &mut CaseJudge,
        case: &Case,
        file: &RequestFile,
    ) -> Result<Approved, Undecided> {
        let changes = match &self.approval {
            _ if self.under.is_some() => {
                let opened = Hex(Digest::of(b"opened"));
                return Ok(Approved::By(Approval::under_incident(&opened, RiskTier::Low)));
            }
            _ if self.alike.is_some() => return Ok(Approved::Unproven(None)),
            Some(Value::Null) => return Ok(Approved::NotYet),
            Some(Value::Bool(_)) => return Ok(Approved::Unproven(None)),
            Some(Value::String(why)) => return Ok(Approved::Unproven(Some(why.clone()))),
            Some(changes) => read(changes.clone()),
            None => Changes::default(),
        };
        let decided =
            judge.decide_file(Some(file), &case.org, super::at(MERGED), &case.evidence())?;
        let decision = decided.decision;
        // Rules without one of their conditions may not let it in.
        if self.approval.is_none() && decision.verdict != Verdict::Approved {
            let why = format!("{} wasn't merged: {decision:#?}", case.name);
            return Err(Undecided::because(why));
        }
        let approval = Approval::of(&decision, ProvenBy::Merge, None, true).unwrap();
        Ok(Approved::By(Approval {
            proof: changes.proof.unwrap_or(approval.proof),
            tier: changes.tier.unwrap_or(approval.tier),
            level: changes.level.or(approval.level),
            material_holds: changes.material_holds.unwrap_or(true),
            owed: changes.owed,
            ..approval
        }))
    }

    fn attempt(&self, request: &ChangeRequest) -> Attempt {
        let requester = request.requester.as_ref().unwrap().to_string();
        Attempt {
            steps: match &self.steps {
                None => Steps::Left,
                Some(Value::Array(numbers)) => Steps::Numbers(read(json!(numbers))),
                Some(step) => {
                    let name = |field: &str| -> Name { read(step[field].clone()) };
                    Steps::Named(name("action"), name("target"))
                }
            },
            rollback: self.rollback,
            parameters: self.parameters.clone(),
            expected: self.expected,
            by: read(json!(self.by.as_ref().unwrap_or(&requester))),
            on_behalf: self.on_behalf.as_ref().map(|login| login.parse().unwrap()),
            contributed: false,
            is_proven: !self.unproven,
        }
    }

    /// What happened: events that say what isn't usual.
    fn life(&self, request: &ChangeRequest, org: &Org) -> Life {
        let checks = answers(request, org, true);
        let mut life = Life::default();
        let mut execution = json!(null);
        for said in &self.events {
            let at: Time = read(said["at"].clone());
            let mut event = json!({
                "api_version": API_VERSION, "log": hex("log"), "change": request.id,
                "by": request.requester, "base": "4".repeat(40), "previous": life.last,
                "tier": "medium", "material": Digest::of(b""), "approval": {"proof": "merge"},
                "lease_until": at + Duration::hours(1), "execution": execution, "steps": [1],
                "result": "done", "severity": "P2", "pauses": "none", "reason": "not needed",
                "monitored": {"from": at - Duration::seconds(900), "to": at}, "checks": checks,
                "health": "passed", "nonce": hex("nonce"),
            });
            merge(&mut event, said, Nulls::Stay);
            let numbers: Vec<usize> = read(event["steps"].take());
            let step = |number: &usize| {
                let action = request.actions.get(number - 1)?;
                Some(json!({"number": number, "action": action.action, "target": action.target}))
            };
            event["steps"] = numbers.iter().filter_map(step).collect();
            let what: What = read(event.clone());
            let event = Event::new(Head { ..read(event) }, what);
            if matches!(event.what(), What::Begin(_)) {
                execution = json!(event.id());
            }
            life = life.after(&event, &|_| true).unwrap_or_else(|why| panic!("{said}: {why}"));
        }
        life
    }

    fn open(&self) -> Open {
        let all = |items: &[Value], usual: Value| -> Value {
            let filled = items.iter().map(|item| {
                let mut filled = usual.clone();
                merge(&mut filled, item, Nulls::Stay);
                filled
            });
            filled.collect()
        };
        let execution = json!({
            "execution": hex("other"), "by": "erin", "since": "2026-11-24T21:30:00Z",
            "lease_until": "2099-01-01T00:00:00Z", "tier": "medium", "services": ["checkout"],
            "steps": [{"number": 1, "action": "deploy", "target": "eu-west-1"}],
        });
        let incident = json!({
            "severity": "P1", "services": ["checkout"], "pauses": "services", "paused_by": "erin",
            "since": "2026-11-24T21:30:00Z",
        });
        let debt = json!({
            "of": hex("debt"), "debtor": "payments", "due_at": "2026-11-20T00:00:00Z",
        });
        read(json!({
            "api_version": API_VERSION, "log": hex("log"), "begun": [],
            "executions": all(&self.executions, execution),
            "incidents": all(&self.incidents, incident),
            "debts": all(&self.debts, debt),
        }))
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}
