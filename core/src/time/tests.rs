//! Cases for instants and durations.

use proptest::prelude::*;

use super::*;

#[test]
fn the_same_instant_is_the_same_value() {
    let utc: Time = "2026-11-24T22:00:00Z".parse().unwrap();
    let local: Time = "2026-11-25T00:00:00+02:00".parse().unwrap();
    assert_eq!(utc, local);
    assert_eq!(local.to_string(), "2026-11-24T22:00:00Z");
    assert_eq!(utc.for_people(Some(local)), "Tue 24 Nov 22:00");
    assert_eq!(utc.quarter(), "2026-Q4");
}

#[test]
fn another_year_is_named() {
    let at = |text: &str| text.parse::<Time>().unwrap();
    let now = Some(at("2026-12-31T23:59:59Z"));
    let (eve, day) = (at("2026-12-31T22:00:00Z"), at("2027-01-01T06:00:00Z"));
    assert_eq!(eve.for_people(now), "Thu 31 Dec 22:00");
    assert_eq!(eve.for_people(None), "Thu 31 Dec 2026 22:00");
    assert_eq!((day + Duration::seconds(1)).for_people(now), "Fri 1 Jan 2027 06:00:01");
    for (start, end, shown) in [
        (eve, day, "Thu 31 Dec 22:00 – Fri 1 Jan 2027 06:00"),
        (day, day + Duration::hours(1), "Fri 1 Jan 2027 06:00–07:00"),
    ] {
        assert_eq!(Interval { start, end }.for_people(now), shown);
    }
}

#[test]
fn what_is_not_a_time_is_refused() {
    for text in [
        "2026-11-24",
        "2026-11-24 22:00:00Z",
        "2026-11-24T22:00:00",
        "2026-11-24T22:00:00.5Z",
        "2026-11-24T22:00:00.0Z",
        "2026-11-24T22:00:00.0000000000001Z",
        "2026-11-24T22:00:00,5Z",
        "2026-11-24T22:00:60Z",
        "2026-11-24T22:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T22:00:00 Z",
        "2026-11-24T22:00:00+0100",
        "2026-11-24T22:00:00+01",
        "2026-11-24T22:00:00+01 00",
        "2026-11-24T22:00:00+01:60",
        "2026-11-24T22:00:00+24:00",
        "2026-11-24T22:00:00\u{2212}01:00",
        " 2026-11-24T22:00:00Z",
        "2026-11-24T22:00:00Z ",
        "+2026-11-24T22:00:00Z",
        "2026-02-30T22:00:00Z",
        "1999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "",
    ] {
        assert!(text.parse::<Time>().is_err(), "{text}");
    }
    for (text, why) in [
        ("2016-12-31T23:59:60Z", "is a leap second"),
        ("2026-11-24T22:00:00.000Z", "has a fraction of a second"),
    ] {
        assert!(text.parse::<Time>().unwrap_err().contains(why), "{text}");
    }
}

proptest! {
    /// Only the days of a month, and the offset's effect on the year, are beyond the pattern.
    #[test]
    fn what_is_read_has_the_form_of_the_schema(text in "[12][0-9]{3}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.][0-9]{1,12})?([Zz]|[ +\u{2212}-][0-2][0-9]:?[0-6][0-9])?") {
        let schema = SchemaGenerator::default().into_root_schema_for::<Time>();
        let form = schema.get("pattern").and_then(|form| form.as_str()).unwrap();
        let matches = jsonschema::is_valid(&serde_json::json!({"pattern": form}), &serde_json::json!(text));
        prop_assert!(text.parse::<Time>().is_err() || matches, "{}", text);
    }
}

#[test]
fn durations() {
    for (text, seconds, written, people) in [
        ("15m", 900, "15m", "15 min"),
        ("1h30m", 5400, "1h30m", "1 h 30 min"),
        ("90s", 90, "1m30s", "1 min 30 s"),
        ("7d", 604_800, "168h", "7 d"),
        ("1d1s", 86_401, "24h1s", "1 d"),
        ("0s", 0, "0s", "0 s"),
    ] {
        let duration: Duration = text.parse().unwrap();
        assert_eq!(duration, Duration::seconds(seconds), "{text}");
        assert_eq!(duration.to_string(), written);
        assert_eq!(duration.for_people(), people);
    }
    for text in ["", "15", "m", "15 m", "15M", "30m1h", "1h1h", "-5m", "1.5h", "99999999999d"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}
