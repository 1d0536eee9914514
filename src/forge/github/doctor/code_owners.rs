//! Reads CODEOWNERS files: who owns a path.
//!
//! The rules are GitHub's: the last line that matches counts. A pattern without a slash inside
//! matches at any depth. A pattern that matches a folder includes everything below it. `*` as the
//! last part matches only directly in its folder. A line that isn't valid is skipped.
//! <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>

/// A CODEOWNERS file.
#[derive(Clone, Debug, Default)]
pub struct CodeOwners {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    pattern: Pattern,
    /// The owners; empty if nobody owns the paths that match.
    owners: Vec<String>,
}

/// A pattern, split at its slashes.
#[derive(Clone, Debug)]
struct Pattern {
    parts: Vec<String>,
    /// Whether the pattern also matches everything below a folder that it matches.
    takes_all_below: bool,
}

impl CodeOwners {
    /// Reads a file.
    pub fn parse(text: &str) -> Self {
        CodeOwners { lines: text.lines().filter_map(Line::parse).collect() }
    }

    /// Returns the owners of a path as the file names them; empty if nobody owns it.
    pub fn of(&self, path: &str) -> &[String] {
        let parts: Vec<_> = path.split('/').collect();
        let line = self.lines.iter().rfind(|line| line.pattern.matches(&parts));
        line.map_or(&[], |line| &line.owners)
    }
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let mut words = words(text).into_iter();
        let pattern = Pattern::parse(&words.next()?)?;
        let owners: Vec<_> = words.collect();
        // A single owner that isn't valid makes the whole line invalid.
        let is_owner = |owner: &String| owner.chars().count() > 1 && owner.contains('@');
        owners.iter().all(is_owner).then_some(Line { pattern, owners })
    }
}

/// Returns the words before a comment. A backslash makes the next character part of the word.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            '#' if word.is_empty() => break,
            c if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

impl Pattern {
    /// Reads a pattern, or returns `None` if it uses syntax that CODEOWNERS doesn't support, such
    /// as negation and ranges.
    fn parse(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('/').unwrap_or(text);
        if text.starts_with('!') || text.contains(['[', ']']) || text.contains("***") {
            return None;
        }
        let (inside, is_folder) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        if inside.is_empty() {
            return None;
        }
        let is_anchored = text.starts_with('/') || inside.contains('/');
        let mut parts: Vec<_> = inside.split('/').map(str::to_owned).collect();
        if !is_anchored {
            parts.insert(0, "**".to_owned());
        }
        let last = parts.last().map(String::as_str);
        let takes_all_below = !is_folder && !matches!(last, Some("*" | "**"));
        if is_folder {
            parts.push("**".to_owned());
        }
        Some(Pattern { parts, takes_all_below })
    }

    fn matches(&self, path: &[&str]) -> bool {
        let parts: Vec<_> = self.parts.iter().map(String::as_str).collect();
        fits(&parts, path) || (self.takes_all_below && fits(&[&parts[..], &["**"]].concat(), path))
    }
}

/// Whether a path matches a pattern, both split at their slashes.
fn fits(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], _) => path.is_empty(),
        (["**"], _) => !path.is_empty(),
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| fits(rest, &path[skipped..])),
        ([part, rest @ ..], [name, below @ ..]) => {
            is_like(part.as_bytes(), name.as_bytes()) && fits(rest, below)
        }
        (_, []) => false,
    }
}

/// Whether a name matches a pattern with `*` and `?`.
fn is_like(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|taken| is_like(rest, &name[taken..])),
        ([b'?', rest @ ..], [_, more @ ..]) => is_like(rest, more),
        ([c, rest @ ..], [d, more @ ..]) => c == d && is_like(rest, more),
        (_, []) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's own examples, and cases that are easy to get wrong.
    #[test]
    fn patterns_match_as_github_documents() {
        for (pattern, path, expected) in [
            ("*", "a/b/c.rs", true),
            ("*.js", "src/deep/app.js", true),
            ("*.js", "src/app.jsx", false),
            ("/build/logs/", "build/logs/today/x", true),
            ("/build/logs/", "other/build/logs/x", false),
            ("docs/*", "docs/getting-started.md", true),
            ("docs/*", "docs/build-app/troubleshooting.md", false),
            ("apps/", "deep/apps/x/y", true),
            ("apps/", "apps", false),
            ("/docs/", "docs/a/b", true),
            ("/apps/github", "apps/github", true),
            ("/apps/github", "apps/github/deep/x", true),
            ("/apps/github", "apps/githubs", false),
            ("**/logs", "build/logs/x", true),
            ("**/logs", "logs/x", true),
            ("policies", "policies/org/roster/data.yaml", true),
            ("policies/org", "deep/policies/org/x", false),
            ("/policies/**", "policies/a/b", true),
            ("/policies/**/data.yaml", "policies/data.yaml", true),
            ("/policies/**/data.yaml", "policies/org/roster/data.yaml", true),
            ("/policies/*.yaml", "policies/org/data.yaml", false),
            ("/Policies/", "policies/a", false),
            ("/.github/workflow?/", ".github/workflows/a.yml", true),
            ("!policies/", "policies/a", false),
            ("/[p]olicies/", "policies/a", false),
        ] {
            let owners = CodeOwners::parse(&format!("{pattern} @acme/owners"));
            assert_eq!(!owners.of(path).is_empty(), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_line_that_matches_counts() {
        let text = "# all\n* @acme/all # not\n\n/policies/ @erin \
                    carol@acme.example\n/policies/open\n/policies/broken erin\n/with\\ blank/ \
                    @dan\n";
        let owners = CodeOwners::parse(text);
        assert_eq!(owners.of("README.md"), ["@acme/all"]);
        assert_eq!(owners.of("policies/a"), ["@erin", "carol@acme.example"]);
        assert_eq!(owners.of("policies/open/a"), [""; 0]);
        assert_eq!(owners.of("policies/broken/a"), ["@erin", "carol@acme.example"]);
        assert_eq!(owners.of("with blank/a"), ["@dan"]);
    }
}
