//! The keys by which jobs on GitHub prove what they are: they count from when they are in the log.

use super::{Author, Made, Written};
use crate::core::operations::kinds::{Keys, What};
use crate::core::org::Org;

/// Whether anything that an organisation allows is proven by tokens of jobs.
pub fn are_needed(org: &Org) -> bool {
    let mut machines = org.roster.machines.values();
    org.settings.execution.repository_id.is_some() || machines.any(|it| it.github.is_some())
}

/// Records those of an issuer's keys that the log doesn't hold yet.
///
/// # Errors
/// When the log can't be written, or doesn't take them from this author.
pub fn bring(author: &Author<'_>, keys: &[Keys]) -> anyhow::Result<Vec<Written>> {
    author.write(|log, _| {
        let new = keys.iter().filter(|key| !log.keys().contains(key));
        Ok(new.map(|key| Made::of_the_log(What::Keys(key.clone()))).collect())
    })
}
