//! The log as somebody saw it when they merged or reviewed, which their commit names as its last
//! trailer: `Ledger: <size> <root>`. So every merge and every review is a witness of the log.

use std::fmt;

use super::tree::Hash;

/// A log at a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The number of its entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Seen {
    /// Reads the trailer at the end of a message; `None` if there is none in exactly its form.
    pub fn in_message(message: &str) -> Option<Self> {
        let line = message.lines().next_back()?;
        let (size, root) = line.strip_prefix("Ledger: ")?.split_once(' ')?;
        let seen = Seen { size: size.parse().ok()?, root: root.parse().ok()? };
        (seen.to_string() == line).then_some(seen)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger: {} {}", self.size, self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::leaf;
    use super::*;

    #[test]
    fn a_message_names_the_log_at_its_end_alone() {
        let seen = Seen { size: 12, root: leaf(b"x") };
        let message = |text: &str| format!("Merge CHG-1\n\n{text}\n");
        assert_eq!(Seen::in_message(&message(&seen.to_string())), Some(seen));
        for wrong in [
            format!("{seen}\nPolicies: x"),
            seen.to_string().replace("12", "012"),
            seen.to_string().replace(": ", ":  "),
            format!("{seen} "),
            "Ledger: 12".to_owned(),
        ] {
            assert_eq!(Seen::in_message(&message(&wrong)), None, "{wrong}");
        }
    }
}
