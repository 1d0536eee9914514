//! The tokens of jobs prove just what they say: with each of their claims changed, they prove nothing.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use changegate::core::digest::Digest;
use changegate::core::operations::event::{API_VERSION, Actor, Event, Head};
use changegate::core::operations::job::{audience, refuses};
use changegate::core::operations::kinds::{Cancelled, Keys, What};
use changegate::core::operations::token::{Token, key};
use changegate::core::org::Org;
use changegate::core::policy::{PolicyBundle, shipped_files};
use changegate::core::record::parts::{Hex, ObjectId};
use changegate::core::time::Time;

use crate::plumbing::changed;
use crate::plumbing::issuer::{Issuer, KEYS, merged};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia";

/// The tables of an organisation whose machines are jobs.
pub fn tables(issuer: &Issuer) -> Value {
    let job = json!({
        "repository_id": "8123", "workflow": ".github/workflows/deploy.yml",
        "ref": "refs/heads/main", "environment": "production",
    });
    let nightly = json!({
        "repository_id": "8123", "workflow": ".github/workflows/nightly.yml", "ref": "refs/heads/main",
    });
    let may = json!([{"actions": ["maintenance-mode"], "targets": ["worker-CHG001"]}]);
    json!({
        "settings": {"execution": {"issuer": issuer.url, "repository_id": "42"}},
        "roster": {"machines": {
            "deploy-prod": {"github": job, "may": may, "acts_for": "people"},
            "nightly": {"github": nightly, "may": may, "unattended": true},
            "signing": {"keys": [KEY], "may": may, "acts_for": "people"},
        }},
    })
}

fn org(issuer: &Issuer) -> Org {
    PolicyBundle::tables(&changed(&shipped_files(), &tables(issuer))).unwrap()
}

fn event(by: &str, on_behalf: Option<&str>, what: What) -> Event {
    let head = Head {
        api_version: API_VERSION.to_owned(),
        log: Some(Hex(Digest::of(b"log"))),
        change: Some("CHG-001".parse().unwrap()),
        incident: None,
        at: Time::from(Utc::now()),
        by: Actor::try_from(std::borrow::Cow::from(by)).unwrap(),
        on_behalf: on_behalf.map(|login| login.parse().unwrap()),
        base: ObjectId::try_from("0".repeat(40)).unwrap(),
        policies: None,
        input: None,
        clock: None,
        offline: false,
        previous: None,
    };
    Event::new(head, what)
}

fn cancelled() -> What {
    What::Cancelled(Cancelled { reason: "x".to_owned() })
}

/// The key with which the issuer signs, as the log holds it.
fn recorded(issuer: &Issuer, at: usize) -> Keys {
    let (kid, key) = key(&KEYS[at].listed(&format!("key-{at}"))).unwrap();
    Keys { issuer: issuer.url.clone(), kid, key }
}

/// Why a token with these changes doesn't prove an event; empty if it does.
fn why(issuer: &Issuer, event: &Event, changes: &Value, author: Option<&str>) -> String {
    let token = issuer.token(&audience(event), changes);
    judged(issuer, event, &token, author)
}

fn judged(issuer: &Issuer, event: &Event, token: &str, author: Option<&str>) -> String {
    let token = match Token::read(token) {
        Ok(token) => token,
        Err(why) => return why,
    };
    let keys = [recorded(issuer, 0)];
    refuses(event, &token, author, &org(issuer), &keys).unwrap_or_default()
}

/// Edges 26: nothing else is. Attacks 25, 26, 27: other places, other events, other times.
#[test]
fn a_job_is_what_all_of_its_claims_say() {
    let issuer = Issuer::start();
    let event = event("machine:deploy-prod", Some("bob"), cancelled());
    assert_eq!(why(&issuer, &event, &json!({}), None), "");
    let minutes = |minutes| (Utc::now() + TimeDelta::minutes(minutes)).timestamp();
    let other = "isn't that of machine:deploy-prod";
    for (changes, expected) in [
        (json!({"iss": "https://token.evil.example"}), "its token is from https://token.evil"),
        (json!({"aud": "changegate"}), "is meant for something else"),
        (json!({"aud": format!("changegate:{}", "0".repeat(64))}), "is meant for something else"),
        (json!({"iat": minutes(-6)}), "was issued at another time"),
        (json!({"iat": minutes(6)}), "was issued at another time"),
        (json!({"iat": i64::MIN}), "was issued at another time"),
        (json!({"repository_id": "8124"}), other),
        (json!({"repository": "evil/shop"}), other),
        (json!({"workflow_ref": "acme/shop/.github/workflows/test.yml@refs/heads/main"}), other),
        (json!({"workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/x"}), other),
        (
            json!({"workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/pull/7/merge"}),
            other,
        ),
        (json!({"workflow_ref": "acme/shop/.github/workflows/deploy.yml"}), other),
        (json!({"environment": "staging"}), other),
        (json!({"environment": null}), other),
        (json!({"actor_id": "104", "actor": "bob"}), other),
        (json!({"actor_id": "666", "actor": "bob"}), "bob, whose id on GitHub is 666, isn't in"),
        (json!({"event_name": "schedule"}), other),
        (json!({"actor": "dependabot[bot]"}), other),
        (json!({"actor_id": null}), "missing field `actor_id`"),
        (json!({"repository_id": 8123}), "invalid type"),
    ] {
        let why = why(&issuer, &event, &changes, None);
        assert!(why.contains(expected), "{changes}: {why:?}");
    }
    // What a comment asks for is never a job's.
    let of_comment = why(&issuer, &event, &json!({}), Some("102"));
    assert!(of_comment.contains(other), "{of_comment}");
}

/// Attacks 28: a forged key proves nothing.
#[test]
fn a_token_is_signed_by_a_key_that_counts() {
    let issuer = Issuer::start();
    let event = event("machine:deploy-prod", Some("bob"), cancelled());
    let good = issuer.token(&audience(&event), &json!({}));
    let parts: Vec<_> = good.split('.').collect();
    let claims = {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let header = |alg: &str, kid: &str| json!({"alg": alg, "typ": "JWT", "kid": kid});
    let encode = |value: Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let unsigned = |alg: &str| format!("{}.{}.", encode(header(alg, "key-0")), parts[1]);
    let critical = merged(&header("RS256", "key-0"), &json!({"crit": ["b64"], "b64": false}));
    for (token, expected) in [
        (KEYS[1].sign(&header("RS256", "key-1"), &claims), "key-1, a key that isn't in the log"),
        (KEYS[1].sign(&header("RS256", "key-0"), &claims), "signature of its token doesn't match"),
        (KEYS[0].sign(&header("HS256", "key-0"), &claims), "signed with HS256, where only RS256"),
        (KEYS[0].sign(&header("none", "key-0"), &claims), "signed with none, where only RS256"),
        (KEYS[0].sign(&header("rs256", "key-0"), &claims), "signed with rs256, where only RS256"),
        (KEYS[0].sign(&critical, &claims), "where only RS256 counts"),
        (KEYS[0].sign(&json!({"alg": "RS256"}), &claims), "missing field `kid`"),
        (unsigned("none"), "signed with none"),
        (unsigned("RS256"), "signature of its token doesn't match"),
        (format!("{}.{}.{}", parts[0], encode(claims.clone()) + "A", parts[2]), ""),
        (parts[..2].join("."), ""),
        (format!("{good}="), "base64url"),
        (format!(" {good}"), "base64url"),
        (String::new(), "it has no signature"),
    ] {
        let why = judged(&issuer, &event, &token, None);
        assert!(!why.is_empty() && why.contains(expected), "{token}: {why:?}");
    }
    // A key of another issuer, or one that was recorded under another id, signs nothing.
    let token = Token::read(&good).unwrap();
    let own = recorded(&issuer, 0);
    let elsewhere = Keys { issuer: "https://token.evil.example".to_owned(), ..own.clone() };
    let renamed = Keys { kid: "key-7".to_owned(), ..own.clone() };
    let swapped = Keys { kid: own.kid.clone(), ..recorded(&issuer, 1) };
    for (keys, holds) in [
        (vec![], false),
        (vec![elsewhere.clone()], false),
        (vec![renamed], false),
        (vec![swapped.clone()], false),
        (vec![elsewhere, swapped, own], true),
    ] {
        let refused = refuses(&event, &token, None, &org(&issuer), &keys);
        assert_eq!(refused.is_none(), holds, "{refused:?}");
    }
}

#[test]
fn who_started_a_job_is_for_whom_it_acts() {
    let issuer = Issuer::start();
    let deploy = |on_behalf| event("machine:deploy-prod", on_behalf, cancelled());
    let nightly = |on_behalf| event("machine:nightly", on_behalf, cancelled());
    let by_night = json!({
        "workflow_ref": "acme/shop/.github/workflows/nightly.yml@refs/heads/main",
        "event_name": "schedule", "environment": null,
    });
    let by_hand = merged(&by_night, &json!({"event_name": "workflow_dispatch"}));
    let by_bot = merged(&by_hand, &json!({"actor": "renovate[bot]", "actor_id": "9"}));
    for (event, changes, holds) in [
        (deploy(Some("bob")), json!({}), true),
        (deploy(Some("alice")), json!({}), false),
        // Somebody started it: it can't claim to act for nobody.
        (deploy(None), json!({}), false),
        (nightly(None), by_night.clone(), true),
        (nightly(None), by_bot, true),
        (nightly(None), by_hand.clone(), false),
        // It acts for nobody.
        (nightly(Some("bob")), by_hand, false),
        (nightly(Some("bob")), by_night, false),
        (event("machine:signing", Some("bob"), cancelled()), json!({}), false),
        (event("machine:other", Some("bob"), cancelled()), json!({}), false),
        (event("bob", None, cancelled()), json!({}), false),
    ] {
        let why = why(&issuer, &event, &changes, None);
        assert_eq!(why.is_empty(), holds, "{} {changes}: {why}", event.line());
    }
}

#[test]
fn the_repository_s_own_workflows_speak_for_people_and_bring_keys() {
    let issuer = Issuer::start();
    let own = |workflow: &str, event: &str, more: Value| {
        let workflow = format!("acme/ops/.github/workflows/{workflow}@refs/heads/main");
        let own = json!({
            "repository": "acme/ops", "repository_id": "42", "workflow_ref": workflow,
            "event_name": event, "environment": null,
        });
        merged(&own, &more)
    };
    let keys = || What::Keys(recorded(&issuer, 1));
    let (by_comment, by_hand) = ("issue_comment", "workflow_dispatch");
    let record = "change-record.yml";
    for (by, what, changes, author, holds) in [
        ("bob", cancelled(), own(record, by_comment, json!({})), Some("102"), true),
        ("bob", cancelled(), own(record, by_comment, json!({})), Some("104"), false),
        ("dan", cancelled(), own(record, by_comment, json!({})), Some("104"), false),
        ("dan", cancelled(), own(record, by_comment, json!({})), Some("102"), false),
        // By hand, nobody commented.
        ("bob", cancelled(), own(record, by_hand, json!({})), None, true),
        ("bob", cancelled(), own(record, by_hand, json!({})), Some("102"), false),
        ("bob", cancelled(), own(record, by_comment, json!({})), None, false),
        ("bob", cancelled(), own(record, "pull_request_target", json!({})), None, false),
        ("dan", cancelled(), own(record, by_hand, json!({})), None, false),
        ("bob", cancelled(), own("sweep.yml", by_hand, json!({})), None, false),
        ("bob", cancelled(), own(record, by_hand, json!({"repository_id": "8123"})), None, false),
        (
            "bob",
            cancelled(),
            own(
                record,
                by_hand,
                json!({"workflow_ref": "acme/ops/.github/workflows/change-record.yml@refs/heads/x"}),
            ),
            None,
            false,
        ),
        ("machine:sweep", keys(), own("sweep.yml", "schedule", json!({})), None, true),
        ("machine:sweep", keys(), own("sweep.yml", by_hand, json!({})), None, true),
        ("machine:sweep", cancelled(), own("sweep.yml", "schedule", json!({})), None, false),
        ("machine:sweep", keys(), own(record, "schedule", json!({})), None, false),
        ("machine:sweep", keys(), json!({}), None, false),
        ("machine:deploy-prod", keys(), json!({}), None, false),
    ] {
        let event = event(by, None, what);
        let why = why(&issuer, &event, &changes, author);
        assert_eq!(why.is_empty(), holds, "{} {changes}: {why}", event.line());
    }
}

#[test]
fn only_keys_that_can_sign_are_taken() {
    let listed = KEYS[0].listed("a");
    let (kid, kept) = key(&listed).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kid, "a");
    assert_eq!(kept, json!({"e": listed["e"], "kty": "RSA", "n": listed["n"]}));
    for changes in [
        json!({"kty": "EC"}),
        json!({"use": "enc"}),
        json!({"alg": "RS512"}),
        json!({"n": null}),
        json!({"e": "!"}),
        json!({"kid": null}),
    ] {
        assert_eq!(key(&merged(&listed, &changes)), None, "{changes}");
    }
    assert!(key(&merged(&listed, &json!({"use": null, "alg": null}))).is_some());
}
