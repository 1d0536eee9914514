//! Verifies who made a commit, and that it holds nothing else, in this process, so that no
//! configuration, program or keyring can influence the result.

use std::fmt::Write as _;

use anyhow::Context as _;
use ssh_key::{PublicKey, SshSig};

use super::{Oid, Repo};
use crate::core::org::SigningKey;

/// The namespace of Git's signatures.
const NAMESPACE: &str = "git";

/// The beginning of an SSH signature.
const ARMOUR: &[u8] = b"-----BEGIN SSH SIGNATURE-----";

/// The result of verifying a commit's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The commit isn't signed.
    None,
    /// The signature was made by something else than SSH, such as GPG.
    NotSsh,
    /// The key is a certificate, or of a kind or length whose signatures prove nothing.
    UnusableKey,
    /// The signature doesn't match the commit.
    Invalid,
    /// The owner of this key signed the whole commit.
    By(SigningKey),
}

impl Repo {
    /// Whether a commit is, byte for byte, what [`Program::commit`](super::Program::commit) makes
    /// of this tree, these parents and this message: one person and one time, for author and
    /// committer alike, and no header but a signature.
    ///
    /// # Errors
    /// When the commit can't be read.
    pub fn is_made_of(
        &self,
        commit: Oid,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> anyhow::Result<bool> {
        let failed = || format!("cannot read commit {commit}");
        let objects = self.inner.odb().with_context(failed)?;
        let object = objects.read(commit).with_context(failed)?;
        let Ok(held) = std::str::from_utf8(object.data()) else { return Ok(false) };
        let header = held.split_once("\n\n").map_or(held, |(header, _)| header);
        let mut made = format!("tree {tree}\n");
        for parent in parents {
            let _ = writeln!(made, "parent {parent}");
        }
        let mut lines = header.lines().skip_while(|line| !line.starts_with("committer "));
        let Some(who) = lines.next().and_then(|line| line.strip_prefix("committer ")) else {
            return Ok(false);
        };
        let _ = writeln!(made, "author {who}\ncommitter {who}");
        let mut lines = lines.peekable();
        let signature = lines.next_if(|line| line.starts_with("gpgsig "));
        let rest = lines.take_while(|line| signature.is_some() && line.starts_with(' '));
        for line in signature.into_iter().chain(rest) {
            let _ = writeln!(made, "{line}");
        }
        Ok(held.strip_prefix(&made).and_then(|rest| rest.strip_prefix('\n')) == Some(message))
    }

    /// Verifies the signature of a commit.
    pub fn signature(&self, commit: Oid) -> Signature {
        let bytes = self.commit_bytes(commit).unwrap_or_default();
        let Some((signature, signed)) = without_signature(&bytes) else {
            return Signature::None;
        };
        if !signature.trim_ascii_start().starts_with(ARMOUR) {
            return Signature::NotSsh;
        }
        verified(NAMESPACE, &signed, &signature)
    }
}

/// Verifies an SSH signature of a text for a purpose, its namespace.
pub fn verified(namespace: &str, text: &[u8], signature: &[u8]) -> Signature {
    let Ok(signature) = SshSig::from_pem(signature) else {
        return Signature::Invalid;
    };
    let key = PublicKey::from(signature.public_key().clone());
    let Ok(signer) = SigningKey::try_from(key.clone()) else {
        return Signature::UnusableKey;
    };
    match key.verify(namespace, text, &signature) {
        Ok(()) => Signature::By(signer),
        Err(_) => Signature::Invalid,
    }
}

/// Splits a commit into its first signature and what that signs, which is all the rest. libgit2 can't
/// do that to a commit in memory: it reads on behind the end.
fn without_signature(commit: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const HEADER: &[u8] = b"gpgsig ";
    let (mut signature, mut signed) = (Vec::new(), Vec::new());
    let mut lines = commit.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next_if(|line| *line != b"\n") {
        match line.strip_prefix(HEADER).filter(|_| signature.is_empty()) {
            None => signed.extend(line),
            Some(first) => {
                signature.extend(first);
                while let Some(more) = lines.next_if(|line| line.starts_with(b" ")) {
                    signature.extend(&more[1..]);
                }
            }
        }
    }
    lines.for_each(|line| signed.extend(line));
    (!signature.is_empty()).then_some((signature, signed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_taken_out_of_its_commit() {
        let split = |text: &str| {
            let (signature, signed) = without_signature(text.as_bytes())?;
            Some((String::from_utf8(signature).unwrap(), String::from_utf8(signed).unwrap()))
        };
        let both = |signature: &str, signed: &str| Some((signature.to_owned(), signed.to_owned()));
        let commit = "tree 1\ngpgsig a\n b\n \nother c\n\ngpgsig d\n";
        assert_eq!(split(commit), both("a\nb\n\n", "tree 1\nother c\n\ngpgsig d\n"));
        let twice = "tree 1\ngpgsig a\ngpgsig b\n\nx";
        assert_eq!(split(twice), both("a\n", "tree 1\ngpgsig b\n\nx"));
        for none in ["", "tree 1\n", "tree 1\n\ngpgsig a\n", "tree 1\ngpgsig-sha256 a\n\n"] {
            assert_eq!(split(none), None);
        }
    }
}
