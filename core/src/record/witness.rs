//! What is said to a witness, and what it answers (C2SP `tlog-witness`).

use super::checkpoint::Checkpoint;
use super::note::{Note, VerifierKey};
use super::tree::Hash;
use crate::time::Time;

/// The path below a witness's address at which it takes checkpoints.
pub const ADD_CHECKPOINT: &str = "add-checkpoint";

/// The most hashes that a witness takes as a proof.
const MOST_HASHES: usize = 63;

/// Returns the request that a witness cosigns a checkpoint, with the proof that it continues the one of
/// the size `old`.
pub fn request(old: u64, proof: &[Hash], checkpoint: &Note) -> String {
    debug_assert!(proof.len() <= MOST_HASHES, "a tree of 2^63 entries");
    let proof: String = proof.iter().map(|hash| format!("{hash}\n")).collect();
    format!("old {old}\n{proof}\n{checkpoint}")
}

/// Reads the size of the checkpoint that a witness cosigned last, from its answer 409.
pub fn known_size(body: &str) -> Option<u64> {
    let size = body.strip_suffix('\n').unwrap_or(body);
    size.parse().ok().filter(|known: &u64| known.to_string() == size)
}

/// A checkpoint that a witness saw as the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The name of the witness.
    pub by: String,
    /// When.
    pub at: Time,
}

/// Returns who of the witnesses cosigned a checkpoint, and when.
///
/// # Errors
/// When a line claims to be by one of them and isn't.
pub fn cosigned(note: &Note, witnesses: &[VerifierKey]) -> Result<Vec<Cosigned>, String> {
    let (_, signed) = Checkpoint::cosigned(note, witnesses)?;
    let cosigned = signed.iter().filter_map(|it| {
        let at = Time::nearest_unix(i64::try_from(it.time?).ok()?);
        Some(Cosigned { by: it.key.name().to_string(), at })
    });
    Ok(cosigned.collect())
}

/// Returns a checkpoint with the cosignatures that a witness answered, as far as one of the known
/// witnesses made them.
///
/// # Errors
/// When the answer isn't signature lines, or none of them is by a known witness.
pub fn with_cosignatures(
    checkpoint: &Note,
    body: &str,
    witnesses: &[VerifierKey],
) -> Result<Note, String> {
    let answered = Note::parse(format!("{}\n{body}", checkpoint.text()).as_bytes())?;
    let kept = answered.only_by(witnesses);
    if cosigned(&kept, witnesses)?.is_empty() {
        return Err(
            "none of its cosignatures is by a witness that the settings name: add its key to \
                    `ledger.witnesses` in policies/org/settings/data.yaml"
                .to_owned(),
        );
    }
    Ok(checkpoint.clone().joined(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::{CHECKPOINT, LOG, WITNESS};

    #[test]
    fn what_a_witness_adds_is_kept_if_it_is_known() {
        let (log, cosignature) = CHECKPOINT.rsplit_once('\u{2014}').unwrap();
        let (log, cosignature) =
            (Note::parse(log.as_bytes()).unwrap(), format!("\u{2014}{cosignature}"));
        let witnesses: [VerifierKey; 1] = [WITNESS.parse().unwrap()];
        let other = format!("\u{2014} other.example AAAAAAAA\n{cosignature}");
        for body in [&cosignature, &other] {
            let note = with_cosignatures(&log, body, &witnesses).unwrap();
            assert_eq!(note.to_string(), CHECKPOINT);
            let [Cosigned { by, at }] = &cosigned(&note, &witnesses).unwrap()[..] else { panic!() };
            assert_eq!(
                (by.as_str(), at.to_string().as_str()),
                ("witness.example/w1", "2023-03-20T12:25:47Z")
            );
        }
        for (body, known, why) in [
            (cosignature.as_str(), &[][..], "by a witness that the settings name"),
            (&cosignature, &[LOG.parse().unwrap()], "by a witness that the settings name"),
            ("", &witnesses, "by a witness that the settings name"),
            ("<html>\n", &witnesses, "is not a signature line"),
            (&cosignature.replace("AAAA", "AAAB"), &witnesses, "does not match"),
        ] {
            let error = with_cosignatures(&log, body, known).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_request_and_a_size() {
        let (log, _) = CHECKPOINT.split_once('\u{2014}').unwrap();
        let note = Note::parse(log.as_bytes()).unwrap();
        assert_eq!(request(0, &[], &note), format!("old 0\n\n{log}"));
        let hash = crate::record::tree::leaf(b"x");
        assert_eq!(request(2, &[hash], &note), format!("old 2\n{hash}\n\n{log}"));
        let sizes = ["7\n", "7", "0\n", "07\n", "x\n", "", "7\n\n"].map(known_size);
        assert_eq!(sizes, [Some(7), Some(7), Some(0), None, None, None, None]);
    }
}
