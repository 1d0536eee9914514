//! The public key that a setting or a person names.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error};

use crate::core::org::SigningKey;
use crate::files;

/// The beginnings of a public key that is given as text.
const KINDS: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];

/// Returns the public key for a value that `git config user.signingkey` may have: a public key as
/// text, with or without `key::`, or the path of a public key, or of the private one beside it.
///
/// # Errors
/// If there is no public key, or if its signatures wouldn't count. A private one is never read.
pub fn public(meant: &str) -> anyhow::Result<SigningKey> {
    find(meant)?.with_context(|| {
        let file = file(meant.trim());
        format!("read the public key {}: there is none (`ssh-keygen` makes one)", file.display())
    })
}

/// Does what [`public`] does, and returns `None` if there is no file with the key.
///
/// # Errors
/// If the key's signatures wouldn't count.
pub fn find(meant: &str) -> anyhow::Result<Option<SigningKey>> {
    if let Some(literal) = as_text(meant) {
        return literal.parse().map(Some).map_err(Error::msg);
    }
    let path = file(meant.trim());
    if !path.exists() {
        return Ok(None);
    }
    let text = files::read(&path)?;
    let key = String::from_utf8_lossy(&text).parse().map_err(Error::msg);
    key.map(Some).with_context(|| format!("read the public key {}", path.display()))
}

/// Returns the public key that a setting gives as text, and not by a file.
pub fn as_text(meant: &str) -> Option<&str> {
    let meant = meant.trim();
    let literal = meant.strip_prefix("key::").unwrap_or(meant);
    let is_text = literal.len() < meant.len() || KINDS.iter().any(|kind| meant.starts_with(kind));
    is_text.then_some(literal)
}

/// The files in which `ssh-keygen` writes public keys, the preferred one first.
const USUAL: [&str; 3] = ["~/.ssh/id_ed25519.pub", "~/.ssh/id_ecdsa.pub", "~/.ssh/id_rsa.pub"];

/// Returns the commands after which git signs with an SSH key: with `known` as the user named it,
/// else with the usual one that is there, else with one that the first command makes.
pub fn how_to_name_one(known: Option<&str>) -> impl Iterator<Item = String> {
    let is_there = |file: &&&str| find(file).is_ok_and(|key| key.is_some());
    let whole = |named: &str| match Path::new(named).canonicalize() {
        Ok(path) => path.display().to_string(),
        Err(_) => named.to_owned(),
    };
    let usual = || USUAL.iter().find(is_there).map(|file| (*file).to_owned());
    let there = known.map(whole).or_else(usual);
    let make = there.is_none().then(|| "ssh-keygen -t ed25519".to_owned());
    let file = there.unwrap_or_else(|| USUAL[0].to_owned());
    // In quotes, the shell wouldn't replace `~`.
    let is_plain =
        file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"~/._-".contains(&byte));
    let file = if is_plain { file } else { format!("'{}'", file.replace('\'', r"'\''")) };
    make.into_iter().chain([
        "git config gpg.format ssh".to_owned(),
        format!("git config user.signingkey {file}"),
    ])
}

/// Returns the file with the public key: the one that is named, or the one beside the private key.
fn file(named: &str) -> PathBuf {
    let path = at_home(named);
    if path.extension().is_some_and(|ending| ending == "pub") {
        return path;
    }
    let mut public = path.into_os_string();
    public.push(".pub");
    PathBuf::from(public)
}

/// Returns a path in which `~/` is replaced by the home folder.
fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";

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
            assert_eq!(public(meant).unwrap().to_string(), KEY, "{meant}");
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
