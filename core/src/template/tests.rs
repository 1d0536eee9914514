//! Uses of templates, and what isn't one.

use super::*;

fn template(changes: Value) -> Template {
    let mut template = json!({
        "summary": "Scale {target} to {count}",
        "actions": [{"action": "scale-service", "target": "{target}", "parameters": {"count": "{count}"}}],
        "parameters": {
            "target": {"one_of": ["checkout-web", "portal-web"]},
            "count": {"integer": {"min": 2, "max": 40}},
        },
        "fixed": {
            "impact": {"users": "none"},
            "rollback": {"steps": ["scale {target} back"]},
            "verification": {"monitor": "900s"},
        },
    });
    for (name, value) in changes.as_object().unwrap() {
        template[name] = value.clone();
    }
    serde_json::from_value(template).unwrap()
}

fn name() -> Name {
    "scale-web".parse().unwrap()
}

fn parameters(value: Value) -> BTreeMap<String, Value> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_use_is_a_request_that_is_what_the_template_says() {
    let template = template(json!({}));
    assert_eq!(template.problems(&name()), []);
    let given = parameters(json!({"target": "portal-web", "count": 12}));
    let request = template.request(&name(), &given).unwrap();
    assert_eq!(request.summary.as_deref(), Some("Scale portal-web to 12"));
    assert_eq!(request.actions[0].parameters["count"], 12);
    assert_eq!(template.differs(&given, &request), Ok(Vec::new()));
    let other = |change: fn(&mut ChangeRequest)| {
        let mut request = request.clone();
        change(&mut request);
        template.differs(&given, &request).unwrap()
    };
    assert_eq!(other(|it| it.reason = Some("more customers".to_owned())), [""; 0]);
    assert_eq!(other(|it| it.impact.as_mut().unwrap().services = vec![name()]), [""; 0]);
    assert_eq!(other(|it| it.summary = None), ["/summary"]);
    assert_eq!(other(|it| it.actions.push(it.actions[0].clone())), ["/actions"]);
    assert_eq!(other(|it| it.rollback = None), ["/rollback"]);
    assert_eq!(other(|it| it.impact.as_mut().unwrap().users = None), ["/impact/users"]);
}

#[test]
fn parameters_have_the_values_that_they_may_have() {
    let template = template(json!({
        "summary": "{target} {count} {version}",
        "parameters": {
            "target": {"one_of": ["checkout-web", 7]},
            "count": {"integer": {"min": 2, "max": 40}},
            "version": {"word": {"longest": 5}},
        },
    }));
    let good = json!({"target": "checkout-web", "count": 2, "version": "1.2-a"});
    for (name, value, why) in [
        ("target", json!(7), ""),
        ("target", json!("7"), "it is one of checkout-web, 7"),
        ("target", json!(null), "it is one of"),
        ("count", json!(40), ""),
        ("count", json!(1), "from 2 to 40"),
        ("count", json!(41), "from 2 to 40"),
        ("count", json!("12"), "from 2 to 40"),
        ("count", json!(2.5), "from 2 to 40"),
        ("version", json!("12345"), ""),
        ("version", json!("123456"), "at most 5"),
        ("version", json!(""), "at most 5"),
        ("version", json!("a b"), "at most 5"),
        ("version", json!("{x}"), "at most 5"),
        ("other", json!("x"), "no such parameter"),
    ] {
        let mut given = parameters(good.clone());
        given.insert(name.to_owned(), value.clone());
        match template.expand(&given) {
            Ok(_) => assert_eq!(why, "", "{name} {value}"),
            Err(bad) => {
                assert!(!why.is_empty() && bad[0].why.contains(why), "{name} {value}: {bad:?}");
                assert_eq!((bad.len(), bad[0].name.as_str()), (1, name));
            }
        }
        given.remove(name);
        assert_eq!(template.expand(&given).is_ok(), name == "other", "{name}");
    }
}

#[test]
fn a_template_whose_uses_are_no_requests_is_refused() {
    for (changes, why) in [
        (json!({"actions": []}), "it does nothing"),
        (json!({"fixed": {"schedule": {}}}), "`schedule` is a use's own"),
        (json!({"fixed": {"risk": "tiny"}}), "isn't a request"),
        (json!({"fixed": {"typo": "x"}}), "isn't a request"),
        (
            json!({"summary": "x", "actions": [{"action": "a", "target": "b"}]}),
            "nothing uses the parameter",
        ),
        (
            json!({"parameters": {"target": {"one_of": []}, "count": {"integer": {"min": 1, "max": 2}}}}),
            "no value",
        ),
        (
            json!({"parameters": {"target": {"one_of": ["a"]}, "count": {"integer": {"min": 3, "max": 2}}}}),
            "no value",
        ),
    ] {
        let problems = template(changes.clone()).problems(&name());
        assert!(problems.iter().any(|(_, it)| it.contains(why)), "{changes}: {problems:?}");
    }
}
