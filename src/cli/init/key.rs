//! A person's public key, as the roster lists it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The kinds of keys that OpenSSH signs with.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// The public key, kind and base64, that is meant by what `git config user.signingkey` may hold: a
/// key written out, with or without `key::`, or the path of a public key or of the private one
/// beside it.
///
/// # Errors
/// If there is no public key; a private one is never read.
pub fn public(meant: &str) -> anyhow::Result<String> {
    let meant = meant.trim();
    if let Some(literal) = meant.strip_prefix("key::") {
        return parse(literal);
    }
    if meant.split_whitespace().next().is_some_and(|kind| KINDS.contains(&kind)) {
        return parse(meant);
    }
    let path = at_home(meant);
    let path = if path.extension().is_some_and(|ending| ending == "pub") {
        path
    } else {
        let mut public = path.into_os_string();
        public.push(".pub");
        PathBuf::from(public)
    };
    read(&path)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("read the public key {shown} (`ssh-keygen` makes one)"))?;
    parse(&text).with_context(|| format!("read the public key {shown}"))
}

/// Kind and base64 of a public key; its comment, which anyone may choose, is left out.
fn parse(text: &str) -> anyhow::Result<String> {
    let mut words = text.split_whitespace();
    let (Some(kind), Some(key)) = (words.next(), words.next()) else {
        bail!("this is no public key: one reads `ssh-ed25519 AAAA…`");
    };
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    // It begins with the length of the kind's name in four bytes, the first three of them zero.
    if !KINDS.contains(&kind) || !key.starts_with("AAAA") || !key.bytes().all(is_base64) {
        bail!("this is no public key that Git signs with: one reads `ssh-ed25519 AAAA…`");
    }
    Ok(format!("{kind} {key}"))
}

/// A path in which `~/` is the home.
fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";

    #[test]
    fn keys_as_git_names_them() {
        let dir = tempfile::tempdir().unwrap();
        let private = dir.path().join("id");
        fs::write(&private, "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
        fs::write(dir.path().join("id.pub"), format!("{KEY} alice@laptop\n")).unwrap();
        let private = private.to_str().unwrap();
        for meant in [
            KEY,
            &format!("key::{KEY}"),
            &format!("{KEY} alice@laptop"),
            private,
            &format!("{private}.pub"),
        ] {
            assert_eq!(public(meant).unwrap(), KEY, "{meant}");
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let lonely = dir.path().join("lonely");
        fs::write(&lonely, "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
        let disguised = dir.path().join("disguised.pub");
        fs::write(&disguised, "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
        for meant in [
            lonely.to_str().unwrap(),
            disguised.to_str().unwrap(),
            "key::ssh-dss AAAAB3NzaC1kc3M",
            "ssh-ed25519 \"quoted\"",
            "ssh-ed25519",
            "0x4F5D6E7A",
        ] {
            assert!(public(meant).is_err(), "{meant}");
        }
    }
}
