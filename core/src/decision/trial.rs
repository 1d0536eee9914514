//! What new policies decide differently from those that they replace.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Decision;
use crate::terms::{Effect, Verdict};

/// The comparison of two policy bundles on the same requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trial {
    /// Whose policies the new ones are compared with: the id of a commit.
    pub against: String,
    /// The number of merged requests that aren't over, each tried as if it had just been submitted.
    pub requests: usize,
    /// The number of open changes that were tried: in plain Git each with its reviews, on GitHub each
    /// request as if it had just been submitted.
    pub changes: usize,
    /// The number of open pull requests on GitHub that were not tried: they are not among the newest
    /// hundred, or they could not be fetched.
    pub left_out: usize,
    /// The requests, changes and samples of each kind on which they differ.
    pub differences: Vec<Difference>,
    /// Whether the new policies would let nobody change them again, even if everybody in the roster
    /// approved it.
    pub locks_out: bool,
}

impl Trial {
    /// Returns whether the new policies decide every request, and can be changed again.
    pub fn is_sound(&self) -> bool {
        !self.locks_out && self.differences.iter().all(|difference| difference.after.is_some())
    }
}

/// A request on which new policies decide differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The request's path, the name of an open change, or what a sample is, such as
    /// `an off-script change`.
    pub request: String,
    /// The verdict of the policies that are replaced; null if they can't decide.
    pub before: Option<Verdict>,
    /// The verdict of the new ones; null if they can't decide.
    pub after: Option<Verdict>,
    /// What differs, one phrase each.
    pub how: Vec<String>,
}

/// A decision, or why there is none.
pub type Tried = Result<Decision, String>;

/// Returns whether there is a decision, and it approves.
pub fn approves(tried: &Tried) -> bool {
    tried.as_ref().is_ok_and(|decision| decision.verdict == Verdict::Approved)
}

impl Difference {
    /// Compares what both bundles say about a request. A request that the new policies can't decide
    /// is a difference even if it couldn't be decided before.
    pub fn of(request: &str, before: &Tried, after: &Tried) -> Option<Self> {
        let how = match (before, after) {
            (Ok(before), Ok(after)) => between(before, after),
            (Err(_), Ok(_)) => vec!["can be decided now".to_owned()],
            (_, Err(why)) => vec![format!("can't be decided: {why}")],
        };
        let verdict = |tried: &Tried| tried.as_ref().ok().map(|decision| decision.verdict);
        let [before, after] = [before, after].map(verdict);
        (!how.is_empty()).then(|| Difference { request: request.to_owned(), before, after, how })
    }
}

/// Returns what differs between two decisions.
fn between(before: &Decision, after: &Decision) -> Vec<String> {
    let mut how = Vec::new();
    if before.verdict != after.verdict {
        how.push(format!("{} instead of {}", after.verdict, before.verdict));
    }
    if before.tier != after.tier {
        let tier = |decision: &Decision| decision.tier.map_or("no".to_owned(), |it| it.to_string());
        how.push(format!("{} risk instead of {}", tier(after), tier(before)));
    }
    let [asked, asks] = [before, after].map(sign_offs);
    how.extend(beyond(&asks, &asked).map(|(what, times)| format!("also asks for {times}{what}")));
    how.extend(
        beyond(&asked, &asks).map(|(what, times)| format!("no longer asks for {times}{what}")),
    );
    let [found, finds] = [before, after].map(findings);
    for (code, (effect, message)) in &finds {
        if found.get(code).is_none_or(|(was, _)| was != effect) {
            how.push(format!("finds {code} ({effect}): {message}"));
        }
    }
    let gone = found.keys().filter(|code| !finds.contains_key(*code));
    how.extend(gone.map(|code| format!("no longer finds {code}")));
    how
}

/// Returns how often each sign-off is asked for.
fn sign_offs(decision: &Decision) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for required in decision.sign_off.iter().flat_map(|sign_off| &sign_off.required) {
        *asked.entry(required.what.to_string()).or_default() += 1;
    }
    asked
}

/// Returns what `these` hold more often than `those`, with how many times more if that isn't once.
fn beyond<'a>(
    these: &'a BTreeMap<String, usize>,
    those: &'a BTreeMap<String, usize>,
) -> impl Iterator<Item = (&'a str, String)> {
    these.iter().filter_map(|(what, count)| {
        match count.saturating_sub(those.get(what).copied().unwrap_or(0)) {
            0 => None,
            1 => Some((what.as_str(), String::new())),
            more => Some((what.as_str(), format!("{more} × "))),
        }
    })
}

/// Returns the strongest finding of each code. Missing sign-offs are compared as such.
fn findings(decision: &Decision) -> BTreeMap<&str, (Effect, &str)> {
    let mut found = BTreeMap::new();
    // The strongest come first.
    for finding in decision.findings.iter().filter(|finding| finding.code != "signoff/missing") {
        found.entry(finding.code.as_str()).or_insert((finding.effect, finding.message.as_str()));
    }
    found
}
