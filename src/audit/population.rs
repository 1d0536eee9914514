//! What reached the protected branches since the ledger covers them: each commit of their first-parent
//! lines, and what accounts for it.
//!
//! The date of a commit is its maker's claim. A commit counts as of its own date, but no earlier than
//! the one before it, and no later than an entry that accounts for it was recorded. Of one that came around
//! the gate nobody saw when: it counts in each period from that date until its entry was recorded, and one
//! that is recorded nowhere in each period from then on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::Period;
use super::case::Tips;
use super::entries::{Entries, Listed};
use crate::content::short;
use crate::core::record::parts::ObjectId;
use crate::core::record::statement::Kind;
use crate::core::time::Time;
use crate::gate::arrivals::each_behind;
use crate::gate::judge::Judges;
use crate::git::{Commit, Oid, Repo};
use crate::ledger::oid;

/// A protected branch since it is covered.
pub struct Line<'e> {
    /// Its name.
    pub branch: String,
    /// The commit behind which coverage begins.
    pub from: Oid,
    /// Its tip; `None` if the branch is gone.
    pub tip: Option<Oid>,
    /// Its commits behind `from`, oldest first.
    pub commits: Vec<Arrived<'e>>,
    /// The entries about commits that aren't part of the branch any more.
    pub gone: Vec<&'e Listed>,
    /// Why its commits can't be told, if they can't.
    pub problem: Option<String>,
}

/// A commit on a branch.
pub struct Arrived<'e> {
    /// The commit.
    pub commit: Oid,
    /// When it counts as having arrived, at the earliest.
    pub at: Time,
    /// What accounts for it.
    pub how: How<'e>,
}

impl Arrived<'_> {
    /// Whether it can have arrived in a period.
    pub fn is_in(&self, period: Period) -> bool {
        match self.how {
            How::Bypass(listed) => period.meets(self.at, Some(listed.recorded_at)),
            How::Nothing(_) => period.meets(self.at, None),
            How::Merge(_) | How::Free => period.holds(self.at),
        }
    }
}

/// What accounts for a commit on a branch.
#[derive(Clone, Copy)]
pub enum How<'e> {
    /// An entry of its own, of kind merge.
    Merge(&'e Listed),
    /// An entry of its own, of kind bypass.
    Bypass(&'e Listed),
    /// It changes nothing that is governed.
    Free,
    /// Nothing; the entry is the one that accounts for its part of the branch all the same.
    Nothing(Option<&'e Listed>),
}

/// Returns the branches that a ledger covers, and what reached them.
///
/// # Errors
/// When the ledger can't be relied on, or when the repository can't be read.
pub fn lines<'e>(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    entries: &'e Entries,
) -> anyhow::Result<Vec<Line<'e>>> {
    let mut lines = Vec::new();
    for (place, name) in entries.sound()?.state.bases.keys().enumerate() {
        let Some(beginning) = entries.beginnings.get(name) else { continue };
        let branch = name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
        let (from, tip) = (oid(&beginning.from)?, tips(&branch)?);
        let mut line =
            Line { branch, from, tip, commits: Vec::new(), gone: Vec::new(), problem: None };
        let own = entries.all.iter().filter_map(|listed| {
            let (_, brought) = listed.covers.filter(|(on, _)| *on == place)?;
            Some((brought, listed))
        });
        line.follow(repo, judges, own, beginning.at);
        lines.push(line);
    }
    Ok(lines)
}

impl<'e> Line<'e> {
    /// Reads the commits of the branch, and finds what accounts for each: `own` are the commits that
    /// entries name, with these.
    fn follow(
        &mut self,
        repo: &Repo,
        judges: &Judges,
        own: impl Iterator<Item = (Oid, &'e Listed)>,
        began_at: Time,
    ) {
        let mut line = Vec::new();
        let read = match self.tip {
            Some(tip) => each_behind(repo, judges, self.from, tip, |commit, is_free| {
                line.push((commit.id, commit.time, is_free));
            })
            .map_err(|error| format!("{error:#}")),
            None => Err(format!("{} is gone", self.branch)),
        };
        if let Err(why) = read {
            self.gone = own.map(|(_, listed)| listed).collect();
            self.problem = Some(why);
            return;
        }
        let on_line: HashSet<_> = line.iter().map(|(id, ..)| *id).collect();
        let (mut ahead, gone): (VecDeque<_>, _) = own.partition(|(id, _)| on_line.contains(id));
        self.gone = gone.into_iter().map(|(_, listed)| listed).collect();
        let exact: HashMap<_, _> = ahead.iter().copied().collect();
        for (commit, at, is_free) in line {
            let how = match (exact.get(&commit), is_free) {
                (Some(listed), _) if listed.kind == Kind::Bypass => How::Bypass(listed),
                (Some(listed), _) => How::Merge(listed),
                (None, true) => How::Free,
                (None, false) => How::Nothing(ahead.front().map(|(_, listed)| *listed)),
            };
            self.commits.push(Arrived { commit, at, how });
            while ahead.front().is_some_and(|(to, _)| *to == commit) {
                ahead.pop_front();
            }
        }
        self.date(began_at);
    }

    /// Dates the commits by what is known beside their own claims.
    fn date(&mut self, began_at: Time) {
        let mut latest = None;
        for arrived in self.commits.iter_mut().rev() {
            if let How::Merge(listed) | How::Bypass(listed) = arrived.how {
                let at = listed.recorded_at;
                latest = Some(latest.map_or(at, |latest: Time| latest.min(at)));
            }
            arrived.at = latest.map_or(arrived.at, |latest| arrived.at.min(latest));
        }
        let mut earliest = began_at;
        for arrived in &mut self.commits {
            arrived.at = arrived.at.max(earliest);
            earliest = arrived.at;
        }
    }
}

/// Returns who brought a commit: whose key signed it, by the roster. `None` if nobody knows.
pub fn who(repo: &Repo, judges: &Judges, commit: &Commit) -> Option<String> {
    let judge = commit.parents.first().and_then(|base| judges.in_force(repo, *base).ok())?;
    crate::gate::record::who(repo, &judge.bundle().org, commit)
}

/// Returns the address that a commit claims to be from, where nobody is known who brought it.
pub fn claimed(by: Option<&String>, commit: &Commit) -> Option<String> {
    by.is_none().then(|| commit.committer.email.clone())
}

/// Says for people who brought a commit, or what that claims.
pub fn brought_by(by: Option<&String>, claims: Option<&String>) -> String {
    let claims = claims.map(|claims| format!("claims to be {claims}"));
    by.cloned().or(claims).unwrap_or_default()
}

/// Returns the branches that the settings on a covered one protect, and that aren't covered.
///
/// # Errors
/// When the repository can't be read.
pub fn uncovered(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    bases: &BTreeMap<String, ObjectId>,
) -> anyhow::Result<Vec<String>> {
    let mut missing = BTreeSet::new();
    for name in bases.keys() {
        let tip = tips(name.strip_prefix("refs/heads/").unwrap_or(name))?;
        let Some(Ok(judge)) = tip.map(|tip| judges.at(repo, tip)) else { continue };
        for branch in &judge.bundle().org.settings.protected_bases {
            let is_covered = bases.contains_key(&format!("refs/heads/{branch}"));
            if !is_covered && tips(branch)?.is_some() {
                missing.insert(branch.clone());
            }
        }
    }
    Ok(missing.into_iter().collect())
}

/// Says that a protected branch isn't covered.
pub fn is_uncovered(branch: &str) -> String {
    format!(
        "{branch} is protected and not recorded yet: the next `changegate merge` into it begins that"
    )
}

/// Says what happened to an entry's commit that its branch doesn't hold.
pub fn is_gone(listed: &Listed, branch: &str) -> String {
    let to = listed.covers.map(|(_, to)| short(to)).unwrap_or_default();
    let (index, commit) = (listed.index, short(listed.commit));
    format!("{to}, which entry {index} ({commit}) is about, is not on {branch} any more")
}

/// Returns the entries of a period, in their order: one about a commit by when that arrived, any other by
/// when it was recorded.
pub fn of_period<'e>(lines: &[Line<'e>], entries: &'e Entries, period: Period) -> Vec<&'e Listed> {
    let mut all = HashMap::new();
    for arrived in lines.iter().flat_map(|line| &line.commits) {
        if let How::Merge(listed) | How::Bypass(listed) = arrived.how {
            all.insert(listed.index, arrived);
        }
    }
    let is_in = |listed: &&Listed| match all.get(&listed.index) {
        Some(arrived) => arrived.is_in(period),
        None => period.holds(listed.recorded_at),
    };
    entries.all.iter().filter(is_in).collect()
}
