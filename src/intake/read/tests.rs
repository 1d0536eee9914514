use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::compose::fields::FIELDS;
use crate::core::request::{ChangeType, OffScript};
use crate::core::yaml;
use crate::intake::template::Template;

const CHANGE: &str = include_str!("../../../.github/ISSUE_TEMPLATE/change-request.yml");
const OFF_SCRIPT: &str = include_str!("../../../.github/ISSUE_TEMPLATE/off-script-request.yml");

fn read(answers: &[(&str, &str)]) -> Reading {
    let answer = |(id, text): &(&str, &str)| Answer {
        id: (*id).to_owned(),
        label: format!("The {id}"),
        text: (*text).to_owned(),
        is_ticked: *id == "break_glass",
    };
    super::read(&answers.iter().map(answer).collect::<Vec<_>>(), false)
}

/// The fields of a form: id, label, description.
fn fields_of(form: &str) -> Vec<(String, String, String)> {
    let form: Value = yaml::parse(form.as_bytes()).read().value.unwrap();
    let text = |field: &Value, pointer: &str| field.pointer(pointer)?.as_str().map(str::to_owned);
    let field = |field: &Value| {
        let label = text(field, "/attributes/label")?;
        Some((text(field, "/id").unwrap(), label, text(field, "/attributes/description").unwrap()))
    };
    form["body"].as_array().unwrap().iter().filter_map(field).collect()
}

/// `what is done` as the beginning of a sentence.
fn capitalised(text: &str) -> String {
    text[..1].to_uppercase() + &text[1..]
}

#[test]
fn forms_ask_in_the_words_of_the_dialogue() {
    for form in [CHANGE, OFF_SCRIPT] {
        for (id, _, description) in fields_of(form) {
            let field = fields::with_id(&id).expect(&id);
            let about = fields::comment(field.pointer).expect(field.pointer);
            assert!(description.starts_with(&capitalised(about)), "{id}: {description}");
        }
    }
}

#[test]
fn every_field_is_asked_for() {
    let ids = |form| fields_of(form).into_iter().map(|(id, _, _)| id).collect::<BTreeSet<_>>();
    let all =
        FIELDS.iter().filter_map(|field| field.id).map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(ids(OFF_SCRIPT), all);
    let only_off_script =
        ["description", "script", "justification", "risks", "contingency", "business_alignment"];
    let usual = all.into_iter().filter(|id| !only_off_script.contains(&id.as_str()));
    assert_eq!(ids(CHANGE), usual.collect());
}

#[test]
fn every_field_is_read() {
    let reading = read(&[
        ("ticket", "INC-001"),
        ("type", "emergency"),
        ("summary", "Restart: the pods"),
        ("reason", "first\n\n# second"),
        ("actions", "- restart-pods:checkout-web\n2. failover-region:eu-west-1,to=eu-west-2\n"),
        ("tier", "critical"),
        ("services", "checkout, payments\nedge"),
        ("start", "2026-11-24T22:00:00Z"),
        ("end", "1h30m"),
        ("implementer", "@Bob"),
        ("rollback_steps", "* scale back\n* -1 isn't a mark"),
        ("rollback_owner", "carol"),
        ("monitor", "15m"),
        ("health_checks", "- one\n- two"),
        ("severity", "P1"),
        ("break_glass", "Executed first, signed off afterwards"),
        ("risks", "it fails -> somebody watches\nit burns"),
        ("approvals", "devops-lead\nuser:erin"),
        ("links", "dashboard=https://grafana.example/d?a=b"),
    ]);
    assert_eq!(reading.unread, []);
    let request = reading.request;
    assert_eq!(request.kind, ChangeType::Emergency);
    assert_eq!(request.reason.as_deref(), Some("first\n\n# second"));
    assert_eq!(request.actions[1].parameters["to"], "eu-west-2");
    assert_eq!(request.impact.unwrap().services, ["checkout", "payments", "edge"]);
    assert_eq!(request.implementer, "bob".parse().ok());
    let schedule = request.schedule.unwrap();
    assert_eq!(schedule.end, "2026-11-24T23:30:00Z".parse().ok());
    assert_eq!(request.rollback.unwrap().steps, ["scale back", "-1 isn't a mark"]);
    assert_eq!(request.verification.unwrap().health_checks, ["one", "two"]);
    assert!(request.emergency.unwrap().break_glass);
    assert_eq!(request.risks[0].mitigation.as_deref(), Some("somebody watches"));
    assert_eq!(request.risks[1].mitigation, None);
    assert_eq!(request.approvals.len(), 2);
    assert_eq!(request.links["dashboard"], "https://grafana.example/d?a=b");
}

#[test]
fn an_untouched_box_makes_no_emergency() {
    let answers = |mark: &str| {
        let template = Template::read(CHANGE.as_bytes()).unwrap();
        let fields = fields_of(CHANGE).into_iter().map(|(id, label, _)| {
            let answer = match id.as_str() {
                "break_glass" => format!("- [{mark}] Executed first, signed off afterwards"),
                _ => "_No response_".to_owned(),
            };
            format!("### {label}\n\n{answer}\n")
        });
        template.split(&fields.collect::<String>()).unwrap().unwrap()
    };
    assert_eq!(super::read(&answers(" "), false).request, ChangeRequest::default());
    assert!(super::read(&answers("x"), false).request.emergency.unwrap().break_glass);
}

#[test]
fn what_cannot_be_read_is_told_of_by_its_label() {
    let reading = read(&[
        ("ticket", "../main"),
        ("summary", "mend\u{202e}it"),
        ("actions", "restart-pods:checkout-web\nrestart everything"),
        ("start", "tomorrow"),
        ("end", "late"),
        ("tier", "none"),
        ("rollback_owner", "carol; rm -rf /"),
    ]);
    let unread: Vec<_> =
        reading.unread.iter().map(|unread| (unread.id.as_str(), unread.why.as_str())).collect();
    let ids: Vec<_> = unread.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["ticket", "summary", "actions", "start", "end", "tier", "rollback_owner"]);
    assert_eq!(reading.unread[0].label, "The ticket");
    for ((_, why), part) in unread.iter().zip([
        "`../main` is not a ticket number",
        "U+202E",
        "`restart everything` is not an action",
        "`tomorrow` is not a time",
        "or a length, such as 1h30m",
        "choose an entry of the menu",
        "is not a login",
    ]) {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(reading.request.actions.len(), 1);
    assert_eq!(reading.request.schedule, None);
}

#[test]
fn the_form_makes_it_off_script() {
    let reading = super::read(&[], true);
    assert_eq!(reading.request.off_script, Some(OffScript::default()));
}
