//! The bones of a decision: what an entry holds of it, without any free text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::Hex;
use crate::decision::{Decision, Required, SignOff, SignOffMode};
use crate::digest::{Digest, canonical_json, to_json};
use crate::policy::Requirement;
use crate::request::ChangeType;
use crate::terms::{Effect, Level, Login, RiskTier, Verdict};
use crate::time::{Interval, Time};

/// What an entry holds of a decision.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Bones {
    /// The digest of the whole decision as canonical JSON, which is material: `decision.json`.
    pub sha256: Hex,
    /// Whether the change may go ahead.
    pub verdict: Verdict,
    /// The risk tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<RiskTier>,
    /// The kind of change.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ChangeType>,
    /// Whether the change doesn't follow the usual script.
    pub off_script: bool,
    /// Who requests the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Login>,
    /// The level that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Who has to sign off, and who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_off: Option<Signed>,
    /// When it may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The findings, in the decision's order.
    pub findings: Vec<Code>,
    /// The summary of what is merged, as it can be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The time that the decision was made for.
    pub evaluated_at: Time,
    /// The next instant at which the decision would change by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_change_at: Option<Time>,
    /// What the decision is based on.
    pub digests: Digests,
}

/// Who has to sign off, and who did.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Signed {
    /// Whether a review is required.
    pub mode: SignOffMode,
    /// What is required.
    pub required: Vec<SignedFor>,
}

/// A sign-off that is required.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SignedFor {
    /// The kind of sign-off.
    #[serde(flatten)]
    pub what: Requirement,
    /// Who gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfied_by: Option<Login>,
    /// Their level, where a level is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Whether it was given after it was due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// When a change may run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Window {
    /// When it is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Interval>,
    /// The windows that the planned interval fits into.
    pub fits: Vec<String>,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Code {
    /// The code.
    pub code: String,
    /// What it does to the verdict.
    pub effect: Effect,
}

/// What a decision is based on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Digests {
    /// The request file's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Digest>,
    /// The content that approvals are bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<Digest>,
    /// The policy bundle.
    pub policies: Digest,
    /// The input document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Digest>,
}

impl Bones {
    /// Returns the bones of a decision. `title` is the summary as it can be shown, of what is merged.
    pub fn of(decision: &Decision, title: Option<String>) -> Self {
        let digests = decision.digests.clone();
        Bones {
            sha256: Hex(Digest::of(decision_json(decision).as_bytes())),
            verdict: decision.verdict,
            tier: decision.tier,
            kind: decision.kind,
            off_script: decision.off_script,
            requester: decision.requester.clone(),
            level: decision.level,
            sign_off: decision.sign_off.as_ref().map(Signed::from),
            window: decision
                .window
                .as_ref()
                .map(|window| Window { planned: window.planned, fits: window.fits.clone() }),
            findings: (decision.findings.iter())
                .map(|finding| Code { code: finding.code.clone(), effect: finding.effect })
                .collect(),
            title,
            evaluated_at: decision.evaluated_at,
            next_change_at: decision.next_change_at,
            digests: Digests {
                request: digests.request,
                material: digests.material,
                policies: digests.policies,
                input: digests.input,
            },
        }
    }

    /// Whether it is the same decision: what changes by itself as time passes, and messages, make no
    /// difference.
    pub fn is_same(&self, other: &Bones) -> bool {
        self.timeless() == other.timeless()
    }

    /// Returns it without what [`Bones::is_same`] passes over.
    pub fn timeless(&self) -> Self {
        Bones {
            sha256: Hex(Digest::of(b"")),
            evaluated_at: Time::nearest_unix(0),
            next_change_at: None,
            digests: Digests { input: None, ..self.digests.clone() },
            ..self.clone()
        }
    }
}

/// Returns a decision as canonical JSON, the material `decision.json`.
pub fn decision_json(decision: &Decision) -> String {
    canonical_json(&to_json(decision))
}

impl From<&SignOff> for Signed {
    fn from(sign_off: &SignOff) -> Self {
        let signed_for = |required: &Required| SignedFor {
            what: required.what.clone(),
            satisfied_by: required.satisfied_by.clone(),
            level: required.level,
            late: required.late,
        };
        Signed { mode: sign_off.mode, required: sign_off.required.iter().map(signed_for).collect() }
    }
}
