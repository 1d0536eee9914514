//! Forged entries: made as the program makes them, but for one thing.

use serde_json::Value;

use changegate::audit::case::{Files, Recorded};
use changegate::audit::verify::{Approves, GoesAround, verify};
use changegate::core::decision::Decision;
use changegate::core::operations::event::Event;
use changegate::core::record::bones::{Bones, decision_json};
use changegate::core::record::entry::Entry;
use changegate::core::record::parts::ObjectId;
use changegate::core::record::state::{KeysAt, State};
use changegate::core::record::statement::{Kind, Statement};
use changegate::core::record::tree::leaf;
use changegate::core::terms::TicketId;
use changegate::core::time::Time;
use changegate::gate::judge::Judges;
use changegate::gate::record::Record;
use changegate::git::{Oid, Repo};
use changegate::ledger;
use changegate::operations::Log;
use changegate::report::summary_line;

use crate::plumbing::hub::{Desk, Hub};
use crate::plumbing::judges;

use super::entry_at;

/// The commit of an entry, in parts that can be forged.
#[derive(Clone)]
pub struct Parts {
    pub parents: Vec<String>,
    /// Mode, name and content of each file, by name.
    pub files: Vec<(&'static str, &'static str, Vec<u8>)>,
    pub message: String,
    /// Whom the commit names.
    pub who: String,
    pub at: Time,
    /// Whose key signs it; nobody's if `None`.
    pub key: Option<&'static str>,
}

impl Parts {
    /// The commit of an entry of bob's.
    pub fn of(entry: &Entry, parent: &str) -> Self {
        let files = entry.files().into_iter();
        Parts {
            parents: vec![parent.to_owned()],
            files: files.map(|(name, bytes)| ("100644", name, bytes)).collect(),
            message: entry.message(),
            who: entry.statement.predicate.collector.who.clone(),
            at: entry.statement.predicate.recorded_at,
            key: Some("bob"),
        }
    }

    /// A file's content.
    pub fn file(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.files.iter_mut().find(|(_, known, _)| *known == name).unwrap().2
    }

    /// Stores it.
    pub fn commit(&self, desk: &Desk<'_>) -> String {
        let lines: String = self
            .files
            .iter()
            .map(|(mode, name, bytes)| match *mode {
                "160000" => format!("160000 commit {}\t{name}\n", self.parents[0]),
                "040000" => {
                    let blob = desk.blob(&String::from_utf8_lossy(bytes));
                    let line = format!("100644 blob {blob}\tfile\n");
                    let tree = desk.git_with(&["mktree"], &line, &[]);
                    format!("040000 tree {tree}\t{name}\n")
                }
                mode => {
                    let repo = Repo::discover(&desk.folder).unwrap();
                    format!("{mode} blob {}\t{name}\n", repo.store(bytes).unwrap())
                }
            })
            .collect();
        let tree = desk.git_with(&["mktree"], &lines, &[]);
        self.commit_of(&tree, desk)
    }

    /// Stores it with another tree.
    pub fn commit_of(&self, tree: &str, desk: &Desk<'_>) -> String {
        let date = format!("{} +0000", self.at.utc().timestamp());
        let who = self.who.as_str();
        let env = [
            ("GIT_AUTHOR_NAME", who),
            ("GIT_AUTHOR_EMAIL", who),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_NAME", who),
            ("GIT_COMMITTER_EMAIL", who),
            ("GIT_COMMITTER_DATE", &date),
        ];
        let key = self.key.map(|key| desk.hub.key(key).with_extension("pub"));
        let sign = key.map_or("--no-gpg-sign".to_owned(), |key| format!("-S{}", key.display()));
        let parents: Vec<_> = self.parents.iter().map(String::as_str).collect();
        desk.commit(tree, &parents, &self.message, &[&sign], &env)
    }
}

/// Puts a statement behind a state, whether it can follow or not.
pub fn forced(state: &State, statement: Statement) -> Entry {
    let mut next = State { last: None, ..state.clone() };
    let it = &statement.predicate;
    let leaf = leaf(&statement.bytes());
    next.tree.push(leaf);
    for base in &it.bases {
        next.bases.insert(base.name.clone(), base.commit.clone());
    }
    if let (Some(merge), Some(base)) = (&it.merge, &it.base) {
        next.bases.insert(base.name.clone(), merge.covers.to.clone());
    }
    if let (true, Some(base)) = (it.keys.is_some(), &it.base) {
        let (base, commit) = (base.name.clone(), base.commit.clone());
        next.keys = Some(KeysAt { entry: statement.id(), base, commit });
    }
    Entry { id: statement.id(), leaf, index: state.tree.size(), statement, state: next }
}

/// The record of what a statement says, but for other files, with the decision that follows from them.
pub fn resting_on(
    repo: &Repo,
    judges: &Judges,
    statement: &Statement,
    edit: impl FnOnce(&mut Files),
) -> Record {
    let statement = statement.clone();
    let mut files = files_of(repo, &statement);
    edit(&mut files);
    let path = statement.subject[0].name.clone();
    let base = &statement.predicate.base.as_ref().unwrap().commit;
    let recorded = Recorded::read(&statement.predicate, &files, Some(&path), || None).unwrap();
    let made = judges.at(repo, id_of(base)).unwrap().decide(&recorded.case()).unwrap();
    files.insert("input.json".to_owned(), made.input.unwrap().into_bytes());
    saying(statement, files, &made.decision)
}

/// The record of what a statement says, but with another decision.
fn saying(mut statement: Statement, mut files: Files, decision: &Decision) -> Record {
    let is_merge = statement.predicate.kind == Kind::Merge;
    let title = decision.summary.as_deref().filter(|_| is_merge);
    statement.predicate.decision = Some(Bones::of(decision, title.map(summary_line)));
    files.insert("decision.json".to_owned(), decision_json(decision).into_bytes());
    let files: Vec<_> = files.into_iter().collect();
    statement.predicate.material = ledger::material(&files);
    let policies = statement.predicate.policies.as_ref().map(|it| id_of(&it.git_tree));
    Record { statement, files, policies }
}

/// The files that a statement rests on.
fn files_of(repo: &Repo, statement: &Statement) -> Files {
    let material = statement.predicate.material.iter();
    material.map(|it| (it.name.clone(), repo.bytes(id_of(&it.git_blob)).unwrap())).collect()
}

fn id_of(id: &ObjectId) -> Oid {
    Oid::from_str(&id.to_string()).unwrap()
}

/// Edits a document among files.
pub fn edit(files: &mut Files, name: &str, edit: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&files[name]).unwrap();
    edit(&mut value);
    files.insert(name.to_owned(), value.to_string().into_bytes());
}

/// Sets what a pointer names; the place behind the last of a list is a new one.
pub fn set(value: &mut Value, pointer: &str, to: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match (key.parse::<usize>(), parent) {
        (Ok(at), Value::Array(items)) if at == items.len() => items.push(to),
        (Ok(at), Value::Array(items)) => items[at] = to,
        (_, parent) => parent[key] = to,
    }
}

/// A ledger and its evidence, by their tips.
#[derive(Clone, Debug)]
pub struct Forged {
    pub ledger: String,
    pub evidence: String,
}

/// A hub with three entries, and a desk without a remote where bob has added a fourth, with its merge.
///
/// ```text
/// genesis ─ CHG-1 (alice, carol) ─ CHG-2 (bob) ─ CHG-3 (bob, not pushed)
/// ```
pub struct Stage<'a> {
    pub hub: &'a Hub,
    pub bob: Desk<'a>,
    /// The ledger's commits, the oldest first.
    pub line: Vec<String>,
    /// What they hold.
    pub entries: Vec<Entry>,
    /// What judges in this process, each bundle loaded once.
    judges: Judges,
    /// The base, before the last merge and after it.
    pub main: [String; 2],
    /// The evidence, before the last merge and after it.
    pub evidence: [String; 2],
}

impl<'a> Stage<'a> {
    /// Sets it up.
    pub fn on(hub: &'a Hub) -> Self {
        let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
        alice.submit("CHG-1").went_well();
        carol.approve("CHG-1").went_well();
        carol.changegate(&["merge", "CHG-1"]).went_well();
        let desk = hub.desk("bob");
        desk.execute("CHG-2");
        desk.submit("CHG-3").went_well();
        let bob = hub.desk_apart("bob", "stage");
        bob.changegate(&["merge", "CHG-3"]).ended(0, &["merged CHG-3"]);
        bob.git(&["update-ref", "refs/true/ledger", "audit/ledger"]);
        let line = bob.git(&["rev-list", "--reverse", "audit/ledger"]);
        let line: Vec<_> = line.lines().map(str::to_owned).collect();
        assert_eq!(line.len(), 4);
        let entries = line.iter().map(|commit| entry_at(&bob, commit)).collect();
        let pair = |branch: &str| {
            [format!("{branch}~1"), branch.to_owned()].map(|name| bob.git(&["rev-parse", &name]))
        };
        let (main, evidence) = (pair("main"), pair("audit/evidence"));
        Stage { hub, bob, line, entries, judges: judges(), main, evidence }
    }

    /// The statement of an entry, edited.
    pub fn edited(&self, index: usize, edit: impl FnOnce(&mut Value)) -> Statement {
        let mut value = serde_json::to_value(&self.entries[index].statement).unwrap();
        edit(&mut value);
        serde_json::from_value(value).unwrap()
    }

    /// The last commit, with another one in the place of its entry.
    pub fn last(&self) -> Parts {
        Parts::of(&self.entries[3], &self.line[2])
    }

    /// Another ledger with another last commit, and the last evidence.
    pub fn with(&self, parts: &Parts) -> Forged {
        Forged { ledger: parts.commit(&self.bob), evidence: self.evidence[1].clone() }
    }

    /// Puts another statement in the place of the last, with everything that follows from it.
    pub fn with_last(&self, statement: Statement) -> Forged {
        self.from(3, vec![statement])
    }

    /// Puts other statements behind the first entries, with everything that follows from them.
    pub fn from(&self, kept: usize, statements: Vec<Statement>) -> Forged {
        let with_material = |it: Statement| (self.material_of(&it), it);
        self.behind(kept, statements.into_iter().map(with_material).collect())
    }

    /// Puts other statements behind the first entries, each with the tree of its evidence.
    fn behind(&self, kept: usize, statements: Vec<(Option<String>, Statement)>) -> Forged {
        let mut state = kept.checked_sub(1).map(|last| self.entries[last].state.clone());
        let mut parent = kept.checked_sub(1).map(|last| self.line[last].clone());
        let mut evidence = match kept {
            0 | 1 => None,
            2 => Some(self.bob.git(&["rev-parse", "audit/evidence~2"])),
            _ => Some(self.evidence[kept - 3].clone()),
        };
        for (material, statement) in statements {
            let entry = forced(&state.unwrap_or_default(), statement);
            if let Some(tree) = material {
                let mut parts = Parts::of(&entry, "");
                parts.parents = evidence.into_iter().collect();
                parts.message = format!("{}\n", entry.id);
                parts.who = "changegate".to_owned();
                parts.key = None;
                evidence = Some(parts.commit_of(&tree, &self.bob));
            }
            let mut parts = Parts::of(&entry, "");
            parts.parents = parent.into_iter().collect();
            if entry.index < 2 && entry.statement.predicate.collector.who == "carol" {
                parts.key = Some("carol");
            }
            parent = Some(parts.commit(&self.bob));
            state = Some(entry.state);
        }
        Forged { ledger: parent.unwrap(), evidence: evidence.unwrap_or_default() }
    }

    /// The tree of the evidence of the change that a statement is about.
    fn material_of(&self, statement: &Statement) -> Option<String> {
        let name = &statement.predicate.pull.as_ref()?.name;
        let same = |entry: &&Entry| {
            entry.statement.predicate.pull.as_ref().is_some_and(|pull| pull.name == *name)
        };
        let index = self.entries.iter().position(|entry| same(&entry))?;
        let back = format!("{}~{}^{{tree}}", self.evidence[1], 3 - index);
        Some(self.bob.git(&["rev-parse", &back]))
    }

    /// An entry that rests on other files, with the decision that follows from them, and all that follows
    /// from that.
    pub fn resting_on(&self, index: usize, edit: impl FnOnce(&mut Files)) -> Forged {
        let repo = Repo::discover(&self.bob.folder).unwrap();
        let statement = &self.entries[index].statement;
        self.recording(index, resting_on(&repo, &self.judges, statement, edit))
    }

    /// The record of what a statement says, as another program would have decided it.
    pub fn deciding(&self, statement: Statement, edit: impl FnOnce(&mut Value)) -> Record {
        let repo = Repo::discover(&self.bob.folder).unwrap();
        let files = files_of(&repo, &statement);
        let mut decision = serde_json::from_slice(&files["decision.json"]).unwrap();
        edit(&mut decision);
        let decision: Decision = serde_json::from_value(decision).unwrap();
        saying(statement, files, &decision)
    }

    /// Another record in the place of an entry, and all that follows from that.
    pub fn recording(&self, index: usize, record: Record) -> Forged {
        let repo = Repo::discover(&self.bob.folder).unwrap();
        let Record { statement, files, policies } = record;
        let tree = ledger::evidence_tree(&repo, &files, policies).unwrap();
        let mut all = vec![(Some(tree.to_string()), statement)];
        for entry in &self.entries[index + 1..] {
            all.push((self.material_of(&entry.statement), entry.statement.clone()));
        }
        self.behind(index, all)
    }

    /// Sets the branches at the desk.
    pub fn set(&self, main: &str, forged: &Forged) {
        for (branch, tip) in
            [("main", main), ("audit/ledger", &forged.ledger), ("audit/evidence", &forged.evidence)]
        {
            self.bob.git(&["update-ref", &format!("refs/heads/{branch}"), tip]);
        }
    }

    /// The hook refuses to take it with the last merge, and verifying finds it.
    #[track_caller]
    pub fn is_caught(&self, what: &str, forged: &Forged, hook: &str, found: [&str; 2]) {
        self.is_refused(what, forged, hook);
        self.is_found(what, &self.main[1], forged, found);
    }

    /// The hook refuses to take it with the last merge.
    #[track_caller]
    pub fn is_refused(&self, what: &str, forged: &Forged, hook: &str) {
        let ran = self.bob.push_together(&[
            &format!("{}:refs/heads/main", self.main[1]),
            &format!("{}:refs/heads/audit/ledger", forged.ledger),
            &format!("{}:refs/heads/audit/evidence", forged.evidence),
        ]);
        assert_ne!(ran.code, 0, "{what} was accepted");
        for part in ["changegate: refused: ", hook] {
            assert!(ran.stderr.contains(part), "{what}: {part:?} isn't said:\n{}", ran.stderr);
        }
    }

    /// Where no hook was asked, verifying finds it: the entry or commit with its step, and what it
    /// means.
    #[track_caller]
    pub fn is_found(&self, what: &str, main: &str, forged: &Forged, found: [&str; 2]) {
        let findings = self.findings(main, forged);
        let says = |line: &String| found.iter().all(|part| line.contains(part));
        assert!(findings.iter().any(says), "{what}: {found:?} isn't said:\n{findings:#?}");
    }

    /// What verifying finds.
    pub fn findings(&self, main: &str, forged: &Forged) -> Vec<String> {
        self.set(main, forged);
        let repo = Repo::discover(&self.bob.folder).unwrap();
        let tips = |name: &str| repo.tip(&format!("refs/heads/{name}"));
        let approves = |_: &Event, _: &Log<'_>| Ok(());
        let goes_around = |_: &TicketId, _: &Log<'_>| Ok(Vec::new());
        let by = (&self.judges, &approves as Approves<'_>, &goes_around as GoesAround<'_>);
        let verified = verify(&repo.folder(), &tips, "main", by, (&[], &[]), None, &|_, _| ());
        let findings = verified.unwrap().findings.into_iter().map(|it| {
            let entry = it.index.map(|index| format!("entry {index}, ")).unwrap_or_default();
            format!("{entry}{}: {}", it.step, it.message)
        });
        findings.collect()
    }
}
