//! What is measured of a change, and when.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use reqwest::Url;

use crate::core::input::affected_services;
use crate::core::operations::checks::{Asked, asked, rate_name};
use crate::core::operations::life::Life;
use crate::core::org::{ErrorRateSource, Org};
use crate::core::request::ChangeRequest;
use crate::core::terms::{Name, all_of};
use crate::core::time::{Duration, Interval, Time};

/// The longest time of watching.
const LONGEST: Duration = Duration::hours(24);

/// The most checks.
const MOST_CHECKS: usize = 20;

/// How long after the last step an error rate counts: what it did takes effect first. Where less is watched
/// than the shipped 15 minutes, it is as much less.
const SETTLES: Duration = Duration::seconds(60);

/// What is asked for, besides what policies and request say.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// How long to watch; the request's time if left out.
    pub watch: Option<Duration>,
    /// Further addresses to poll.
    pub health: Vec<String>,
    /// What a person says of a check, by its name.
    pub manual: Vec<(String, bool)>,
}

/// What is measured of a change, and when.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The addresses that have to answer.
    pub polled: Vec<Polled>,
    /// The checks that a person answers, with the answers.
    pub manual: Vec<(String, Option<bool>)>,
    /// The error rates.
    pub rates: Vec<Rate>,
    /// How long services are watched.
    pub watch: Duration,
    /// The time before the change to which error rates are compared.
    pub before: Interval,
    /// The time after it.
    pub after: Interval,
    /// The hosts whose addresses may be private.
    pub private: BTreeSet<String>,
}

/// An address that has to answer.
#[derive(Clone, Debug)]
pub struct Polled {
    /// The address.
    pub url: Url,
    /// How policies and request write it: the names of its checks.
    pub names: Vec<String>,
}

/// The error rate of a service.
#[derive(Clone, Debug)]
pub struct Rate {
    /// The service.
    pub service: Name,
    /// What measures it.
    pub source: ErrorRateSource,
}

impl Rate {
    /// Returns the name of its check.
    pub fn name(&self) -> String {
        rate_name(&self.service)
    }
}

impl Plan {
    /// Returns what is measured of a change.
    ///
    /// # Errors
    /// When nothing of it was executed, or what is asked for can't be done.
    pub fn of(
        request: &ChangeRequest,
        org: &Org,
        life: &Life,
        wanted: &Wanted,
    ) -> anyhow::Result<Self> {
        let begun = life.executions.iter().filter(|it| !it.is_void).map(|it| it.begin.head.at);
        let begun = begun.chain(life.records.iter().map(|it| it.what.started_at)).min();
        let ended = life.last_end().map(|(end, _)| end);
        let (Some(begun), Some(ended)) = (begun, ended) else {
            bail!("nothing of it was executed, so there is nothing to verify")
        };
        let watch = wanted.watch.unwrap_or_else(|| usual(request, org));
        ensure!(
            Duration::seconds(1) <= watch && watch <= LONGEST,
            "services are watched from 1s to 24h, not for {watch}"
        );
        let settles = SETTLES.min(Duration::seconds(watch.as_seconds() / 15));
        let after = Interval { start: ended + settles, end: ended + settles + watch };
        let before = Interval { start: begun - watch, end: begun };
        let mut plan = Plan {
            polled: Vec::new(),
            manual: Vec::new(),
            rates: Vec::new(),
            watch,
            before,
            after,
            private: BTreeSet::new(),
        };
        plan.add_checks(request, org)?;
        for text in &wanted.health {
            let why = || format!("`{text}` isn't an address to ask");
            plan.poll(text, url(text).with_context(why)?);
        }
        plan.answer(&wanted.manual)?;
        let number = plan.polled.len() + plan.manual.len() + plan.rates.len();
        ensure!(
            number <= MOST_CHECKS,
            "there are {number} checks, and at most {MOST_CHECKS} are done"
        );
        Ok(plan)
    }

    /// Returns until when it is watched that is watched from now on: as long as wanted, and until the error
    /// rates after the change are known.
    pub fn until(&self, now: Time) -> Time {
        let rates = (!self.rates.is_empty()).then_some(self.after.end);
        rates.into_iter().chain([now + self.watch]).max().unwrap_or(now)
    }

    /// Returns the addresses of the Prometheus servers.
    pub fn prometheus(&self) -> BTreeSet<&str> {
        let servers = self.rates.iter().filter_map(|rate| match &rate.source {
            ErrorRateSource::Prometheus { url, .. } => Some(url.as_str()),
            ErrorRateSource::CloudWatch { .. } => None,
        });
        servers.collect()
    }

    /// Adds the checks that the change asks for.
    fn add_checks(&mut self, request: &ChangeRequest, org: &Org) -> anyhow::Result<()> {
        let targets: Vec<_> = request.targets().into_iter().collect();
        let affected = affected_services(request.services(), &targets, org);
        let affected = affected.iter().filter_map(|name| org.roster.services.get(*name));
        let hosts = affected.flat_map(|service| &service.hosts);
        self.private.extend(hosts.map(|host| host.to_ascii_lowercase()));
        for it in asked(request, org) {
            match it {
                Asked::Health { service, address } => {
                    let why = || {
                        format!("the roster's `{address}` for {service} isn't an address to ask")
                    };
                    self.poll(address, url(address).with_context(why)?);
                }
                Asked::Rate { service, source } => {
                    self.rates.push(Rate { service: service.clone(), source: source.clone() });
                }
                Asked::Person(name) => self.manual.push((name, None)),
                Asked::Own(text) => self.add_own(text),
            }
        }
        Ok(())
    }

    /// Adds a check of the request's own: what is on a host that a service lists is polled, and anything else is
    /// up to a person.
    fn add_own(&mut self, text: &str) {
        let is_listed = |url: &Url| {
            url.scheme() == "https" && url.host_str().is_some_and(|it| self.private.contains(it))
        };
        let is_polled = |url: &Url| self.polled.iter().any(|it| it.url == *url);
        match url(text).filter(|url| is_listed(url) || is_polled(url)) {
            Some(url) => self.poll(text, url),
            None if self.manual.iter().any(|(name, _)| name == text) => {}
            None => self.manual.push((text.to_owned(), None)),
        }
    }

    /// Polls an address, once however often and in whatever form it is named.
    fn poll(&mut self, name: &str, url: Url) {
        match self.polled.iter_mut().find(|it| it.url == url) {
            Some(known) if known.names.iter().any(|it| it == name) => {}
            Some(known) => known.names.push(name.to_owned()),
            None => self.polled.push(Polled { url, names: vec![name.to_owned()] }),
        }
    }

    fn answer(&mut self, answers: &[(String, bool)]) -> anyhow::Result<()> {
        let answers: BTreeMap<_, _> =
            answers.iter().map(|(name, passed)| (name.as_str(), *passed)).collect();
        for (name, passed) in answers {
            let Some((_, answer)) = self.manual.iter_mut().find(|(known, _)| known == name) else {
                let names: Vec<_> =
                    self.manual.iter().map(|(name, _)| format!("`{name}`")).collect();
                let known = match names.is_empty() {
                    true => "there is none".to_owned(),
                    false => format!("there are {}", all_of(&names)),
                };
                bail!("`{name}` isn't a check that a person answers: {known}")
            };
            *answer = Some(passed);
        }
        Ok(())
    }
}

/// Returns how long services are watched unless it is said: as the request says, and as the settings ask.
fn usual(request: &ChangeRequest, org: &Org) -> Duration {
    let own = request.verification.as_ref().and_then(|it| it.monitor);
    own.into_iter().chain([org.settings.outcome.monitor_at_least]).max().unwrap_or(LONGEST)
}

/// Reads an address that can be asked: of the web, with a host, and without a name and password.
fn url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (is_web && is_plain).then_some(url)
}

#[cfg(test)]
mod tests;
