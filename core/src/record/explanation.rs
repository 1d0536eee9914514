//! Why something went around the gate, as somebody explains it later: the material `note.txt` of a
//! note, so that the log itself holds no free text.
//!
//! ```text
//! The cluster was down, and nobody who may approve could be reached.
//!
//! Who: bob
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::characters::{Text, is_blank, refused};
use crate::terms::Login;
use crate::time::Time;

/// The name of the material that holds it.
pub const EXPLANATION_FILE: &str = "note.txt";

/// The longest text in bytes.
const MOST_BYTES: usize = 4096;

/// The beginning of the line that names who it was.
const WHO: &str = "\nWho: ";

/// An explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why.
    pub text: String,
    /// Who it was.
    pub who: Option<Login>,
}

/// What somebody said later about a bypass, and where that is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Explained {
    /// The index of the entry that says it.
    pub index: u64,
    /// When it was said.
    pub at: Time,
    /// Who said it.
    pub by: Login,
    /// Who went around the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Login>,
    /// Why.
    pub text: String,
}

impl Explained {
    /// Says it in a line, with who said it and when.
    pub fn line(&self) -> String {
        let who = self.who.as_ref().map(|who| format!("it was {who}; ")).unwrap_or_default();
        let (text, by, at) = (&self.text, &self.by, self.at.for_people(None));
        format!("{who}{text} ({by}, {at} UTC, entry {})", self.index)
    }
}

impl Explanation {
    /// Makes an explanation of a text without the blanks around it.
    ///
    /// # Errors
    /// When the text is blank or too long, or holds hidden characters.
    pub fn new(text: &str, who: Option<Login>) -> Result<Self, String> {
        let text = text.replace("\r\n", "\n").trim().to_owned();
        if is_blank(&text) {
            return Err("the explanation is empty: say in a sentence why it was done".to_owned());
        }
        if text.len() > MOST_BYTES {
            return Err(format!("the explanation is longer than {MOST_BYTES} bytes"));
        }
        if let Some((_, c, role)) = refused(&text, Text::Prose).next() {
            let code = u32::from(c);
            return Err(format!(
                "the explanation holds U+{code:04X}, which is {role}: leave it out"
            ));
        }
        Ok(Explanation { text, who })
    }

    /// Returns the file.
    pub fn file(&self) -> String {
        let who = self.who.as_ref().map(|who| format!("{WHO}{who}\n")).unwrap_or_default();
        format!("{}\n{who}", self.text)
    }

    /// Reads the file. Written again, it has the same bytes.
    ///
    /// # Errors
    /// When it isn't of this form.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let file = str::from_utf8(bytes).map_err(|_| "the explanation is not UTF-8 text")?;
        let last = file.rfind(WHO).map(|at| (&file[..at], file[at + WHO.len()..].trim_end()));
        let named = last.and_then(|(text, who)| Some((text, who.parse::<Login>().ok()?)));
        let explanation = match named {
            Some((text, who)) => Self::new(text, Some(who))?,
            None => Self::new(file, None)?,
        };
        match explanation.file() == file {
            true => Ok(explanation),
            false => Err("the explanation has blanks around it".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (text, who, file) in [
            (" one line ", None, "one line\n"),
            ("two\r\n\r\nparts", Some("bob"), "two\n\nparts\n\nWho: bob\n"),
            ("Who: me", None, "Who: me\n"),
        ] {
            let who = who.map(|who| who.parse().unwrap());
            let explanation = Explanation::new(text, who).unwrap();
            assert_eq!(explanation.file(), file);
            assert_eq!(Explanation::read(file.as_bytes()), Ok(explanation));
        }
    }

    #[test]
    fn nothing_else_is_taken() {
        let long = "a".repeat(MOST_BYTES + 1);
        for (text, why) in [
            ("", "is empty"),
            (" \n\u{3164}", "is empty"),
            (&*long, "is longer than 4096 bytes"),
            ("a\u{202e}b", "holds U+202E"),
            ("a\u{7}b", "holds U+0007"),
        ] {
            assert!(Explanation::new(text, None).unwrap_err().contains(why), "{text:?}");
        }
        for file in [&b"a"[..], b" a\n", b"a\n\n", b"a\r\n", b"a\n\nWho: bob", b"\xff\n"] {
            assert!(Explanation::read(file).is_err(), "{file:?}");
        }
    }
}
