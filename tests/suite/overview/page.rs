//! The page of a report about a year that is drawn: the same each time, and left in `target/records/report` for
//! a browser to look at.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use changegate::core::metrics::{
    Account, Decided, Escalation, Metrics, Promotion, Run, Signed, SignedBy,
};
use changegate::core::operations::kinds::EndResult;
use changegate::core::request::{ChangeType, OutcomeResult};
use changegate::core::terms::{RiskTier, Verdict};
use changegate::core::time::{Duration, Interval, Time};
use changegate::report::overview::{Need, Needed, Only, Overview};

/// Draws numbers, the same ones each time.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

fn year() -> Interval {
    Interval {
        start: "2026-01-01T00:00:00Z".parse().unwrap(),
        end: "2027-01-01T00:00:00Z".parse().unwrap(),
    }
}

/// A change of a day of the year.
fn drawn(number: u64, drawn: &mut Drawn) -> Account {
    let hours = |hours: u64| Duration::seconds(hours * 3600);
    let submitted = year().start + hours(number % 360 * 24 + 6 + drawn.below(8));
    let signed = submitted + Duration::seconds(600 + drawn.below(40_000));
    let start = signed + hours(1 + drawn.below(20));
    let end = start + hours(1);
    let kind = match drawn.below(10) {
        0 | 1 => ChangeType::Standard,
        2 => ChangeType::Emergency,
        _ => ChangeType::Normal,
    };
    let by = |role: &str, who: &str, at: Time| SignedBy {
        role: role.to_owned(),
        who: who.parse().unwrap(),
        at,
    };
    let signers = vec![
        by("L2 or L3", "carol", signed),
        by("devops-lead", "bob", signed - Duration::seconds(300)),
    ];
    let run = |rollback: bool, began_at: Time, ended_at: Time| Run {
        began_at,
        ended_at: Some(ended_at),
        result: Some(EndResult::Done),
        rollback,
        recorded: false,
        around: false,
        break_glass: kind == ChangeType::Emergency && !rollback,
        offline: false,
        overran: None,
        actions: vec!["deploy".parse().unwrap()],
    };
    let mut runs = vec![run(false, start, start + Duration::seconds(1200))];
    let went_wrong = drawn.below(12) == 0;
    if went_wrong {
        runs.push(run(true, start + hours(1), start + hours(1) + Duration::seconds(900)));
    }
    let tiers = RiskTier::ALL;
    Account {
        change: format!("CHG-{:04}", 1000 + number),
        summary: Some(format!("Roll out <version {number}> & watch it")),
        kind: Some(kind),
        tier: Some(tiers[drawn.below(4) as usize]),
        services: vec![["checkout", "identity", "edge"][drawn.below(3) as usize].to_owned()],
        planned: Some(Interval { start, end }),
        submitted_at: Some(submitted),
        signed: Some(Signed {
            arrived_at: Some(submitted),
            is_direct: kind == ChangeType::Standard,
            is_complete: true,
            by: signers,
        }),
        merged_at: Some(signed + Duration::seconds(60)),
        decided: vec![Decided {
            at: submitted,
            verdict: Verdict::Denied,
            codes: vec!["window/closed".to_owned()],
        }],
        runs,
        outcome: Some(match went_wrong {
            true => (OutcomeResult::RolledBack, end + hours(2)),
            false => (OutcomeResult::Successful, end + hours(1)),
        }),
        escalated: match number % 97 {
            0 => vec![Escalation {
                incident: "INC-700".parse().unwrap(),
                at: start,
                resolved_at: Some(end),
            }],
            _ => Vec::new(),
        },
        ..Account::default()
    }
}

fn overview() -> Overview {
    let mut numbers = Drawn(7);
    let accounts: Vec<_> = (0..420).map(|number| drawn(number, &mut numbers)).collect();
    let need = |what: Needed, of: &str, who: &str, told: &str, command: &str| Need {
        what,
        since: None,
        of: of.to_owned(),
        summary: Some("Fail the <EU> region over to eu-west-2".to_owned()),
        who: vec![who.to_owned()],
        told: told.to_owned(),
        command: command.to_owned(),
        address: Some(format!("https://github.com/acme/ops/blob/main/requests/{of}.yaml")),
    };
    Overview {
        repository: "acme/ops".to_owned(),
        period: year(),
        only: Only::default(),
        warnings: vec!["not all that the ledger says can be relied on".to_owned()],
        needs: vec![
            need(
                Needed::Incident,
                "INC-051",
                "heidi",
                "P2 since Tue 1 Dec 2026 22:41 UTC",
                "changegate incident resolve INC-051",
            ),
            need(
                Needed::DebtOverdue,
                "INC-042",
                "payments",
                "sign-offs are owed, due Sun 1 Nov 2026 03:14 UTC",
                "changegate review INC-042 --approve",
            ),
            need(
                Needed::WithoutOutcome,
                "CHG-1301",
                "dan",
                "done Wed 2 Dec 2026 10:00",
                "changegate outcome CHG-1301 successful",
            ),
            Need {
                address: Some("javascript:alert(1)".to_owned()),
                ..need(
                    Needed::Expired,
                    "CHG-1302",
                    "dan",
                    "was planned",
                    "changegate reschedule CHG-1302 --next",
                )
            },
        ],
        metrics: Metrics::of(&accounts, &|_| true, &year(), &|_| true),
        debts: BTreeMap::from([("settled", 4), ("overdue", 1)]),
        unproven: 0,
        promotions: vec![Promotion {
            script: "runbooks/drain.md".to_owned(),
            does: vec![
                "drain-traffic on checkout".to_owned(),
                "scale-service on checkout".to_owned(),
            ],
            changes: ["CHG-1101", "CHG-1140", "CHG-1177"].map(str::to_owned).to_vec(),
        }],
        loosened: vec!["outcome.close: high".to_owned()],
        open_hours: (0..7)
            .map(|day| (0..24).map(|hour| day < 5 && (9..17).contains(&hour)).collect())
            .collect(),
    }
}

#[test]
fn the_page_of_a_year() {
    let (page, again) = (overview().html().unwrap(), overview().html().unwrap());
    assert_eq!(page, again);
    // What people wrote does nothing, and no address is one that does anything but lead somewhere.
    assert!(!page.contains("<EU>") && page.contains("Fail the &#60;EU&#62; region"), "{page}");
    assert!(!page.contains("javascript:") && !page.contains("<script"), "{page}");
    for need in overview().needs.iter().take(3) {
        assert!(page.contains(&format!("href=\"{}\"", need.address.as_ref().unwrap())), "{page}");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("records/report");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("year.html"), &page).unwrap();
    let mut numbers = Drawn(7);
    let empty = Overview {
        needs: Vec::new(),
        warnings: Vec::new(),
        metrics: Metrics::of(
            &[drawn(0, &mut numbers)],
            &|_| true,
            &Interval { start: year().end, ..year() },
            &|_| true,
        ),
        promotions: Vec::new(),
        loosened: Vec::new(),
        ..overview()
    };
    fs::write(folder.join("empty.html"), empty.html().unwrap()).unwrap();
    insta::assert_snapshot!(overview().text(100));
}
