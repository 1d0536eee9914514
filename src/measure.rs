//! Watches the services of a change after it was executed, and measures.
//!
//! ```text
//! request, tables, life, flags ─ plan ─▶ checks, error rates, times ─ watch ─▶ what the event says
//!                                          network ─▶ health addresses, Prometheus
//!                                          `aws` ───▶ CloudWatch
//! ```
//!
//! What is measured is policy data, so that nobody picks a flattering graph. A request is text from
//! anyone, and where this runs more can be reached than from outside: [`network`] says what is asked.

use std::time::{Duration as StdDuration, Instant};

use anyhow::{anyhow, ensure};

use crate::core::operations::kinds::{Check, CheckKind, Monitored, Verified};
use crate::core::operations::measured::{
    Answer, Series, health, is_raised, manual, polled, rate, worst,
};
use crate::core::org::{ErrorRateSource, Tolerance};
use crate::core::time::{Duration, Interval, Time};

mod cloudwatch;
pub mod network;
pub mod plan;
mod prometheus;

use network::Network;
pub use network::Token;
use plan::{Plan, Polled, Rate};

/// The most samples that are kept of a check.
const MOST_SAMPLES: u64 = 200;

/// How often Prometheus or `aws` is asked that doesn't answer, and how long is waited in between.
const TRIES: usize = 3;
const PAUSE: StdDuration = StdDuration::from_secs(2);

/// How the time passes during which a change is watched.
pub struct Pace<'a> {
    /// How long is waited between two samples.
    pub interval: Duration,
    /// What time it is.
    pub clock: fn() -> Time,
    /// Waits, and returns whether to go on: somebody may have asked to end.
    pub pause: &'a mut dyn FnMut(StdDuration) -> bool,
    /// Is told after each sample what was seen.
    pub seen: &'a mut dyn FnMut(&Seen<'_>),
    /// Says afterwards whether a check passed that only a person can answer, and nobody has answered.
    pub answer: &'a mut dyn FnMut(&str) -> anyhow::Result<bool>,
}

/// What was seen by a sample.
pub struct Seen<'a> {
    /// How many seconds have passed.
    pub passed: u64,
    /// Of how many.
    pub of: u64,
    /// The addresses that didn't answer well, with the reason.
    pub failing: Vec<(&'a str, &'a str)>,
}

/// Watches, and returns what was found; `None` if somebody asked to end.
///
/// # Errors
/// When something couldn't be measured.
pub fn watch(
    plan: &Plan,
    token: Option<Token>,
    tolerance: &Tolerance,
    pace: Pace<'_>,
) -> anyhow::Result<Option<Verified>> {
    ensure!(
        token.is_none() || plan.prometheus().len() < 2,
        "several Prometheus servers measure the affected services, and a token is meant for one"
    );
    let network = Network::new(&plan.private)?;
    let ask = |it: &Rate, during| measure(it, during, &network, token.as_ref());
    // What was before is there already, and what can't be asked shows before anybody waits.
    let before = plan.rates.iter().map(|it| ask(it, plan.before));
    let before = before.collect::<anyhow::Result<Vec<_>>>()?;
    let Pace { interval, clock, pause, seen, answer } = pace;
    let (from, began) = (clock(), Instant::now());
    let total = StdDuration::from_secs((plan.until(from) - from).as_seconds());
    let between = between(interval, total);
    let urls: Vec<_> = plan.polled.iter().map(|it| it.url.clone()).collect();
    let mut answers = vec![Vec::new(); urls.len()];
    let mut next = began;
    loop {
        let new = network.poll(&urls);
        let failing = urls.iter().zip(&new);
        let failing = failing
            .filter_map(|(url, answer)| Some((url.as_str(), answer.wrong.as_deref()?)))
            .collect();
        let passed = began.elapsed().as_secs().min(total.as_secs());
        seen(&Seen { passed, of: total.as_secs(), failing });
        answers.iter_mut().zip(new).for_each(|(all, new): (&mut Vec<Answer>, _)| all.push(new));
        let left = total.saturating_sub(began.elapsed());
        if left.is_zero() {
            break;
        }
        next = (next + StdDuration::from_secs(between)).max(Instant::now());
        let wait = next.saturating_duration_since(Instant::now()).min(left);
        if !pause(wait) {
            return Ok(None);
        }
    }
    let monitored = Monitored { from, to: clock().max(from) };
    let of_names = |(it, all): (&Polled, &Vec<Answer>)| {
        it.names.iter().map(|name| polled(name, all)).collect::<Vec<_>>()
    };
    let mut checks: Vec<_> = plan.polled.iter().zip(&answers).flat_map(of_names).collect();
    for (name, passed) in &plan.manual {
        let passed = passed.map_or_else(|| answer(name), Ok)?;
        checks.push(manual(name, passed));
    }
    let mut rates = Vec::new();
    for (it, before) in plan.rates.iter().zip(&before) {
        let found = rate(kind(&it.source), before, &ask(it, plan.after)?);
        let (found, missing) = found.map_err(|why| unmeasured(it, &why))?;
        let missing = (missing > 0).then(|| format!("; {missing} samples are missing"));
        let note = format!(
            "{} % before, {} % after{}",
            found.before,
            found.after,
            missing.unwrap_or_default()
        );
        checks.push(Check {
            name: it.name(),
            kind: found.source,
            passed: !is_raised(&found, tolerance),
            samples: Some(found.samples),
            failures: None,
            worst: None,
            note: Some(note),
        });
        rates.push(found);
    }
    let error_rate = worst(&rates, tolerance).cloned();
    let health = health(&checks);
    Ok(Some(Verified { monitored, checks, health, error_rate, unexpected_impact: None }))
}

/// Returns how many seconds lie between two samples, of which there are at most [`MOST_SAMPLES`].
fn between(interval: Duration, total: StdDuration) -> u64 {
    interval.as_seconds().max(total.as_secs().div_ceil(MOST_SAMPLES - 1))
}

fn kind(source: &ErrorRateSource) -> CheckKind {
    match source {
        ErrorRateSource::Prometheus { .. } => CheckKind::Prometheus,
        ErrorRateSource::CloudWatch { .. } => CheckKind::CloudWatch,
    }
}

/// Measures an error rate during some time. What doesn't answer is asked again.
fn measure(
    it: &Rate,
    during: Interval,
    network: &Network,
    token: Option<&Token>,
) -> anyhow::Result<Series> {
    let ask = || match &it.source {
        ErrorRateSource::Prometheus { url, query } => {
            prometheus::ask(network, (url, query), token, during)
        }
        ErrorRateSource::CloudWatch { region, queries } => cloudwatch::ask(region, queries, during),
    };
    let mut asked = ask();
    for _ in 1..TRIES {
        if asked.is_ok() {
            break;
        }
        std::thread::sleep(PAUSE);
        asked = ask();
    }
    asked.map_err(|why| unmeasured(it, &format!("{why:#}")))
}

fn unmeasured(it: &Rate, why: &str) -> anyhow::Error {
    anyhow!("the error rate of {} couldn't be measured, so nothing is recorded: {why}", it.service)
}

/// Checks the time between two samples.
///
/// # Errors
/// When it is too short.
pub fn check_interval(interval: Duration) -> anyhow::Result<()> {
    ensure!(
        interval >= Duration::seconds(5),
        "an interval of {interval} is too short: at least 5s"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_200_samples_are_taken_of_a_check() {
        for (interval, total, seconds) in
            [(15, 900, 15), (5, 995, 5), (5, 996, 6), (15, 86_400, 435), (600, 86_400, 600)]
        {
            let found = between(Duration::seconds(interval), StdDuration::from_secs(total));
            assert_eq!(found, seconds, "{interval} {total}");
            // The first one is taken at once, and the last one at the end.
            assert!(total.div_ceil(found) < MOST_SAMPLES);
        }
    }

    #[test]
    fn an_interval_is_at_least_five_seconds() {
        assert!(check_interval(Duration::seconds(5)).is_ok());
        assert!(check_interval(Duration::seconds(4)).is_err());
    }
}
