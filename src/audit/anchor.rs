//! Anchors: checkpoints that somebody kept outside of the log, and keys that are known there.

use std::str::FromStr;

use super::{Finding, Step};
use crate::core::org::SigningKey;
use crate::core::record::checkpoint::Checkpoint;
use crate::core::record::key::PublicKey;
use crate::core::record::note::{KeyName, Note, SignatureType, VerifierKey};
use crate::git::{Repo, TagText};
use crate::ledger::{self, AUDIT};

/// What the line of a signature begins with.
const DASH: &str = "\u{2014} ";

/// A checkpoint that somebody kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Where it comes from, for people.
    pub name: String,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The note that it is the text of, with the signatures behind it.
    pub note: Note,
}

/// A key of a service that is known from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The log that it signs, if that was said.
    pub log: Option<KeyName>,
    /// The key.
    pub key: PublicKey,
}

impl FromStr for KnownKey {
    type Err = String;

    /// Reads a verifier key of C2SP, `NAME+ID+KEY`, or the line of a .pub file.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with("ssh-") || !text.contains('+') {
            let key = PublicKey::try_from(&text.parse::<SigningKey>()?)?;
            return Ok(KnownKey { log: None, key });
        }
        let key: VerifierKey = text.parse()?;
        match key.signs() {
            SignatureType::Ed25519 => {
                Ok(KnownKey { log: Some(key.name().clone()), key: *key.key() })
            }
            SignatureType::Cosignature => {
                Err(format!("`{text}` is the key of a witness, and not that of a log"))
            }
        }
    }
}

/// Reads the checkpoints in a file, one or several, signed or not.
///
/// # Errors
/// Where it holds something else.
pub fn anchors(name: &str, text: &str) -> Result<Vec<Anchor>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let mut lines = lines.skip_while(|(_, line)| line.starts_with(DASH)).peekable();
    let mut found = Vec::new();
    while let Some((number, origin)) = lines.next() {
        let mut rest = || lines.next().map(|(_, line)| line).unwrap_or_default();
        let (size, root) = (rest(), rest());
        let place = format!("{name}:{}", number + 1);
        let text = format!("{origin}\n{size}\n{root}\n");
        let wrong = |why: String| format!("{place}: {why}");
        let checkpoint = text.parse().map_err(wrong)?;
        let mut note = format!("{text}\n");
        while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with(DASH)) {
            note += &format!("{line}\n");
        }
        let note = Note::parse(note.as_bytes()).map_err(wrong)?;
        found.push(Anchor { name: place, checkpoint, note });
    }
    match &mut found[..] {
        [] => Err(format!("{name} holds no checkpoint")),
        [only] => {
            name.clone_into(&mut only.name);
            Ok(found)
        }
        _ => Ok(found),
    }
}

/// Reads the tags `audit/<size>`, whose message is the checkpoint at that size, and says which aren't
/// what the ledger's tags are. `tags` are their sizes and texts.
pub fn of_tags(repo: &Repo, tags: Vec<(String, Option<TagText>)>) -> (Vec<Anchor>, Vec<Finding>) {
    let (mut found, mut findings) = (Vec::new(), Vec::new());
    for (size, tag) in tags {
        let name = format!("tag {AUDIT}{size}");
        let commit = tag.as_ref().and_then(|tag| tag.commit);
        match checkpoint_of(repo, &size, tag) {
            Some(anchor) => found.push(Anchor { name, ..anchor }),
            None => findings.push(Finding {
                step: Step::Anchors,
                index: None,
                commit: commit.map(|commit| commit.to_string()),
                message: format!(
                    "the {name} isn't one of the ledger's: its message isn't the checkpoint of that \
                     size, or it is on another commit"
                ),
            }),
        }
    }
    (found, findings)
}

/// Returns the checkpoint that a tag holds, with its signatures: of the size that it is called by, on the entry there.
fn checkpoint_of(repo: &Repo, size: &str, tag: Option<TagText>) -> Option<Anchor> {
    let TagText { message, commit } = tag?;
    let [anchor] = <[Anchor; 1]>::try_from(anchors("", &message).ok()?).ok()?;
    let entry = ledger::read(repo, commit?).ok()?.entry.ok()?;
    let known = anchor.checkpoint.size;
    (known.to_string() == size && entry.index + 1 == known).then_some(anchor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::tree::leaf;

    #[test]
    fn a_key_is_a_logs_or_a_line_of_openssh() {
        let line =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia";
        let vkey = "example.com/ledger+162b6661+AfIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia";
        let read = |text: &str| text.parse::<KnownKey>();
        let known = read(vkey).unwrap();
        assert_eq!(known.log.as_ref().unwrap().to_string(), "example.com/ledger");
        assert_eq!(read(&format!("{line} server\n")), Ok(KnownKey { log: None, ..known }));
        let witness = "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
        for (text, why) in [
            (witness, "is the key of a witness"),
            ("nonsense", "is not an SSH public key"),
            ("a+b", "is not a verifier key"),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn a_file_holds_one_checkpoint_or_several() {
        let unsigned = format!("example.com/ledger\n3\n{}\n\n", leaf(b"x"));
        let signed =
            format!("{unsigned}{DASH}example.com/ledger AAAAAAAA\n{DASH}witness AAAAAAAA\n");
        let one = anchors("x", &unsigned).unwrap();
        assert_eq!((one[0].name.as_str(), one[0].checkpoint.size, one.len()), ("x", 3, 1));
        for text in [unsigned.trim_end(), &signed] {
            assert_eq!(anchors("x", text).unwrap()[0].checkpoint, one[0].checkpoint);
        }
        assert_eq!(anchors("x", &signed).unwrap()[0].note.to_string(), signed);
        for text in [format!("{unsigned}{signed}\n"), format!("{signed}{unsigned}")] {
            let both = anchors("x", &text).unwrap();
            assert_eq!(both.len(), 2);
            assert!(both.iter().all(|anchor| anchor.checkpoint == one[0].checkpoint));
            assert_eq!(both[0].name, "x:1");
        }
        assert_eq!(anchors("x", "\n").unwrap_err(), "x holds no checkpoint");
        let error = anchors("x", &format!("{unsigned}something\n")).unwrap_err();
        assert!(error.starts_with("x:5: this is not a checkpoint"), "{error}");
    }
}
