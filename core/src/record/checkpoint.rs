//! Checkpoints (C2SP `tlog-checkpoint`): what a log was at a size, as the text of a note.

use std::fmt;
use std::str::FromStr;

use super::note::{KeyName, Note, SignatureType, Signed, VerifierKey};
use super::tree::Hash;

/// Which log had which root at which size. Extension lines, which nobody could check, are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: KeyName,
    /// The number of its entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Returns the checkpoint as a note that nobody signed yet.
    pub fn note(&self) -> Note {
        Note::unsigned(self.to_string())
    }

    /// Reads the checkpoint of a note that is signed by one of the log's keys, which have its origin
    /// for their name, and returns who of the witnesses cosigned it.
    ///
    /// # Errors
    /// When the text isn't a checkpoint, none of the log's keys signed it, or a signature by a known
    /// key is wrong.
    pub fn open<'k>(
        note: &Note,
        log: &[VerifierKey],
        witnesses: &'k [VerifierKey],
    ) -> Result<(Self, Vec<Signed<'k>>), String> {
        let checkpoint: Checkpoint = note.text().parse()?;
        let signs = |key: &&VerifierKey| {
            key.signs() == SignatureType::Ed25519 && *key.name() == checkpoint.origin
        };
        if note.signed_by(log.iter().filter(signs))?.is_empty() {
            return Err(format!(
                "no known key of the log {} signed this checkpoint",
                checkpoint.origin
            ));
        }
        Self::cosigned(note, witnesses)
    }

    /// Reads the checkpoint of a note, and returns who of the witnesses cosigned it. That one of the
    /// log's keys signed it isn't looked at: people who sign commits have none.
    ///
    /// # Errors
    /// When the text isn't a checkpoint, or a cosignature by a known key is wrong.
    pub fn cosigned<'k>(
        note: &Note,
        witnesses: &'k [VerifierKey],
    ) -> Result<(Self, Vec<Signed<'k>>), String> {
        let checkpoint: Checkpoint = note.text().parse()?;
        let cosigns = |key: &&VerifierKey| key.signs() == SignatureType::Cosignature;
        let cosigned = note.signed_by(witnesses.iter().filter(cosigns))?;
        Ok((checkpoint, cosigned))
    }
}

impl FromStr for Checkpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let [origin, size, root] = text.lines().collect::<Vec<_>>().try_into().ok()?;
            let size = size.parse().ok()?;
            let checkpoint =
                Checkpoint { origin: origin.parse().ok()?, size, root: root.parse().ok()? };
            (checkpoint.to_string() == text).then_some(checkpoint)
        };
        parts().ok_or_else(|| {
            "this is not a checkpoint: three lines with the log's origin, the size and the root in \
             base64"
                .to_owned()
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::*;
    use crate::record::samples::{CHECKPOINT, LOG, WITNESS, key};
    use crate::record::tree::{Tree, leaf};

    fn checkpoint() -> Checkpoint {
        let tree: Tree = [b"".as_slice(), b"\x00", b"\x10"].map(leaf).into_iter().collect();
        let root = tree.root_at(3).unwrap();
        Checkpoint { origin: "example.com/ledger".parse().unwrap(), size: 3, root }
    }

    #[test]
    fn a_checkpoint_is_that_of_another_program() {
        let mut note = checkpoint().note();
        note.sign(&checkpoint().origin, &key());
        let (unsigned, _) = CHECKPOINT.split_once('\u{2014}').unwrap();
        let (signed, _) = CHECKPOINT.rsplit_once('\u{2014}').unwrap();
        assert_eq!(checkpoint().note().to_string(), unsigned);
        assert_eq!(note.to_string(), signed);
    }

    #[test]
    fn the_log_signs_and_witnesses_cosign() {
        let (log, witness) = ([LOG.parse().unwrap()], [WITNESS.parse().unwrap()]);
        let note = Note::parse(CHECKPOINT.as_bytes()).unwrap();
        let (opened, cosigned) = Checkpoint::open(&note, &log, &witness).unwrap();
        assert_eq!(opened, checkpoint());
        assert_eq!(cosigned, [Signed { key: &witness[0], time: Some(1679315147) }]);
        assert_eq!(Checkpoint::open(&note, &log, &log).unwrap().1, [], "a log is not a witness");

        let unsigned = checkpoint().note();
        for (note, log) in [(&note, &witness[..]), (&note, &[]), (&unsigned, &log)] {
            let error = Checkpoint::open(note, log, &witness).unwrap_err();
            assert_eq!(error, "no known key of the log example.com/ledger signed this checkpoint");
        }
        let other = Checkpoint { origin: "example.com/other".parse().unwrap(), ..checkpoint() };
        let mut replayed = other.note();
        replayed.sign(&checkpoint().origin, &key());
        let error = Checkpoint::open(&replayed, &log, &[]).unwrap_err();
        assert!(error.contains("no known key of the log example.com/other"), "{error}");
    }

    #[test]
    fn a_cosignature_by_the_log_is_not_its_signature() {
        let cosigns = SignatureType::Cosignature;
        let cosigner = [VerifierKey::of(checkpoint().origin, cosigns, key().public())];
        let vkey = cosigner[0].to_string();
        let id = u32::from_str_radix(vkey.split('+').nth(1).unwrap(), 16).unwrap();
        let message = format!("cosignature/v1\ntime 1\n{}", checkpoint());
        let signature = key().sign(message.as_bytes());
        let bytes = [&id.to_be_bytes()[..], &1u64.to_be_bytes(), &signature].concat();
        let line = format!("\u{2014} {} {}\n", checkpoint().origin, BASE64.encode(bytes));
        let note = Note::parse(format!("{}{line}", checkpoint().note()).as_bytes()).unwrap();
        assert_eq!(
            note.signed_by(&cosigner).unwrap(),
            [Signed { key: &cosigner[0], time: Some(1) }]
        );
        assert!(Checkpoint::open(&note, &cosigner, &[]).is_err());
    }

    #[test]
    fn only_the_one_form_is_read() {
        let text = checkpoint().to_string();
        assert_eq!(text.parse(), Ok(checkpoint()));
        let empty = text.replace("\n3\n", "\n0\n");
        assert_eq!(empty.parse::<Checkpoint>().unwrap().size, 0);
        let wrong = [
            "",
            "\n3\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=\n",
            text.trim_end(),
            &format!("{text}\n"),
            &format!("{text}an extension\n"),
            &format!("\n{text}"),
            &text.replace('\n', "\r\n"),
            &text.replace("\n3", "\n03"),
            &text.replace("\n3", "\n+3"),
            &text.replace("\n3", "\n-3"),
            &text.replace("\n3", "\n3 "),
            &text.replace("\n3", "\n"),
            &text.replace("\n3", "\n18446744073709551616"),
            &text.replace("bnc=", "bnd="),
            &text.replace("bnc=", "bnc"),
            &text.replace("example.com/", "example.com /"),
            &text.replace("example.com/", "example.com+"),
        ];
        for wrong in wrong {
            let error = wrong.parse::<Checkpoint>().unwrap_err();
            assert!(error.starts_with("this is not a checkpoint: three lines"), "{wrong}: {error}");
        }
    }
}
