//! The co-authors that a commit's message names.

use super::Commit;

impl Commit {
    /// Returns the email addresses of the co-authors that the message names.
    ///
    /// A line can name several people, and can be folded. What can't be read as an address is
    /// returned as it is, so that it isn't mistaken for nobody.
    pub fn co_authors(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = self.message.lines().peekable();
        while let Some(line) = lines.next() {
            let Some((key, value)) = line.split_once(':') else { continue };
            if key.trim().eq_ignore_ascii_case("co-authored-by") {
                let mut value = value.to_owned();
                while let Some(more) = lines.next_if(|line| line.starts_with([' ', '\t'])) {
                    value.push_str(more);
                }
                found.extend(addresses(&value).into_iter().map(str::to_owned));
            }
        }
        found
    }
}

/// Returns every address in a co-author line, and whatever is in its place.
fn addresses(line: &str) -> Vec<&str> {
    fn readable(text: &str) -> impl Iterator<Item = &str> {
        let words = text.split(|c: char| c.is_whitespace() || "<>(),;\"".contains(c));
        words.filter(|word| {
            word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        })
    }
    let bracketed = line.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest));
    let unreadable = bracketed.filter(|text| readable(text).next().is_none()).map(str::trim);
    let mut found: Vec<&str> = readable(line).chain(unreadable).collect();
    if found.is_empty() {
        found.push(line.trim());
    }
    found.iter().map(|text| if text.is_empty() { "an unnamed co-author" } else { text }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_co_author_line_counts() {
        for (line, expected) in [
            (" Dan <dan@a.example>", &["dan@a.example"][..]),
            (" Dan <dan@a.example>, Bob <bob@a.example>", &["dan@a.example", "bob@a.example"]),
            (" Dan <dan@a.example> Bob <bob@a.example", &["dan@a.example", "bob@a.example"]),
            (" Dan <dan@a.example; bob@a.example>", &["dan@a.example", "bob@a.example"]),
            ("bob@a.example (Bob), <dan@a.example>", &["bob@a.example", "dan@a.example"]),
            (" Dan <dan@a.example>, Bob <bob>", &["dan@a.example", "bob"]),
            (" Dan (@dan) <dan@a.example>", &["dan@a.example"]),
            (" Dan and Bob", &["Dan and Bob"]),
            (" Dan <>", &["an unnamed co-author"]),
            ("", &["an unnamed co-author"]),
        ] {
            assert_eq!(addresses(line), expected, "{line}");
        }
    }
}
