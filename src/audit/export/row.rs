//! An entry as a row of a table.

use std::collections::BTreeMap;

use crate::audit::entries::Listed;
use crate::audit::population::{brought_by, claimed};
use crate::content::first_title;
use crate::core::decision::SignOffMode;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::Explained;
use crate::core::record::message::signers;
use crate::core::record::statement::{Kind, Predicate};
use crate::git::Repo;
use crate::ledger::oid;

/// What a table says of an entry; what doesn't apply is empty.
#[derive(Debug, Default)]
pub struct Row {
    pub index: String,
    pub id: String,
    pub recorded_at: String,
    pub kind: String,
    pub about: String,
    pub change: String,
    pub title: String,
    pub verdict: String,
    pub tier: String,
    pub requester: String,
    pub sign_off: String,
    pub signed_off: String,
    pub findings: String,
    pub branch: String,
    pub commit: String,
    pub arrived_at: String,
    pub by: String,
    pub because: String,
    pub explanation: String,
    pub policies: String,
    pub ledger_commit: String,
}

/// What rows need beside their entries.
pub struct Rows<'r> {
    /// The repository.
    pub repo: &'r Repo,
    /// What was said later about bypasses, by the ids of their entries.
    pub explanations: BTreeMap<String, Vec<Explained>>,
}

fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

impl Rows<'_> {
    /// Returns the row for an entry.
    pub fn row(&self, listed: &Listed, entry: &Entry) -> Row {
        let it = &entry.statement.predicate;
        let said = self.explanations.get(&listed.id.to_string()).into_iter().flatten();
        let said = said.map(|said| {
            let who = said.who.as_ref().map(|who| format!("it was {who}; ")).unwrap_or_default();
            format!("{who}{} ({})", said.text, said.by)
        });
        let mut row = Row {
            index: listed.index.to_string(),
            id: listed.id.to_string(),
            recorded_at: it.recorded_at.to_string(),
            kind: it.kind.to_string(),
            about: text(it.note.as_ref().map(|note| &note.about)),
            change: text(it.pull.as_ref().map(|pull| &pull.name)),
            by: it.collector.who.clone(),
            policies: text(it.policies.as_ref().map(|policies| &policies.commit)),
            explanation: said.collect::<Vec<_>>().join(" | "),
            ledger_commit: listed.commit.to_string(),
            ..Row::default()
        };
        if let Some(bones) = &it.decision {
            row.title = bones.title.clone().or_else(|| why(self.repo, it)).unwrap_or_default();
            row.verdict = bones.verdict.to_string();
            row.tier = text(bones.tier.as_ref());
            row.requester = text(bones.requester.as_ref());
            let codes =
                bones.findings.iter().map(|found| format!("{} ({})", found.code, found.effect));
            row.findings = codes.collect::<Vec<_>>().join(" ");
            let sign_off = bones.sign_off.as_ref();
            row.sign_off = match sign_off.map(|it| it.mode) {
                Some(SignOffMode::Direct) => "direct".to_owned(),
                Some(SignOffMode::Review) => "review".to_owned(),
                None => String::new(),
            };
            row.signed_off = sign_off.map(signers).unwrap_or_default().join(", ");
        }
        if let (Some(merge), Some(base)) = (&it.merge, &it.base) {
            row.branch = base.name.strip_prefix("refs/heads/").unwrap_or(&base.name).to_owned();
            row.commit = merge.covers.to.to_string();
            row.arrived_at = merge.at.to_string();
            let commit = listed.covers.and_then(|(_, commit)| self.repo.commit(commit).ok());
            let claims = commit.and_then(|commit| claimed(merge.by.as_ref(), &commit));
            row.by = brought_by(merge.by.as_ref(), claims.as_ref());
            row.because = text(merge.because.as_ref());
        }
        row
    }
}

/// Returns why policies were changed: the title of the change's first commit or, where that isn't here, of
/// the commit that came of it.
fn why(repo: &Repo, it: &Predicate) -> Option<String> {
    let (Some(merge), Some(base), Some(head), Some(pull), Kind::Merge) =
        (&it.merge, &it.base, &it.head, &it.pull, it.kind)
    else {
        return None;
    };
    let first = first_title(repo, &pull.name, oid(&base.commit).ok()?, oid(head).ok()?);
    let merged = || repo.commit(oid(&merge.covers.to).ok()?).ok().map(|it| it.title().to_owned());
    first.ok().flatten().or_else(merged)
}
