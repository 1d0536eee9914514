//! What a case expects of its decision, and how the two differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde::Deserialize;

use changegate::core::decision::{Decision, SignOff, SignOffMode};
use changegate::core::terms::{Effect, Level, Verdict};

/// What comes out; what isn't said isn't looked at, except for the codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether a review is required.
    #[serde(default)]
    pub mode: Option<SignOffMode>,
    /// The risk tier, or `none`.
    #[serde(default)]
    pub tier: Option<String>,
    /// The level that counts.
    #[serde(default)]
    pub level: Option<Level>,
    /// The codes of all findings, each once.
    #[serde(default)]
    pub codes: BTreeSet<String>,
    /// The number of findings.
    #[serde(default)]
    pub findings: Option<usize>,
    /// The codes of those that warn or inform.
    #[serde(default)]
    pub warns: Option<BTreeSet<String>>,
    /// The sign-offs that are missing, as reports write them.
    #[serde(default)]
    pub missing: Option<Vec<String>>,
    /// The sign-offs that were given, and by whom.
    #[serde(default)]
    pub signed: Option<BTreeMap<String, String>>,
    /// Who could give the first sign-off.
    #[serde(default)]
    pub eligible: Option<Vec<String>>,
    /// Who signed late.
    #[serde(default)]
    pub late: Option<BTreeSet<String>>,
    /// Whose reviews count.
    #[serde(default)]
    pub counts: Option<BTreeSet<String>>,
    /// A part of the reason why somebody's last review doesn't count.
    #[serde(default)]
    pub why: BTreeMap<String, String>,
    /// The windows that hold the plan.
    #[serde(default)]
    pub fits: Option<Vec<String>>,
    /// The pointers of what is missing in the request.
    #[serde(default)]
    pub lacks: Option<BTreeSet<String>>,
    /// Texts that findings say, in message or help.
    #[serde(default)]
    pub says: Vec<String>,
    /// When the decision changes by itself, or `never`.
    #[serde(default)]
    pub next_change_at: Option<String>,
}

impl Expect {
    /// How a decision differs from it, a line or more each; empty if it doesn't.
    pub fn differences(&self, decision: &Decision) -> Vec<String> {
        let mut found = Differences::default();
        found.of("verdict", &self.verdict, &decision.verdict);
        found.of("codes", &self.codes, &codes(decision, |_| true));
        found.of_some("findings", &self.findings, &decision.findings.len());
        let warns = codes(decision, |effect| effect < Effect::Pending);
        found.of_some("warns", &self.warns, &warns);
        let tier = decision.tier.map_or("none".to_owned(), |tier| tier.to_string());
        found.of_some("tier", &self.tier, &tier);
        found.of_some("level", &self.level.map(Some), &decision.level);
        found.of_some("lacks", &self.lacks, &lacks(decision));
        let sign_off = decision.sign_off.as_ref();
        found.of_some("mode", &self.mode.map(Some), &sign_off.map(|sign_off| sign_off.mode));
        self.compare_sign_off(sign_off, &mut found);
        let fits = decision.window.as_ref().map(|window| window.fits.clone());
        found.of_some("fits", &self.fits, &fits.unwrap_or_default());
        let next = decision.next_change_at.map_or("never".to_owned(), |time| time.to_string());
        found.of_some("next_change_at", &self.next_change_at, &next);
        let texts: Vec<_> = (decision.findings.iter())
            .flat_map(|finding| [Some(&finding.message), finding.help.as_ref()])
            .flatten()
            .collect();
        for wanted in &self.says {
            if !texts.iter().any(|text| text.contains(wanted)) {
                found.add("says", wanted, &texts);
            }
        }
        found.0
    }

    fn compare_sign_off(&self, sign_off: Option<&SignOff>, found: &mut Differences) {
        let required = || sign_off.into_iter().flat_map(|sign_off| &sign_off.required);
        let reviews = || sign_off.map_or(&[][..], |sign_off| &sign_off.reviews);
        let missing = required().filter(|required| required.satisfied_by.is_none());
        let missing = missing.map(|required| required.what.to_string()).collect();
        found.of_some("missing", &self.missing, &missing);
        let signed = required().filter_map(|required| {
            Some((required.what.to_string(), required.satisfied_by.as_ref()?.to_string()))
        });
        found.of_some("signed", &self.signed, &signed.collect());
        let eligible = required()
            .find(|required| required.satisfied_by.is_none())
            .or_else(|| required().next())
            .map_or(&[][..], |required| &required.eligible);
        let eligible = eligible.iter().map(|login| login.to_string()).collect();
        found.of_some("eligible", &self.eligible, &eligible);
        let late = required().filter(|required| required.late);
        let late = late.filter_map(|required| Some(required.satisfied_by.as_ref()?.to_string()));
        found.of_some("late", &self.late, &late.collect());
        let by = |review: &changegate::core::decision::ReviewStanding| {
            review.user.as_ref().map_or("nobody".to_owned(), |login| login.to_string())
        };
        let counts = reviews().iter().filter(|review| review.counts);
        found.of_some("counts", &self.counts, &counts.map(by).collect());
        for (login, wanted) in &self.why {
            let last = reviews().iter().rfind(|review| by(review) == *login);
            let why = last.and_then(|review| review.why.as_deref()).unwrap_or("it counts");
            if !why.contains(wanted) {
                found.add(&format!("why not {login}"), wanted, &why);
            }
        }
    }
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn of<T: Debug + PartialEq>(&mut self, what: &str, wanted: &T, found: &T) {
        if wanted != found {
            self.add(what, wanted, found);
        }
    }

    fn of_some<T: Debug + PartialEq>(&mut self, what: &str, wanted: &Option<T>, found: &T) {
        if let Some(wanted) = wanted {
            self.of(what, wanted, found);
        }
    }

    fn add(&mut self, what: &str, wanted: &impl Debug, found: &impl Debug) {
        let indent = " ".repeat(what.len());
        self.0.push(format!("{what}: wanted {wanted:?}\n{indent}  found  {found:?}"));
    }
}

fn codes(decision: &Decision, of: impl Fn(Effect) -> bool) -> BTreeSet<String> {
    let findings = decision.findings.iter().filter(|finding| of(finding.effect));
    findings.map(|finding| finding.code.clone()).collect()
}

fn lacks(decision: &Decision) -> BTreeSet<String> {
    let missing = decision.findings.iter().filter(|finding| finding.code == "request/missing");
    missing.filter_map(|finding| finding.pointer.clone()).collect()
}
