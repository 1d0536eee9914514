//! Cases for references to what isn't there.

use super::bundle::{FINDING, beside_the_shipped};
use crate::policy::{PolicyBundle, shipped_files};

#[test]
fn references_to_what_is_not_there_are_refused() {
    for (condition, parts) in [
        ("data.org.blocked.x", &["no table policies/org/blocked/data.yaml"][..]),
        ("data.org.rooster.people", &["no table policies/org/rooster", "Did you mean `roster`?"]),
        ("data.org.settings.protected_base", &["has no field `protected_base`", "protected_bases"]),
        ("data.org.roster.people.alice.levle", &["has no field `levle`", "`level`"]),
        ("data.changegate.fact.tier", &["nothing in the policies is called `data.changegate.fact"]),
        ("input.reqest.id", &["`input` has no field `reqest`", "Did you mean `request`?"]),
        ("input.request.sumary", &["`input.request` has no field `sumary`", "`summary`"]),
        ("input[\"request\"].sumary", &["has no field `sumary`"]),
        ("input.request.id.number", &["`input.request.id` has no field `number`"]),
        ("some action in input.request.actions; action.tool == 1", &["has no field `tool`"]),
        ("every a in input.request.actions { a.tool == 1 }", &["has no field `tool`"]),
        ("r := input.request; r.sumary == 1", &["has no field `sumary`"]),
        ("r := input.request; s := r.schedule; s.begin > 1", &["has no field `begin`"]),
        ("count([a | some a in input.request.actions; a.tool]) > 1", &["has no field `tool`"]),
        ("input.people[input.request.requester].levl == 1", &["has no field `levl`"]),
        ("some table, _ in data.org; data.org[table].x == 1", &[]),
        ("object.get(input.request, \"sumary\", 1) == 1", &["has no field `sumary`", "`summary`"]),
        ("object.get(input, [\"request\", \"sumary\"], 1) == 1", &["has no field `sumary`"]),
        ("object.get(data.org.actoins, \"x\", 1) == 1", &["no table policies/org/actoins"]),
        ("object.get(data.org, \"actoins\", 1) == 1", &["no table policies/org/actoins"]),
        ("object.get(data.org.settings, \"placeholder\", 1) == 1", &["no field `placeholder`"]),
        ("not input.request[\"sumary\"]", &["has no field `sumary`"]),
        ("field := \"sumary\"; not input.request[field]", &["has no field `sumary`"]),
        ("field := \"sumary\"; object.get(input.request, field, 1) == 1", &["field `sumary`"]),
        ("some field in [\"reason\", \"sumary\"]; not input.request[field]", &["field `sumary`"]),
        ("some field, _ in {\"sumary\": 1}; not input.request[field]", &["field `sumary`"]),
        ("every field in {\"sumary\"} { input.request[field] }", &["field `sumary`"]),
        ("not input.request[misspelt]", &["field `sumary`"]),
        ("some field in fields; not input.request[field]", &["field `sumary`"]),
        ("some field, _ in texts; not input.request[field]", &["field `sumary`"]),
        ("object.get(object.get(input, \"request\", 1), \"sumary\", 1) == 1", &["field `sumary`"]),
        ("r := object.get(input, \"request\", {}); r.sumary == 1", &["field `sumary`"]),
        ("some a in object.get(input.request, \"actions\", []); a.tool", &["field `tool`"]),
        ("request.sumary == 1", &["`input.request` has no field `sumary`"]),
        ("r := request; not r[\"sumary\"]", &["field `sumary`"]),
        ("some a in request.actions; a.tool", &["field `tool`"]),
        ("some a in request.actions; a.target", &[]),
        ("missing(\"sumary\")", &["acme.rego:2:", "field `sumary`"]),
        ("missing(\"reason\")", &[]),
        ("missing(input.now)", &[]),
        ("some field in [\"reason\", \"summary\"]; not input.request[field]", &[]),
        ("some field, _ in input.request; not input.request[field]", &[]),
        ("some k, _ in input.request; k == \"sumary\"", &["has no field `sumary`", "`summary`?"]),
        ("some k, _ in request; k in {\"id\", \"sumary\"}", &["no field `sumary`", "`summary`?"]),
        ("some k, _ in input.request; k == \"summary\"", &[]),
        ("some k, _ in input.request.links; k == \"sumary\"", &[]),
        ("some at, _ in input.request.actions; at == \"sumary\"", &[]),
        ("object.get(input.request.links, \"notes\", 1) == 1", &[]),
        ("some name in [\"a\", \"b\"]; input.request.actions[0].parameters[name]", &[]),
        ("object.get(input.people, \"alice\", {}).level == 1", &[]),
        ("data.org.actions.depoly.tier == 1", &["no field `depoly`", "Did you mean `deploy`?"]),
        ("data.org.roster.people.alicia.level == \"L1\"", &[]),
        ("data.org.roster.people.alice.keys[0]", &[]),
    ] {
        let text = format!(
            "package changegate.rules.acme\nfindings contains {FINDING} if {{ {condition} }}\n\
             findings contains {FINDING} if {{ input.now == misspelt; fields; texts; request; missing(\"id\") }}\n\
             misspelt := \"sumary\"\nrequest := input.request\nfields := [\"sumary\"]\ntexts := {{\"sumary\": 1}}\n\
             missing(field) if not input.request[field]\n"
        );
        let problems = beside_the_shipped("rules/acme/acme.rego", &text).join("\n");
        assert_eq!(problems.is_empty(), parts.is_empty(), "{condition}: {problems}");
        for part in parts {
            assert!(problems.contains(part), "{condition}\n{part:?} isn't in: {problems}");
        }
    }
    let text = format!(
        "package changegate.rules.acme\nfindings contains {FINDING} if {{\n\
         \tinput.now > \"2026\"\n\tinput.request.sumary == input.request.sumary\n}}"
    );
    let problems = beside_the_shipped("rules/acme/acme.rego", &text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("policies/rules/acme/acme.rego:4:"), "{problems:?}");
}

#[test]
fn comparisons_that_can_never_hold_are_refused() {
    for (condition, parts) in [
        (
            "input.request.risk == \"hgih\"",
            &["acme.rego:2:101", "`input.request.risk` is never \"hgih\"", "Did you mean `high`?"]
                [..],
        ),
        ("\"hgih\" == input.request.risk", &["Did you mean `high`?"]),
        ("input.request.risk != \"severe\"", &["It is low, medium, high or critical."]),
        ("input.request.risk = \"severe\"", &["is never \"severe\""]),
        ("not input.request.risk == \"severe\"", &["is never \"severe\""]),
        ("input.request.type == \"emergancy\"", &["Did you mean `emergency`?"]),
        ("input.request.type in {\"emergancy\", \"normal\"}", &["`emergency`?"]),
        ("input.request.type in [\"urgent\"]", &["`input.request.type` is never \"urgent\""]),
        ("input.request.type in kinds", &["acme.rego:3:", "is never \"urgent\""]),
        ("kind := \"urgent\"; input.request.type == kind", &["is never \"urgent\""]),
        ("input.request.type == urgent", &["acme.rego:4:", "is never \"urgent\""]),
        ("some kind in [\"urgent\"]; input.request.type == kind", &["is never \"urgent\""]),
        ("some kind in kinds; input.request.type == kind", &["is never \"urgent\""]),
        (
            "input.calendar.clock.start.weekday == \"friday\"",
            &["is never \"friday\"", "It is mon, "],
        ),
        (
            "input.calendar.windows[_].clock.end.weekday == \"friday\"",
            &["`input.calendar.windows.*"],
        ),
        ("some a in input.approvals; a.state == \"APROVED\"", &["Did you mean `APPROVED`?"]),
        ("c := input.change; c.kind == \"delete\"", &["`input.change.kind` is never"]),
        ("input.people[input.now].level == \"L4\"", &["It is L1, L2 or L3."]),
        ("input.previous.risk == \"hgih\"", &["Did you mean `high`?"]),
        ("data.changegate.facts.tier == \"hgih\"", &["`data.changegate.facts.tier`", "`high`?"]),
        ("data.changegate.facts.tier in {\"high\", \"critcal\"}", &["Did you mean `critical`?"]),
        ("data.changegate.facts.level == \"L4\"", &["It is L1, L2 or L3."]),
        ("data.changegate.facts.tier in {\"high\", \"critical\"}", &[]),
        ("data.changegate.facts.level == \"L1\"", &[]),
        ("input.request.emergency.severity == \"P0\"", &["is never \"P0\""]),
        ("\"hgih\" in input.calendar.windows[_][\"for\"]", &["Did you mean `high`?"]),
        ("data.org.actions[input.now].tier == \"hgih\"", &["Did you mean `high`?"]),
        ("input.pull_request.draft == \"true\"", &["is never \"true\"", "It is true or false."]),
        ("input.pull_request.number == \"5\"", &["It is a number."]),
        ("input.request.emergency.break_glass == 1", &["It is true or false."]),
        ("input.request.summary == 5", &["It is a text."]),
        ("input.request.actions[_].action == \"delpoy\"", &["Did you mean `deploy`?"]),
        ("some a in input.request.actions; a.action in {\"delpoy\"}", &["Did you mean `deploy`?"]),
        ("\"chekout\" in input.services", &["Did you mean `checkout`?"]),
        ("input.request.impact.services[_] == \"chekout\"", &["Did you mean `checkout`?"]),
        ("input.request.requester == \"Alice\"", &["Did you mean `alice`?"]),
        ("input.pull_request.contributors[_].login == \"alce\"", &["Did you mean `alice`?"]),
        ("input.request.risk == \"high\"", &[]),
        ("input.request.type in {\"emergency\", \"normal\"}", &[]),
        ("input.calendar.clock.start.weekday in {\"fri\", \"sat\"}", &[]),
        ("input.request.risk != null", &[]),
        ("input.request != null", &[]),
        ("object.get(input.request, \"risk\", \"none\") == \"none\"", &[]),
        ("risk := object.get(input.request, \"risk\", \"none\"); risk == \"none\"", &[]),
        ("r := object.get(input, \"request\", {\"risk\": \"\"}); r.risk == \"\"", &[]),
        ("a := b; b := a; a == \"x\"", &[]),
        ("some x in [x]; some y in x; input.request.risk == y", &[]),
        ("input.request.risk == input.request.type", &[]),
        ("input.request.actions[_].action == \"rewire-datacentre\"", &[]),
        ("input.request.actions[_].target == \"chekout\"", &[]),
        ("input.request.actions[_].parameters.to == \"hgih\"", &[]),
        ("input.request.actions[_].parameters.count == 5", &[]),
        ("input.request.requester == \"zoe\"", &[]),
        ("input.request.id == \"CHG-1\"", &[]),
        ("input.pull_request.number == 5", &[]),
        ("input.pull_request.draft == true", &[]),
        ("input.request.links.jira == \"hgih\"", &[]),
        ("data.org.matrix[input.now].L1 == \"direct\"", &[]),
        ("input.now >= \"2026\"", &[]),
    ] {
        let text = format!(
            "package changegate.rules.acme\nfindings contains {FINDING} if {{ {condition} }}\n\
             kinds := {{\"urgent\"}}\nurgent := \"urgent\"\n\
             findings contains {FINDING} if {{ kinds[input.now]; input.now == urgent }}\n"
        );
        let problems = beside_the_shipped("rules/acme/acme.rego", &text).join("\n");
        assert_eq!(problems.is_empty(), parts.is_empty(), "{condition}: {problems}");
        for part in parts {
            assert!(problems.contains(part), "{condition}\n{part:?} isn't in: {problems}");
        }
    }
}

#[test]
fn references_to_what_no_entry_of_a_table_has_are_refused() {
    let table = "limits: {most: 3, tier1: 2}\nvendors:\n  acme: {contact: a}\n  corp: {contact: b}\n\
                 users: [alice]\nlater: []\n";
    for (condition, parts) in [
        (
            "data.org.acme.usrs[_] == input.now",
            &["`data.org.acme` has no field `usrs`", "`users`"][..],
        ),
        ("data.org.acme.admins[_] == input.now", &["has no field `admins`"]),
        ("acme.admins[_] == input.now", &["has no field `admins`"]),
        ("some vendor in acme.vendors; vendor.contcat == 1", &["no field `contcat`", "`contact`"]),
        ("acme.vendors[input.now].contcat == 1", &["no field `contcat`"]),
        ("object.get(acme, \"usrs\", []) == []", &["no field `usrs`"]),
        ("object.get(acme, \"admins\", []) == []", &[]),
        ("some vendor in acme.vendors; vendor.exempt", &[]),
        ("not acme.vendors.initech", &[]),
        ("some name in [\"acme\", \"initech\"]; acme.vendors[name].contact", &[]),
        ("acme.limits.tier2 == 1", &[]),
        ("some entry in acme.later; entry.login == input.now", &[]),
        ("some user in acme.users; user == input.now", &[]),
    ] {
        let text = format!(
            "package changegate.rules.acme\nimport data.org.acme\n\
             findings contains {FINDING} if {{ {condition} }}\n\
             findings contains {FINDING} if input.now == acme.limits.most\n"
        );
        let mut files = shipped_files();
        files.insert("policies/rules/acme/acme.rego".to_owned(), text.into_bytes());
        files.insert("policies/org/acme/data.yaml".to_owned(), table.as_bytes().to_vec());
        let problems = PolicyBundle::vet(&files).err().map(|error| error.to_string());
        assert_eq!(problems.is_none(), parts.is_empty(), "{condition}: {problems:?}");
        for part in parts {
            let problems = problems.as_deref().unwrap_or_default();
            assert!(problems.contains(part), "{condition}\n{part:?} isn't in: {problems}");
        }
    }
}
