//! The figures, case by case.

use super::*;
use crate::operations::kinds::EndResult;
use crate::terms::RiskTier;

pub(super) fn at(text: &str) -> Time {
    let text = if text.contains(' ') { text.to_owned() } else { format!("{text} 00:00") };
    format!("2026-{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

fn november() -> Interval {
    Interval { start: at("11-01"), end: at("12-01") }
}

fn duration(text: &str) -> Duration {
    text.parse().unwrap()
}

/// A change that was submitted, signed, merged, executed in its time and closed.
pub(super) fn done(name: &str, day: &str) -> Account {
    let time = |hour: &str| at(&format!("{day} {hour}"));
    Account {
        change: name.to_owned(),
        kind: Some(ChangeType::Normal),
        tier: Some(RiskTier::High),
        services: vec!["checkout".to_owned()],
        planned: Some(Interval { start: time("20:00"), end: time("22:00") }),
        submitted_at: Some(time("08:00")),
        signed: Some(Signed {
            arrived_at: Some(time("09:00")),
            is_direct: false,
            is_complete: true,
            by: vec![
                SignedBy { role: "L3".to_owned(), who: login("carol"), at: time("10:00") },
                SignedBy { role: "service-owner".to_owned(), who: login("dan"), at: time("12:00") },
            ],
        }),
        merged_at: Some(time("13:00")),
        runs: vec![run(&time("20:05"), Some(&time("20:35")))],
        outcome: Some((OutcomeResult::Successful, time("21:00"))),
        ..Account::default()
    }
}

fn login(text: &str) -> Login {
    text.parse().unwrap()
}

fn run(from: &Time, to: Option<&Time>) -> Run {
    Run {
        began_at: *from,
        ended_at: to.copied(),
        result: to.map(|_| EndResult::Done),
        rollback: false,
        recorded: false,
        around: false,
        break_glass: false,
        offline: false,
        overran: None,
        actions: vec!["deploy".parse().unwrap()],
    }
}

fn of(accounts: &[Account]) -> Metrics {
    Metrics::of(accounts, &|_| true, &november(), &|action| action.as_str() == "deploy")
}

#[test]
fn percentiles_are_by_the_nearest_rank() {
    let spread = |seconds: &[u64]| Spread::of(seconds.iter().map(|it| Duration::seconds(*it)));
    let seconds = |it: Option<Duration>| it.map(Duration::as_seconds);
    for (values, n, median, p10, p90) in [
        (&[][..], 0, None, None, None),
        (&[7, 3, 5, 1], 4, None, None, None),
        (&[5, 3, 1, 4, 2], 5, Some(3), Some(1), Some(5)),
        (&[1, 2, 3, 4, 5, 6], 6, Some(3), Some(1), Some(6)),
        (&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 10, Some(5), Some(1), Some(9)),
        (&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 99], 11, Some(1), Some(1), Some(1)),
    ] {
        let it = spread(values);
        assert_eq!(
            (it.n, seconds(it.median), seconds(it.p10), seconds(it.p90)),
            (n, median, p10, p90),
            "{values:?}"
        );
        assert_eq!(seconds(it.longest), values.iter().max().copied());
    }
    // Fewer than five are shown themselves, and in order.
    assert_eq!(spread(&[7, 3, 5, 1]).values, [1, 3, 5, 7].map(Duration::seconds));
    assert!(spread(&[5, 3, 1, 4, 2]).values.is_empty());
    assert_eq!(spread(&[]).for_people(), "none");
    assert_eq!(spread(&[60, 1]).for_people(), "1 s, 1 min (n 2)");
    assert_eq!(
        spread(&[1, 2, 3, 4, 3600]).for_people(),
        "median 3 s, nine in ten within 1 h (n 5)"
    );
}

#[test]
fn shares_and_rates_are_rounded_half_up() {
    for (count, of, percent) in [
        (12, 389, "3.1"),
        (0, 3, "0.0"),
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (3, 3, "100.0"),
        (1, 2000, "0.1"),
    ] {
        assert_eq!(Share::of(count, of).percent.as_deref(), Some(percent), "{count} of {of}");
    }
    assert_eq!(Share::of(0, 0), Share { count: 0, of: 0, percent: None });
    assert_eq!(a_day(183, &november()), "6.10");
    assert_eq!(a_day(1, &november()), "0.03");
    let day = Interval { start: at("11-01"), end: at("11-02") };
    assert_eq!(a_day(7, &day), "7.00");
}

#[test]
fn an_ordinary_change_counts_where_it_should() {
    let it = of(&[done("CHG-1", "11-10")]);
    assert_eq!(
        it.changes,
        Counts {
            total: 1,
            submitted: 1,
            merged: 1,
            executed: 1,
            closed: 1,
            of_policies: 0,
            executions: 1
        }
    );
    assert_eq!(it.deployments, Rate { count: 1, a_day: "0.03".to_owned() });
    assert_eq!(it.lead_time.values, [duration("12h35m")]);
    assert_eq!((it.failed.count, it.failed.of), (0, 1));
    assert_eq!((it.sign_off.direct, it.sign_off.reviewed, it.sign_off.unknown), (0, 1, 0));
    assert_eq!(it.sign_off.from_content.values, [duration("3h")]);
    assert_eq!(it.sign_off.from_submission.values, [duration("4h")]);
    let roles: Vec<_> = it.sign_off.by_role.iter().map(|it| (&*it.by, it.took.values[0])).collect();
    assert_eq!(roles, [("L3", duration("1h")), ("service-owner", duration("3h"))]);
    let people: Vec<_> = it.sign_off.by_person.iter().map(|it| (&*it.by, it.took.n)).collect();
    assert_eq!(people, [("carol", 1), ("dan", 1)]);
    assert_eq!(it.until_start.values, [duration("8h")]);
    assert_eq!(it.until_begin.values, [duration("5m")]);
    assert_eq!((it.in_plan.count, it.in_plan.of), (1, 1));
    assert_eq!(it.by_tier[0].of, "high");
    assert_eq!(it.by_service[0].of, "checkout");
    // Tue 10 Nov, 20:05.
    assert_eq!(it.hours[1][20], 1);
    assert_eq!(it.hours.iter().flatten().sum::<usize>(), 1);
    let week = it.weeks.iter().find(|week| week.from == at("11-09")).unwrap();
    assert_eq!(week.executed, BTreeMap::from([(ChangeType::Normal, 1)]));
    // The weeks that the month touches, from that of its first day on.
    let weeks: Vec<_> = it.weeks.iter().map(|week| week.from).collect();
    assert_eq!(weeks, ["10-26", "11-02", "11-09", "11-16", "11-23", "11-30"].map(at));
}

/// Each instant counts by itself: [from, to).
#[test]
fn what_happened_at_the_ends_of_the_period() {
    let of_time = |time: &str| {
        let times = |it: &Metrics| {
            let it = &it.changes;
            (it.total, it.submitted, it.merged, it.executed, it.closed, it.executions)
        };
        let time = at(time);
        let account = Account {
            submitted_at: Some(time),
            merged_at: Some(time),
            runs: vec![run(&time, Some(&time))],
            outcome: Some((OutcomeResult::Successful, time)),
            ..Account::default()
        };
        let it = of(&[account]);
        (times(&it), it.deployments.count)
    };
    assert_eq!(of_time("11-01 00:00"), ((1, 1, 1, 1, 1, 1), 1));
    assert_eq!(of_time("11-30 23:59"), ((1, 1, 1, 1, 1, 1), 1));
    assert_eq!(of_time("10-31 23:59"), ((0, 0, 0, 0, 0, 0), 0));
    assert_eq!(of_time("12-01 00:00"), ((0, 0, 0, 0, 0, 0), 0));
    // What was submitted before counts where it was executed, and not among what was submitted.
    let mut account = done("CHG-1", "11-10");
    account.submitted_at = Some(at("10-20"));
    account.merged_at = Some(at("10-21"));
    let it = of(&[account]);
    assert_eq!((it.changes.submitted, it.changes.merged, it.changes.executed), (0, 0, 1));
    assert_eq!((it.sign_off.reviewed, it.lead_time.n), (0, 1));
    // Begun before, and done in the period.
    let mut account = done("CHG-1", "11-10");
    account.runs = vec![run(&at("10-31 23:50"), Some(&at("11-01 00:10")))];
    let it = of(&[account]);
    assert_eq!((it.changes.executed, it.deployments.count, it.lead_time.n), (0, 1, 1));
    // What was never done whole took no time yet.
    let account = Account { undone: 1, ..done("CHG-1", "11-10") };
    let it = of(&[account]);
    assert_eq!((it.changes.executed, it.deployments.count, it.lead_time.n), (1, 1, 0));
}

#[test]
fn what_counts_as_failed() {
    let undone = |from: &str, to: &str| Run { rollback: true, ..run(&at(from), Some(&at(to))) };
    let incident = |resolved: Option<&str>| Escalation {
        incident: "INC-700".parse().unwrap(),
        at: at("11-10 21:00"),
        resolved_at: resolved.map(at),
    };
    let with = |change: &dyn Fn(&mut Account)| {
        let mut account = done("CHG-1", "11-10");
        change(&mut account);
        let it = of(&[account]);
        (it.failed.count, it.with_issues.count, it.recovery.values, it.unrecovered)
    };
    type Change<'a> = &'a dyn Fn(&mut Account);
    let none = Vec::new;
    for (what, change, expected) in [
        ("nothing", &|_: &mut Account| {}, (0, 0, none(), 0)),
        (
            "with issues",
            &|it: &mut Account| it.outcome = Some((OutcomeResult::WithIssues, at("11-10 21:00"))),
            (0, 1, none(), 0),
        ),
        (
            "failed",
            &|it: &mut Account| it.outcome = Some((OutcomeResult::Failed, at("11-10 21:00"))),
            (1, 0, none(), 0),
        ),
        (
            "rolled back",
            &|it: &mut Account| it.runs.push(undone("11-10 21:00", "11-10 21:20")),
            (1, 0, vec![duration("20m")], 0),
        ),
        (
            "a rollback that failed",
            &|it: &mut Account| {
                let failed = Some(EndResult::Failed);
                let undone = undone("11-10 21:00", "11-10 21:20");
                it.runs.push(Run { result: failed, ..undone });
                it.outcome = None;
            },
            (1, 0, none(), 1),
        ),
        (
            "escalated, rolled back, and then resolved",
            &|it: &mut Account| {
                it.escalated.push(incident(Some("11-11 01:00")));
                it.runs.push(undone("11-10 21:10", "11-10 21:30"));
            },
            (1, 0, vec![duration("30m")], 0),
        ),
        (
            "escalated and resolved",
            &|it: &mut Account| it.escalated.push(incident(Some("11-10 22:00"))),
            (1, 0, vec![duration("1h")], 0),
        ),
        (
            "escalated, and closed since",
            &|it: &mut Account| it.escalated.push(incident(None)),
            (1, 0, none(), 0),
        ),
        (
            "closed, and then escalated",
            &|it: &mut Account| {
                it.escalated.push(incident(None));
                it.outcome = Some((OutcomeResult::Successful, at("11-10 20:59")));
            },
            (1, 0, none(), 1),
        ),
        (
            "escalated",
            &|it: &mut Account| {
                it.escalated.push(incident(None));
                it.outcome = None;
            },
            (1, 0, none(), 1),
        ),
    ] as [(&str, Change<'_>, _); 10]
    {
        assert_eq!(with(change), expected, "{what}");
    }
}

#[test]
fn an_emergency_that_repairs_an_earlier_change_is_rework() {
    let escalated = |name: &str, incident: &str| Account {
        escalated: vec![Escalation {
            incident: incident.parse().unwrap(),
            at: at("11-10 21:00"),
            resolved_at: None,
        }],
        ..done(name, "11-10")
    };
    let answer = |incident: &str, day: &str| Account {
        kind: Some(ChangeType::Emergency),
        incident: Some(incident.parse().unwrap()),
        ..done("INC-700", day)
    };
    let count = |accounts: &[Account]| of(accounts).rework.count;
    assert_eq!(count(&[escalated("CHG-1", "INC-700"), answer("INC-700", "11-11")]), 1);
    // Another incident, an earlier answer, and its own escalation aren't.
    assert_eq!(count(&[escalated("CHG-1", "INC-800"), answer("INC-700", "11-11")]), 0);
    assert_eq!(count(&[escalated("CHG-1", "INC-700"), answer("INC-700", "11-09")]), 0);
    let own = Account { kind: Some(ChangeType::Emergency), ..escalated("INC-700", "INC-700") };
    assert_eq!(count(&[own]), 0);
    let it = of(&[answer("INC-700", "11-11"), done("CHG-1", "11-12")]);
    assert_eq!(it.emergency.percent.as_deref(), Some("50.0"));
}

#[test]
fn direct_and_unknown_changes_count_in_no_time_to_sign_off() {
    let mut direct = done("CHG-1", "11-10");
    direct.signed = Some(Signed { is_direct: true, is_complete: true, ..Signed::default() });
    let mut unknown = done("CHG-2", "11-10");
    unknown.signed = None;
    let it = of(&[direct, unknown]).sign_off;
    assert_eq!((it.direct, it.reviewed, it.unknown), (1, 0, 1));
    assert_eq!((it.from_content.n, it.by_role.len(), it.by_person.len()), (0, 0, 0));
    // Two of one role: the role waits for the second, and each person for nobody.
    let mut two = done("CHG-3", "11-10");
    two.signed.as_mut().unwrap().by[1].role = "L3".to_owned();
    let it = of(&[two]).sign_off;
    assert_eq!(it.by_role.len(), 1);
    assert_eq!(it.by_role[0].took.values, [duration("3h")]);
    assert_eq!(it.by_person.len(), 2);
}

#[test]
fn what_did_not_keep_its_plan() {
    let kept = |runs: Vec<Run>, is_planned: bool| {
        let mut account = done("CHG-1", "11-10");
        account.runs = runs;
        if !is_planned {
            account.planned = None;
        }
        let it = of(&[account]);
        (it.in_plan.count, it.in_plan.of, it.overran.values)
    };
    let run = |from: &str, to: &str| {
        run(&at(&format!("11-10 {from}")), Some(&at(&format!("11-10 {to}"))))
    };
    assert_eq!(kept(vec![run("20:00", "22:00")], true), (1, 1, vec![]));
    assert_eq!(kept(vec![run("19:59", "22:00")], true), (0, 1, vec![]));
    let overran = Some(duration("1m"));
    let late = Run { overran, ..run("20:00", "22:01") };
    assert_eq!(kept(vec![late], true), (0, 1, vec![duration("1m")]));
    assert_eq!(kept(vec![run("20:00", "21:00"), run("21:00", "22:01")], true), (0, 1, vec![]));
    assert_eq!(kept(vec![run("20:00", "21:00")], false), (0, 0, vec![]));
    // It goes on.
    let open = Run { ended_at: None, result: None, ..run("20:00", "21:00") };
    assert_eq!(kept(vec![open], true), (0, 1, vec![]));
}

#[test]
fn denials_are_counted_once_a_change() {
    let decided = |hour: u32, verdict: Verdict, codes: &[&str]| Decided {
        at: at(&format!("11-10 {hour:02}:00")),
        verdict,
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
    };
    let account = |decided: Vec<Decided>| Account { decided, ..done("CHG-1", "11-10") };
    let it = of(&[
        account(vec![
            decided(1, Verdict::Denied, &["window/closed", "request/missing"]),
            decided(2, Verdict::Denied, &["window/closed"]),
            decided(4, Verdict::Approved, &[]),
            decided(9, Verdict::Approved, &[]),
        ]),
        account(vec![decided(1, Verdict::Denied, &["window/closed"])]),
        account(vec![decided(1, Verdict::Pending, &[]), decided(2, Verdict::Approved, &[])]),
    ]);
    let found: Vec<_> =
        it.denials.iter().map(|it| (&*it.code, it.changes, it.until_over.values.clone())).collect();
    assert_eq!(
        found,
        [("window/closed", 2, vec![duration("3h")]), ("request/missing", 1, vec![duration("3h")])]
    );
    let given_up = Account {
        given_up_at: Some(at("11-10 06:00")),
        ..account(vec![decided(1, Verdict::Denied, &["a/b"])])
    };
    assert_eq!(of(&[given_up]).denials[0].until_over.values, [duration("5h")]);
}
