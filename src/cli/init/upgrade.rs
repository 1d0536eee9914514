//! `changegate init --upgrade`: the rules that this version ships, and what was changed here kept.
//!
//! [`SHIPPED`] lists each rule as it came. A rule that is still the same is replaced, or removed if
//! it isn't shipped any more; one that was changed or removed here stays so, and is shown.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use similar::TextDiff;

use super::plan::{Fate, Item, Plan, Wanted};
use changegate::content::folder;
use changegate::core::digest::Digest;
use changegate::core::layout::POLICIES;
use changegate::core::policy::{Files, PolicyBundle, shipped_files};
use changegate::files;
use changegate::report::escape::terminal;

/// The list of the rules as they came. A Markdown file takes no part in a bundle.
pub const SHIPPED: &str = "policies/SHIPPED.md";

const HEADING: &str = "\
# The rules that came with changegate

`changegate init --upgrade` replaces these, unless they were changed here. This list says as what they came.

";

/// The rules as they came, by path.
#[derive(Default, PartialEq)]
pub struct Shipped(BTreeMap<String, String>);

impl Shipped {
    /// Reads the list of a repository; without one, nothing is known to be as it came.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let path = root.join(SHIPPED);
        if !path.exists() {
            return Ok(Shipped::default());
        }
        let text = String::from_utf8(files::read(&path)?);
        let text = text.with_context(|| format!("read {}", path.display()))?;
        let entry = |line: &str| {
            let (digest, path) = line.strip_prefix("    ")?.split_once("  ")?;
            Some((path.to_owned(), digest.to_owned()))
        };
        Ok(Shipped(text.lines().filter_map(entry).collect()))
    }

    /// Returns the list after a plan is carried out: what is as it is shipped now, and for the rest
    /// what was known before.
    fn after(&self, plan: &Plan) -> Self {
        let mut after = Shipped::default();
        for step in plan.steps.iter().filter(|step| is_rule(&step.path)) {
            let digest = match step.fate {
                Fate::Write | Fate::Unchanged => Some(digest(&step.bytes)),
                Fate::Remove => None,
                Fate::Keep(_) | Fate::Differs => self.0.get(&step.path).cloned(),
            };
            after.0.extend(digest.map(|digest| (step.path.clone(), digest)));
        }
        after
    }

    fn text(&self) -> String {
        let lines = self.0.iter().map(|(path, digest)| format!("    {digest}  {path}\n"));
        HEADING.to_owned() + &lines.collect::<String>()
    }

    /// Adds the list to a plan about which everything is decided.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn add_to(plan: &mut Plan) -> anyhow::Result<()> {
        let text = Shipped::read(&plan.root)?.after(plan).text();
        plan.add(Item { path: SHIPPED.to_owned(), wanted: Wanted::File(text.into_bytes()) })?;
        plan.settle(|_, _| Ok(Fate::Write))
    }
}

/// Returns what an upgrade does to the policies of a repository, and what stays changed.
///
/// # Errors
/// If there are no policies, or if the new rules can't be used with the organisation's data.
pub fn plan(root: &Path) -> anyhow::Result<(Plan, String)> {
    let folder = root.join(POLICIES);
    if !folder.is_dir() {
        bail!("there are no policies here yet: run `changegate init` first");
    }
    let here = folder::bundle(&folder)?;
    let known = Shipped::read(root)?;
    let is_as_it_came = |path: &str, bytes: &[u8]| known.0.get(path) == Some(&digest(bytes));
    let shipped: Files = shipped_files().into_iter().filter(|(path, _)| is_rule(path)).collect();

    let item = |(path, bytes): (&String, &Vec<u8>)| Item {
        path: path.clone(),
        wanted: Wanted::File(bytes.clone()),
    };
    let mut plan = Plan::of(root, shipped.iter().map(item).collect())?;
    for step in &mut plan.steps {
        step.fate = match (&step.fate, here.get(&step.path)) {
            (Fate::Write, None) if known.0.contains_key(&step.path) => {
                Fate::Keep("was removed here".to_owned())
            }
            (Fate::Differs, Some(bytes)) if is_as_it_came(&step.path, bytes) => Fate::Write,
            (Fate::Differs, _) => Fate::Keep("was changed here".to_owned()),
            _ => continue,
        };
    }
    for (path, bytes) in here.iter().filter(|(path, _)| !shipped.contains_key(*path)) {
        if is_as_it_came(path, bytes) {
            plan.remove(path);
        }
    }
    Shipped::add_to(&mut plan)?;
    check(&here, &plan)?;
    let changed = plan.steps.iter().filter(|step| matches!(step.fate, Fate::Keep(_)));
    let changed =
        changed.filter_map(|step| Some(difference(&step.path, here.get(&step.path)?, &step.bytes)));
    let changed = changed.collect();
    Ok((plan, changed))
}

/// Refuses an upgrade after which nothing could be decided.
fn check(here: &Files, plan: &Plan) -> anyhow::Result<()> {
    let mut files = here.clone();
    files.retain(|path, _| is_rule(path) || path.ends_with(".yaml"));
    for step in plan.steps.iter().filter(|step| is_rule(&step.path)) {
        match step.fate {
            Fate::Write => files.insert(step.path.clone(), step.bytes.clone()),
            Fate::Remove => files.remove(&step.path),
            _ => None,
        };
    }
    PolicyBundle::check(&files).map_err(|error| {
        anyhow!(
            "nothing was written: these rules can't be used with what was changed here:\n{error}"
        )
    })
}

fn is_rule(path: &str) -> bool {
    path.ends_with(".rego")
}

/// Returns the digest of a rule; a checkout may convert its line breaks.
fn digest(bytes: &[u8]) -> String {
    Digest::of(String::from_utf8_lossy(bytes).replace("\r\n", "\n").as_bytes()).to_string()
}

/// Returns what changes from one text of a file to another.
pub fn difference(path: &str, old: &[u8], new: &[u8]) -> String {
    let [old, new] = [old, new].map(|text| String::from_utf8_lossy(text).replace("\r\n", "\n"));
    let difference = TextDiff::from_lines(&old, &new);
    let text = difference.unified_diff().header(path, "as it is shipped now").to_string();
    text.lines().map(|line| format!("{}\n", terminal(line))).collect()
}
