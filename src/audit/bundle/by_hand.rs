//! `VERIFY.md`: how to check a bundle by hand.

use std::fmt::Write as _;

use super::{Bundle, COMMIT_FILE, ENVELOPE_FILE, PROOF_FILE, SIGNERS_FILE, SIGSTORE_FILE};
use crate::core::record::entry::{Entry, SIGNATURES_FILE};
use crate::core::record::key::PublicKey;
use crate::core::record::proof::TlogProof;
use crate::core::record::statement::PREDICATE;
use crate::core::record::tree::Side;
use crate::core::terms::all_of;
use crate::git::commit_id;

/// What the file ends with: which program wrote it.
const WRITTEN_BY: &str = concat!("Written by changegate ", env!("CARGO_PKG_VERSION"), ".\n");

/// Whether the file says that it was written by this version of the program, which would write it so
/// again.
pub fn is_of_this_program(bytes: &[u8]) -> bool {
    let last = bytes.strip_suffix(b"\n").unwrap_or(bytes).rsplit(|byte| *byte == b'\n').next();
    let last = last.map(String::from_utf8_lossy).unwrap_or_default();
    !last.starts_with("Written by changegate ") || format!("{last}\n") == WRITTEN_BY
}

/// Returns the file.
pub fn text(entry: &Entry, proof: &TlogProof, bundle: &Bundle, key: Option<&PublicKey>) -> String {
    let it = &entry.statement.predicate;
    let mut page = Page(String::new());
    page.says(&format!("# Entry {} of {}", entry.index, it.origin));
    entry.message().lines().for_each(|line| page.line(format!("> {line}").trim_end()));
    page.says(
        "\n`changegate audit verify --bundle .` checks everything here, with no repository, and makes the \
         decision again.\nIt needs something from outside that you trust: the keys of those who may sign \
         (`--allowed-signers FILE`)\nor a checkpoint that somebody else kept (`--checkpoint FILE`).\n\n\
         The commands below do without changegate: they need a POSIX shell in this folder, git, \
         ssh-keygen, openssl,\nsha256sum and base64. Behind `#=>` is what each prints.",
    );
    statement(&mut page, entry);
    commit(&mut page, entry, bundle, key);
    place(&mut page, entry, proof);
    material(&mut page, entry);
    page.says("## What a bundle can't show");
    page.says(
        "That nothing else reached the branch, and that the log is the one that others see. The whole \
         ledger shows the\nfirst, with `changegate audit verify` in a clone; a checkpoint that somebody \
         else kept shows the second.\n",
    );
    page.0 + WRITTEN_BY
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn says(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}\n");
    }

    /// Shows commands, and what they print.
    fn runs(&mut self, commands: &str, prints: &[String]) {
        self.line("```sh");
        self.line(commands);
        prints.iter().for_each(|line| self.line(&format!("#=> {line}")));
        self.says("```");
    }
}

fn statement(page: &mut Page, entry: &Entry) {
    page.says("## The statement has the id that its commit names");
    let digits = entry.id.to_string().replace("sha256:", "");
    page.runs("sha256sum entry.json", &[format!("{digits}  entry.json")]);
}

/// Shows how the signatures of a service are checked.
fn sealed(page: &mut Page, key: &PublicKey) {
    page.says("A service signed it: the same key signed the statement (DSSE) and the checkpoint (C2SP's note).");
    let verify = "openssl pkeyutl -verify -pubin -inkey \"$repo/key.pem\" -rawin \\\n  \
                  -in \"$repo/signed\" -sigfile \"$repo/sig\"";
    let verified = ["Signature Verified Successfully".to_owned()];
    let pem = key.pem();
    let statement = "(printf 'DSSEv1 28 application/vnd.in-toto+json %s ' $(($(wc -c < entry.json)))\n \
                     cat entry.json) > \"$repo/signed\"\n\
                     sed 's/.*\"sig\":\"//;s/\".*//' entry.sig | base64 -d > \"$repo/sig\"";
    page.runs(
        &format!("cat > \"$repo/key.pem\" <<'END'\n{pem}END\n{statement}\n{verify}"),
        &verified,
    );
    let checkpoint = "sed '/^$/,$d' checkpoint > \"$repo/signed\"\n\
                      tail -n 1 checkpoint | cut -d ' ' -f 3 | base64 -d | tail -c +5 > \"$repo/sig\"";
    page.runs(&format!("{checkpoint}\n{verify}"), &verified);
    page.says(&format!(
        "`{ENVELOPE_FILE}` and `{SIGSTORE_FILE}` hold the statement with its signature for other programs; \
         with the key in\na file, `cosign verify-blob-attestation --key key.pem --insecure-ignore-tlog \
         --bundle {SIGSTORE_FILE} \\\n--type {PREDICATE} FILE` takes the second."
    ));
}

fn commit(page: &mut Page, entry: &Entry, bundle: &Bundle, key: Option<&PublicKey>) {
    page.says("## The commit holds the statement, and somebody signed it");
    let bytes = bundle.get(COMMIT_FILE).map(|it| it.bytes.as_slice()).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let tree = text.lines().next().unwrap_or_default().replace("tree ", "");
    let id = commit_id(bytes).to_string();
    let signed = bundle.get(SIGNATURES_FILE).map(|_| " entry.sig").unwrap_or_default();
    page.runs(
        &format!(
            "repo=$(mktemp -d) && git init --quiet --bare \"$repo\"\n\
             for file in checkpoint entry.json{signed} state; do\n  \
               blob=$(git -C \"$repo\" hash-object -w --stdin < \"$file\")\n  \
               printf '100644 blob %s\\t%s\\n' \"$blob\" \"$file\"\n\
             done | git -C \"$repo\" mktree"
        ),
        std::slice::from_ref(&tree),
    );
    page.runs("head -n 1 commit", &[format!("tree {tree}")]);
    let hash = "git -C \"$repo\" hash-object -w -t commit --stdin < commit";
    page.runs(hash, std::slice::from_ref(&id));
    let trailers = [format!("Root: {}", entry.state.tree.root()), format!("Entry: {}", entry.id)];
    page.runs("tail -n 2 commit", &trailers);
    if text.contains("\ngpgsig ") {
        page.runs(
            &format!(
                "git -C \"$repo\" -c gpg.format=ssh -c gpg.ssh.allowedSignersFile=\"$PWD/{SIGNERS_FILE}\" \\\n  \
                 verify-commit {id}"
            ),
            &["Good \"git\" signature for …".to_owned()],
        );
        page.says(
            "The keys are those of the roster and the settings in `base/policies`. Compare them with \
             those that you know to be theirs.",
        );
        if let Some(key) = key {
            sealed(page, key);
        }
    } else {
        page.says("Nobody signed the commit.");
    }
}

fn place(page: &mut Page, entry: &Entry, proof: &TlogProof) {
    let (checkpoint, index) = (proof.checkpoint(), entry.index);
    page.says(&format!("## The log of {} entries holds it at index {index}", checkpoint.size));
    page.says(&format!(
        "`{PROOF_FILE}` is in the form of C2SP's tlog-proof: the hashes of RFC 6962, then the log's \
         checkpoint.\n{}",
        match proof.is_signed() {
            true => "Programs that speak C2SP verify it with the log's key.",
            false => "No service signed the checkpoint: it is worth as much as the place that it is \
                      compared with.",
        }
    ));
    let mut commands = "hash() { openssl dgst -sha256 -binary | base64; }\n\
         raw() { printf '%s\\n' \"$1\" | base64 -d; }\n\
         at=$( (printf '\\000'; cat entry.json) | hash)"
        .to_owned();
    for (side, hash) in proof.joins() {
        let (left, right) = match side {
            Side::Left => (format!("'{hash}'"), "\"$at\"".to_owned()),
            Side::Right => ("\"$at\"".to_owned(), format!("'{hash}'")),
        };
        let _ = write!(commands, "\nat=$( (printf '\\001'; raw {left}; raw {right}) | hash)");
    }
    commands.push_str("\necho \"$at\"");
    page.runs(&commands, &[checkpoint.root.to_string()]);
    let lines = checkpoint.to_string();
    let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
    page.runs(&format!("sed '1,/^$/d' {PROOF_FILE}"), &lines);
}

fn material(page: &mut Page, entry: &Entry) {
    let it = &entry.statement.predicate;
    if it.material.is_empty() {
        return;
    }
    page.says("## What the decision rests on is what the statement names");
    let (withheld, kept): (Vec<_>, Vec<_>) =
        it.material.iter().partition(|it| it.withheld.is_some());
    let (mut list, mut prints) = (String::new(), Vec::new());
    for material in kept {
        let _ = writeln!(list, "{}  {}", String::from(material.sha256.clone()), material.name);
        prints.push(format!("{}: OK", material.name));
    }
    page.runs(&format!("(cd material && sha256sum --check) <<'END'\n{list}END"), &prints);
    page.says("The same digests are in the statement, at `predicate.material`.");
    if let Some(policies) = &it.policies {
        page.runs(
            "(cd base/policies && find . -type f ! -iname '*.md' | sed 's|^./||' | LC_ALL=C sort |\n  \
             xargs sha256sum) | sha256sum",
            &[format!("{}  -", String::from(policies.dir_hash.clone()))],
        );
        page.says(
            "That is the digest of the policies in the statement, at `predicate.policies.dirHash`.",
        );
    }
    if !withheld.is_empty() {
        let names: Vec<_> = withheld.iter().map(|it| format!("`{}`", it.name)).collect();
        page.says(&format!(
            "The request held a credential: {} are withheld, and only their digests are kept.",
            all_of(&names)
        ));
        return;
    }
    page.says(
        "The decision is in `material/decision.json`, what was known in `material/evidence.json`; the \
         commits with the\nreviews and their signatures are in `material/commits/`, as Git stores them.",
    );
}
