//! The comment on the issue, which is kept up to date.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::core::terms::Login;
use crate::report::cut;
use crate::report::escape::markdown;
use crate::report::markdown::{fit, prose};

/// The beginning of the comment, which identifies it.
pub const MARK: &str = "<!-- changegate:form -->";

/// When a form without a branch is looked at next.
const AGAIN: &str = "When you edit the form, it is read again.";

/// The maximum length of a summary in a title, in characters.
const TITLE: usize = 120;

/// The characters that are percent-encoded in a URL; the slashes of a branch are kept.
const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The content of the comment.
#[derive(Debug, Default)]
pub struct Comment {
    /// The branch that the form has become.
    pub branch: Option<Branch>,
    /// Why the form isn't a branch, or why the branch doesn't follow it, and what to do.
    pub refusal: Option<String>,
    /// The fields that are still missing or wrong.
    pub open: Vec<Open>,
}

/// The branch that a form has become.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The id of the change.
    pub id: String,
    /// The summary, in the requester's words.
    pub summary: String,
    /// The person who asks for the change.
    pub requester: Login,
    /// The URL of the repository, such as `https://github.com/acme/ops`.
    pub repository: String,
    /// The branch that the change goes to.
    pub base: String,
    /// The number of its pull request, if one is open.
    pub pull: Option<u64>,
}

/// A field that is missing or wrong.
#[derive(Debug, PartialEq)]
pub struct Open {
    /// The label of the field; `None` if it is about the request as a whole.
    pub label: Option<String>,
    /// What is missing or wrong.
    pub why: String,
}

impl Comment {
    /// Returns the comment in Markdown. Text from people is escaped.
    pub fn text(&self) -> String {
        let mut out = format!("{MARK}\n");
        match &self.branch {
            Some(branch) => out += &branch.text(),
            None => out += "### There is no branch for this form yet\n",
        }
        if let Some(refusal) = &self.refusal {
            let _ = writeln!(out, "\n{}", prose(refusal));
        }
        if !self.open.is_empty() {
            out += "\n**Still missing or wrong**\n\n";
        }
        for Open { label, why } in &self.open {
            let _ = match label {
                Some(label) => writeln!(out, "- **{}**: {}", markdown(label), prose(why)),
                None => writeln!(out, "- {}", prose(why)),
            };
        }
        let follows = match (&self.branch, &self.refusal) {
            (None, _) => AGAIN,
            (Some(Branch { pull: None, .. }), None) => {
                "When you edit the form, the branch is updated, until its pull request is open or \
                 somebody else commits to it."
            }
            (Some(_), _) => return fit(&out).into_owned(),
        };
        let _ = writeln!(out, "\n<sub>{follows}</sub>");
        fit(&out).into_owned()
    }
}

/// Returns the comment on a form about which nothing could be decided.
pub fn undecided(error: &anyhow::Error) -> String {
    let why = prose(&format!("{error:#}"));
    let text = format!("{MARK}\n### This form couldn't be judged\n\n{why}\n\n<sub>{AGAIN}</sub>\n");
    fit(&text).into_owned()
}

impl Branch {
    fn text(&self) -> String {
        let (id, requester) = (markdown(&self.id), &self.requester);
        let next = match self.pull {
            Some(number) => format!(
                "**[Its pull request]({}/pull/{number})** is open: the change is judged, reviewed \
                 and edited there.",
                self.repository
            ),
            None => format!(
                "**[Open the pull request]({})**: {requester} has to open it, because its author \
                 must be the requester. Then the change is judged, and its reviews begin.",
                self.link()
            ),
        };
        format!("### 📝 {id} is on the branch <code>change/{id}</code>\n\n{next}\n")
    }

    /// Returns the URL of the page that opens the pull request.
    pub fn link(&self) -> String {
        let Branch { id, summary, repository, base, .. } = self;
        let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let title = match summary.as_str() {
            "" => id.clone(),
            summary => format!("{id}: {}", cut(summary, TITLE)),
        };
        let (base, id, title) = (encoded(base), encoded(id), encoded(&title));
        format!("{repository}/compare/{base}...change/{id}?expand=1&title={title}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(summary: &str) -> Branch {
        Branch {
            id: "CHG-1241".to_owned(),
            summary: summary.to_owned(),
            requester: "alice".parse().unwrap(),
            repository: "https://github.com/acme/ops".to_owned(),
            base: "main".to_owned(),
            pull: None,
        }
    }

    fn open(label: Option<&str>, why: &str) -> Open {
        Open { label: label.map(str::to_owned), why: why.to_owned() }
    }

    #[test]
    fn a_branch_with_what_it_lacks() {
        let comment = Comment {
            branch: Some(branch("Fail checkout over")),
            refusal: None,
            open: vec![
                open(Some("Rollback owner"), "a high-risk change names who performs the rollback"),
                open(Some("Start"), "`tomorrow` is not a time: write one as RFC 3339"),
                open(None, "the roster lists nobody called <mallory>"),
            ],
        };
        insta::assert_snapshot!(comment.text());
    }

    #[test]
    fn a_form_without_a_branch() {
        let why =
            "`CHG-7` is taken by `requests/CHG-7.yaml`: write another number, or leave it out";
        let comment = Comment { refusal: Some(why.to_owned()), ..Comment::default() };
        insta::assert_snapshot!(comment.text());
    }

    #[test]
    fn a_link_holds_nothing_but_data() {
        let branch = Branch { base: "release/1 #2".to_owned(), ..branch("a&b=c) [x](y)#\n\"ä") };
        assert_eq!(
            branch.link(),
            "https://github.com/acme/ops/compare/release/1%20%232...change/CHG-1241?expand=1&title=\
             CHG-1241%3A%20a%26b%3Dc%29%20%5Bx%5D%28y%29%23%0A%22%C3%A4"
        );
    }

    #[test]
    fn what_people_wrote_is_shown_as_it_is() {
        let comment = Comment {
            branch: None,
            refusal: Some("the line `### <img> @org/team` appears twice".to_owned()),
            open: vec![open(Some("a](b) **"), "![x](https://evil.example/?x) #1")],
        };
        let text = comment.text();
        let own = text.replace("<code>", "").replace("</code>", "").replace(MARK, "");
        assert!(
            !own.contains("<img") && !own.contains("](") && !own.contains("https://"),
            "{text}"
        );
        assert!(!own.contains("@org"), "{text}");
    }
}
