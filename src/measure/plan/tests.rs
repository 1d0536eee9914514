//! What is measured of a change, as a table.

use super::*;
use crate::core::operations::event::{API_VERSION, Event};
use crate::core::policy::{PolicyBundle, shipped_files};
use crate::core::request::RequestFile;
use serde_json::json;

const ROSTER: &str = "policies/org/roster/data.yaml";

/// The tables with one service, `shop`, that says this of what measures it.
fn org(service: &str) -> Org {
    let mut files = shipped_files();
    let text = format!(
        "people: {{alice: {{level: L3, roles: [incident-commander, devops-lead]}}}}\nservices:\n  shop: {{owners: [alice], targets: [web], {service}}}\n"
    );
    files.insert(ROSTER.to_owned(), text.into_bytes());
    PolicyBundle::tables(&files).unwrap()
}

/// A change of the shop that was executed from 22:00 to 22:10.
fn life() -> Life {
    let event = |kind: &str, at: &str, more: serde_json::Value| {
        let mut event = json!({
            "api_version": API_VERSION, "log": "0".repeat(64), "change": "CHG-1", "by": "alice",
            "base": "4".repeat(40), "at": at, "event": kind,
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let head = serde_json::from_value(event.clone()).unwrap();
        Event::new(head, serde_json::from_value(event).unwrap())
    };
    let begin = event(
        "begin",
        "2026-11-24T22:00:00Z",
        json!({
            "steps": [], "tier": "medium", "approval": {"proof": "merge"},
            "lease_until": "2026-11-24T23:00:00Z", "nonce": "0".repeat(64),
        }),
    );
    let end = json!({"execution": begin.id(), "result": "done"});
    let end = event("end", "2026-11-24T22:10:00Z", end);
    Life::of([&begin, &end], &|_, _| false)
}

fn plan(service: &str, checks: &str, wanted: &Wanted) -> anyhow::Result<Plan> {
    let text = format!(
        "id: CHG-1\nrequester: alice\nactions: [{{action: deploy, target: web}}]\n\
         verification: {{monitor: 30m, health_checks: [{checks}]}}\n"
    );
    let file = RequestFile::read("requests/CHG-1.yaml", text.as_bytes());
    Plan::of(&file.request.unwrap(), &org(service), &life(), wanted)
}

#[test]
fn only_what_a_service_lists_is_polled() {
    let listed = "health: ['https://shop.example/up'], hosts: [shop.example, 10.1.1.1]";
    for (service, checks, polled, manual) in [
        ("", "", &[][..], &["shop/health", "shop/error-rate"][..]),
        (listed, "", &["https://shop.example/up"], &["shop/error-rate"]),
        (listed, "'https://shop.example/up'", &["https://shop.example/up"], &["shop/error-rate"]),
        (
            listed,
            "'https://SHOP.example/cart', an order",
            &["https://shop.example/up", "https://shop.example/cart"],
            &["shop/error-rate", "an order"],
        ),
        (
            listed,
            "'https://10.1.1.1/', 'https://10.1.1.1:8443/'",
            &["https://shop.example/up", "https://10.1.1.1/", "https://10.1.1.1:8443/"],
            &["shop/error-rate"],
        ),
        (
            listed,
            "'http://shop.example/cart', 'https://evil.example/', 'https://u:p@shop.example/', \
             'https://shop.example.evil.example/', 'https://169.254.169.254/', 'file:///etc/passwd'",
            &["https://shop.example/up"],
            &[
                "shop/error-rate",
                "http://shop.example/cart",
                "https://evil.example/",
                "https://u:p@shop.example/",
                "https://shop.example.evil.example/",
                "https://169.254.169.254/",
                "file:///etc/passwd",
            ],
        ),
    ] {
        let plan = plan(service, checks, &Wanted::default()).unwrap();
        let found: Vec<_> = plan.polled.iter().map(|it| it.url.as_str()).collect();
        assert_eq!(found, polled, "{service} {checks}");
        let names: Vec<_> = plan.manual.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, manual, "{service} {checks}");
    }
}

#[test]
fn error_rates_are_compared_before_and_after() {
    let rate = "error_rate: {prometheus: {url: 'https://prom.example', query: up}}, health: ['https://a.example']";
    let time = |text: &str| text.parse::<Time>().unwrap();
    for (watch, before, after, until) in [
        (None, "2026-11-24T21:30:00Z", "2026-11-24T22:11:00Z", "2026-11-24T22:50:00Z"),
        (Some("15m"), "2026-11-24T21:45:00Z", "2026-11-24T22:11:00Z", "2026-11-24T22:35:00Z"),
        (Some("1h"), "2026-11-24T21:00:00Z", "2026-11-24T22:11:00Z", "2026-11-24T23:20:00Z"),
        (Some("30s"), "2026-11-24T21:59:30Z", "2026-11-24T22:10:02Z", "2026-11-24T22:20:30Z"),
    ] {
        let watch = watch.map(|text| text.parse().unwrap());
        let wanted = Wanted { watch, ..Wanted::default() };
        let plan = plan(rate, "", &wanted).unwrap();
        assert_eq!(
            (plan.before.start, plan.before.end),
            (time(before), time("2026-11-24T22:00:00Z"))
        );
        assert_eq!((plan.after.start, plan.after.length()), (time(after), plan.watch));
        assert_eq!(plan.until(time("2026-11-24T22:20:00Z")), time(until));
        // Right after the last step, until the rates after it are known.
        assert_eq!(plan.until(time("2026-11-24T22:10:00Z")), plan.after.end);
        assert_eq!(plan.rates[0].name(), "shop/error-rate");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let manual = |name: &str| Wanted { manual: vec![(name.to_owned(), true)], ..Wanted::default() };
    let health = |url: &str| Wanted { health: vec![url.to_owned()], ..Wanted::default() };
    let watch = |text: &str| Wanted { watch: Some(text.parse().unwrap()), ..Wanted::default() };
    let many = |number| {
        let health = (0..number).map(|number| format!("https://a.example/{number}")).collect();
        Wanted { health, ..Wanted::default() }
    };
    for (wanted, why) in [
        (manual("shop/health"), ""),
        (
            manual("an order"),
            "`an order` isn't a check that a person answers: there are `shop/health`",
        ),
        (health("https://other.example/up"), ""),
        (health("ftp://other.example/up"), "`ftp://other.example/up` isn't an address to ask"),
        (health("https://user:pass@other.example"), "isn't an address to ask"),
        (watch("24h"), ""),
        (watch("24h1s"), "services are watched from 1s to 24h"),
        (watch("0s"), "services are watched from 1s to 24h"),
        (many(18), ""),
        (many(19), "there are 21 checks, and at most 20"),
    ] {
        let said = plan("", "", &wanted).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(why) && said.is_empty() == why.is_empty(), "{wanted:?}: {said}");
    }
    let nothing =
        Plan::of(&ChangeRequest::default(), &org(""), &Life::default(), &Wanted::default());
    assert!(nothing.unwrap_err().to_string().contains("nothing of it was executed"));
}
