//! How an entry is checked by hand: commands for bash that need git, ssh-keygen and sha256sum, and what
//! they have to print.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use schemars::JsonSchema;
use serde::Serialize;

use super::Signed;
use crate::core::record::parts::{Hex, Material};
use crate::git::Oid;
use crate::ledger::Placed;

/// A check that anyone can make.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// What it proves.
    pub proves: String,
    /// The commands, for bash in the clone.
    pub command: String,
    /// What they have to print, or what that has to contain.
    pub prints: String,
}

/// Makes the hash of a tree's node of the hashes `$h`, in base64, and `$r`, in hexadecimal digits.
const NODE: &str = "{ printf '\\001'; printf %s \"$h\" | base64 -d; \
                    printf \"$(sed 's/../\\\\x&/g' <<< \"$r\")\"; } | sha256sum | cut -c -64";

/// Returns the checks of an entry. `evidence` is the commit with what it rests on, but for the files that
/// were `erased`; `tip` is that of the ledger's branch.
pub fn checks(
    placed: &Placed,
    signed: &Signed,
    (evidence, erased): (Option<Oid>, &BTreeMap<String, u64>),
    tip: Oid,
) -> Vec<Check> {
    let Placed { commit, before, entry, seal } = placed;
    let check = |proves: &str, command: String, prints: String| Check {
        proves: proves.to_owned(),
        command,
        prints,
    };
    let statement = format!("git cat-file blob {commit}:entry.json");
    let id = String::from(Hex(entry.id.clone()));
    let hex: String = entry.leaf.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = format!("{{ printf '\\0'; {statement}; }} | sha256sum");
    let mut checks = vec![
        check("the id is the digest of the statement", format!("{statement} | sha256sum"), id),
        check("this is its leaf in the tree", hash.clone(), hex),
        check(
            "leaf and the hashes before it give the root",
            root(&hash, *before),
            BASE64.encode(entry.state.tree.root().0),
        ),
        check(
            "and this is the root in its checkpoint",
            format!("git cat-file blob {commit}:checkpoint"),
            entry.checkpoint().trim_end().to_owned(),
        ),
        check(
            "the branch still holds it",
            format!("git merge-base --is-ancestor {commit} {tip} && echo it does"),
            "it does".to_owned(),
        ),
    ];
    let material = entry.statement.predicate.material.iter();
    let is_there = |it: &&Material| it.withheld.is_none() && !erased.contains_key(&it.name);
    for material in material.filter(is_there) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let Some(evidence) = evidence.filter(|_| material.name.chars().all(is_plain)) else {
            continue;
        };
        checks.push(check(
            &format!("{} is what it rests on", material.name),
            format!("git cat-file blob {evidence}:{} | sha256sum", material.name),
            material.sha256.clone().into(),
        ));
    }
    if let Some(policies) = &entry.statement.predicate.policies {
        checks.push(check(
            "these policies decided",
            policies_hash(&policies.commit.to_string()),
            policies.dir_hash.clone().into(),
        ));
    }
    let base = entry.statement.predicate.base.as_ref();
    if let (Some(base), Some(key)) = (base, &signed.key) {
        checks.push(check("this key signed it", signature(*commit), key.clone()));
        if signed.by.is_some() {
            let good = "Good \"git\" signature for".to_owned();
            let command = by_roster(&base.commit.to_string(), *commit);
            checks.push(check("and by the roster of that moment it is theirs", command, good));
        }
    }
    if let Some(seal) = seal {
        let (pem, verified) = (seal.key().pem(), "Signature Verified Successfully".to_owned());
        let proves = "the same key signed the statement (DSSE)";
        checks.push(check(proves, statement_signature(*commit, &pem), verified.clone()));
        let proves = "and the checkpoint (C2SP signed-note)";
        checks.push(check(proves, checkpoint_signature(*commit, &pem), verified));
    }
    checks
}

/// Makes the bytes that DSSE signs, and verifies their signature.
fn statement_signature(commit: Oid, pem: &str) -> String {
    format!(
        "d=$(mktemp -d)\n\
         printf 'DSSEv1 28 application/vnd.in-toto+json %s ' \"$(git cat-file -s {commit}:entry.json)\" > \"$d/signed\"\n\
         git cat-file blob {commit}:entry.json >> \"$d/signed\"\n\
         git cat-file blob {commit}:entry.sig | sed 's/.*\"sig\":\"//;s/\".*//' | base64 -d > \"$d/sig\"\n\
         {}",
        verify_with(pem)
    )
}

/// Takes the signature of a note, less the id of its key, and verifies it.
fn checkpoint_signature(commit: Oid, pem: &str) -> String {
    format!(
        "d=$(mktemp -d)\n\
         git cat-file blob {commit}:checkpoint | sed '/^$/,$d' > \"$d/signed\"\n\
         git cat-file blob {commit}:checkpoint | tail -n 1 | cut -d ' ' -f 3 | base64 -d | tail -c +5 > \"$d/sig\"\n\
         {}",
        verify_with(pem)
    )
}

fn verify_with(pem: &str) -> String {
    format!(
        "cat > \"$d/key.pem\" <<'END'\n{pem}END\n\
         openssl pkeyutl -verify -pubin -inkey \"$d/key.pem\" -rawin -in \"$d/signed\" -sigfile \"$d/sig\""
    )
}

/// Puts a leaf behind the hashes that the entry before left in its state, the smallest subtree first.
fn root(leaf: &str, before: Option<Oid>) -> String {
    let mut text = format!("r=$({leaf} | cut -c -64)\n");
    if let Some(before) = before {
        text += &format!(
            "for h in $(git cat-file blob {before}:state | sed -n 's/^hash //p' | tac); do\n  \
             r=$({NODE})\ndone\n"
        );
    }
    text + "printf \"$(sed 's/../\\\\x&/g' <<< \"$r\")\" | base64"
}

/// Makes in-toto's digest of a folder, documentation left out.
fn policies_hash(commit: &str) -> String {
    format!(
        "git ls-tree -r --name-only {commit}:policies | grep -vi '\\.md$' | LC_ALL=C sort |\n  \
         while read -r f; do git cat-file blob \"{commit}:policies/$f\" | sha256sum | sed \"s|-\\$|$f|\"; \
         done |\n  sha256sum"
    )
}

/// Takes the signature out of a commit, and verifies it.
fn signature(commit: Oid) -> String {
    format!(
        "d=$(mktemp -d)\n\
         git cat-file commit {commit} | sed -n '/^gpgsig /,/^ -----END/{{s/^gpgsig //;s/^ //;p}}' > \"$d/sig\"\n\
         git cat-file commit {commit} | sed '/^gpgsig /,/^ -----END/d' |\n  \
         ssh-keygen -Y check-novalidate -n git -s \"$d/sig\""
    )
}

/// Lets git verify the commit by the keys of a roster.
fn by_roster(base: &str, commit: Oid) -> String {
    format!(
        "d=$(mktemp -d)\n\
         git archive {base} policies | tar -x -C \"$d\"\n\
         changegate signers --policies \"$d/policies\" > \"$d/signers\"\n\
         git -c gpg.ssh.allowedSignersFile=\"$d/signers\" verify-commit {commit} 2>&1"
    )
}
