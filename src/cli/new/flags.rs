//! The flags: one for each field of a request, and what they make of a template.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;

use crate::compose::answer;
use crate::compose::openings::length_of;
use crate::core::request::{
    Action, ChangeRequest, ChangeType, OffScript, Rating, RequestedApproval, Risk,
};
use crate::core::terms::{Login, RiskTier, Severity, TicketId};
use crate::core::time::{Duration, Time};

/// What is asked for where no flag gives it.
#[derive(Args, Debug, Default)]
pub struct Flags {
    /// The ticket number; the next free one if left out
    #[arg(long, value_name = "TICKET", help_heading = CHANGE)]
    id: Option<TicketId>,

    /// The kind of change
    #[arg(long = "type", value_name = "TYPE", help_heading = CHANGE,
        value_parser = word::<ChangeType>(&["standard", "normal", "emergency"]))]
    kind: Option<ChangeType>,

    /// What is done to what, such as restart-pods:checkout-web; parameters follow as ,NAME=VALUE
    #[arg(long = "action", value_name = "ACTION:TARGET", help_heading = CHANGE,
        value_parser = answer::action)]
    actions: Vec<Action>,

    /// What is going to be done, in one line
    #[arg(long, value_name = "TEXT", help_heading = CHANGE, value_parser = answer::text)]
    summary: Option<String>,

    /// Why it has to be done
    #[arg(long, value_name = "TEXT", help_heading = CHANGE, value_parser = answer::text)]
    reason: Option<String>,

    /// A longer text; needed when off-script
    #[arg(long, value_name = "TEXT", help_heading = CHANGE, value_parser = answer::text)]
    description: Option<String>,

    /// Who asks; the person of the roster with git's user.email if left out
    #[arg(long, value_name = "LOGIN", help_heading = CHANGE)]
    requester: Option<Login>,

    /// Who performs the change; the requester if left out
    #[arg(long, value_name = "LOGIN", help_heading = CHANGE)]
    implementer: Option<Login>,

    /// A higher risk tier than the catalog's
    #[arg(long, value_name = "TIER", help_heading = CHANGE,
        value_parser = word::<RiskTier>(&["low", "medium", "high", "critical"]))]
    tier: Option<RiskTier>,

    /// A link, such as dashboard=https://…
    #[arg(long = "link", value_name = "NAME=ADDRESS", help_heading = CHANGE,
        value_parser = answer::link)]
    links: Vec<(String, String)>,

    /// An affected service; those that the roster maps the targets to if left out
    #[arg(long = "service", value_name = "NAME", help_heading = IMPACT,
        value_parser = answer::text)]
    services: Vec<String>,

    /// What users notice
    #[arg(long, value_name = "TEXT", help_heading = IMPACT, value_parser = answer::text)]
    users: Option<String>,

    /// What operations have to do or know
    #[arg(long, value_name = "TEXT", help_heading = IMPACT, value_parser = answer::text)]
    operations: Option<String>,

    /// When the change begins, RFC 3339
    #[arg(long, value_name = "TIME", help_heading = SCHEDULE)]
    start: Option<Time>,

    /// When it is over
    #[arg(long, value_name = "TIME", help_heading = SCHEDULE, conflicts_with = "duration")]
    end: Option<Time>,

    /// How long it takes, such as 1h30m, instead of its end
    #[arg(long, value_name = "LENGTH", help_heading = SCHEDULE, value_parser = length_of)]
    duration: Option<Duration>,

    /// A step to undo the change; repeat it in the order of the steps
    #[arg(long = "rollback-step", value_name = "TEXT", help_heading = ROLLBACK,
        value_parser = answer::text)]
    rollback_steps: Vec<String>,

    /// What is seen when the rollback has to be done
    #[arg(long, value_name = "TEXT", help_heading = ROLLBACK, value_parser = answer::text)]
    rollback_trigger: Option<String>,

    /// Who performs the rollback
    #[arg(long, value_name = "LOGIN", help_heading = ROLLBACK)]
    rollback_owner: Option<Login>,

    /// How long the service is watched afterwards, 15m or more
    #[arg(long, value_name = "LENGTH", help_heading = VERIFICATION)]
    monitor: Option<Duration>,

    /// A health check that has to pass
    #[arg(long = "health-check", value_name = "TEXT", help_heading = VERIFICATION,
        value_parser = answer::text)]
    health_checks: Vec<String>,

    /// Where error rates are read
    #[arg(long = "error-rate", value_name = "TEXT", help_heading = VERIFICATION,
        value_parser = answer::text)]
    error_rates: Vec<String>,

    /// The incident's ticket; makes the change an emergency
    #[arg(long, value_name = "INC-NUMBER", help_heading = EMERGENCY,
        value_parser = answer::incident)]
    incident: Option<TicketId>,

    /// How severe the incident is
    #[arg(long, value_name = "P1|P2", help_heading = EMERGENCY,
        value_parser = word::<Severity>(&["P1", "P2"]))]
    severity: Option<Severity>,

    /// Why the change can't wait
    #[arg(long, value_name = "TEXT", help_heading = EMERGENCY, value_parser = answer::text)]
    why_now: Option<String>,

    /// The change leaves the usual script; --script and --justification say so too
    #[arg(long, help_heading = OFF_SCRIPT)]
    off_script: bool,

    /// The usual script, which isn't followed
    #[arg(long, value_name = "TEXT", help_heading = OFF_SCRIPT, value_parser = answer::text)]
    script: Option<String>,

    /// Why it can't be followed
    #[arg(long, value_name = "TEXT", help_heading = OFF_SCRIPT, value_parser = answer::text)]
    justification: Option<String>,

    /// What could go wrong; the first of each of the next three belongs to the first risk
    #[arg(long = "risk", value_name = "TEXT", help_heading = OFF_SCRIPT,
        value_parser = answer::text)]
    risks: Vec<String>,

    /// What is done about it
    #[arg(long = "risk-mitigation", value_name = "TEXT", help_heading = OFF_SCRIPT,
        value_parser = answer::text)]
    mitigations: Vec<String>,

    /// How likely it is
    #[arg(long = "risk-likelihood", value_name = "RATING", help_heading = OFF_SCRIPT,
        value_parser = word::<Rating>(RATINGS))]
    likelihoods: Vec<Rating>,

    /// How bad it would be
    #[arg(long = "risk-impact", value_name = "RATING", help_heading = OFF_SCRIPT,
        value_parser = word::<Rating>(RATINGS))]
    impacts: Vec<Rating>,

    /// How the change serves the business's goals
    #[arg(long, value_name = "TEXT", help_heading = OFF_SCRIPT, value_parser = answer::text)]
    business_alignment: Option<String>,

    /// What is done if the change and its rollback both fail
    #[arg(long, value_name = "TEXT", help_heading = OFF_SCRIPT, value_parser = answer::text)]
    contingency: Option<String>,

    /// A role that has to sign off, or a person as user:LOGIN
    #[arg(long = "approval", value_name = "ROLE", help_heading = OFF_SCRIPT,
        value_parser = answer::approval)]
    approvals: Vec<RequestedApproval>,
}

const CHANGE: &str = "What and why";
const IMPACT: &str = "Impact";
const SCHEDULE: &str = "Schedule";
const ROLLBACK: &str = "Rollback";
const VERIFICATION: &str = "Verification";
const EMERGENCY: &str = "Emergencies";
const OFF_SCRIPT: &str = "Off-script changes";

const RATINGS: &[&str] = &["low", "medium", "high"];

/// Takes one of a type's words.
fn word<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| serde_json::from_value(word.into()))
}

impl Flags {
    /// Whether the flags say what kind of change it is, so that nobody has to be asked.
    pub fn say_what(&self) -> bool {
        self.kind.is_some() || !self.actions.is_empty() || self.is_emergency()
    }

    /// How long the change takes.
    pub fn length(&self) -> Option<Duration> {
        self.duration
    }

    fn is_off_script(&self) -> bool {
        self.off_script || self.script.is_some() || self.justification.is_some()
    }

    fn is_emergency(&self) -> bool {
        self.incident.is_some() || self.severity.is_some() || self.why_now.is_some()
    }

    /// Writes over a request what the flags give; a list replaces a list.
    pub fn fill(&self, request: &mut ChangeRequest) {
        put(&mut request.id, &self.id);
        put(&mut request.summary, &self.summary);
        put(&mut request.reason, &self.reason);
        put(&mut request.description, &self.description);
        put(&mut request.requester, &self.requester);
        put(&mut request.implementer, &self.implementer);
        put(&mut request.risk, &self.tier);
        put(&mut request.business_alignment, &self.business_alignment);
        put(&mut request.contingency, &self.contingency);
        put_all(&mut request.actions, &self.actions);
        put_all(&mut request.approvals, &self.approvals);
        put_all(&mut request.risks, &self.given_risks());
        request.links.extend(self.links.iter().cloned());
        self.fill_kind(request);
        self.fill_parts(request);
        self.fill_schedule(request);
    }

    fn fill_kind(&self, request: &mut ChangeRequest) {
        if let Some(kind) = self.kind {
            request.kind = kind;
        } else if self.is_emergency() {
            request.kind = ChangeType::Emergency;
        }
        if self.is_emergency() {
            let emergency = request.emergency.get_or_insert_default();
            put(&mut emergency.incident, &self.incident);
            put(&mut emergency.severity, &self.severity);
            put(&mut emergency.why_now, &self.why_now);
        }
        if self.is_off_script() {
            let OffScript { script, justification } = request.off_script.get_or_insert_default();
            put(script, &self.script);
            put(justification, &self.justification);
        }
    }

    fn fill_parts(&self, request: &mut ChangeRequest) {
        let impact = request.impact.get_or_insert_default();
        put_all(&mut impact.services, &self.services);
        put(&mut impact.users, &self.users);
        put(&mut impact.operations, &self.operations);
        let rollback = request.rollback.get_or_insert_default();
        put_all(&mut rollback.steps, &self.rollback_steps);
        put(&mut rollback.trigger, &self.rollback_trigger);
        put(&mut rollback.owner, &self.rollback_owner);
        let verification = request.verification.get_or_insert_default();
        put(&mut verification.monitor, &self.monitor);
        put_all(&mut verification.health_checks, &self.health_checks);
        put_all(&mut verification.error_rates, &self.error_rates);
        request.impact.take_if(|impact| *impact == Default::default());
        request.rollback.take_if(|rollback| *rollback == Default::default());
        request.verification.take_if(|verification| *verification == Default::default());
    }

    fn fill_schedule(&self, request: &mut ChangeRequest) {
        if self.start.is_some() || self.end.is_some() {
            let schedule = request.schedule.get_or_insert_default();
            put(&mut schedule.start, &self.start);
            let end = self.start.zip(self.duration).map(|(start, duration)| start + duration);
            put(&mut schedule.end, &self.end.or(end));
        }
    }

    /// The first of each kind together, then the second, and so on.
    fn given_risks(&self) -> Vec<Risk> {
        let given =
            [self.risks.len(), self.mitigations.len(), self.likelihoods.len(), self.impacts.len()];
        let risk = |place: usize| Risk {
            risk: self.risks.get(place).cloned(),
            likelihood: self.likelihoods.get(place).copied(),
            impact: self.impacts.get(place).copied(),
            mitigation: self.mitigations.get(place).cloned(),
        };
        (0..given.into_iter().max().unwrap_or(0)).map(risk).collect()
    }
}

fn put<T: Clone>(field: &mut Option<T>, flag: &Option<T>) {
    if flag.is_some() {
        field.clone_from(flag);
    }
}

fn put_all<T: Clone>(field: &mut Vec<T>, flags: &[T]) {
    if !flags.is_empty() {
        *field = flags.to_vec();
    }
}
