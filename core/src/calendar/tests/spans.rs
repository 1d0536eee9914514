//! Windows that last for days, and freezes of some services.

use super::*;

/// Those that begin and end on other days of the week, at the bounds of each and over changes of clocks.
#[test]
fn windows_may_last_for_days() {
    let spanning = |zone: &str, (from_day, from): (&str, &str), (to_day, to): (&str, &str)| {
        window(
            json!({"from_day": from_day, "from": from, "to_day": to_day, "to": to, "zone": zone}),
        )
    };
    let friday = ("fri", "22:00");
    for (zone, from, to, day, start, end) in [
        (
            "UTC",
            friday,
            ("mon", "04:00"),
            "2026-11-27",
            "2026-11-27T22:00:00Z",
            "2026-11-30T04:00:00Z",
        ),
        (
            "UTC",
            friday,
            ("sun", "24:00"),
            "2026-11-27",
            "2026-11-27T22:00:00Z",
            "2026-11-30T00:00:00Z",
        ),
        (
            "UTC",
            friday,
            ("fri", "23:00"),
            "2026-11-27",
            "2026-11-27T22:00:00Z",
            "2026-11-27T23:00:00Z",
        ),
        (
            "UTC",
            friday,
            ("fri", "21:00"),
            "2026-11-27",
            "2026-11-27T22:00:00Z",
            "2026-12-04T21:00:00Z",
        ),
        (
            "UTC",
            friday,
            ("thu", "22:00"),
            "2026-11-27",
            "2026-11-27T22:00:00Z",
            "2026-12-03T22:00:00Z",
        ),
        (
            "UTC",
            ("sun", "00:00"),
            ("mon", "00:00"),
            "2026-11-29",
            "2026-11-29T00:00:00Z",
            "2026-11-30T00:00:00Z",
        ),
        (
            "Europe/Berlin",
            friday,
            ("mon", "04:00"),
            "2026-03-27",
            "2026-03-27T21:00:00Z",
            "2026-03-30T02:00:00Z",
        ),
        (
            "Europe/Berlin",
            friday,
            ("mon", "04:00"),
            "2026-10-23",
            "2026-10-23T20:00:00Z",
            "2026-10-26T03:00:00Z",
        ),
        (
            "Europe/Berlin",
            friday,
            ("sun", "02:30"),
            "2026-03-27",
            "2026-03-27T21:00:00Z",
            "2026-03-29T01:00:00Z",
        ),
        (
            "Europe/Berlin",
            friday,
            ("sun", "02:30"),
            "2026-10-23",
            "2026-10-23T20:00:00Z",
            "2026-10-25T01:30:00Z",
        ),
    ] {
        let open = spanning(zone, from, to);
        let found = occurrence::occurrence(&open, day.parse().unwrap());
        assert_eq!(found, Some(span(start, end)), "{zone} {from:?} {to:?}");
        let calendar = calendar([("weekend", open)], &[]);
        let fits = |planned| calendar.facts(Some(planned), at(start)).windows[0].fits;
        let (start, end, second) = (at(start), at(end), Duration::seconds(1));
        assert!(fits(Interval { start, end }));
        assert!(!fits(Interval { start: start - second, end }));
        assert!(!fits(Interval { start, end: end + second }));
        let open =
            |now| calendar.now(now).windows.iter().map(|it| it.open_until).collect::<Vec<_>>();
        assert_eq!(open(start), [end]);
        assert_eq!(open(end - second), [end]);
        assert_eq!(open(end).len() + open(start - second).len(), 0, "{zone} {from:?} {to:?}");
        let length = end - start;
        assert_eq!(calendar.windows().next().map(|(_, it)| longest(it) >= length), Some(true));
    }
}

/// A freeze of some services is one for the changes that affect them, and for those of which nobody knows.
#[test]
fn a_freeze_may_be_for_some_services() {
    let mut frozen =
        Freezes { reviewed: None, freezes: Vec::new(), quarters: vec!["2026-Q4".parse().unwrap()] };
    for (name, services, from, to) in [
        ("sale", &["checkout", "portal"][..], "2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"),
        ("move", &[], "2026-11-24T14:00:00Z", "2026-11-24T15:00:00Z"),
    ] {
        frozen.freezes.push(Freeze {
            name: name.to_owned(),
            start: at(from),
            end: at(to),
            services: services.iter().map(|it| it.parse().unwrap()).collect(),
            reason: None,
        });
    }
    let entries = [("standard".to_owned(), standard())].into();
    let calendar = Calendar::new(&Table { reviewed: None, entries }, &frozen);
    let tuesday = |hour: u32| at(&format!("2026-11-24T{hour:02}:00:00Z"));
    let planned = Some(Interval { start: tuesday(11), end: tuesday(15) });
    for (services, freezes, starts) in [
        (&["checkout"][..], &["sale", "move"][..], [9, 13, 15]),
        (&["edge", "portal"], &["sale", "move"], [9, 13, 15]),
        (&[], &["sale", "move"], [9, 13, 15]),
        (&["edge"], &["move"], [9, 15, 0]),
    ] {
        let calendar = calendar.of(services);
        let facts = calendar.facts(planned, tuesday(11));
        let names: Vec<_> = facts.freezes.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, freezes, "{services:?}");
        assert!(facts.freezes.iter().all(|it| it.overlaps), "{services:?}");
        let now = |hour| calendar.now(tuesday(hour)).freezes.len();
        assert_eq!(now(12), usize::from(freezes.contains(&"sale")), "{services:?}");
        assert_eq!((now(13), now(14)), (0, 1), "{services:?}");
        let standard = standard();
        let openings = calendar.openings_of(&standard, tuesday(9), Duration::seconds(1));
        let begin: Vec<_> =
            openings.map(|it| it.start).take_while(|it| *it < tuesday(16)).collect();
        let wanted: Vec<_> = starts.into_iter().filter(|it| *it > 0).map(tuesday).collect();
        assert_eq!(begin, wanted, "{services:?}");
    }
}
