//! Boundaries to the second, clock changes, freezes, and a comparison with a model that looks at
//! every minute.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod spans;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn span(start: &str, end: &str) -> Interval {
    Interval { start: at(start), end: at(end) }
}

fn window(hours: Value) -> Window {
    let mut hours = hours;
    hours["for"] = json!(["low", "medium", "high", "critical"]);
    serde_json::from_value(hours).unwrap()
}

fn standard() -> Window {
    window(json!({"days": ["tue", "wed", "thu"], "from": "09:00", "to": "16:00"}))
}

fn off_peak() -> Window {
    let weekdays = ["mon", "tue", "wed", "thu", "fri"];
    window(json!({"days": weekdays, "from": "22:00", "to": "06:00"}))
}

/// Open every day from one local time to another.
fn daily(zone: &str, from: &str, to: &str) -> Window {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    window(json!({"days": days, "from": from, "to": to, "zone": zone}))
}

fn calendar<const N: usize>(windows: [(&str, Window); N], freezes: &[Interval]) -> Calendar {
    let entries = windows.map(|(name, window)| (name.to_owned(), window)).into();
    let freezes = freezes.iter().enumerate().map(|(index, freeze)| Freeze {
        name: format!("freeze-{index}"),
        start: freeze.start,
        end: freeze.end,
        services: Vec::new(),
        reason: None,
    });
    Calendar::new(
        &Table { reviewed: None, entries },
        &Freezes {
            reviewed: None,
            freezes: freezes.collect(),
            quarters: vec!["2026-Q4".parse().unwrap()],
        },
    )
}

fn shipped(freezes: &[Interval]) -> Calendar {
    calendar([("off-peak", off_peak()), ("standard", standard())], freezes)
}

#[test]
fn a_plan_fits_where_all_of_it_lies_within_one_occurrence() {
    for (start, end, windows) in [
        ("2026-11-24T09:00:00Z", "2026-11-24T09:00:01Z", &["standard"][..]),
        ("2026-11-24T08:59:59Z", "2026-11-24T09:00:01Z", &[]),
        ("2026-11-24T15:59:59Z", "2026-11-24T16:00:00Z", &["standard"]),
        ("2026-11-24T15:59:59Z", "2026-11-24T16:00:01Z", &[]),
        ("2026-11-24T16:00:00Z", "2026-11-24T16:00:01Z", &[]),
        ("2026-11-24T09:00:00Z", "2026-11-24T16:00:00Z", &["standard"]),
        ("2026-11-26T15:00:00Z", "2026-11-26T16:00:00Z", &["standard"]),
        // From one day's occurrence into the next.
        ("2026-11-24T15:00:00Z", "2026-11-25T10:00:00Z", &[]),
        // Monday, Friday, Saturday, Sunday.
        ("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z", &[]),
        ("2026-11-27T12:00:00Z", "2026-11-27T13:00:00Z", &[]),
        ("2026-11-28T12:00:00Z", "2026-11-28T13:00:00Z", &[]),
        ("2026-11-29T12:00:00Z", "2026-11-29T13:00:00Z", &[]),
        ("2026-11-24T22:00:00Z", "2026-11-24T22:00:01Z", &["off-peak"]),
        ("2026-11-24T21:59:59Z", "2026-11-24T22:00:01Z", &[]),
        ("2026-11-25T05:59:59Z", "2026-11-25T06:00:00Z", &["off-peak"]),
        ("2026-11-25T05:59:59Z", "2026-11-25T06:00:01Z", &[]),
        ("2026-11-25T06:00:00Z", "2026-11-25T06:00:01Z", &[]),
        ("2026-11-24T22:00:00Z", "2026-11-25T06:00:00Z", &["off-peak"]),
        // The night that begins on Friday, and the one that would begin on Sunday.
        ("2026-11-28T05:59:59Z", "2026-11-28T06:00:00Z", &["off-peak"]),
        ("2026-11-28T22:00:00Z", "2026-11-28T22:00:01Z", &[]),
        ("2026-11-29T22:00:00Z", "2026-11-29T22:00:01Z", &[]),
        ("2026-11-30T00:00:00Z", "2026-11-30T00:00:01Z", &[]),
        ("2026-11-30T05:59:59Z", "2026-11-30T06:00:00Z", &[]),
        ("2026-11-30T22:00:00Z", "2026-12-01T06:00:00Z", &["off-peak"]),
        // Empty and reversed intervals.
        ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z", &[]),
        ("2026-11-24T11:00:00Z", "2026-11-24T10:00:00Z", &[]),
    ] {
        let facts = shipped(&[]).facts(Some(span(start, end)), at("2026-11-20T00:00:00Z"));
        let fits = facts.windows.iter().filter(|window| window.fits);
        assert_eq!(fits.map(|window| &window.name).collect::<Vec<_>>(), windows, "{start} {end}");
    }
}

#[test]
fn adjacent_occurrences_do_not_merge() {
    let calendar = calendar([("always", daily("UTC", "00:00", "24:00"))], &[]);
    let facts = |start, end| calendar.facts(Some(span(start, end)), at("2026-11-24T23:30:00Z"));
    assert!(facts("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z").windows[0].fits);
    assert!(!facts("2026-11-24T23:00:00Z", "2026-11-25T01:00:00Z").windows[0].fits);
    assert_eq!(
        facts("2026-11-24T23:00:00Z", "2026-11-25T01:00:00Z").windows[0].next_opening,
        Some(span("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z")),
    );
}

/// The occurrences that begin on one day, whose clock jumps.
#[test]
fn a_clock_that_jumps() {
    for (zone, from, to, day, start, end) in [
        // Berlin skips 02:00 to 03:00 (01:00Z) on 29 March and repeats it on 25 October (00:00Z).
        ("Europe/Berlin", "02:30", "05:00", "2026-03-29", "01:00", "03:00"),
        ("Europe/Berlin", "00:30", "02:30", "2026-03-29", "23:30", "01:00"),
        ("Europe/Berlin", "02:00", "03:00", "2026-03-29", "", ""),
        ("Europe/Berlin", "02:15", "02:45", "2026-03-29", "", ""),
        ("Europe/Berlin", "01:59", "03:01", "2026-03-29", "00:59", "01:01"),
        ("Europe/Berlin", "02:30", "05:00", "2026-10-25", "00:30", "04:00"),
        ("Europe/Berlin", "00:30", "02:30", "2026-10-25", "22:30", "01:30"),
        ("Europe/Berlin", "02:15", "02:45", "2026-10-25", "00:15", "01:45"),
        ("Europe/Berlin", "02:00", "03:00", "2026-10-25", "00:00", "02:00"),
        ("Europe/Berlin", "22:00", "06:00", "2026-10-24", "20:00", "05:00"),
        ("Europe/Berlin", "22:00", "06:00", "2026-03-28", "21:00", "04:00"),
        // New York skips 02:00 to 03:00 (07:00Z) on 8 March, repeats 01:00 to 02:00 on 1 November.
        ("America/New_York", "02:30", "05:00", "2026-03-08", "07:00", "09:00"),
        ("America/New_York", "22:00", "02:30", "2026-03-07", "03:00", "07:00"),
        ("America/New_York", "01:30", "05:00", "2026-11-01", "05:30", "10:00"),
        ("America/New_York", "22:00", "01:30", "2026-10-31", "02:00", "06:30"),
        // Lord Howe jumps by half an hour: skips 02:00 to 02:30, repeats 01:30 to 02:00.
        ("Australia/Lord_Howe", "02:15", "04:00", "2026-10-04", "15:30", "17:00"),
        ("Australia/Lord_Howe", "01:45", "04:00", "2026-04-05", "14:45", "17:30"),
        ("Australia/Lord_Howe", "01:00", "01:45", "2026-04-05", "14:00", "15:15"),
        // Apia never saw 30 December 2011.
        ("Pacific/Apia", "09:00", "16:00", "2011-12-30", "", ""),
        ("Pacific/Apia", "22:00", "06:00", "2011-12-29", "08:00", "10:00"),
        ("Pacific/Apia", "22:00", "06:00", "2011-12-30", "10:00", "16:00"),
        ("Pacific/Apia", "00:00", "24:00", "2011-12-31", "10:00", "10:00"),
        // Since 2026 Alberta stays on summer time, and Morocco is back at UTC.
        ("America/Edmonton", "09:00", "16:00", "2026-12-01", "15:00", "22:00"),
        ("Africa/Casablanca", "09:00", "16:00", "2026-12-01", "09:00", "16:00"),
        // Rules go on as the zone's last one says.
        ("Europe/Berlin", "09:00", "16:00", "2150-07-01", "07:00", "14:00"),
        ("Europe/Berlin", "09:00", "16:00", "2199-01-10", "08:00", "15:00"),
    ] {
        let case = format!("{zone} {day} {from}–{to}");
        let found = occurrence::occurrence(&daily(zone, from, to), day.parse().unwrap());
        let clock = |time: Time| time.utc().format("%H:%M").to_string();
        let found = found.map(|interval| (clock(interval.start), clock(interval.end)));
        let wanted = (!start.is_empty()).then(|| (start.to_owned(), end.to_owned()));
        assert_eq!(found, wanted, "{case}");
    }
}

#[test]
fn a_freeze_takes_its_part_of_the_openings() {
    let next = |freezes: &[Interval], hours, now| {
        let calendar = calendar([("standard", standard())], freezes);
        calendar.openings_of(&standard(), at(now), Duration::hours(hours)).next()
    };
    let morning = span("2026-11-24T08:00:00Z", "2026-11-24T12:00:00Z");
    let noon = span("2026-11-24T11:00:00Z", "2026-11-24T13:00:00Z");
    let tuesday = "2026-11-24T00:00:00Z";
    let rest = |start| Some(span(start, "2026-11-24T16:00:00Z"));
    assert_eq!(next(&[], 1, tuesday), rest("2026-11-24T09:00:00Z"));
    assert_eq!(next(&[], 1, "2026-11-24T15:00:00Z"), rest("2026-11-24T15:00:00Z"));
    assert_eq!(
        next(&[], 1, "2026-11-24T15:00:01Z"),
        Some(span("2026-11-25T09:00:00Z", "2026-11-25T16:00:00Z")),
    );
    assert_eq!(next(&[morning], 1, tuesday), rest("2026-11-24T12:00:00Z"));
    assert_eq!(next(&[noon, morning], 3, tuesday), rest("2026-11-24T13:00:00Z"));
    assert_eq!(
        next(&[noon], 2, tuesday),
        Some(span("2026-11-24T09:00:00Z", "2026-11-24T11:00:00Z"))
    );
    assert_eq!(next(&[noon], 3, tuesday), rest("2026-11-24T13:00:00Z"));
    assert_eq!(next(&[], 8, tuesday), None);
    let year = span("2026-01-01T00:00:00Z", "2027-12-30T15:00:00Z");
    assert_eq!(next(&[year], 1, tuesday), None);
    assert_eq!(
        next(&[year], 1, "2026-12-01T00:00:00Z"),
        Some(span("2027-12-30T15:00:00Z", "2027-12-30T16:00:00Z")),
    );
    // A freeze of no length doesn't split an opening either.
    let nothing = span("2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z");
    assert_eq!(next(&[nothing], 1, tuesday), rest("2026-11-24T09:00:00Z"));
}

#[test]
fn facts_tell_the_freezes_that_matter() {
    let over = span("2026-11-01T00:00:00Z", "2026-11-20T00:00:00Z");
    let current = span("2026-11-19T00:00:00Z", "2026-11-24T09:00:00Z");
    let coming = span("2026-12-18T00:00:00Z", "2027-01-04T00:00:00Z");
    let calendar = shipped(&[coming, over, current]);
    let freezes = |planned, now| {
        let facts = calendar.facts(planned, at(now));
        let freezes = facts.freezes.into_iter().map(|freeze| (freeze.name, freeze.overlaps));
        freezes.collect::<Vec<_>>()
    };
    let known = |name: &str, overlaps| (name.to_owned(), overlaps);
    let tuesday = Some(span("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z"));
    let frozen = Some(span("2026-11-24T08:59:59Z", "2026-11-24T10:00:00Z"));
    let past = Some(span("2026-11-19T23:00:00Z", "2026-11-20T00:00:00Z"));
    let now = "2026-11-20T00:00:00Z";
    assert_eq!(freezes(None, now), [known("freeze-2", false), known("freeze-0", false)]);
    assert_eq!(freezes(tuesday, now), [known("freeze-2", false), known("freeze-0", false)]);
    assert_eq!(freezes(frozen, now), [known("freeze-2", true), known("freeze-0", false)]);
    assert_eq!(
        freezes(past, now),
        [known("freeze-1", true), known("freeze-2", true), known("freeze-0", false)],
    );
    assert_eq!(freezes(None, "2027-01-04T00:00:00Z"), []);
}

#[test]
fn a_plan_touches_the_quarters_that_it_has_an_instant_in() {
    let unannounced = |start, end| {
        shipped(&[]).facts(Some(span(start, end)), at("2026-11-20T00:00:00Z")).unannounced
    };
    assert!(unannounced("2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z").is_empty());
    assert_eq!(unannounced("2026-12-31T23:00:00Z", "2027-01-01T00:00:01Z"), ["2027-Q1"]);
    assert_eq!(
        unannounced("2026-09-30T23:59:59Z", "2027-04-01T00:00:01Z"),
        ["2026-Q3", "2027-Q1", "2027-Q2"],
    );
}

#[test]
fn an_opening_under_way_keeps_its_start_in_the_facts() {
    let planned = Some(span("2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z"));
    let next = |now| shipped(&[]).facts(planned, at(now)).windows[1].next_opening.unwrap();
    let tuesday = span("2026-11-24T09:00:00Z", "2026-11-24T16:00:00Z");
    assert_eq!(next("2026-11-24T08:00:00Z"), tuesday);
    assert_eq!(next("2026-11-24T10:30:00Z"), tuesday);
    assert_eq!(next("2026-11-24T15:00:00Z"), tuesday);
    assert_eq!(next("2026-11-24T15:00:01Z").start, at("2026-11-25T09:00:00Z"));
    assert_eq!(latest_start(&tuesday, Duration::hours(1)), Some(at("2026-11-24T15:00:00Z")));
}

/// The model: it asks the clock at every minute, and converts only from UTC to local time.
mod model {
    use super::*;

    const MINUTE: Duration = Duration::seconds(60);

    fn shows(window: &Window, instant: Time) -> NaiveDateTime {
        window.zone.shows(instant)
    }

    /// Returns the minutes at which a clock may show this local time: no zone is 16 hours from UTC.
    fn around(local: NaiveDateTime) -> impl DoubleEndedIterator<Item = Time> {
        (-16 * 60..=16 * 60)
            .map(move |minute| (local.and_utc() + TimeDelta::minutes(minute)).into())
    }

    pub fn occurrence(window: &Window, day: NaiveDate) -> Option<Interval> {
        if !window.begins_on().contains(&day.weekday().into()) {
            return None;
        }
        let midnight = day.and_time(NaiveTime::MIN);
        let from = midnight + TimeDelta::minutes(window.from.minutes().into());
        let at = |day: NaiveDate| {
            day.and_time(NaiveTime::MIN) + TimeDelta::minutes(window.to.minutes().into())
        };
        // The first end of that kind behind the beginning.
        let is_last = |day: &NaiveDate| window.to_day.is_none_or(|to| to == day.weekday().into());
        let to = day.iter_days().filter(is_last).map(at).find(|to| *to > from)?;
        let start = around(from).find(|minute| shows(window, *minute) >= from)?;
        let last = around(to).rfind(|minute| shows(window, *minute) <= to)?;
        let end = if shows(window, last) == to { last } else { last + MINUTE };
        (start < end).then_some(Interval { start, end })
    }

    /// Returns the occurrences within a month of `now`.
    pub fn occurrences(window: &Window, now: Time) -> Vec<Interval> {
        let day = now.utc().date_naive();
        (-12..=32).filter_map(|days| occurrence(window, day + TimeDelta::days(days))).collect()
    }

    /// Returns the earliest run of minutes that are open and not frozen.
    pub fn next_opening(
        occurrences: &[Interval],
        freezes: &[Interval],
        now: Time,
        length: Duration,
    ) -> Option<Interval> {
        let mut runs = Vec::new();
        for occurrence in occurrences {
            let mut run: Option<Interval> = None;
            let mut minute = occurrence.start;
            while minute < occurrence.end {
                let this = Interval { start: minute, end: minute + MINUTE };
                let free = minute >= now && !freezes.iter().any(|freeze| freeze.overlaps(&this));
                match &mut run {
                    Some(run) if free => run.end = this.end,
                    _ => runs.extend(std::mem::replace(&mut run, free.then_some(this))),
                }
                minute = this.end;
            }
            runs.extend(run);
        }
        runs.into_iter().filter(|run| run.length() >= length).min_by_key(|run| run.start)
    }
}

/// Instants around which the clocks below change, and an ordinary day.
const ODD: [(&str, &str); 10] = [
    ("UTC", "2026-11-24T10:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    // Set back over midnight.
    ("America/St_Johns", "2010-11-07T02:31:00Z"),
    ("America/Havana", "2026-11-01T05:00:00Z"),
];

prop_compose! {
    fn any_window()(
        odd in prop::sample::select(&ODD[..]),
        from in 0..=96u16,
        to in 0..=96u16,
        days in prop::sample::subsequence(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 1..=7),
        span in prop::option::of((0..7usize, 0..7usize)),
    ) -> (Window, Time) {
        let clock = |quarters: u16| format!("{:02}:{:02}", quarters / 4, quarters % 4 * 15);
        let mut hours = json!({"days": days, "from": clock(from), "to": clock(to), "zone": odd.0});
        if let Some((from, to)) = span {
            let day = |number: usize| ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][number];
            hours["days"] = json!([]);
            hours["from_day"] = json!(day(from));
            hours["to_day"] = json!(day(to));
        }
        (window(hours), at(odd.1))
    }
}

fn minutes_after(instant: Time, minutes: i64) -> Time {
    (instant.utc() + TimeDelta::minutes(minutes)).into()
}

fn any_interval(within_hours: i64) -> impl Strategy<Value = (i64, i64)> {
    (-within_hours * 4..within_hours * 4, 1..72i64)
        .prop_map(|(start, length)| (start * 15, length * 15))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn as_a_model_that_looks_at_every_minute(
        (window, odd) in any_window(),
        plans in prop::collection::vec(any_interval(72), 8),
        freezes in prop::collection::vec(any_interval(72), 0..4),
        before in 0..72 * 60i64,
    ) {
        let interval = |(start, length): &(i64, i64)| {
            let start = minutes_after(odd, *start);
            Interval { start, end: minutes_after(start, *length) }
        };
        let now = minutes_after(odd, -before);
        let freezes: Vec<_> = freezes.iter().map(interval).collect();
        let occurrences = model::occurrences(&window, now);
        let calendar = calendar([("window", window)], &freezes);
        for planned in plans.iter().map(interval) {
            let fact = calendar.facts(Some(planned), now).windows.remove(0);
            let fits = occurrences.iter().any(|occurrence| occurrence.contains(&planned));
            prop_assert_eq!(fact.fits, fits, "{:?}", planned);
            let next = model::next_opening(&occurrences, &freezes, now, planned.length());
            let soon = |opening: &Interval| opening.start < now + Duration::days(28);
            let from_now = |opening: Interval| Interval { start: opening.start.max(now), ..opening };
            let found = fact.next_opening.map(from_now).filter(soon);
            prop_assert_eq!(found, next.filter(soon), "{:?}", planned);
        }
    }
}

#[test]
fn facts_tell_what_clocks_show() {
    let calendar = calendar([("tokyo", daily("Asia/Tokyo", "00:00", "24:00"))], &[]);
    let planned = span("2026-11-24T22:00:00Z", "2026-11-25T14:59:30Z");
    let facts = calendar.facts(Some(planned), at("2026-11-20T00:00:00Z"));
    let shown = |clock: &Option<ClockFacts>| {
        let ClockFacts { start, end } = clock.clone().unwrap();
        [start, end].map(|Moment { date, weekday, time }| format!("{date} {weekday:?} {time}"))
    };
    assert_eq!(shown(&facts.clock), ["2026-11-24 Tue 22:00", "2026-11-25 Wed 14:59"]);
    assert_eq!(shown(&facts.windows[0].clock), ["2026-11-25 Wed 07:00", "2026-11-25 Wed 23:59"]);
    assert_eq!(calendar.facts(None, at("2026-11-20T00:00:00Z")).clock, None);
}
