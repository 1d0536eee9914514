//! Cases: what a file contains, compared with what a type requires.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;

use super::brief;
use crate::yaml::{Reading, parse};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub(super) struct Request {
    id: String,
    pub(super) risk: Option<Risk>,
    schedule: Option<Schedule>,
    #[serde(default)]
    pub(super) actions: Vec<Action>,
    #[serde(default)]
    links: BTreeMap<String, String>,
    summary: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Risk {
    Low,
    High,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Schedule {
    start: Hour,
    end: Hour,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub(super) struct Action {
    pub(super) action: String,
    count: Option<u8>,
    share: Option<f64>,
    dry: Option<bool>,
    on: Option<Place>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Place {
    Anywhere,
    Region(String),
    Zone { name: String },
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
#[allow(dead_code)]
struct Hour(u8);

impl TryFrom<String> for Hour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hour = u8::from_str(&text).map_err(|_| "not an hour".to_owned())?;
        Ok(Self(hour))
    }
}

fn read(text: &str) -> Reading<Request> {
    parse(text.as_bytes()).read()
}

#[track_caller]
pub(super) fn field_check(input: &str, expected: &[&str]) -> Reading<Request> {
    let reading = read(input);
    assert_eq!(brief(&reading.problems), expected, "{:?}", reading.problems);
    reading
}

#[test]
fn wrong_content_has_a_code_and_a_place() {
    field_check("id: 1\n", &["field/type 1:5 /id"]);
    field_check("id:\n", &["field/type 1:1 /id"]);
    field_check("id: x\nrisk: hihg\n", &["field/value 2:7 /risk"]);
    field_check("id: x\nrisk: [high]\n", &["field/type 2:1 /risk"]);
    field_check("id: x\n<<: {a: 1}\n", &["field/unknown 2:1 /<<"]);
    field_check("risk: low\n", &["field/missing 1:1"]);
    field_check("- id\n", &["field/type 1:3"]);
    field_check("id: x\nactions: none\n", &["field/type 2:10 /actions"]);
    field_check("id: x\nactions:\n  - count: 1\n", &["field/missing 3:5 /actions/0"]);
    field_check("id: x\nlinks: {a: b, c: 1}\n", &["field/type 2:18 /links/c"]);
    field_check("id: x\nschedule: {start: '7'}\n", &["field/missing 2:1 /schedule"]);
    field_check("id: x\nschedule: {start: '7', end: ä}\n", &["field/value 2:29 /schedule/end"]);
    let action = |content: &str, expected: &[&str]| {
        field_check(&format!("id: x\nactions:\n- {{action: a, {content}}}\n"), expected);
    };
    action("count: 300", &["field/value 3:22 /actions/0/count"]);
    action("count: 1.5", &["field/type 3:22 /actions/0/count"]);
    action("share: '1'", &["field/type 3:22 /actions/0/share"]);
    action("dry: yes", &["field/type 3:20 /actions/0/dry"]);
    action("on: region", &["field/type 3:19 /actions/0/on"]);
    action("on: {region: 1}", &["field/type 3:28 /actions/0/on/region"]);
    action("on: {zone: {nam: x}}", &["field/unknown 3:27 /actions/0/on/zone/nam"]);
    action("on: {zone: {}}", &["field/missing 3:20 /actions/0/on/zone"]);
    action("on: {zonr: {}}", &["field/value 3:20 /actions/0/on/zonr"]);
    action("share: 1, dry: false, count: 0, on: {zone: {name: x}}", &[]);
    action("on: anywhere", &[]);
}

#[test]
fn messages_say_what_to_do() {
    let said = |input: &str| {
        let problem = read(input).problems.remove(0);
        format!("{} = {}", problem.message, problem.help.unwrap_or_default())
    };
    assert_eq!(said("id: 1"), "expected text, found a number = put it in quotes");
    assert_eq!(
        said("id: x\nrisk: hihg"),
        "`hihg` is not one of the allowed values; did you mean `high`? = allowed: `low`, `high`"
    );
    assert_eq!(
        said("id: x\nshedule: {}"),
        "`shedule` is not known here; did you mean `schedule`? = \
         known here: `id`, `risk`, `schedule`, `actions`, `links`, `summary`"
    );
    assert_eq!(said("risk: low"), "`id` is missing = add `id:`");
    assert_eq!(said("id: x\nschedule: {start: noon, end: '1'}"), "`noon`: not an hour = ");
}

#[test]
fn seven_broken_places_give_seven_problems() {
    let input = "\
id: CHG-1
risk: hihg
shedule: {start: '1'}
actions:
  - {action: a, count: many}
  - {action: &x b}
  - {acton: c}
links:
  a: 1
  b: ok
  b: again
";
    let reading = field_check(
        input,
        &[
            "field/value 2:7 /risk",
            "field/unknown 3:1 /shedule",
            "field/type 5:24 /actions/0/count",
            "yaml/anchor 6:14 /actions/1/action",
            "field/unknown 7:6 /actions/2/acton",
            "field/type 9:6 /links/a",
            "yaml/duplicate-key 11:3 /links/b",
        ],
    );
    let request = reading.value.expect("what is left is a request");
    let names: Vec<&str> = request.actions.iter().map(|a| a.action.as_str()).collect();
    assert_eq!(names, ["a", "b"], "the third lacks its misspelled action");
    assert_eq!(request.links, BTreeMap::from([("b".into(), "ok".into())]));
    for masked in ["/risk", "/shedule", "/schedule", "/actions/2/acton", "/links/a"] {
        assert!(reading.masked.iter().any(|m| m == masked), "{masked}");
    }
}

#[test]
fn what_follows_from_a_broken_part_is_not_reported() {
    field_check("id: *x\n", &["yaml/alias 1:5 /id"]);
    field_check("id: \"\\u202e\"\n", &["yaml/character 1:5 /id"]);
    field_check("i\u{200b}d: x\n", &["yaml/character 1:2"]);
    field_check("idd: x\n", &["field/unknown 1:1 /idd"]);
    let cut = field_check(
        "risk: 5\nactions: [\n",
        &["field/type 1:7 /risk", "yaml/syntax 3:1 /actions/0"],
    );
    assert!(cut.value.is_none());
    assert!(field_check("id: *x\n", &["yaml/alias 1:5 /id"]).value.is_none());
    assert!(field_check("", &["yaml/empty 1:1"]).value.is_none());
}

#[test]
fn types_that_buffer_their_content_work() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        names: OneOrMany,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }
    let outer: Reading<Outer> = parse(b"names: [a, b]\nx: 1\ny: -2\n").read();
    assert_eq!(
        outer.value,
        Some(Outer {
            names: OneOrMany::Many(vec!["a".into(), "b".into()]),
            rest: BTreeMap::from([("x".into(), 1), ("y".into(), -2)]),
        })
    );
    let wrong: Reading<Outer> = parse(b"x: 1\nnames: {a: 1}\n").read();
    assert_eq!(brief(&wrong.problems), ["field/type 2:1 /names"]);
}

#[test]
fn maps_take_typed_keys_and_tuples_have_a_length() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    struct Login(String);
    let map: Reading<BTreeMap<Login, (String, u8)>> = parse(b"erin: [a, 1]\nbob: [b]\n").read();
    assert_eq!(brief(&map.problems), ["field/value 2:1 /bob"]);
    assert_eq!(map.value, Some(BTreeMap::from([(Login("erin".into()), ("a".into(), 1))])));
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Day {
        Mon,
    }
    let days: Reading<BTreeMap<Day, Vec<u8>>> = parse(b"mon: [1]\ntue: [2]\n").read();
    assert_eq!(brief(&days.problems), ["field/value 2:1 /tue"]);
    assert_eq!(days.value, Some(BTreeMap::from([(Day::Mon, vec![1])])));
}
