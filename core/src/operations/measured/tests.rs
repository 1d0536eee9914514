//! A table for each thing that samples come to.

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::try_from(Cow::from(text.to_owned())).unwrap()
}

#[test]
fn a_health_check_passes_if_nearly_all_and_the_last_answers_are_good() {
    // The number of answers, and which of them are wrong.
    for (number, wrong, passes) in [
        (0, &[][..], false),
        (1, &[], true),
        (1, &[0], false),
        (60, &[], true),
        (99, &[0], false),
        (100, &[0], true),
        (100, &[0, 1], false),
        (100, &[96], true),
        (100, &[97], false),
        (100, &[99], false),
        (200, &[0, 1], true),
    ] {
        let answer = |index: usize| Answer {
            took: index as u32,
            wrong: wrong.contains(&index).then(|| format!("wrong {index}")),
        };
        let answers: Vec<_> = (0..number).map(answer).collect();
        let check = polled("x", &answers);
        assert_eq!(check.passed, passes, "{number} {wrong:?}");
        assert_eq!(check.failures, Some(wrong.len() as u32));
        assert_eq!(check.note, wrong.last().map(|last| format!("wrong {last}")));
        assert_eq!(check.worst, number.checked_sub(1).map(|last| format!("{last}ms")));
    }
}

#[test]
fn health_is_that_of_all_checks_but_rates() {
    let rate = Check { kind: CheckKind::Prometheus, ..manual("rate", false) };
    for (answers, expected) in [
        (&[][..], Health::Passed),
        (&[true, true], Health::Passed),
        (&[true, false], Health::Failed),
    ] {
        let checks = answers.iter().map(|answer| manual("x", *answer));
        let checks: Vec<_> = checks.chain([rate.clone()]).collect();
        assert_eq!(health(&checks), expected, "{answers:?}");
    }
}

/// Edges 49: noise fails no change.
#[test]
fn a_rate_is_raised_beyond_both_tolerances() {
    for (before, after, times, points, raised) in [
        ("0.20", "0.24", "1.25", "0.1", false),
        ("0.20", "0.40", "1.25", "0.1", true),
        ("4", "3.9", "1.25", "0.1", false),
        ("4", "4.9", "1.25", "0.1", false),
        ("4", "5", "1.25", "0.1", false),
        ("4", "5.000001", "1.25", "0.1", true),
        ("0", "0.1", "1.25", "0.1", false),
        ("0", "0.100001", "1.25", "0.1", true),
        ("0.2", "0.200001", "1", "0", true),
        ("999999", "999999.999999", "1", "1", false),
        ("many", "0", "1.25", "0.1", true),
    ] {
        let rate = ErrorRate {
            before: before.to_owned(),
            after: after.to_owned(),
            source: CheckKind::Prometheus,
            samples: 5,
        };
        let tolerance = Tolerance { times: decimal(times), points: decimal(points) };
        assert_eq!(is_raised(&rate, &tolerance), raised, "{before} {after} {times} {points}");
    }
}

/// Failures 9: a fifth of the samples may be missing.
#[test]
fn too_few_samples_say_nothing() {
    let series =
        |there: usize, expected: usize| Series { expected, values: vec![decimal("0.3"); there] };
    for (before, after, why) in [
        ((60, 60), (60, 60), ""),
        ((5, 5), (5, 5), ""),
        ((48, 60), (60, 60), ""),
        ((47, 60), (60, 60), "13 of 60 samples before the change are missing"),
        ((60, 60), (47, 60), "13 of 60 samples after it are missing"),
        ((4, 5), (5, 5), "there are 4 samples before the change, and not 5"),
        ((5, 5), (0, 60), "there are 0 samples after it, and not 5"),
        ((70, 60), (60, 60), ""),
    ] {
        let ((a, b), (c, d)) = (before, after);
        let found = rate(CheckKind::CloudWatch, &series(a, b), &series(c, d));
        match found {
            Ok((rate, missing)) => {
                assert_eq!(why, "", "{before:?} {after:?}");
                assert_eq!((rate.before.as_str(), rate.samples), ("0.3", a.min(c) as u32));
                assert_eq!(missing, b.saturating_sub(a) + d.saturating_sub(c));
            }
            Err(said) => assert_eq!(said, why),
        }
    }
}

#[test]
fn a_mean_is_rounded() {
    for (values, expected) in [
        (&["1", "2"][..], "1.5"),
        (&["0", "0", "0.000001"], "0"),
        (&["0", "0.000001"], "0.000001"),
        (&["999999.999999"], "999999.999999"),
    ] {
        let values: Vec<_> = values.iter().map(|text| decimal(text)).collect();
        assert_eq!(String::from(mean(&values)), expected);
    }
}

#[test]
fn the_worst_rate_is_told() {
    let rate = |before: &str, after: &str| ErrorRate {
        before: before.to_owned(),
        after: after.to_owned(),
        source: CheckKind::Prometheus,
        samples: 5,
    };
    let tolerance = Tolerance::default();
    for (rates, expected) in [
        (vec![], None),
        (vec![("0.2", "0.1"), ("0.2", "0.24")], Some(1)),
        (vec![("0.2", "0.5"), ("4", "4.9")], Some(0)),
    ] {
        let rates: Vec<_> = rates.into_iter().map(|(before, after)| rate(before, after)).collect();
        assert_eq!(worst(&rates, &tolerance), expected.map(|index: usize| &rates[index]));
    }
}

#[test]
fn samples_are_read_as_programs_write_them() {
    for (text, expected) in [
        ("0.42", Some("0.42")),
        ("0", Some("0")),
        ("-0", Some("0")),
        ("5", Some("5")),
        (".5", Some("0.5")),
        ("4.2e-05", Some("0.000042")),
        ("4.2E+1", Some("42")),
        ("1e2", Some("100")),
        ("0.0000005", Some("0.000001")),
        ("0.00000049", Some("0")),
        ("1e-400", Some("0")),
        ("0e999999", Some("0")),
        ("0.30000000000000004441e0", Some("0.3")),
        ("0.123456789012345678901234567890123456", Some("0.123457")),
        ("999999.999999", Some("999999.999999")),
        ("1000000", None),
        ("1e40", None),
        ("1e99999999999", None),
        ("-0.1", None),
        ("NaN", None),
        ("+Inf", None),
        ("", None),
        ("e5", None),
        ("1.2.3", None),
        ("0x10", None),
    ] {
        assert_eq!(sample(text).map(String::from).as_deref(), expected, "{text}");
    }
}
