//! What was decided is decided again, by this version and by those to come.
//!
//! `audit verify` makes recorded decisions again, and compares them byte for byte if the program that made
//! them had the same number of [`SEMANTICS`]. `tests/semantics` keeps cases of each number and release:
//! those of `tests/cases` that decide something that no other does, and the entries of a ledger.
//!
//! ```text
//! tests/semantics/<number>-<version>/policies/…    the policies that were shipped
//!                                    tables.json   how other policies differ: their files by name; null is none
//!                                    cases.jsonl   cases with their decisions, one a line
//! ```
//!
//! A corpus is never changed once its version is released. `UPDATE_SEMANTICS=1 cargo test --test suite semantics` records that of the
//! present number and version: at each release, and whenever the number grows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::github::ledger::{SETTINGS, recording};
use crate::github::merging::in_queue;
use crate::github::office;
use crate::plumbing::hub::{Hub, request};
use crate::plumbing::{CaseJudge, all, changed, files_below, root};
use changegate::audit::case;
use changegate::content::bundle_files;
use changegate::core::decision::{self, Decision, SEMANTICS};
use changegate::core::digest::{Digest, canonical_json};
use changegate::core::evidence::Evidence;
use changegate::core::policy::{Evaluator, Files, PolicyBundle, SHIPPED, shipped_files};
use changegate::core::record::bones::decision_json;
use changegate::core::record::parts::Refusal;
use changegate::core::request::RequestFile;
use changegate::core::time::Time;
use changegate::gate::REFUSALS;
use changegate::git::{Oid, Repo};
use changegate::ledger;

/// A case with its decision.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    name: String,
    now: Time,
    /// The digest of how the policies differ from the shipped ones, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policies: Option<String>,
    /// That of the policies whose tables it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brings: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<Refusal>,
    evidence: Evidence,
    /// The digest of the input document, if the policies were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<Digest>,
    decision: Value,
}

/// How policies differ from the shipped ones.
type Difference = BTreeMap<String, Option<String>>;

/// The cases of a number and a version.
struct Corpus {
    folder: PathBuf,
    semantics: u64,
    policies: Files,
    tables: BTreeMap<String, Difference>,
    cases: Vec<Recorded>,
}

impl Corpus {
    fn all() -> Vec<Self> {
        let folders = fs::read_dir(root().join("tests/semantics")).unwrap();
        let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders.into_iter().map(Self::read).collect()
    }

    fn read(folder: PathBuf) -> Self {
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let number = name.split_once('-').unwrap().0;
        let below = folder.strip_prefix(root()).unwrap().join("policies");
        let policies = files_below(below.to_str().unwrap(), "").into_iter().map(|path| {
            let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        });
        Corpus {
            semantics: number.parse().unwrap(),
            policies: policies.collect(),
            tables: serde_json::from_str(&text("tables.json")).unwrap(),
            cases: text("cases.jsonl")
                .lines()
                .map(|it| serde_json::from_str(it).unwrap())
                .collect(),
            folder,
        }
    }

    /// Returns the policies that differ so from the shipped ones.
    fn files(&self, differ: Option<&String>) -> Files {
        let mut files = self.policies.clone();
        for (path, text) in differ.into_iter().flat_map(|digest| &self.tables[digest]) {
            match text {
                Some(text) => files.insert(path.clone(), text.clone().into_bytes()),
                None => files.remove(path),
            };
        }
        files
    }

    /// Notes how policies differ from the shipped ones, and returns under which name.
    fn note(&mut self, files: &Files) -> Option<String> {
        let paths: BTreeSet<_> = self.policies.keys().chain(files.keys()).collect();
        let differ = paths.into_iter().filter(|path| self.policies.get(*path) != files.get(*path));
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
        let differ: Difference =
            differ.map(|path| (path.clone(), files.get(path).map(text))).collect();
        (!differ.is_empty()).then(|| {
            let digest = Digest::of(json!(differ).to_string().as_bytes()).short();
            self.tables.insert(digest.clone(), differ);
            digest
        })
    }

    /// Decides all cases again, and says what differs.
    fn failures(&self) -> Vec<String> {
        let mut judges: HashMap<_, (PolicyBundle, Evaluator)> = HashMap::new();
        let mut failures = Vec::new();
        for case in &self.cases {
            let (bundle, evaluator) = judges.entry(&case.policies).or_insert_with(|| {
                let files = self.files(case.policies.as_ref());
                let bundle = PolicyBundle::load(files, changegate::gate::cpu::thread_time);
                let bundle = bundle.unwrap_or_else(|error| panic!("{}: {error}", case.name));
                let evaluator = bundle.evaluator();
                (bundle, evaluator)
            });
            let mut file = case.path.as_ref().zip(case.request.as_ref());
            let mut file = file.take().map(|(path, text)| RequestFile::read(path, text.as_bytes()));
            for Refusal { code, message, help } in &case.refusals {
                let code = REFUSALS.into_iter().find(|known| known == code).unwrap();
                file.as_mut().unwrap().refuse(code, message, help);
            }
            let brings = case.brings.as_ref().map(|differ| self.files(Some(differ)));
            let brings = brings.map(|files| PolicyBundle::tables(&files).unwrap());
            let again = decision::Case {
                file: file.as_ref(),
                evidence: &case.evidence,
                brings: brings.as_ref(),
                now: case.now,
            };
            let source = case.decision["bundle"].as_str().unwrap();
            let differs = match decision::decide(&again, bundle, source, |it| evaluator.rule(it)) {
                Ok(made) if self.semantics == SEMANTICS => {
                    let input = made.input.as_deref().map(|input| Digest::of(input.as_bytes()));
                    exactly(&case.decision, &made.decision)
                        .or_else(|| (input != case.input).then(|| "another input".to_owned()))
                }
                Ok(made) => in_what_counts(&case.decision, &made.decision),
                Err(error) => Some(format!("nothing is decided: {error}")),
            };
            failures.extend(differs.map(|differs| format!("{}: {differs}", case.name)));
        }
        failures
    }
}

/// Says where a decision differs from the recorded one.
fn exactly(recorded: &Value, made: &Decision) -> Option<String> {
    let made = decision_json(made);
    if made == canonical_json(recorded) {
        return None;
    }
    let made: Value = serde_json::from_str(&made).unwrap();
    // Digests follow from what else differs, if anything does.
    let without = |decision: &Value| {
        let mut decision = decision.clone();
        decision["digests"] = Value::Null;
        decision
    };
    let differs = first_difference("", &without(recorded), &without(&made));
    let differs = differs.or_else(|| first_difference("", recorded, &made));
    Some(differs.unwrap_or_else(|| "other bytes".to_owned()))
}

/// Says where a decision differs from the recorded one in what counts: verdict, tier, level, mode, who
/// satisfied what, and code, effect and place of each finding.
fn in_what_counts(recorded: &Value, made: &Decision) -> Option<String> {
    let bones = |decision: &Value| {
        let pick = |value: &Value, names: &[&str]| -> Value {
            names.iter().map(|name| ((*name).to_owned(), value[*name].clone())).collect()
        };
        let list = |value: &Value, names: &[&str]| -> Value {
            value.as_array().into_iter().flatten().map(|it| pick(it, names)).collect()
        };
        let sign_off = &decision["sign_off"];
        json!({
            "decision": pick(decision, &["verdict", "tier", "level"]),
            "mode": sign_off["mode"],
            "required": list(
                &sign_off["required"],
                &["kind", "level", "role", "service", "person", "satisfied_by"]
            ),
            "findings": list(&decision["findings"], &["code", "effect", "pointer"]),
        })
    };
    let made = serde_json::from_str(&decision_json(made)).unwrap();
    first_difference("", &bones(recorded), &bones(&made))
}

/// Says where a value differs from a recorded one first.
fn first_difference(at: &str, recorded: &Value, made: &Value) -> Option<String> {
    match (recorded, made) {
        (Value::Object(was), Value::Object(is)) => {
            let names: BTreeSet<_> = was.keys().chain(is.keys()).collect();
            names.into_iter().find_map(|name| {
                let [was, is] = [was, is].map(|it| it.get(name).unwrap_or(&Value::Null));
                first_difference(&format!("{at}/{name}"), was, is)
            })
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            let both = was.iter().zip(is).enumerate();
            let mut both = both.map(|(index, (was, is))| (format!("{at}/{index}"), was, is));
            both.find_map(|(at, was, is)| first_difference(&at, was, is))
        }
        _ if recorded == made => None,
        _ => Some(format!("{at} was {recorded}, and is {made}")),
    }
}

#[test]
fn what_was_decided_is_decided_again() {
    let this = root().join(format!("tests/semantics/{SEMANTICS}-{}", env!("CARGO_PKG_VERSION")));
    if std::env::var_os("UPDATE_SEMANTICS").is_some() {
        assert!(
            !this.exists(),
            "{} is there, and a corpus is never changed: raise SEMANTICS in core/src/decision.rs, or \
             the version of a release",
            this.display()
        );
        record(this);
    }
    let all = Corpus::all();
    assert!(
        all.iter().any(|corpus| corpus.semantics == SEMANTICS),
        "nothing is kept of SEMANTICS {SEMANTICS}: record it with `UPDATE_SEMANTICS=1 cargo test --test \
         suite semantics`"
    );
    let mut said = String::new();
    for corpus in all {
        assert!(corpus.cases.len() > 50, "{} cases", corpus.cases.len());
        let failures = corpus.failures();
        if failures.is_empty() {
            continue;
        }
        let (count, of, folder) = (failures.len(), corpus.cases.len(), corpus.folder.display());
        let _ = writeln!(said, "{count} of {of} cases of {folder}:\n  {}", failures.join("\n  "));
        said += match corpus.semantics == SEMANTICS {
            true => {
                "The same case gives other bytes. If nobody meant that, it is a mistake. If it is meant, \
                 raise SEMANTICS in core/src/decision.rs, record the corpus of the new number with \
                 `UPDATE_SEMANTICS=1 cargo test --test suite semantics`, and commit both: `audit verify` \
                 then compares decisions of the old number in what counts.\n"
            }
            false => {
                "Decisions of an older number differ in what counts: `audit verify` would call each like \
                 them a finding in ledgers that are sound. Let them be decided as they were.\n"
            }
        };
    }
    assert!(said.is_empty(), "what was decided is decided otherwise\n\n{said}");
}

#[test]
fn what_would_be_decided_otherwise_is_found() {
    let mut corpora = Corpus::all();
    let corpus = corpora.iter_mut().find(|corpus| corpus.semantics == SEMANTICS).unwrap();
    type Change = (&'static str, fn(&mut Value), bool);
    let changes: [Change; 6] = [
        ("message", |it| it["findings"][0]["message"] = json!("other words"), false),
        ("line", |it| it["findings"][0]["line"] = json!(4711), false),
        ("code", |it| it["findings"][0]["code"] = json!("other/code"), true),
        ("pointer", |it| it["findings"][0]["pointer"] = json!("/other"), true),
        ("verdict", |it| it["verdict"] = json!("approved"), true),
        ("satisfied_by", |it| it["sign_off"]["required"][0]["satisfied_by"] = json!("eve"), true),
    ];
    let is_one = |case: &Recorded| {
        let it = &case.decision;
        let has = |pointer: &str| it.pointer(pointer).is_some();
        it["verdict"] != "approved" && has("/findings/0") && has("/sign_off/required/0")
    };
    let at = corpus.cases.iter().position(is_one).unwrap();
    corpus.cases = vec![corpus.cases.swap_remove(at)];
    assert!(corpus.failures().is_empty());
    for (what, change, counts) in changes {
        let sound = corpus.cases[0].decision.clone();
        change(&mut corpus.cases[0].decision);
        for (semantics, is_found) in [(SEMANTICS, true), (SEMANTICS + 1, counts)] {
            corpus.semantics = semantics;
            assert_eq!(corpus.failures().len(), usize::from(is_found), "{what} at {semantics}");
        }
        corpus.cases[0].decision = sound;
    }
}

/// Records a corpus.
fn record(folder: PathBuf) {
    let policies = shipped_files();
    let (tables, cases) = (BTreeMap::new(), Vec::new());
    let mut corpus = Corpus { folder, semantics: SEMANTICS, policies, tables, cases };
    of_cases(&mut corpus);
    of_plain_git(&mut corpus);
    of_github(&mut corpus);
    let write = |path: &Path, bytes: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    for (path, bytes) in &corpus.policies {
        write(&corpus.folder.join(path), bytes);
    }
    let tables = serde_json::to_string_pretty(&corpus.tables).unwrap() + "\n";
    write(&corpus.folder.join("tables.json"), tables.as_bytes());
    let line = |case: &Recorded| canonical_json(&json!(case)) + "\n";
    let cases: String = corpus.cases.iter().map(line).collect();
    write(&corpus.folder.join("cases.jsonl"), cases.as_bytes());
}

/// Takes the cases of which each decides something that none before it does.
fn of_cases(corpus: &mut Corpus) {
    let mut judge = CaseJudge::shipped();
    let mut known = BTreeSet::new();
    for case in all() {
        let bytes = case.bytes();
        let text = bytes.clone().map(String::from_utf8).transpose();
        let (Ok(request), Ok(decided)) = (text, judge.decide(case)) else { continue };
        let made: Value = serde_json::from_str(&decision_json(&decided.decision)).unwrap();
        let mut marks: BTreeSet<_> = made["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| format!("{} {}", it["code"], it["effect"]))
            .collect();
        marks.insert(format!("{} {} {}", made["verdict"], made["tier"], made["sign_off"]["mode"]));
        let reviews = made["sign_off"]["reviews"].as_array().into_iter().flatten();
        marks.extend(reviews.map(|it| format!("{} {}", it["state"], it["counts"])));
        if marks.is_subset(&known) {
            continue;
        }
        known.extend(marks);
        let policies = corpus.note(&changed(&shipped_files(), &case.org));
        corpus.cases.push(Recorded {
            name: format!("{}: {}", case.topic, case.name),
            now: case.now,
            policies,
            brings: None,
            path: case.file().map(|file| file.path),
            request,
            refusals: Vec::new(),
            evidence: case.evidence(),
            input: decided.input.map(|input| Digest::of(input.as_bytes())),
            decision: made,
        });
        assert_eq!(corpus.cases.last().unwrap().decision["bundle"], SHIPPED);
    }
}

/// Takes the entries of a ledger in plain Git: a request with a review, and a change of the tables.
fn of_plain_git(corpus: &mut Corpus) {
    let hub = Hub::to_record();
    let (bob, carol, erin) = (hub.desk("bob"), hub.desk("carol"), hub.desk("erin"));
    carol.changegate(&["init", "--ledger"]).went_well();
    bob.submit_text("CHG-1", &request("CHG-1", "bob")).went_well();
    carol.changegate(&["review", "CHG-1", "--comment", "who watches it?"]).went_well();
    carol.approve("CHG-1").went_well();
    bob.changegate(&["merge", "CHG-1"]).went_well();
    let text = bob.git(&["show", &format!("origin/main:{SETTINGS}")]);
    bob.git(&["switch", "--quiet", "main"]);
    bob.git(&["pull", "--quiet"]);
    bob.write(SETTINGS, &format!("{text}\n# Looked at again.\n"));
    bob.changegate(&["submit", "--policies", "looked-at"]).went_well();
    for desk in [&carol, &erin] {
        desk.approve("looked-at").went_well();
    }
    carol.changegate(&["merge", "looked-at"]).went_well();
    of_a_ledger(corpus, "plain Git", &hub.folder());
}

/// Takes the entries of a ledger on GitHub: a request with objections and an approval that was merged, one
/// that a queue merged, what went around the gate, and a change of the tables.
fn of_github(corpus: &mut Corpus) {
    let (github, pull) = recording(&office::request());
    office::checked(&github, pull);
    github.advance("1h");
    let objection = github.review(pull, "dan", "CHANGES_REQUESTED");
    office::checked(&github, pull);
    github.advance("1h");
    github.dismiss(pull, objection, "carol");
    github.review(pull, "bob", "APPROVED");
    office::checked(&github, pull);
    github.advance("1m");
    github.merge(pull, "bob");
    github.advance("1m");
    office::sweep(&github).went_well();

    let next = |id: &str, target: &str| {
        let text = office::request_of("alice", target).replace("CHG-7", id);
        let branch = format!("change/{id}");
        github.commit("alice", &branch, &[(&format!("requests/{id}.yaml"), &text)], "Submit");
        github.open_pull("alice", &branch, "main")
    };
    let queued = next("CHG-8", "edge-fra-2");
    github.advance("1m");
    github.review(queued, "bob", "APPROVED");
    office::checked(&github, queued);
    let (main, commit) = (github.tip("main").unwrap(), github.queue(queued));
    assert_eq!(in_queue(&github, queued, &commit, &main).1, "success");
    github.advance("1m");
    github.with(|state| state.merge_queued(queued, commit.parse().unwrap()));
    let around = next("CHG-9", "edge-fra-3");
    office::checked(&github, around);
    github.advance("1m");
    github.merge(around, "carol");
    github.advance("1m");
    office::sweep(&github).went_well();

    let settings = github.file("main", SETTINGS) + "\n# Looked at again.\n";
    github.commit("bob", "looked-at", &[(SETTINGS, &settings)], "Look at the settings");
    let policies = github.open_pull("bob", "looked-at", "main");
    github.advance("1m");
    for who in ["carol", "erin"] {
        github.review(policies, who, "APPROVED");
    }
    office::checked(&github, policies);
    github.advance("1m");
    github.squash(policies, "bob");
    github.advance("1m");
    office::sweep(&github).went_well();
    let folder = github.with(|state| state.ops().folder.clone());
    of_a_ledger(corpus, "GitHub", &folder);
}

/// Takes the decisions that a repository's ledger holds.
fn of_a_ledger(corpus: &mut Corpus, place: &str, folder: &Path) {
    let repo = Repo::open(folder).unwrap();
    let tips = |name: &str| repo.tip(&format!("refs/heads/{name}"));
    let kept = case::evidence(&repo, &tips).unwrap();
    for commit in case::line(&repo, &tips).unwrap() {
        let entry = ledger::read(&repo, commit).unwrap().entry.unwrap();
        let it = &entry.statement.predicate;
        let (Some(bones), Some(base), Some(head)) = (&it.decision, &it.base, &it.head) else {
            continue;
        };
        let files = case::material(&repo, &entry, &kept).unwrap().files;
        let text = |name: &str| String::from_utf8(files.get(name)?.clone()).ok();
        let json = |name: &str| serde_json::from_str(&text(name).unwrap()).unwrap();
        let decision: Value = json("decision.json");
        let policies = |id: &dyn ToString| {
            bundle_files(&repo, Oid::from_str(&id.to_string()).unwrap()).unwrap()
        };
        let path = decision["path"].as_str().map(str::to_owned);
        let brings = path.is_none().then(|| policies(head));
        let recorded = Recorded {
            name: format!("{place}: {}", entry.message().lines().next().unwrap()),
            now: bones.evaluated_at,
            policies: corpus.note(&policies(&base.commit)),
            brings: brings.and_then(|files| corpus.note(&files)),
            path,
            request: text("request.yaml"),
            refusals: text("refusals.json")
                .map_or_else(Vec::new, |text| serde_json::from_str(&text).unwrap()),
            evidence: serde_json::from_value(json("evidence.json")).unwrap(),
            input: text("input.json").map(|input| Digest::of(input.as_bytes())),
            decision,
        };
        corpus.cases.push(recorded);
    }
}
