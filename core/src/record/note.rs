//! Signed notes (C2SP `signed-note`): a text, and a line for each signature by a named key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::key::{PublicKey, ServiceKey};

/// The most signatures that are read of a note.
const MOST_SIGNATURES: usize = 100;

/// What a signature line begins with.
const DASH: &str = "\u{2014} ";

/// A text with its signatures. It may have none: then it proves nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Line>,
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

/// What tells the keys of one name apart; it proves nothing.
type KeyId = [u8; 4];

/// A key that signed a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'k> {
    /// The key.
    pub key: &'k VerifierKey,
    /// When, in seconds since 1970 in UTC, where the signature says it.
    pub time: Option<u64>,
}

impl Note {
    /// Returns a text without signatures yet. It ends with the end of a line.
    pub(super) fn unsigned(text: String) -> Self {
        Note { text, signatures: Vec::new() }
    }

    /// Reads a note. Written again, it has the same bytes.
    ///
    /// # Errors
    /// When it isn't of the form of a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let note = str::from_utf8(bytes).map_err(|_| "this note is not UTF-8 text")?;
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err("this note holds a control character".to_owned());
        }
        let blank = note.rfind("\n\n").ok_or("this note has no empty line after its text")?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        if lines.matches('\n').count() > MOST_SIGNATURES {
            return Err(format!("this note has more than {MOST_SIGNATURES} signatures"));
        }
        let signatures = lines.split_inclusive('\n').map(Line::parse).collect::<Result<_, _>>()?;
        Ok(Note { text: text.to_owned(), signatures })
    }

    /// Returns what the signatures sign, its last line ended too.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nobody signed the note, known or not.
    pub fn is_unsigned(&self) -> bool {
        self.signatures.is_empty()
    }

    /// Whether this key signed the note once, and nobody else did.
    pub fn is_by_alone(&self, key: &VerifierKey) -> bool {
        self.signatures.len() == 1 && self.signed_by([key]).is_ok_and(|signed| !signed.is_empty())
    }

    /// Returns the note with the signatures by these keys alone, whether they match or not.
    pub(super) fn only_by(mut self, known: &[VerifierKey]) -> Self {
        let is_known =
            |line: &Line| known.iter().any(|key| line.name == key.name && line.id == key.id());
        self.signatures.retain(is_known);
        self
    }

    /// Returns the note with the signatures of another one of the same text behind its own.
    pub(super) fn joined(mut self, other: Note) -> Self {
        self.signatures.extend(other.signatures);
        self
    }

    /// Adds a service's signature, by the name that its key has in the log.
    pub fn sign(&mut self, name: &KeyName, key: &ServiceKey) {
        let verifier = VerifierKey::of(name.clone(), SignatureType::Ed25519, key.public());
        let bytes = key.sign(self.text.as_bytes()).to_vec();
        self.signatures.push(Line { name: verifier.name.clone(), id: verifier.id(), bytes });
    }

    /// Returns those of the known keys that signed, each once, with its newest time. Signatures by
    /// others are passed over; if this leaves none, the text must not be relied on.
    ///
    /// # Errors
    /// When a line claims to be by a known key and isn't.
    pub fn signed_by<'k>(
        &self,
        known: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Result<Vec<Signed<'k>>, String> {
        let mut signed: Vec<Signed<'k>> = Vec::new();
        for key in known {
            if signed.iter().any(|it| it.key == key) {
                continue;
            }
            let id = key.id();
            let lines =
                self.signatures.iter().filter(|line| line.id == id && line.name == key.name);
            let times = lines
                .map(|line| key.verify(&self.text, &line.bytes))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| format!("the signature by {} does not match", key.name))?;
            signed.extend(times.into_iter().max().map(|time| Signed { key, time }));
        }
        Ok(signed)
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self, String> {
        let parts = || {
            let (name, bytes) = line.strip_suffix('\n')?.strip_prefix(DASH)?.split_once(' ')?;
            let bytes = BASE64.decode(bytes).ok()?;
            let (id, bytes) = bytes.split_first_chunk()?;
            let signature = Line { name: name.parse().ok()?, id: *id, bytes: bytes.to_vec() };
            (!bytes.is_empty()).then_some(signature)
        };
        parts().ok_or_else(|| format!("`{}` is not a signature line", line.trim_end()))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| {
            let bytes = BASE64.encode([line.id.as_slice(), &line.bytes].concat());
            writeln!(f, "{DASH}{} {bytes}", line.name)
        })
    }
}

/// The name of a key, by which a log and its witnesses are known; a log's is its origin too. It is
/// not empty and has neither blanks, control characters nor `+`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl FromStr for KeyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = |c: char| c.is_whitespace() || c < ' ' || c == '+';
        if text.is_empty() || text.contains(refused) {
            return Err(format!(
                "`{text}` can't name a log or a witness: write host and path, such as \
                 `example.com/ledger`, without blanks and `+`"
            ));
        }
        Ok(KeyName(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a key signs, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureType {
    /// The text of a note.
    Ed25519 = 1,
    /// The text of a checkpoint, and when it was the newest that a witness saw (C2SP
    /// `tlog-cosignature`).
    Cosignature = 4,
}

/// A public key with its name and what it signs, written as a vkey: `NAME+ID+KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    signs: SignatureType,
    key: PublicKey,
}

impl VerifierKey {
    /// Returns the key of this name.
    pub fn of(name: KeyName, signs: SignatureType, key: PublicKey) -> Self {
        VerifierKey { name, signs, key }
    }

    /// Returns the name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns what the key signs.
    pub fn signs(&self) -> SignatureType {
        self.signs
    }

    /// Returns the key alone.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    fn id(&self) -> KeyId {
        let [a, b, c, d, ..] = <[u8; 32]>::from(
            Sha256::new()
                .chain_update(&self.name.0)
                .chain_update([b'\n', self.signs as u8])
                .chain_update(self.key.bytes())
                .finalize(),
        );
        [a, b, c, d]
    }

    /// Returns the time of a signature that this key made of the text, if the signature holds one.
    /// `None` if the key didn't make it.
    fn verify(&self, text: &str, bytes: &[u8]) -> Option<Option<u64>> {
        let (message, signature, time) = match self.signs {
            SignatureType::Ed25519 => (text.to_owned(), bytes, None),
            SignatureType::Cosignature => {
                let (time, signature) = bytes.split_first_chunk()?;
                let time = u64::from_be_bytes(*time);
                i64::try_from(time).ok()?;
                (format!("cosignature/v1\ntime {time}\n{text}"), signature, Some(time))
            }
        };
        self.key.verify(message.as_bytes(), signature.try_into().ok()?).then_some(time)
    }
}

impl FromStr for VerifierKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a verifier key: it has the form NAME+ID+KEY");
        let (name, rest) = text.split_once('+').ok_or_else(wrong)?;
        let (_, key) = rest.split_once('+').ok_or_else(wrong)?;
        let bytes = BASE64.decode(key).map_err(|_| wrong())?;
        let (signs, key) = match bytes.split_first().ok_or_else(wrong)? {
            (1, key) => (SignatureType::Ed25519, key),
            (4, key) => (SignatureType::Cosignature, key),
            (other, _) => {
                return Err(format!(
                    "the key `{text}` makes signatures of the type {other:#04x}: only Ed25519 (0x01, \
                     and 0x04 for witnesses) is supported"
                ));
            }
        };
        let key = key.try_into().ok().and_then(PublicKey::of).ok_or_else(wrong)?;
        let key = VerifierKey::of(name.parse()?, signs, key);
        if key.to_string() != text {
            return Err(format!("`{text}` is not a verifier key: its id is not that of the key"));
        }
        Ok(key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        let key = BASE64.encode([&[self.signs as u8], self.key.bytes().as_slice()].concat());
        write!(f, "{}+{id:08x}+{key}", self.name)
    }
}

#[cfg(test)]
mod tests;
