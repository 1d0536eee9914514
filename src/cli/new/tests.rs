use super::*;
use changegate::compose::openings;
use changegate::core::policy::{SHIPPED, shipped_files};
use changegate::core::request::{Action, ChangeType, Emergency, OffScript, Risk};
use changegate::gate::judge::Judge;

fn shipped() -> PolicyBundle {
    PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap()
}

/// The pointers of what is asked for, in order, and of what is asked for again.
fn open(request: &ChangeRequest) -> (Vec<&'static str>, Vec<&'static str>) {
    let judge =
        Judge::load(shipped_files(), SHIPPED.to_owned(), |bound| panic!("{bound}")).unwrap();
    let tickets = Tickets::default();
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let draft =
        Drafting::new(&judge, &tickets, None, now).draft(request, &usual_path(request)).unwrap();
    let (missing, refused): (Vec<_>, Vec<_>) =
        draft.open().into_iter().partition(|open| open.refused.is_none());
    let pointers = |open: Vec<Open>| open.into_iter().map(|open| open.field.pointer).collect();
    (pointers(missing), pointers(refused))
}

fn request(action: &str) -> ChangeRequest {
    let action = Action {
        action: action.parse().ok(),
        target: "checkout-web".parse().ok(),
        ..Action::default()
    };
    ChangeRequest {
        id: "CHG-1".parse().ok(),
        requester: "alice".parse().ok(),
        actions: vec![action],
        ..ChangeRequest::default()
    }
}

const ALWAYS: &str = "/summary /reason /impact/services /impact/users /impact/operations";
const OFF_SCRIPT: &str = "/off_script/script /off_script/justification /description /risks /contingency \
     /business_alignment /approvals";
const ROLLBACK: &str = "/rollback/steps";
const OWNER: &str = "/rollback/owner";
const AFTERWARDS: &str = "/verification/monitor /verification/health_checks \
                          /verification/error_rates /schedule/start /schedule/end";

#[test]
fn only_what_action_and_type_need_is_asked_for() {
    let off_script = |request: ChangeRequest| ChangeRequest {
        off_script: Some(OffScript::default()),
        ..request
    };
    let emergency =
        |request: ChangeRequest| ChangeRequest { kind: ChangeType::Emergency, ..request };
    for (request, fields) in [
        (request("pull-logs"), &[ALWAYS][..]),
        (request("purge-cache"), &[ALWAYS, AFTERWARDS]),
        (request("restart-pods"), &[ALWAYS, ROLLBACK, AFTERWARDS]),
        (request("failover-region"), &[ALWAYS, ROLLBACK, OWNER, AFTERWARDS]),
        (request("rotate-secrets"), &[ALWAYS, ROLLBACK, OWNER, AFTERWARDS]),
        (off_script(request("pull-logs")), &[ALWAYS, OFF_SCRIPT, OWNER, AFTERWARDS]),
        (off_script(request("replay")), &[ALWAYS, OFF_SCRIPT, ROLLBACK, OWNER, AFTERWARDS]),
        (
            emergency(request("restart-pods")),
            &[
                "/emergency/incident /emergency/severity /emergency/why_now",
                ALWAYS,
                ROLLBACK,
                AFTERWARDS,
            ],
        ),
        (
            ChangeRequest { id: None, requester: None, ..request("pull-logs") },
            &["/id /requester", ALWAYS],
        ),
    ] {
        let expected: Vec<_> = fields.iter().flat_map(|fields| fields.split_whitespace()).collect();
        assert_eq!(open(&request), (expected, vec![]), "{request:#?}");
    }
}

#[test]
fn wrong_answers_are_asked_for_again() {
    let written = |request: &ChangeRequest, part: &str| {
        let (missing, refused) = open(request);
        assert!(!missing.contains(&part), "{missing:?}");
        refused
    };
    let with = |change: fn(&mut ChangeRequest)| {
        let mut request = request("failover-region");
        change(&mut request);
        request
    };
    for (request, part) in [
        (with(|request| request.actions[0].action = "failover".parse().ok()), "/actions"),
        (with(|request| request.actions[0].target = "TBD".parse().ok()), "/actions"),
        (with(|request| request.summary = Some("todo".to_owned())), "/summary"),
        (with(|request| request.risk = Some(RiskTier::Low)), "/risk"),
        (
            with(|request| {
                request.impact.get_or_insert_default().services = vec!["checkuot".parse().unwrap()];
            }),
            "/impact/services",
        ),
        (
            with(|request| {
                request.rollback.get_or_insert_default().owner = "alice".parse().ok();
            }),
            "/rollback/owner",
        ),
        (
            with(|request| {
                request.verification.get_or_insert_default().monitor = "5m".parse().ok();
            }),
            "/verification/monitor",
        ),
        (
            with(|request| {
                let schedule = request.schedule.get_or_insert_default();
                schedule.start = "2026-11-23T17:00:00Z".parse().ok();
                schedule.end = "2026-11-23T18:00:00Z".parse().ok();
            }),
            "/schedule",
        ),
        (
            with(|request| {
                let schedule = request.schedule.get_or_insert_default();
                schedule.start = "2026-11-24T10:00:00Z".parse().ok();
                schedule.end = schedule.start;
            }),
            "/schedule/end",
        ),
        (with(|request| request.emergency = Some(Emergency::default())), "/emergency"),
    ] {
        assert_eq!(written(&request, part), [part], "{request:#?}");
    }
}

#[test]
fn a_risk_without_mitigation_is_asked_for() {
    let risk = Risk { risk: Some("it fails".to_owned()), ..Risk::default() };
    let request = ChangeRequest { risks: vec![risk], ..request("pull-logs") };
    assert!(open(&request).0.contains(&"/risks"));
}

#[test]
fn suggested_starts_fit_their_window() {
    let calendar = shipped().calendar;
    let starts = |now: &str, length: &str, tier| -> Vec<String> {
        let (now, length) = (now.parse().unwrap(), length.parse().unwrap());
        let suggestions = openings::suggestions(&calendar, now, length, tier);
        suggestions.iter().map(|suggestion| suggestion.start.to_string()).take(2).collect()
    };
    // Not in the middle of a quarter of an hour, and not when it is too late for the length.
    assert_eq!(
        starts("2026-11-24T14:03:07Z", "1h", RiskTier::Medium),
        ["2026-11-24T14:15:00Z", "2026-11-24T22:00:00Z"]
    );
    assert_eq!(
        starts("2026-11-24T14:59:00Z", "1h", RiskTier::Medium),
        ["2026-11-24T15:00:00Z", "2026-11-24T22:00:00Z"]
    );
    assert_eq!(
        starts("2026-11-24T15:00:00Z", "1h", RiskTier::Medium),
        ["2026-11-24T22:00:00Z", "2026-11-25T09:00:00Z"]
    );
    // The freeze ends on Monday 4 January.
    assert_eq!(starts("2026-12-18T10:00:00Z", "1h", RiskTier::High)[0], "2027-01-04T22:00:00Z");
    assert!(starts("2026-11-24T10:00:00Z", "9h", RiskTier::Low).is_empty());
}

#[test]
fn answers_are_read_strictly() {
    assert_eq!(answer::text(" a: b ").unwrap(), "a: b");
    for text in ["", "  ", "a\u{202e}b", "a\u{1b}[31m", "a\u{200b}b"] {
        assert!(answer::text(text).is_err(), "{text:?}");
    }
    let action = answer::action("failover-region:eu-west-1,to=eu-west-2").unwrap();
    assert_eq!(action.target.as_deref(), Some("eu-west-1"));
    assert_eq!(action.parameters["to"], "eu-west-2");
    for text in
        ["", "deploy", "deploy:", ":web", "deploy:web,to", "deploy:web,to=", "deploy:web,=x"]
    {
        assert!(answer::action(text).is_err(), "{text:?}");
    }
    assert!(answer::incident("CHG-1").is_err());
    assert!(answer::approval("user:al ice").is_err());
    assert!(answer::link("dashboard").is_err());
    assert!(openings::length_of("0s").is_err());
}
