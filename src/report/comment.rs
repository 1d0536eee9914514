//! The one comment that a forge keeps on a pull request: the Markdown report, and mentions of the
//! people to notify.

use super::escape::markdown;
use super::markdown::EVALUATED;
use super::{Judged, markdown as page};
use crate::core::digest::Digest;
use crate::core::terms::{Login, all_of};

/// The beginning of the comment, by which it is found again.
pub const COMMENT_MARK: &str = "<!-- changegate -->";

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The whole text.
    pub text: String,
}

impl Comment {
    /// Returns whether an earlier comment has the same text, ignoring the time of evaluation.
    pub fn says_the_same(&self, before: &str) -> bool {
        timeless(&self.text) == timeless(before)
    }

    /// Returns a digest of the text, without the time of evaluation.
    pub fn digest(&self) -> String {
        Digest::of(timeless(&self.text).as_bytes()).short()
    }
}

/// Returns a comment's text without the time at which it was written.
fn timeless(text: &str) -> String {
    let text = text.trim().replace('\r', "");
    match text.rsplit_once(EVALUATED) {
        Some((before, after)) => {
            let after = after.split_once(" UTC").map_or(after, |(_, after)| after);
            format!("{before}{after}")
        }
        None => text,
    }
}

/// Returns the comment about a decision. The owners of the `affected` services are mentioned so
/// that the forge notifies them; nothing else in the comment mentions anyone. `recorded` is Markdown that
/// says where the decision is recorded.
pub fn comment(
    judged: &Judged,
    affected: &[(&str, Vec<&Login>)],
    recorded: Option<&str>,
) -> Comment {
    let recorded = recorded.map(|text| format!("\n{text}"));
    let footer = affects(affected) + &recorded.unwrap_or_default() + &page::footer(judged.decision);
    Comment { text: format!("{COMMENT_MARK}\n{}", page::with_footer(judged, &footer)) }
}

/// Writes `**Affects** checkout (@bob and @dan)`.
fn affects(affected: &[(&str, Vec<&Login>)]) -> String {
    if affected.is_empty() {
        return String::new();
    }
    let services = affected.iter().map(|(service, owners)| {
        let owners: Vec<_> = owners.iter().map(|owner| format!("@{owner}")).collect();
        match owners.is_empty() {
            true => markdown(service),
            false => format!("{} ({})", markdown(service), all_of(&owners)),
        }
    });
    let services: Vec<_> = services.collect();
    format!("\n**Affects** {}\n", services.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_comment_is_known_again() {
        let mut sample = samples::denied();
        let bob: Login = "bob".parse().unwrap();
        let affected = [("check<out>", vec![&bob]), ("ledger", Vec::new())];
        let first = comment(&sample.judged(), &affected, None);
        assert!(first.text.starts_with(COMMENT_MARK));
        assert!(first.text.contains("\n**Affects** check&#60;out&#62; (@bob), ledger\n"));
        sample.decision.evaluated_at = "2030-01-01T00:00:00Z".parse().unwrap();
        let later = comment(&sample.judged(), &affected, None);
        assert_ne!(later.text, first.text);
        assert!(later.says_the_same(&first.text) && later.digest() == first.digest());
        let edited = first.text.replace("Denied", "Approved");
        assert!(edited != first.text && !later.says_the_same(&edited));
        sample.decision.findings.truncate(1);
        assert!(!comment(&sample.judged(), &affected, None).says_the_same(&first.text));
    }
}
