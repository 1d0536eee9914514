//! The checks that a change asks for: those of its services, and its own.

use std::collections::BTreeSet;

use super::kinds::{Check, CheckKind};
use super::measured::manual;
use crate::input::affected_services;
use crate::org::{ErrorRateSource, Org};
use crate::request::ChangeRequest;
use crate::terms::Name;

/// A check that a change asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked<'a> {
    /// An address of a service has to answer.
    Health {
        /// The service.
        service: &'a Name,
        /// The address, as the roster writes it: the check's name.
        address: &'a str,
    },
    /// An error rate of a service must not be raised.
    Rate {
        /// The service.
        service: &'a Name,
        /// What measures it.
        source: &'a ErrorRateSource,
    },
    /// A person says how a service is that nothing measures: the check's name.
    Person(String),
    /// What the request asks for: an address that can be asked if a service lists it, or for a person to look at.
    Own(&'a str),
}

impl Asked<'_> {
    /// Returns the check's name.
    pub fn name(&self) -> String {
        match self {
            Asked::Health { address, .. } => (*address).to_owned(),
            Asked::Rate { service, .. } => rate_name(service),
            Asked::Person(name) => name.clone(),
            Asked::Own(text) => (*text).to_owned(),
        }
    }

    /// Whether a check answers it: what is measured isn't for a person to say.
    fn is_answered_by(&self, check: &Check) -> bool {
        let is_kind = match self {
            Asked::Health { .. } => check.kind == CheckKind::Http,
            Asked::Rate { .. } => {
                matches!(check.kind, CheckKind::Prometheus | CheckKind::CloudWatch)
            }
            Asked::Person(_) | Asked::Own(_) => true,
        };
        is_kind && check.name == self.name()
    }
}

/// Returns the name of the check of a service's error rate.
pub fn rate_name(service: &Name) -> String {
    format!("{service}/error-rate")
}

/// Returns the checks that a change asks for: those of each affected service, in the order of their names, then its
/// own.
pub fn asked<'a>(request: &'a ChangeRequest, org: &'a Org) -> Vec<Asked<'a>> {
    let targets: Vec<_> = request.targets().into_iter().collect();
    let affected: BTreeSet<_> =
        affected_services(request.services(), &targets, org).into_iter().collect();
    let mut all = Vec::new();
    for (name, service) in &org.roster.services {
        if !affected.contains(name.as_str()) {
            continue;
        }
        all.extend(service.health.iter().map(|address| Asked::Health { service: name, address }));
        if service.health.is_empty() {
            all.push(Asked::Person(format!("{name}/health")));
        }
        all.push(match &service.error_rate {
            Some(source) => Asked::Rate { service: name, source },
            None => Asked::Person(rate_name(name)),
        });
    }
    let own = request.verification.iter().flat_map(|it| &it.health_checks);
    all.extend(own.map(|text| Asked::Own(text)));
    all
}

/// Returns the names of the checks that a change asks for, and that no check answers.
pub fn unanswered(request: &ChangeRequest, org: &Org, checks: &[Check]) -> Vec<String> {
    let is_open = |it: &Asked<'_>| !checks.iter().any(|check| it.is_answered_by(check));
    asked(request, org).iter().filter(|it| is_open(it)).map(Asked::name).collect()
}

/// Returns checks that answer all that a change asks for.
pub fn answers(request: &ChangeRequest, org: &Org, passed: bool) -> Vec<Check> {
    let answer = |it: &Asked<'_>| {
        let kind = match it {
            Asked::Health { .. } => CheckKind::Http,
            Asked::Rate { .. } => CheckKind::Prometheus,
            Asked::Person(_) | Asked::Own(_) => CheckKind::Manual,
        };
        Check { kind, ..manual(&it.name(), passed) }
    };
    asked(request, org).iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::policy::{PolicyBundle, shipped_files};

    #[test]
    fn what_is_asked_for_has_to_be_answered() {
        let mut org = PolicyBundle::tables(&shipped_files()).unwrap();
        let service = |org: &mut Org, health: &[&str], rate: bool| {
            let rate =
                rate.then(|| json!({"prometheus": {"url": "https://prom.example", "query": "up"}}));
            let service = json!({"owners": ["dan"], "health": health, "error_rate": rate});
            let service = from_value(service).unwrap();
            org.roster.services = [("shop".parse().unwrap(), service)].into();
        };
        let request: ChangeRequest = from_value(json!({
            "id": "CHG-1",
            "impact": {"services": ["shop"]},
            "verification": {"health_checks": ["an order"]},
        }))
        .unwrap();
        let check = |name: &str, kind| Check { kind, ..manual(name, true) };
        let open = |org: &Org, checks: &[Check]| unanswered(&request, org, checks);
        let manual = |name: &str| manual(name, true);
        service(&mut org, &[], false);
        assert_eq!(open(&org, &[]), ["shop/health", "shop/error-rate", "an order"]);
        let all = ["shop/health", "shop/error-rate", "an order"].map(manual);
        assert_eq!(open(&org, &all), Vec::<String>::new());
        assert_eq!(open(&org, &all[..2]), ["an order"]);
        // What is measured isn't for a person to say.
        service(&mut org, &["https://shop.example/up"], true);
        let said = ["https://shop.example/up", "shop/error-rate", "an order"].map(manual);
        assert_eq!(open(&org, &said), ["https://shop.example/up", "shop/error-rate"]);
        let measured = [
            check("https://shop.example/up", CheckKind::Http),
            check("shop/error-rate", CheckKind::Prometheus),
            manual("an order"),
        ];
        assert_eq!(open(&org, &measured), Vec::<String>::new());
        assert_eq!(open(&org, &answers(&request, &org, true)), Vec::<String>::new());
    }
}
