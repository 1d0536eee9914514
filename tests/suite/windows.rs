//! Whole decisions at the boundaries of windows, freezes and plans, to the second on both sides.

use serde_json::{Value, json};

use super::plumbing::{Case, CaseJudge, at};
use changegate::core::terms::{RiskTier, Verdict};

/// The tiers, each with a request of that tier that is executed directly.
const TIERS: [(RiskTier, &str, &str); 4] = [
    (RiskTier::Low, "medium", "touch-file"),
    (RiskTier::Medium, "medium", "scale-service"),
    (RiskTier::High, "high", "failover-region"),
    (RiskTier::Critical, "high", "rotate-secrets"),
];

/// A low tier that writes: the catalog has none, and reading alone is bound by no window.
fn with_a_low_tier() -> Value {
    json!({"touch-file": {
        "tier": "low", "read_only": false,
        "rollback": {"text": "none", "needed": false, "source": "ours"},
    }})
}

/// The codes of a change by an L3 that is planned from `start` to `end`.
fn codes(
    judge: &mut CaseJudge,
    tier: usize,
    start: &str,
    end: &str,
    mut org: Value,
) -> Vec<String> {
    let (tier, base, action) = TIERS[tier];
    org["actions"] = with_a_low_tier();
    let set = json!({
        "/requester": "erin",
        "/actions/0/action": action,
        "/rollback/owner": "carol",
        "/schedule": {"start": start, "end": end},
    });
    let case = Case::new(action, base, set, Some(json!({})), org).at(at("2026-01-02T00:00:00Z"));
    let decision = judge.decide(&case).unwrap().decision;
    assert_eq!(decision.tier, Some(tier));
    decision.findings.into_iter().map(|finding| finding.code).collect()
}

/// Whether a window holds the plan, at every tier, with the warning that the tier gets in it.
fn holds(judge: &mut CaseJudge, start: &str, end: &str, window: Option<&str>, org: &Value) {
    for (tier, (name, ..)) in TIERS.into_iter().enumerate() {
        let high = name >= RiskTier::High;
        let wanted: &[&str] = match window {
            None => &["window/closed"],
            Some("standard") if high => &["window/not-preferred"],
            Some(_) => &[],
        };
        let found = codes(judge, tier, start, end, org.clone());
        assert_eq!(found, wanted, "{start} to {end}, {name} risk");
    }
}

#[test]
fn windows_open_and_close_to_the_second() {
    let mut judge = CaseJudge::shipped();
    for (start, end, window) in [
        // The standard window opens on Tuesday at 09:00 and closes at 16:00.
        ("2026-11-24T08:59:59Z", "2026-11-24T09:30:00Z", None),
        ("2026-11-24T09:00:00Z", "2026-11-24T09:00:01Z", Some("standard")),
        ("2026-11-24T08:59:59Z", "2026-11-24T09:00:00Z", None),
        ("2026-11-24T09:00:00Z", "2026-11-24T16:00:00Z", Some("standard")),
        ("2026-11-24T15:59:59Z", "2026-11-24T16:00:00Z", Some("standard")),
        ("2026-11-24T15:30:00Z", "2026-11-24T16:00:01Z", None),
        ("2026-11-24T16:00:00Z", "2026-11-24T16:00:01Z", None),
        // Its first and last day, and those beside them.
        ("2026-11-23T09:00:00Z", "2026-11-23T16:00:00Z", None),
        ("2026-11-26T09:00:00Z", "2026-11-26T16:00:00Z", Some("standard")),
        ("2026-11-27T09:00:00Z", "2026-11-27T16:00:00Z", None),
        // Off-peak opens at 22:00 and closes at 06:00.
        ("2026-11-24T21:59:59Z", "2026-11-24T22:30:00Z", None),
        ("2026-11-24T22:00:00Z", "2026-11-24T22:00:01Z", Some("off-peak")),
        ("2026-11-24T23:59:59Z", "2026-11-25T00:00:00Z", Some("off-peak")),
        ("2026-11-25T00:00:00Z", "2026-11-25T00:00:01Z", Some("off-peak")),
        ("2026-11-24T22:00:00Z", "2026-11-25T06:00:00Z", Some("off-peak")),
        ("2026-11-25T05:59:59Z", "2026-11-25T06:00:00Z", Some("off-peak")),
        ("2026-11-25T05:30:00Z", "2026-11-25T06:00:01Z", None),
        ("2026-11-25T06:00:00Z", "2026-11-25T06:00:01Z", None),
        // Its first night begins on Monday, its last on Friday.
        ("2026-11-22T22:00:00Z", "2026-11-23T06:00:00Z", None),
        ("2026-11-23T05:59:59Z", "2026-11-23T06:00:00Z", None),
        ("2026-11-23T22:00:00Z", "2026-11-24T06:00:00Z", Some("off-peak")),
        ("2026-11-27T22:00:00Z", "2026-11-28T06:00:00Z", Some("off-peak")),
        ("2026-11-28T05:59:59Z", "2026-11-28T06:00:00Z", Some("off-peak")),
        ("2026-11-28T22:00:00Z", "2026-11-29T06:00:00Z", None),
    ] {
        holds(&mut judge, start, end, window, &json!({}));
    }
}

#[test]
fn freezes_begin_and_end_to_the_second() {
    let mut judge = CaseJudge::shipped();
    let org = json!({"freezes": {"freezes": [
        {"name": "sale", "start": "2026-11-24T12:00:00Z", "end": "2026-11-25T12:00:00Z"},
    ]}});
    for (start, end, frozen) in [
        ("2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z", false),
        ("2026-11-24T11:00:00Z", "2026-11-24T12:00:01Z", true),
        ("2026-11-24T11:59:59Z", "2026-11-24T12:00:00Z", false),
        ("2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z", true),
        ("2026-11-24T23:00:00Z", "2026-11-24T23:30:00Z", true),
        ("2026-11-25T11:59:59Z", "2026-11-25T12:00:00Z", true),
        ("2026-11-25T11:59:59Z", "2026-11-25T13:00:00Z", true),
        ("2026-11-25T12:00:00Z", "2026-11-25T12:00:01Z", false),
    ] {
        for (tier, (name, ..)) in TIERS.into_iter().enumerate() {
            let found = codes(&mut judge, tier, start, end, org.clone());
            let denies = found.iter().any(|code| code == "window/freeze");
            assert_eq!(denies, frozen, "{start} to {end}, {name} risk: {found:?}");
        }
    }
}

/// Windows that zones keep whose clocks jump: a start that a gap skips moves to the gap's end, and a
/// repeated hour counts twice.
#[test]
fn windows_in_zones_whose_clocks_jump() {
    let mut judge = CaseJudge::shipped();
    let quarters = ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"];
    let org = |zone: &str, from: &str, to: &str| {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let tiers = ["low", "medium", "high", "critical"];
        let window = json!({"days": days, "from": from, "to": to, "zone": zone, "for": tiers});
        json!({
            "windows": {"standard": null, "off-peak": null, "local": window},
            "freezes": {"quarters": quarters},
        })
    };
    for (zone, from, to, start, end, open) in [
        // Berlin is at +01:00 in winter and at +02:00 in summer.
        ("Europe/Berlin", "09:00", "16:00", "2026-01-14T08:00:00Z", "2026-01-14T15:00:00Z", true),
        ("Europe/Berlin", "09:00", "16:00", "2026-01-14T07:59:59Z", "2026-01-14T15:00:00Z", false),
        ("Europe/Berlin", "09:00", "16:00", "2026-07-15T07:00:00Z", "2026-07-15T14:00:00Z", true),
        ("Europe/Berlin", "09:00", "16:00", "2026-07-15T07:00:00Z", "2026-07-15T14:00:01Z", false),
        // On 29 March it skips 02:00 to 03:00, at 01:00 UTC.
        ("Europe/Berlin", "02:30", "05:00", "2026-03-29T00:59:59Z", "2026-03-29T03:00:00Z", false),
        ("Europe/Berlin", "02:30", "05:00", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z", true),
        ("Europe/Berlin", "02:30", "05:00", "2026-03-29T01:00:00Z", "2026-03-29T03:00:01Z", false),
        ("Europe/Berlin", "22:00", "06:00", "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z", true),
        ("Europe/Berlin", "22:00", "06:00", "2026-03-28T21:00:00Z", "2026-03-29T04:00:01Z", false),
        // On 25 October it repeats 02:00 to 03:00, from 00:00 UTC to 02:00.
        ("Europe/Berlin", "02:00", "03:00", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", true),
        ("Europe/Berlin", "02:00", "03:00", "2026-10-24T23:59:59Z", "2026-10-25T02:00:00Z", false),
        ("Europe/Berlin", "02:00", "03:00", "2026-10-25T00:00:00Z", "2026-10-25T02:00:01Z", false),
        ("Europe/Berlin", "22:00", "06:00", "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z", true),
        // New York skips 02:00 to 03:00 on 8 March, at 07:00 UTC, repeats 01:00 to 02:00 on
        // 1 November, from 05:00 UTC to 07:00.
        (
            "America/New_York",
            "02:30",
            "05:00",
            "2026-03-08T07:00:00Z",
            "2026-03-08T09:00:00Z",
            true,
        ),
        (
            "America/New_York",
            "02:30",
            "05:00",
            "2026-03-08T06:59:59Z",
            "2026-03-08T09:00:00Z",
            false,
        ),
        (
            "America/New_York",
            "01:00",
            "02:00",
            "2026-11-01T05:00:00Z",
            "2026-11-01T07:00:00Z",
            true,
        ),
        (
            "America/New_York",
            "01:00",
            "02:00",
            "2026-11-01T05:00:00Z",
            "2026-11-01T07:00:01Z",
            false,
        ),
        (
            "America/New_York",
            "01:30",
            "05:00",
            "2026-11-01T05:30:00Z",
            "2026-11-01T10:00:00Z",
            true,
        ),
        (
            "America/New_York",
            "01:30",
            "05:00",
            "2026-11-01T05:29:59Z",
            "2026-11-01T10:00:00Z",
            false,
        ),
    ] {
        let wanted = open.then_some("local");
        holds(&mut judge, start, end, wanted, &org(zone, from, to));
    }
}

/// A plan from 22:00 to 23:00 that is signed in time, late, never, or needs nobody.
#[test]
fn plans_pass_and_expire_to_the_second() {
    let mut judge = CaseJudge::shipped();
    let signed = |at: &str| json!({"reviews": [{"user": "carol", "submitted_at": at}]});
    let (early, late) = (signed("2026-11-24T20:00:00Z"), signed("2026-11-24T22:59:58Z"));
    let (before, start) = ("2026-11-24T21:59:59Z", "2026-11-24T22:00:00Z");
    let (within, end) = ("2026-11-24T22:59:59Z", "2026-11-24T23:00:00Z");
    let (waits, past): (&[&str], &[&str]) =
        (&["signoff/missing"], &["window/past", "signoff/missing"]);
    let expired: &[&str] = &["window/expired"];
    for (who, evidence, now, wanted) in [
        ("alice", &json!({}), before, waits),
        ("alice", &json!({}), start, past),
        ("alice", &json!({}), within, past),
        ("alice", &json!({}), end, past),
        ("alice", &early, before, &[]),
        ("alice", &early, start, &[]),
        ("alice", &early, within, &[]),
        ("alice", &early, end, expired),
        ("alice", &late, within, &[]),
        ("alice", &late, end, expired),
        ("erin", &json!({}), before, &[]),
        ("erin", &json!({}), start, &[]),
        ("erin", &json!({}), within, &[]),
        ("erin", &json!({}), end, expired),
    ] {
        let set = json!({"/requester": who, "/rollback/owner": "carol"});
        let case = Case::new(who, "high", set, Some(evidence.clone()), Value::Null).at(at(now));
        let decision = judge.decide(&case).unwrap().decision;
        let found: Vec<_> = decision.findings.iter().map(|finding| &finding.code).collect();
        assert_eq!(found, wanted, "by {who} at {now}, {evidence}");
        let verdict = match wanted {
            [] => Verdict::Approved,
            [first, ..] if first.starts_with("window/") => Verdict::Denied,
            _ => Verdict::Pending,
        };
        assert_eq!(decision.verdict, verdict, "by {who} at {now}, {evidence}");
    }
}
