"""Verifies what changegate signs and proves, without changegate.

The Rust tests leave the statements, checkpoints and proofs of a small log in target/records, and in its folder ledger
an entry that a service recorded. Here securesystemslib verifies the statements' envelopes, and the checkpoints and proofs have to be those that follow from the definitions
of RFC 6962 and C2SP, written down once more. Changed ones have to be refused. Run from the root of the repository,
after `cargo test`.
"""

import hashlib
import json
import sys
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

FOLDER = Path("target/records")
FEWEST_ENTRIES = 10


def main():
    entries = [path.read_bytes() for path in sorted(FOLDER.glob("*.entry.json"))]
    if len(entries) < FEWEST_ENTRIES:
        sys.exit(f"other verifiers: {len(entries)} entries in {FOLDER}, fewer than {FEWEST_ENTRIES}: run `cargo test`")
    failures = check_envelopes(entries) + check_checkpoints(entries) + check_proofs(entries) + check_recorded()
    if failures:
        sys.exit("\n".join(failures))
    print(f"other verifiers: {len(entries)} statements, checkpoints and proofs verify, and no changed one")


def check_envelopes(entries):
    """Verifies each statement's envelope as in-toto's library does."""
    failures = []
    for index, entry in enumerate(entries):
        failures += check_envelope(FOLDER / f"{index:02}.dsse.json", entry, FOLDER / "key.pem")
    return failures


def check_envelope(path, entry, key_file):
    """Verifies the envelope of a statement."""
    form = json.loads(path.read_text())
    key = load_pem_public_key(key_file.read_bytes())
    known = SSlibKey.from_crypto(key, keyid=form["signatures"][0]["keyid"])
    envelope = Envelope.from_dict(form)
    failures = []
    if envelope.payload != entry or not signed(envelope, known):
        failures.append(f"{path}: securesystemslib doesn't verify it")
    envelope.payload += b" "
    if signed(envelope, known):
        failures.append(f"{path}: securesystemslib verifies it with another payload")
    return failures


def check_recorded():
    """Verifies statement and checkpoint of an entry that was recorded in a repository."""
    folder = FOLDER / "ledger"
    entry = (folder / "entry.json").read_bytes()
    failures = check_envelope(folder / "entry.dsse.json", entry, folder / "key.pem")
    text, line = (folder / "checkpoint").read_text().split("\n\n")
    if not signs(line, f"{text}\n", folder) or signs(line, f"{text} \n", folder):
        failures.append(f"{folder / 'checkpoint'}: its signature is not the service's")
    if json.loads(entry)["predicate"]["origin"] != text.split("\n")[0]:
        failures.append(f"{folder / 'checkpoint'}: this is the checkpoint of another log")
    return failures


def signed(envelope, key):
    try:
        return key.keyid in envelope.verify([key], threshold=1)
    except VerificationError:
        return False


def check_checkpoints(entries):
    """Compares the checkpoint of each size, and verifies its signature."""
    failures = []
    for size in range(1, len(entries) + 1):
        path = FOLDER / f"{size:02}.checkpoint"
        text, line = path.read_text().split("\n\n")
        body = f"example.com/ledger\n{size}\n{base64(root(entries[:size]))}\n"
        if f"{text}\n" != body or not signs(line, body):
            failures.append(f"{path}: this is not the checkpoint of these entries")
        if signs(line, body + " "):
            failures.append(f"{path}: the signature matches another text")
    return failures


def signs(line, body, folder=FOLDER):
    """Whether a note's only signature line is the log's."""
    name, key_id, key = (folder / "log.vkey").read_text().split("+", 2)
    dash, by, signature = line.removesuffix("\n").split(" ")
    signature = b64decode(signature, validate=True)
    key = b64decode(key, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if (dash, by, signature[:4], key_id) != ("\u2014", name, expected, expected.hex()) or key[:1] != b"\x01":
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], body.encode())
    except InvalidSignature:
        return False
    pem = load_pem_public_key((folder / "key.pem").read_bytes())
    return pem.public_bytes(Encoding.Raw, PublicFormat.Raw) == key[1:]


def check_proofs(entries):
    """Compares the proof of each entry."""
    checkpoint = (FOLDER / f"{len(entries):02}.checkpoint").read_text()
    failures = []
    for index in range(len(entries)):
        path = FOLDER / f"{index:02}.tlog-proof"
        lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *map(base64, inclusion(index, entries)), "", checkpoint]
        if path.read_text() != "\n".join(lines):
            failures.append(f"{path}: this is not the proof of this entry")
    return failures


def root(entries):
    """MTH of RFC 6962, section 2.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    half = halves(entries)
    return hashlib.sha256(b"\x01" + root(entries[:half]) + root(entries[half:])).digest()


def inclusion(index, entries):
    """PATH of RFC 6962, section 2.1.1."""
    if len(entries) == 1:
        return []
    half = halves(entries)
    if index < half:
        return [*inclusion(index, entries[:half]), root(entries[half:])]
    return [*inclusion(index - half, entries[half:]), root(entries[:half])]


def halves(entries):
    """The largest power of two below the number of entries."""
    return 1 << (len(entries) - 1).bit_length() - 1


def base64(hash_):
    return b64encode(hash_).decode()


if __name__ == "__main__":
    main()
