//! A page of the documentation: what it shows, and where it leads.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::repository;
use crate::plumbing::files_below;

/// A Markdown file of the repository.
pub struct Page {
    /// Its path from the repository's root.
    pub path: PathBuf,
    /// Its fenced blocks, in order.
    pub blocks: Vec<Block>,
    /// Its lines outside of them.
    pub prose: Vec<String>,
}

/// A fenced block.
pub struct Block {
    pub language: String,
    pub text: String,
}

/// All pages.
pub fn pages() -> Vec<Page> {
    let docs = files_below("docs", ".md");
    let docs = docs.iter().map(|path| path.strip_prefix(repository()).unwrap_or(path));
    let others = ["README.md", ".github/CONTRIBUTING.md"].map(Path::new);
    others.into_iter().chain(docs).map(Page::read).collect()
}

impl Page {
    pub fn read(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        let text = fs::read_to_string(repository().join(&path)).unwrap();
        let (mut blocks, mut prose, mut open) = (Vec::new(), Vec::new(), None);
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    open = Some((
                        indent,
                        Block { language: language.to_owned(), text: String::new() },
                    ));
                }
                (Some(_), _) => blocks.extend(open.take().map(|(_, block)| block)),
                (None, Some((indent, block))) => {
                    block.text += line.get(*indent..).unwrap_or_default();
                    block.text.push('\n');
                }
                (None, None) => prose.push(line.to_owned()),
            }
        }
        Page { path, blocks, prose }
    }

    /// The spans of code in the prose.
    pub fn spans(&self) -> Vec<String> {
        let prose = self.prose.join("\n");
        prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
    }

    /// The targets of the links.
    pub fn links(&self) -> Vec<String> {
        let prose = self.prose.join("\n");
        let targets = prose.split("](").skip(1);
        targets.map(|rest| rest.split(')').next().unwrap_or_default().to_owned()).collect()
    }

    /// The anchors of the headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose.iter().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}
