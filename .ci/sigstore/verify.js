// Verifies, as Sigstore's own programs do, the bundle that the Rust tests leave in target/records/ledger. One with
// another payload, and another key, have to be refused.
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";

const folder = process.argv[2];
const form = JSON.parse(readFileSync(`${folder}/entry.sigstore.json`, "utf8"));
const key = createPublicKey(readFileSync(`${folder}/key.pem`));
const trusted = form.verificationMaterial.publicKey.hint;
const nobody = { certificateAuthorities: [], ctlogs: [], timestampAuthorities: [], tlogs: [] };

// The key is one that the verifier was handed, so that no log and no authority has to vouch for it.
function verify(bundle) {
  const keys = { [trusted]: { publicKey: key, validFor: () => true } };
  const verifier = new Verifier(toTrustMaterial(nobody, (hint) => find(keys, hint)), {
    ctlogThreshold: 0,
    timestampThreshold: 0,
    tlogThreshold: 0,
  });
  return verifier.verify(toSignedEntity(bundleFromJSON(bundle)));
}

function find(keys, hint) {
  if (!keys[hint]) {
    throw new Error(`no key ${hint} is trusted`);
  }
  return keys[hint];
}

function refuses(change) {
  const changed = structuredClone(form);
  change(changed);
  try {
    verify(changed);
  } catch {
    return;
  }
  throw new Error(`${folder}/entry.sigstore.json: it verifies after ${change}`);
}

verify(form);
refuses((bundle) => (bundle.dsseEnvelope.payload = btoa(atob(bundle.dsseEnvelope.payload) + " ")));
refuses((bundle) => (bundle.dsseEnvelope.payloadType = "application/json"));
refuses((bundle) => (bundle.verificationMaterial.publicKey.hint = "SHA256:another"));
console.log("sigstore: the bundle of a recorded entry verifies, and no changed one");
