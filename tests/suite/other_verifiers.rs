//! Leaves a small log in `target/records`, statements, checkpoints and proofs, for other programs to
//! verify.

use std::fs;
use std::path::Path;
use std::process::Command;

use changegate::core::record::checkpoint::Checkpoint;
use changegate::core::record::dsse::{Envelope, Signatures};
use changegate::core::record::key::ServiceKey;
use changegate::core::record::note::{KeyName, Note, SignatureType, VerifierKey};
use changegate::core::record::proof::TlogProof;
use changegate::core::record::tree::{Tree, leaf};

use super::plumbing::ran::Ran;

/// The number of statements: the tree is three complete ones.
const SIZE: u64 = 11;

#[test]
fn leave_what_other_programs_have_to_verify() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("records");
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let key = new_key();
    let origin: KeyName = "example.com/ledger".parse().unwrap();
    let vkey = VerifierKey::of(origin.clone(), SignatureType::Ed25519, key.public());
    write("key.pem", key.public().pem());
    write("log.vkey", vkey.to_string());

    let mut tree = Tree::default();
    for index in 0..SIZE {
        let statement = format!("{{\"subject\":\"{}\"}}", "\u{e9}".repeat(index as usize));
        tree.push(leaf(statement.as_bytes()));
        let signatures = Signatures::by(&key, statement.as_bytes());
        let envelope = Envelope { statement: statement.clone().into_bytes(), signatures };
        write(&format!("{index:02}.entry.json"), statement);
        write(&format!("{index:02}.dsse.json"), envelope.to_string());
    }
    let checkpoint = |size: u64| {
        let root = tree.root_at(size).unwrap();
        let mut note = Checkpoint { origin: origin.clone(), size, root }.note();
        note.sign(&origin, &key);
        note
    };
    for size in 1..=SIZE {
        write(&format!("{size:02}.checkpoint"), checkpoint(size).to_string());
    }
    let newest: Note = checkpoint(SIZE);
    for index in 0..SIZE {
        let hashes = tree.inclusion(index, SIZE).unwrap();
        let proof = TlogProof::of(index, hashes, newest.clone()).unwrap();
        write(&format!("{index:02}.tlog-proof"), proof.to_string());
    }
}

fn new_key() -> ServiceKey {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let arguments = ["-q", "-t", "ed25519", "-N", "", "-f"];
    Ran::of(Command::new("ssh-keygen").args(arguments).arg(&file), "").went_well();
    ServiceKey::read(&fs::read(file).unwrap()).unwrap()
}
