//! `semver.compare` and `semver.is_valid`: versions as OPA reads them, which is more lenient than the
//! specification: a `v` may be in front, and numbers may begin with zeros.

use std::cmp::Ordering;

use anyhow::{Context, bail};

struct Version<'v> {
    numbers: [i64; 3],
    /// Empty for a release.
    pre_release: &'v str,
}

/// Returns -1, 0 or 1.
pub(super) fn compare(left: &str, right: &str) -> anyhow::Result<i64> {
    let read =
        |text| read(text).with_context(|| format!("`{text}` is not a version such as 1.2.3"));
    let (left, right) = (read(left)?, read(right)?);
    let order = left.numbers.cmp(&right.numbers);
    let order = match order {
        Ordering::Equal => by_pre_release(left.pre_release, right.pre_release)?,
        order => order,
    };
    Ok(order as i64)
}

/// Returns whether a text is a version.
pub(super) fn is_version(text: &str) -> bool {
    read(text).is_some()
}

fn read(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (text, pre_release) = text.split_once('-').unwrap_or((text, ""));
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let are_words = |text: &str| text.is_empty() || text.split('.').all(is_word);
    let numbers: Option<Vec<i64>> = text.split('.').map(|number| number.parse().ok()).collect();
    let numbers = numbers?.try_into().ok()?;
    (are_words(build) && are_words(pre_release)).then_some(Version { numbers, pre_release })
}

fn by_pre_release(left: &str, right: &str) -> anyhow::Result<Ordering> {
    if left == right || left.is_empty() || right.is_empty() {
        // A release comes after all its pre-releases.
        return Ok(left.is_empty().cmp(&right.is_empty()));
    }
    let (mut lefts, mut rights) = (left.split('.'), right.split('.'));
    loop {
        let (left, right) = match (lefts.next(), rights.next()) {
            (Some(left), Some(right)) => (left, right),
            // OPA doesn't end here: numbers that are equal, and written differently or too large.
            (None, None) => bail!("the pre-releases can't be compared"),
            (left, right) => return Ok(left.is_some().cmp(&right.is_some())),
        };
        let order = match (number(left), number(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            (None, None) => left.cmp(right),
            // A number comes before a word.
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
}

fn number(word: &str) -> Option<i64> {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| word.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the sources of OPA 1.20; each pair also the other way round.
    #[test]
    fn versions_are_compared_as_in_opa() {
        for (left, right, wanted) in [
            ("1.2.3", "1.2.3", 0),
            ("1.2.3", "1.2.4", -1),
            ("1.10.0", "1.9.9", 1),
            ("2.0.0", "10.0.0", -1),
            ("v1.2.3", "1.2.3", 0),
            ("01.2.3", "1.2.3", 0),
            ("1.2.3+a", "1.2.3+b", 0),
            ("1.2.3-", "1.2.3", 0),
            ("1.2.3+", "1.2.3", 0),
            ("1.0.0-alpha", "1.0.0", -1),
            ("1.0.0-alpha", "1.0.0-alpha.1", -1),
            ("1.0.0-alpha.1", "1.0.0-alpha.beta", -1),
            ("1.0.0-beta.2", "1.0.0-beta.11", -1),
            ("1.0.0-rc.1", "1.0.0-beta.11", 1),
            ("1.0.0-1", "1.0.0--1", -1),
            ("1.0.0-01", "1.0.0-2", -1),
            ("1.0.0-A", "1.0.0-a", -1),
        ] {
            assert_eq!(compare(left, right).unwrap(), wanted, "{left} {right}");
            assert_eq!(compare(right, left).unwrap(), -wanted, "{right} {left}");
        }
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "1.2.",
            "V1.2.3",
            "vv1.2.3",
            " 1.2.3",
            "1.2.3 ",
            "1.2.3-a..b",
            "1.2.3-ä",
            "1.2.3+a_b",
            "-1.2.3",
            "+1.2.3",
            "1.2.9223372036854775808",
        ] {
            assert!(!is_version(text), "{text:?}");
            assert!(compare(text, "1.2.3").is_err(), "{text:?}");
        }
        assert!(compare("1.0.0-1", "1.0.0-01").is_err());
    }
}
