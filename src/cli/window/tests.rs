//! What the verb shows, word for word.

use clap::{Args as _, Command, FromArgMatches};
use serde_json::{Value, json};

use super::*;
use changegate::core::calendar::Calendar;
use changegate::core::policy::SHIPPED;

fn calendar(zone: &str, freezes: Value) -> Calendar {
    let windows = json!({
        "standard": {
            "days": ["tue", "wed", "thu"], "from": "09:00", "to": "16:00",
            "for": ["low", "medium", "high"],
        },
        "off-peak": {
            "days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "06:00",
            "zone": zone,
            "for": ["low", "medium", "high", "critical"],
            "preferred_for": ["high", "critical"],
        },
    });
    let freezes = json!({"freezes": freezes});
    Calendar::new(
        &serde_json::from_value(windows).unwrap(),
        &serde_json::from_value(freezes).unwrap(),
    )
}

fn year_end() -> Value {
    json!([{
        "name": "year-end", "start": "2026-12-18T00:00:00Z", "end": "2027-01-04T00:00:00Z",
        "reason": "the offices are closed",
    }])
}

#[track_caller]
fn shows(calendar: &Calendar, now: &str, length: Duration, tier: Option<RiskTier>, text: &str) {
    let view = view(calendar, SHIPPED, now.parse().unwrap(), length, tier, &[]);
    assert_eq!(render_text(&view, 100), text);
}

#[test]
fn on_a_weekend_everything_is_closed() {
    shows(
        &calendar("UTC", year_end()),
        "2026-11-21T10:00:00Z",
        ANY,
        None,
        "\
Sat 21 Nov 10:00 UTC: no window is open

  off-peak  opens Mon 23 Nov 22:00 – Tue 24 Nov 06:00 UTC, in 2 d 12 h
            for any risk, preferred for high and critical

  standard  opens Tue 24 Nov 09:00–16:00 UTC, in 2 d 23 h
            for low, medium and high risk

  freezes   Fri 18 Dec 00:00 – Mon 4 Jan 2027 00:00 UTC, in 26 d 14 h: year-end (the offices are
            closed)

by the shipped sample policies
",
    );
}

#[test]
fn what_is_open_may_be_too_short() {
    shows(
        &calendar("UTC", json!([])),
        "2026-11-24T15:30:00Z",
        Duration::hours(1),
        Some(RiskTier::Low),
        "\
Tue 24 Nov 15:30 UTC: standard is open

  off-peak  opens Tue 24 Nov 22:00 – Wed 25 Nov 06:00 UTC, in 6 h 30 min
            for any risk, preferred for high and critical

  standard  open until Tue 24 Nov 16:00 UTC, 30 min left, too short
            opens Wed 25 Nov 09:00–16:00 UTC, in 17 h 30 min
            for low, medium and high risk

by the shipped sample policies
",
    );
}

#[test]
fn in_a_freeze_and_in_another_zone() {
    shows(
        &calendar("Australia/Sydney", year_end()),
        "2026-12-24T10:00:00Z",
        Duration::hours(8),
        Some(RiskTier::Critical),
        "\
Thu 24 Dec 10:00 UTC: frozen, only P1 incident response goes out
  until Mon 4 Jan 2027 00:00 UTC, 10 d 14 h left: year-end (the offices are closed)

  off-peak  opens Mon 4 Jan 2027 11:00–19:00 UTC, in 11 d 1 h
            Mon 4 Jan 2027 22:00 – Tue 5 Jan 2027 06:00 Australia/Sydney
            for any risk, preferred for high and critical

by the shipped sample policies
",
    );
}

#[test]
fn what_never_opens_says_so() {
    let never = json!([{
        "name": "migration", "start": "2026-01-01T00:00:00Z", "end": "2028-12-31T00:00:00Z",
    }]);
    shows(
        &calendar("UTC", never),
        "2026-11-24T10:00:00Z",
        Duration::hours(2),
        Some(RiskTier::Critical),
        "\
Tue 24 Nov 10:00 UTC: frozen, only P1 incident response goes out
  until Sun 31 Dec 2028 00:00 UTC, 767 d 14 h left: migration

  off-peak  doesn't open for 2 h at a time within 400 d
            for any risk, preferred for high and critical

by the shipped sample policies
",
    );
}

#[test]
fn the_arguments_are_read() {
    let read = |words: &[&str]| {
        let command = WindowArgs::augment_args(Command::new("window"));
        let words = ["window"].iter().chain(words);
        WindowArgs::from_arg_matches(&command.try_get_matches_from(words)?)
    };
    let args = read(&["--duration", "1h30m", "--tier", "high", "--format", "json"]).unwrap();
    assert_eq!(args.duration, Some(Duration::seconds(5400)));
    assert_eq!(args.tier, Some(RiskTier::High));
    assert_eq!(args.format, AnswerFormat::Json);
    let refusal = read(&["--tier", "huge"]).unwrap_err().to_string();
    assert!(refusal.contains("low, medium, high, critical"), "{refusal}");
    assert!(read(&["--now", "yesterday"]).is_err());
}

#[test]
fn scripts_get_the_window_that_can_be_used_first() {
    let calendar = calendar("UTC", json!([]));
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let view = view(&calendar, SHIPPED, now, ANY, None, &[]);
    assert_eq!(
        serde_json::to_value(&view).unwrap()["windows"][0],
        json!({
            "window": "off-peak",
            "zone": "UTC",
            "for": ["low", "medium", "high", "critical"],
            "preferred_for": ["high", "critical"],
            "open": null,
            "next_opening": {"start": "2026-11-23T22:00:00Z", "end": "2026-11-24T06:00:00Z"},
        }),
    );
}
