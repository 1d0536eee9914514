"""Verifies what changegate signs as in-toto's own library does, without changegate.

The Rust tests leave the statements of a small log in target/records, and in its folder ledger an entry that a service
recorded. Changed ones have to be refused. Run from the root of the repository, after `cargo test`.
"""

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

FOLDER = Path("target/records")
FEWEST_ENTRIES = 10


def main():
    envelopes = sorted(FOLDER.glob("*.dsse.json"))
    if len(envelopes) < FEWEST_ENTRIES:
        sys.exit(f"envelopes: {len(envelopes)} in {FOLDER}, fewer than {FEWEST_ENTRIES}: run `cargo test`")
    envelopes.append(FOLDER / "ledger" / "entry.dsse.json")
    failures = [failure for path in envelopes for failure in check(path)]
    if failures:
        sys.exit("\n".join(failures))
    print(f"envelopes: {len(envelopes)} verify, and no changed one")


def check(path):
    entry = path.with_name(path.name.replace("entry.dsse", "entry").replace(".dsse", ".entry"))
    form = json.loads(path.read_text())
    key = load_pem_public_key((path.parent / "key.pem").read_bytes())
    known = SSlibKey.from_crypto(key, keyid=form["signatures"][0]["keyid"])
    envelope = Envelope.from_dict(form)
    failures = []
    if envelope.payload != entry.read_bytes() or not signed(envelope, known):
        failures.append(f"{path}: securesystemslib doesn't verify it")
    envelope.payload += b" "
    if signed(envelope, known):
        failures.append(f"{path}: securesystemslib verifies it with another payload")
    return failures


def signed(envelope, key):
    try:
        return key.keyid in envelope.verify([key], threshold=1)
    except VerificationError:
        return False


if __name__ == "__main__":
    main()
