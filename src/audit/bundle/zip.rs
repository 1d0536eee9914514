//! A bundle as one file: a zip archive that any program unpacks.
//!
//! There is one way to write a bundle: files in the order of their paths, stored as they are, all of
//! 1980-01-01, nothing between them, and no comment. So that no other program sees another bundle in an
//! archive than this one does, only what is written in that way is read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use super::{Bundle, Content};
use crate::files;

/// The largest archive that is read, in bytes. Nothing in it is compressed, so that no more comes out.
const LARGEST: usize = 256 * 1024 * 1024;

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";

/// What both headers of a file say in common before its checksum: version 1.0, names in UTF-8, stored,
/// midnight, 1980-01-01.
const COMMON: [u8; 10] = [10, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];

/// What made the archive, as far as it matters: version 1.0, with the modes of Unix.
const MADE_BY: [u8; 2] = [10, 3];

/// The modes of a file and of a program, as Unix has them.
const MODES: [u32; 2] = [0o100_644, 0o100_755];

/// Writes a bundle to a file that is not there yet.
///
/// # Errors
/// When there is one, when it can't be written, or when the bundle is too large.
pub fn write(file: &Path, bundle: &Bundle) -> anyhow::Result<()> {
    let bytes = bytes(bundle)?;
    let shown = file.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .with_context(|| format!("cannot make {shown}: name a file that is not there yet"))?;
    file.write_all(&bytes).with_context(|| format!("cannot write {shown}"))
}

/// Reads the bundle in a file.
///
/// # Errors
/// When it can't be read, or isn't as [`write`] writes it.
pub fn read(file: &Path) -> anyhow::Result<Bundle> {
    let bytes = files::read_up_to(LARGEST, file)?;
    ensure!(bytes.len() <= LARGEST, "{} is too large for a bundle", file.display());
    parse(&bytes).with_context(|| format!("cannot use {}", file.display()))
}

/// Returns the archive of a bundle.
fn bytes(bundle: &Bundle) -> anyhow::Result<Vec<u8>> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (path, content) in bundle {
        is_path(path)?;
        let offset = u32::try_from(out.len())?;
        let mut header = COMMON.to_vec();
        let size = u32::try_from(content.bytes.len())?;
        for number in [crc32(&content.bytes), size, size] {
            header.extend(number.to_le_bytes());
        }
        header.extend(u16::try_from(path.len())?.to_le_bytes());
        header.extend([0, 0]);
        for part in [LOCAL, &header[..], path.as_bytes(), &content.bytes] {
            out.extend(part);
        }
        let mode = MODES[usize::from(content.is_executable)] << 16;
        // No comment, the first disk, and nothing about the content.
        for part in [CENTRAL, &MADE_BY[..], &header, &[0; 6], &mode.to_le_bytes()] {
            central.extend(part);
        }
        central.extend(offset.to_le_bytes());
        central.extend(path.as_bytes());
    }
    let count = u16::try_from(bundle.len()).context("a bundle holds at most 65,535 files")?;
    let (start, size) = (u32::try_from(out.len())?, u32::try_from(central.len())?);
    out.extend(central);
    out.extend(END);
    out.extend([0; 4]);
    out.extend([count, count].into_iter().flat_map(u16::to_le_bytes));
    out.extend([size, start].into_iter().flat_map(u32::to_le_bytes));
    out.extend([0; 2]);
    Ok(out)
}

/// Reads an archive: takes its files as they follow on each other, and compares it with what is written
/// of them.
fn parse(archive: &[u8]) -> anyhow::Result<Bundle> {
    const OTHER: &str = "it isn't as changegate writes it: if you trust who gave it to \
                         you, unpack it and verify the folder";
    ensure!(archive.starts_with(LOCAL), "it is not a bundle: {OTHER}");
    let mut bundle = Bundle::new();
    let mut rest = archive;
    while let Some(after) = rest.strip_prefix(LOCAL) {
        let (header, after) = after.split_at_checked(26).context(OTHER)?;
        let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|more| header[at + more]));
        let (path, after) =
            after.split_at_checked((number(22) & 0xffff) as usize).context(OTHER)?;
        let path = str::from_utf8(path).context(OTHER)?;
        is_path(path)?;
        let is_stored = header[4..6] == [0, 0];
        ensure!(is_stored, "`{path}` is compressed, and the files of a bundle are not: {OTHER}");
        let (bytes, after) = after.split_at_checked(number(18) as usize).context(OTHER)?;
        let content = Content { bytes: bytes.to_vec(), is_executable: false };
        let is_new = bundle.insert(path.to_owned(), content).is_none();
        ensure!(is_new, "it holds `{path}` twice: {OTHER}");
        rest = after;
    }
    // What is a program is said behind the files alone, before their offsets.
    for (path, content) in &mut bundle {
        let entry = rest.split_at_checked(46 + path.len());
        let (header, after) = entry.context(OTHER)?;
        content.is_executable = header[38..42] == (MODES[1] << 16).to_le_bytes();
        rest = after;
    }
    ensure!(bytes(&bundle)? == archive, OTHER);
    Ok(bundle)
}

/// Checks that a path can't leave the folder into which it is unpacked.
fn is_path(path: &str) -> anyhow::Result<()> {
    let is_name =
        |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
    if !path.split('/').all(is_name) {
        bail!("`{path}` can't be the name of a file in a bundle");
    }
    Ok(())
}

/// Returns the checksum of zip archives, CRC-32 as in ISO 3309.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let mut value = at as u32;
            let mut bit = 0;
            while bit < 8 {
                value = (value >> 1) ^ if value & 1 == 1 { 0xedb8_8320 } else { 0 };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[usize::from(crc as u8 ^ byte)];
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(files: &[(&str, &str, bool)]) -> Bundle {
        let content = |text: &str, is_executable| Content { bytes: text.into(), is_executable };
        files.iter().map(|(path, text, is)| ((*path).to_owned(), content(text, *is))).collect()
    }

    fn small() -> Bundle {
        bundle(&[("a", "one", false), ("b/c", "", false), ("b/run", "#!", true)])
    }

    #[test]
    fn a_bundle_has_one_archive() {
        let archive = bytes(&small()).unwrap();
        assert_eq!(parse(&archive).unwrap(), small());
        // Bundles are kept for years: what was written once has to be read for good.
        let digest = crate::core::digest::Digest::of(&archive).to_string();
        assert_eq!(
            digest,
            "sha256:4fde54064b5e5376a6883cd9c8abcfde0ccc1b64cdb83bb2b7b3ccf116b54363"
        );
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn no_changed_byte_is_read() {
        let archive = bytes(&small()).unwrap();
        for at in 0..archive.len() {
            let mut changed = archive.clone();
            changed[at] ^= 1;
            let read = parse(&changed);
            assert!(read.is_err(), "{at}: {read:?}");
            assert!(parse(&archive[..at]).is_err(), "cut at {at}");
        }
        for (before, after) in [("x", ""), ("", "x")] {
            let more = [before.as_bytes(), &archive, after.as_bytes()].concat();
            assert!(parse(&more).is_err());
        }
    }

    #[test]
    fn what_is_refused_is_named() {
        let said = |archive: &[u8]| format!("{:#}", parse(archive).unwrap_err());
        let archive = bytes(&small()).unwrap();
        assert!(said(b"PK\x05\x06").starts_with("it is not a bundle"));
        let mut deflated = archive.clone();
        deflated[8] = 8;
        assert!(said(&deflated).starts_with("`a` is compressed"));
        let name = archive.windows(3).position(|it| it == b"b/c").unwrap();
        for other in ["../", "/a/", "a\\b", "c:d", "a//"] {
            let mut named = archive.clone();
            named[name..name + 3].copy_from_slice(other.as_bytes());
            assert_eq!(said(&named), format!("`{other}` can't be the name of a file in a bundle"));
        }
        let [one, other] =
            [("b", "1"), ("c", "2")].map(|(name, text)| bundle(&[(name, text, false)]));
        let both = bytes(&one.into_iter().chain(other).collect()).unwrap();
        let twice: Vec<_> =
            both.iter().map(|byte| if *byte == b'c' { b'b' } else { *byte }).collect();
        assert!(said(&twice).starts_with("it holds `b` twice"));
        // Larger than the archive: nothing is made before it is there.
        let mut large = archive.clone();
        large[22..26].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(said(&large).starts_with("it isn't as"));
    }
}
