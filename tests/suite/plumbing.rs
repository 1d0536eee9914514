//! What the tests share: cases are read, judged and held against what they expect.

pub mod act;
mod case;
mod execution;
mod expect;
pub mod github;
pub mod hub;
pub mod issuer;
pub mod ran;
pub mod schemas;
pub mod town;
pub mod witness;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use changegate::core::decision::{self, Decided};
use changegate::core::evidence::Evidence;
use changegate::core::policy::{
    BundleError, Evaluator, Files, PolicyBundle, SHIPPED, Undecided, shipped_files,
};
use changegate::core::request::RequestFile;
use changegate::core::time::Time;
use changegate::core::yaml;
use changegate::gate::judge::Judges;

pub use case::{Case, HEAD, Shows, all, every};
pub use expect::Expect;

/// A file of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An instant.
pub fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// Judges that no bound stops.
pub fn judges() -> Judges {
    Judges::new(|bound| panic!("{bound}"))
}

/// All files below a folder of the project whose names end so, in order of their paths.
pub fn files_below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    files
}

/// A file of plain data; what is wrong with it ends the test.
pub fn data(path: &Path) -> Value {
    let reading = yaml::parse(&fs::read(path).unwrap()).read();
    assert!(reading.problems.is_empty(), "{}: {:#?}", path.display(), reading.problems);
    reading.value.unwrap()
}

/// Decides cases by one set of rules, with the shipped organisation data or a case's changes to
/// them; each bundle is compiled once.
pub struct CaseJudge {
    files: Files,
    bundles: HashMap<String, (PolicyBundle, Evaluator)>,
}

impl CaseJudge {
    /// A judge by the shipped policies.
    pub fn shipped() -> Self {
        Self::by(shipped_files()).unwrap()
    }

    /// A judge by other policies.
    ///
    /// # Errors
    /// When the bundle is refused.
    pub fn by(files: Files) -> Result<Self, BundleError> {
        let bundle = PolicyBundle::load(files.clone(), changegate::gate::cpu::thread_time)?;
        let evaluator = bundle.evaluator();
        let shipped = (Value::Null.to_string(), (bundle, evaluator));
        Ok(CaseJudge { files, bundles: HashMap::from([shipped]) })
    }

    /// The bundle that a case is decided by, and an evaluator of it.
    pub fn bundle(&mut self, org: &Value) -> &mut (PolicyBundle, Evaluator) {
        self.bundles.entry(org.to_string()).or_insert_with(|| {
            let bundle =
                PolicyBundle::load(changed(&self.files, org), changegate::gate::cpu::thread_time)
                    .unwrap();
            let evaluator = bundle.evaluator();
            (bundle, evaluator)
        })
    }

    /// Decides a case at its own time.
    pub fn decide(&mut self, case: &Case) -> Result<Decided, Undecided> {
        if let Some(asked) = &case.execute {
            return asked.ask(self, case);
        }
        self.decide_at(case, case.now, &case.evidence())
    }

    /// Decides a case at another time, by other evidence.
    pub fn decide_at(
        &mut self,
        case: &Case,
        now: Time,
        evidence: &Evidence,
    ) -> Result<Decided, Undecided> {
        let file = case.file();
        self.decide_file(file.as_ref(), &case.org, now, evidence)
    }

    /// Decides on a file.
    pub fn decide_file(
        &mut self,
        file: Option<&RequestFile>,
        org: &Value,
        now: Time,
        evidence: &Evidence,
    ) -> Result<Decided, Undecided> {
        let (bundle, evaluator) = self.bundle(org);
        let case = decision::Case { file, evidence, brings: None, now };
        decision::decide(&case, bundle, SHIPPED, |input| evaluator.rule(input))
    }
}

/// A bundle's files with changes to the organisation's tables, as JSON merge patches (RFC 7396).
pub fn changed(files: &Files, org: &Value) -> Files {
    let mut files = files.clone();
    let mut patched = |path: String, patch: &Value| {
        if patch.is_null() {
            files.remove(&path);
            return;
        }
        let held = files.get(&path).map(|bytes| yaml::parse(bytes).read().value.unwrap());
        let mut data = held.unwrap_or(Value::Null);
        merge(&mut data, patch, Nulls::Remove);
        files.insert(path, data.to_string().into_bytes());
    };
    for (table, patch) in org.as_object().into_iter().flatten() {
        match table.as_str() {
            "templates" => {
                for (name, patch) in patch.as_object().into_iter().flatten() {
                    patched(format!("policies/templates/{name}/data.yaml"), patch);
                }
            }
            table => patched(format!("policies/org/{table}/data.yaml"), patch),
        }
    }
    files
}

/// What a null in a patch does.
#[derive(Clone, Copy)]
enum Nulls {
    Remove,
    Stay,
}

/// Lays one value over another: objects are merged, everything else is replaced.
fn merge(base: &mut Value, patch: &Value, nulls: Nulls) {
    let (Value::Object(fields), Value::Object(patches)) = (&mut *base, patch) else {
        *base = patch.clone();
        return;
    };
    for (name, patch) in patches {
        match (nulls, patch) {
            (Nulls::Remove, Value::Null) => {
                fields.remove(name);
            }
            _ => merge(fields.entry(name).or_insert(Value::Null), patch, nulls),
        }
    }
}

/// A rule that takes more than any bound, in a single step, for one of the requests.
pub fn boundless(id: &str) -> String {
    let doubled = |n: u32| {
        let before = n - 1;
        format!("x{n} := y if {{\n\ty := concat(\"\", [x{before}, x{before}])\n}}\n\n")
    };
    let doubled: String = (1..=40).map(doubled).collect();
    format!(
        "package changegate.rules.boundless\n\n\
         x0 := y if {{\n\tinput.request.id == \"{id}\"\n\ty := input.request.reason\n}}\n\n{doubled}\
         findings contains {{\"code\": \"boundless/x\", \"effect\": \"deny\", \"message\": message}} if {{\n\
         \tmessage := x40\n}}\n"
    )
}
