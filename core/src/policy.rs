//! The policy bundle: Rego rules and organisation data, checked, compiled, evaluated.
//!
//! ```text
//! paths with bytes ── load ──▶ every problem with file and line
//!                        └───▶ PolicyBundle ── evaluator ──▶ Evaluator ── rule(input) ──▶ Ruling
//! ```
//!
//! This is the only user of regorus. Its interpreter decides; its virtual machine is faster, but
//! doesn't fail where two definitions of a rule conflict. What no limit could interrupt is refused
//! when the bundle is loaded, see [`vet`]; everything else is stopped after [`TIME_LIMIT`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use regorus::{Engine, Value};

use self::bound::Bound;
use self::codes::CodeInfo;
use self::files::{TEST_SUFFIX, rego};
use self::message::Message;
use super::calendar::Calendar;
use super::digest::Digest;
use super::input::Purpose;
use super::layout::odd_path;
use super::org::Org;

mod bound;
mod builtins;
pub mod codes;
mod evaluator;
mod files;
mod message;
pub mod patch;
mod ruling;
mod tables;
pub mod testing;
pub mod vet;

pub use bound::CpuClock;
pub use evaluator::{Evaluator, Undecided};
pub use files::{Files, is_passed_over, shipped_files};
pub use ruling::{Asked, Requirement, RuledFinding, Ruling};
use vet::RulePackage;
pub use vet::{InputPath, PolicyProblem, Reads};

/// What is said of the bundle that the program ships, where others are a commit or a folder.
pub const SHIPPED: &str = "shipped";

/// The rule that decides: `data.changegate.decision`.
pub const ENTRY_POINT: &str = "data.changegate.decision";

/// What the names of rule packages begin with.
const RULES: &str = "data.changegate.rules.";

/// The most CPU time that evaluating one input may use.
pub const TIME_LIMIT: Duration = Duration::from_secs(2);

/// A bundle that was checked and compiled.
pub struct PolicyBundle {
    /// The organisation's tables.
    pub org: Org,
    /// The calendar computed from the deployment windows and freezes.
    pub calendar: Calendar,
    /// SHA-256 over the sorted paths and bytes of all files.
    pub digest: Digest,
    files: Files,
    data: Value,
    /// What evaluates it: of the shipped rules, which a test compiles, made when it is first needed.
    compiled: OnceLock<Result<Engine, String>>,
    /// The rule packages, to name the one that yields what can't be used; none if the rules are the
    /// shipped ones.
    packages: Arc<[RulePackage]>,
    clock: CpuClock,
    codes: OnceLock<BTreeMap<String, CodeInfo>>,
    /// The meaning of the codes that findings had so far.
    met: Mutex<BTreeMap<String, Option<Arc<CodeInfo>>>>,
}

/// Why a bundle can't be used: every problem in it.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct BundleError(pub Vec<PolicyProblem>);

impl PolicyBundle {
    /// Checks and compiles a bundle. If the rules are the shipped ones, only the organisation's
    /// tables are checked: a test checks the rules, so that no process has to, and compiles them, so that
    /// who only asks for tables needn't. `clock` measures the CPU time of evaluations.
    ///
    /// # Errors
    /// Every problem, each with file, line and column.
    pub fn load(files: Files, clock: CpuClock) -> Result<Self, BundleError> {
        if Self::ships_rules(&files) {
            refuse(files::strangers(&files))?;
            return Self::read(files, clock);
        }
        let packages = Self::vetted(&files)?.into();
        let bundle = PolicyBundle { packages, ..Self::read(files, clock)? };
        let compiled = OnceLock::from(Ok(bundle.compile()?));
        let bundle = PolicyBundle { compiled, ..bundle };
        bundle.try_out()?;
        Ok(bundle)
    }

    /// Returns whether these are the files that the program ships.
    pub fn ships(files: &Files) -> bool {
        *files == shipped_files()
    }

    /// Returns whether these are the rules that the program ships, whatever the organisation's
    /// tables contain.
    pub fn ships_rules(files: &Files) -> bool {
        let shipped = shipped_files();
        rego(files).eq(rego(&shipped))
    }

    /// Checks a bundle without compiling it; of shipped rules, only the organisation's tables.
    ///
    /// # Errors
    /// As [`PolicyBundle::load`].
    pub fn check(files: &Files) -> Result<(), BundleError> {
        if Self::ships_rules(files) {
            refuse(files::strangers(files))?;
            return Self::tables(files).map(drop);
        }
        Self::vet(files)
    }

    /// Reads a bundle's tables alone.
    ///
    /// # Errors
    /// Every problem in them.
    pub fn tables(files: &Files) -> Result<Org, BundleError> {
        tables::read(files).map_err(BundleError)
    }

    /// Checks every file of a bundle.
    ///
    /// # Errors
    /// As [`PolicyBundle::load`].
    pub fn vet(files: &Files) -> Result<(), BundleError> {
        Self::vetted(files).map(drop)
    }

    fn vetted(files: &Files) -> Result<Vec<RulePackage>, BundleError> {
        let mut problems = files::strangers(files);
        let mut sources = Vec::new();
        for (path, bytes) in rego(files) {
            // A name that isn't UTF-8 was read with replacements, and so could hide another file.
            problems.extend(odd_path(path).map(|problem| PolicyProblem {
                path: path.to_owned(),
                line: 1,
                column: 1,
                message: problem.to_owned(),
                help: Some("rename the file".to_owned()),
            }));
            match std::str::from_utf8(bytes) {
                Ok(text) => sources.push((path, text)),
                Err(error) => problems.push(not_utf8(path, bytes, error)),
            }
        }
        let packages = vet::vet(&sources, &tables::as_written(files)).unwrap_or_else(|found| {
            problems.extend(found);
            Vec::new()
        });
        if let Err(found) = tables::read(files) {
            problems.extend(found);
        }
        refuse(problems).map(|()| packages)
    }

    /// Reads a bundle that isn't compiled yet.
    fn read(files: Files, clock: CpuClock) -> Result<Self, BundleError> {
        let org = Self::tables(&files)?;
        let data = mounted(&files, &org).map_err(|problem| BundleError(vec![problem]))?;
        let contents = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
        let digest = Digest::of_parts(contents);
        let calendar = Calendar::new(&org.windows, &org.freezes);
        let (compiled, packages) = (OnceLock::default(), Arc::default());
        let (codes, met) = (OnceLock::default(), Mutex::default());
        Ok(PolicyBundle {
            org,
            calendar,
            digest,
            files,
            data,
            compiled,
            packages,
            clock,
            codes,
            met,
        })
    }

    fn compile(&self) -> Result<Engine, BundleError> {
        let mut compiled = Engine::new();
        // Otherwise an error inside one definition of a function is dropped if another definition
        // gives a value, and a denial that depends on it may vanish.
        compiled.set_strict_builtin_errors(true);
        builtins::add_to(&mut compiled, true).map_err(|error| whole_bundle(&error))?;
        compiled.add_data(self.data.clone()).map_err(|error| whole_bundle(&error))?;
        for (path, bytes) in rego(&self.files).filter(|(path, _)| !path.ends_with(TEST_SUFFIX)) {
            let text = String::from_utf8_lossy(bytes).into_owned();
            compiled.add_policy(path.to_owned(), text).map_err(|error| whole_bundle(&error))?;
        }
        let packages = compiled.get_packages().map_err(|error| whole_bundle(&error))?;
        for (wanted, what) in [
            ("data.changegate", "the entry point, package changegate with the rule decision"),
            (RULES, "any rule, a package below changegate.rules"),
        ] {
            let found = |package: &String| match wanted.strip_suffix('.') {
                Some(_) => package.starts_with(wanted),
                None => package == wanted,
            };
            if !packages.iter().any(found) {
                return Err(BundleError(vec![PolicyProblem {
                    path: "policies".to_owned(),
                    line: 1,
                    column: 1,
                    message: format!("the bundle has no {what}: without it nothing can be decided"),
                    help: Some("start from a copy of the shipped bundle".to_owned()),
                }]));
            }
        }
        Ok(compiled)
    }

    /// Evaluates the bundle once on an empty request: some mistakes show only then.
    fn try_out(&self) -> Result<(), BundleError> {
        let tried = self.evaluator().eval();
        tried.map(drop).map_err(|error| whole_bundle(&error))
    }

    /// Returns a new evaluator. Each thread needs its own: sharing one contends on reference
    /// counts.
    pub fn evaluator(&self) -> Evaluator {
        let compiled = || self.compile().map_err(|error| error.to_string());
        Evaluator {
            engine: self.compiled.get_or_init(compiled).clone(),
            bound: Bound { limit: TIME_LIMIT, clock: self.clock },
            packages: Arc::clone(&self.packages),
        }
    }

    /// Returns whether any of its rule packages answers a question. The shipped ones answer each.
    pub fn answers(&self, purpose: Purpose) -> bool {
        let mut packages = self.packages.iter();
        self.packages.is_empty() || packages.any(|package| package.answers(purpose))
    }

    /// Returns what one code of its findings means.
    pub fn code(&self, code: &str) -> Option<Arc<CodeInfo>> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = met.get(code) {
            return known.clone();
        }
        let info = codes::find(code, &self.files).map(Arc::new);
        met.insert(code.to_owned(), info.clone());
        info
    }

    /// Returns what the codes of its findings mean; computed on first use.
    pub fn codes(&self) -> &BTreeMap<String, CodeInfo> {
        self.codes.get_or_init(|| codes::catalogue(&self.files))
    }

    /// Returns the codes that the METADATA beside its rules declare.
    pub fn rule_codes(&self) -> BTreeSet<String> {
        let rules = rego(&self.files).filter(|(path, _)| !path.ends_with(TEST_SUFFIX));
        let texts = rules.map(|(_, bytes)| String::from_utf8_lossy(bytes));
        texts.flat_map(|text| codes::declared(&text).collect::<Vec<_>>()).collect()
    }

    /// Returns which facts of the input document its rules use.
    pub fn reads(&self) -> Reads {
        vet::reads(&self.sources(), &tables::as_written(&self.files))
    }

    fn sources(&self) -> Vec<(&str, &str)> {
        let text = |(path, bytes)| Some((path, std::str::from_utf8(bytes).ok()?));
        rego(&self.files).filter_map(text).collect()
    }

    /// Runs the bundle's own tests; `only` keeps those whose full name contains it, and `source`
    /// says whose bundle it is.
    ///
    /// # Errors
    /// If the tests can't be run at all.
    pub fn test(&self, only: Option<&str>, source: &str) -> anyhow::Result<testing::TestReport> {
        testing::run(&self.sources(), self.data.clone(), only, source, self.clock)
    }
}

/// Returns the data that the rules see as `data`: each table as it is written, the settings with
/// their defaults.
fn mounted(files: &Files, org: &Org) -> Result<Value, PolicyProblem> {
    let mut tables = tables::as_written(files);
    tables.insert("settings".to_owned(), super::digest::to_json(&org.settings));
    let data = serde_json::json!({ "org": tables });
    Value::from_json_str(&data.to_string()).map_err(|error| PolicyProblem {
        path: "policies/org".to_owned(),
        line: 1,
        column: 1,
        message: format!("the data can't be mounted: {error}"),
        help: None,
    })
}

fn refuse(problems: Vec<PolicyProblem>) -> Result<(), BundleError> {
    if problems.is_empty() { Ok(()) } else { Err(BundleError(problems)) }
}

fn not_utf8(path: &str, bytes: &[u8], error: std::str::Utf8Error) -> PolicyProblem {
    let before = &bytes[..error.valid_up_to()];
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    PolicyProblem {
        path: path.to_owned(),
        line: line as u32 + 1,
        column: 1,
        message: "the file isn't UTF-8 text".to_owned(),
        help: Some("save it as UTF-8".to_owned()),
    }
}

fn whole_bundle(error: &anyhow::Error) -> BundleError {
    let message = Message::of(error);
    let (path, line, column) = message
        .place
        .map_or(("policies".to_owned(), 1, 1), |place| (place.path, place.line, place.wide_column));
    BundleError(vec![PolicyProblem { path, line, column, message: message.text, help: None }])
}
