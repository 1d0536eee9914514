//! The file that proves that an entry is in a log (C2SP `tlog-proof`), readable with no repository.

use std::fmt;

use super::checkpoint::Checkpoint;
use super::note::{Note, Signed, VerifierKey};
use super::tree::{Frontier, Hash, Side, joins, up_to, verify_inclusion};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// An entry's place in a log, the hashes that lead from it to the root, and the checkpoint with all
/// its signatures. Extra data, which nothing would protect, are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    index: u64,
    hashes: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

impl TlogProof {
    /// Returns the proof of the entry at an index of the log of this checkpoint.
    ///
    /// # Errors
    /// When the note isn't a checkpoint.
    pub fn of(index: u64, hashes: Vec<Hash>, note: Note) -> Result<Self, String> {
        let checkpoint = note.text().parse()?;
        Ok(TlogProof { index, hashes, note, checkpoint })
    }

    /// Reads a proof's file. Written again, it has the same bytes.
    ///
    /// # Errors
    /// When it isn't of this form.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let wrong = || format!("this is not a proof: it is a file that begins `{FIRST_LINE}`");
        let text = str::from_utf8(bytes).map_err(|_| wrong())?;
        let (head, note) = text.split_once("\n\n").ok_or_else(wrong)?;
        let lines = head.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix("\nindex "));
        let mut lines = lines.ok_or_else(wrong)?.split('\n');
        let index = lines.next().and_then(|index| index.parse().ok()).ok_or_else(wrong)?;
        let hashes = lines.map(str::parse).collect::<Result<_, _>>()?;
        let proof = TlogProof::of(index, hashes, Note::parse(note.as_bytes())?)?;
        if proof.to_string() != text {
            return Err(wrong());
        }
        Ok(proof)
    }

    /// Returns the entry's index.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Returns the log's checkpoint. What signed it is verified apart.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Whether the log of the checkpoint holds this leaf there, if the checkpoint is true.
    pub fn includes(&self, leaf: Hash) -> bool {
        let whole = (self.checkpoint.size, self.checkpoint.root);
        verify_inclusion(leaf, self.index, whole, &self.hashes)
    }

    /// Whether anybody signed the checkpoint, known or not.
    pub fn is_signed(&self) -> bool {
        !self.note.is_unsigned()
    }

    /// Returns those of the known keys that signed the checkpoint.
    ///
    /// # Errors
    /// When a line claims to be by a known key and isn't.
    pub fn signed_by<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<Signed<'k>>, String> {
        self.note.signed_by(known)
    }

    /// Returns the hashes that lead from the leaf to the root, each with the side on which it is joined;
    /// none if there is no such way.
    pub fn joins(&self) -> Vec<(Side, Hash)> {
        joins(self.index, self.checkpoint.size, &self.hashes).unwrap_or_default()
    }

    /// Returns the log's tree up to this leaf and with it, if the log holds the leaf there.
    pub fn up_to(&self, leaf: Hash) -> Option<Frontier> {
        let tree = || up_to(leaf, self.index, self.checkpoint.size, &self.hashes);
        self.includes(leaf).then(tree).flatten()
    }

    /// Verifies that the log holds this leaf there, by its keys, and returns who of the witnesses
    /// cosigned that.
    ///
    /// # Errors
    /// When it is not proved, with the reason.
    pub fn verify<'k>(
        &self,
        leaf: Hash,
        log: &[VerifierKey],
        witnesses: &'k [VerifierKey],
    ) -> Result<Vec<Signed<'k>>, String> {
        let (_, cosigned) = Checkpoint::open(&self.note, log, witnesses)?;
        if !self.includes(leaf) {
            return Err(format!(
                "the log {} does not hold this entry at index {}",
                self.checkpoint.origin, self.index
            ));
        }
        Ok(cosigned)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\nindex {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::{CHECKPOINT, LOG, WITNESS};
    use crate::record::tree::leaf;

    /// The proof of the second entry, whose leaf is one zero byte.
    const PROOF: &str = "\
c2sp.org/tlog-proof@v1
index 1
bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=
ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=
";

    fn file() -> String {
        format!("{PROOF}\n{CHECKPOINT}")
    }

    #[test]
    fn a_proof_is_read_written_and_verified() {
        let proof = TlogProof::parse(file().as_bytes()).unwrap();
        assert_eq!(proof.to_string(), file());
        assert_eq!((proof.index(), proof.checkpoint().size), (1, 3));
        assert!(proof.includes(leaf(b"\0")));
        let (log, witness) = ([LOG.parse().unwrap()], [WITNESS.parse().unwrap()]);
        let cosigned = proof.verify(leaf(b"\0"), &log, &witness).unwrap();
        assert_eq!(cosigned, [Signed { key: &witness[0], time: Some(1679315147) }]);
    }

    #[test]
    fn another_entry_place_or_log_is_not_proved() {
        let (log, witness) = ([LOG.parse().unwrap()], [WITNESS.parse().unwrap()]);
        let verify = |file: &str, bytes: &[u8], log: &[VerifierKey]| {
            let proof = TlogProof::parse(file.as_bytes()).unwrap();
            proof.verify(leaf(bytes), log, &witness).map(|_| ()).unwrap_err()
        };
        let not_there = "the log example.com/ledger does not hold this entry at index ";
        assert_eq!(verify(&file(), b"\x10", &log), format!("{not_there}1"));
        let moved = file().replace("index 1", "index 0");
        assert_eq!(verify(&moved, b"\0", &log), format!("{not_there}0"));
        let shorter = file().replace("ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=\n", "");
        assert_eq!(verify(&shorter, b"\0", &log), format!("{not_there}1"));
        let grown = file().replace("\n3\n", "\n4\n");
        let mismatch = "the signature by example.com/ledger does not match";
        assert_eq!(verify(&grown, b"\0", &log), mismatch);
        let stranger = "no known key of the log example.com/ledger signed this checkpoint";
        assert_eq!(verify(&file(), b"\0", &[]), stranger);
    }

    #[test]
    fn only_the_one_form_is_read() {
        let file = file();
        let wrong = [
            "",
            PROOF,
            CHECKPOINT,
            &format!("\n{file}"),
            &file.replace("@v1", "@v2"),
            &file.replace("index 1", "extra AAAA\nindex 1"),
            &file.replace("index 1", "index 01"),
            &file.replace("index 1", "index +1"),
            &file.replace("index 1", "index 1 "),
            &file.replace("index 1\n", ""),
            &file.replace("oB0=\n", "oB1=\n"),
            &file.replace("oB0=\n", "oB0=\r\n"),
            &file.replace("oB0=\n", "oB0=\n\n"),
            &file.replace("\n3\n", "\n03\n"),
            &format!("{file}\n"),
        ];
        for wrong in wrong {
            assert!(TlogProof::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(TlogProof::parse(b"\xff").is_err());
    }
}
