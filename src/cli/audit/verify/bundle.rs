//! `changegate audit verify --bundle`: whether a bundle proves its entry.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::cli::shared::judges::judges;
use changegate::audit::anchor::{Anchor, KnownKey};
use changegate::audit::bundle::{Signers, Verified, folder, verify, zip};
use changegate::core::org::SigningKey;
use changegate::files;
use changegate::report::counted;
use changegate::report::escape::terminal;

/// What keys are known from that no file names.
const VKEY: &str = "--vkey";

/// Verifies the bundle in a folder or an archive.
pub fn verified(
    path: &Path,
    signers: Option<&Path>,
    keys: &[KnownKey],
    anchors: &[Anchor],
) -> anyhow::Result<Verified> {
    let mut signers = signers.map(read_signers).transpose()?;
    if !keys.is_empty() {
        let signers = signers.get_or_insert_with(|| Signers {
            name: VKEY.to_owned(),
            listed: None,
            services: Vec::new(),
        });
        let named = |known: &KnownKey| {
            let name =
                known.log.as_ref().map_or_else(|| "a service".to_owned(), ToString::to_string);
            (name, known.key.ssh())
        };
        signers.services.extend(keys.iter().map(named));
    }
    let bundle = if path.is_file() { zip::read(path)? } else { folder::read(path)? };
    verify(&bundle, &judges()?, signers.as_ref(), anchors)
        .with_context(|| format!("{} can't be verified", path.display()))
}

/// Reads a file of signers as git and ssh-keygen do; of the options, it takes `namespaces` alone.
fn read_signers(path: &Path) -> anyhow::Result<Signers> {
    let text = String::from_utf8_lossy(&files::read(path)?).into_owned();
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let read = || -> Result<Option<(String, SigningKey)>, String> {
            let (names, rest) =
                line.split_once(char::is_whitespace).ok_or("it names no key".to_owned())?;
            let rest = rest.trim_start();
            let (options, key) = match rest.strip_prefix("namespaces=\"") {
                Some(rest) => rest.split_once('"').ok_or("the option isn't ended".to_owned())?,
                None => ("git", rest),
            };
            let signs_commits = options.split(',').any(|name| matches!(name, "git" | "*"));
            let key = key.parse::<SigningKey>()?;
            Ok(signs_commits.then(|| (names.to_owned(), key)))
        };
        keys.extend(read().map_err(|why| anyhow!("{}:{}: {why}", path.display(), number + 1))?);
    }
    Ok(Signers { name: path.display().to_string(), listed: Some(keys), services: Vec::new() })
}

/// Writes what was found for people.
pub fn text(found: &Verified) -> String {
    let mut out = format!("{}, entry {}", terminal(&found.origin), found.index);
    if found.entries > 0 {
        let _ = write!(out, " of {}", found.entries);
    }
    let _ = writeln!(out, "\n  says         {}", terminal(&found.title));
    if let Some(signed) = &found.signed {
        let (by, from) = (terminal(&signed.by), terminal(&signed.known_from));
        let _ = writeln!(out, "  signed by    {by}, with a key that {from} names: {}", signed.key);
    } else {
        out.push_str("  signed by    nobody who is known\n");
    }
    if found.material > 0 {
        let _ = writeln!(out, "  rests on     {}", counted(found.material, "file", "files"));
    }
    if let Some(results) = super::made_again(found.replayed) {
        let _ = writeln!(out, "  made again   {results}");
    }
    let _ = writeln!(out, "  checkpoint   {} {}", found.entries, found.root);
    if found.anchors > 0 {
        let count = counted(found.anchors as u64, "checkpoint of others", "checkpoints of others");
        let _ = writeln!(out, "  agrees with  {count}");
    }
    for name in &found.not_compared {
        let _ = writeln!(out, "  not compared {}", terminal(name));
    }
    let is_from_outside = found.anchors > 0
        || found.signed.as_ref().is_some_and(|signed| signed.known_from != "the bundle");
    if !found.findings.is_empty() {
        out.push('\n');
    }
    for finding in &found.findings {
        let _ = writeln!(out, "{}: {}", finding.step, terminal(&finding.message));
    }
    if let Some(newer) = &found.newer {
        let _ = writeln!(out, "\nnot verified: {newer}, which is newer than this program");
    } else if !found.findings.is_empty() {
        let count = counted(found.findings.len() as u64, "finding", "findings");
        let _ = writeln!(out, "\nnot as it has to be: {count}");
    } else if !found.not_compared.is_empty() {
        out.push_str(
            "\nnot verified: what is listed as not compared; compare a checkpoint with the repository, \
             without --bundle\n",
        );
    } else if is_from_outside {
        out.push_str("\nverified\n");
    } else {
        out.push_str(
            "\nverified by its own keys: compare with keys or a checkpoint that you trust,\n\
             --allowed-signers FILE, --vkey KEY or --checkpoint FILE\n",
        );
    }
    out
}
