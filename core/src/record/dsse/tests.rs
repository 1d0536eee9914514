use super::*;
use crate::record::samples::key;

const STATEMENT: &[u8] = br#"{"_type":"https://in-toto.io/Statement/v1"}"#;

/// Made with Python's `cryptography`.
const SIGNATURES: &str = "[{\"keyid\":\"SHA256:u/3NHemoSvHPLq6/U/DtMpTmPD5EzLrJG1z9lzEyiV8\",\"sig\":\"\
    frNvQ8bEUzQwCzSfEsHC+NlPu9lBp43tZW943lhNC2kobLmF/GquwODiAShVdsgARUHB9M6obMm4LEPUqJVJCA==\"}]";
const PAYLOAD: &str = "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==";

fn envelope() -> Envelope {
    Envelope { statement: STATEMENT.to_vec(), signatures: Signatures::by(&key(), STATEMENT) }
}

/// The JSON of the sample's envelope.
fn envelope_json() -> String {
    format!(
        "{{\"payload\":\"{PAYLOAD}\",\"payloadType\":\"application/vnd.in-toto+json\",\
         \"signatures\":{SIGNATURES}}}"
    )
}

#[test]
fn the_signed_bytes_are_those_of_the_standard() {
    let bytes = signed_bytes("http://example.com/HelloWorld", b"hello world");
    assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(signed_bytes("", "\u{e9}".as_bytes()), "DSSEv1 0  2 \u{e9}".as_bytes());
}

#[test]
fn a_signature_is_that_of_another_program() {
    let signatures = Signatures::by(&key(), STATEMENT);
    assert_eq!(signatures.to_string(), SIGNATURES);
    assert_eq!(Signatures::parse(SIGNATURES.as_bytes()), Ok(signatures));
}

#[test]
fn known_keys_verify_and_others_are_passed_over() {
    let signatures = Signatures::by(&key(), STATEMENT);
    let other = PublicKey::of(&[
        0x03, 0xa1, 0x07, 0xbf, 0xf3, 0xce, 0x10, 0xbe, 0x1d, 0x70, 0xdd, 0x18, 0xe7, 0x4b, 0xc0,
        0x99, 0x67, 0xe4, 0xd6, 0x30, 0x9b, 0xa5, 0x0d, 0x5f, 0x1d, 0xdc, 0x86, 0x64, 0x12, 0x55,
        0x31, 0xb8,
    ]);
    let known = [other.unwrap(), key().public()];
    assert_eq!(signatures.signed_by(STATEMENT, &known), Ok(vec![&known[1]]));
    assert_eq!(signatures.signed_by(STATEMENT, &known[..1]), Ok(vec![]));
    let error = signatures.signed_by(b"{}", &known).unwrap_err();
    let fingerprint = key().public().fingerprint();
    assert_eq!(error, format!("the signature by {fingerprint} does not match the statement"));
    // The bytes alone, without the payload's type, are another message.
    let bare = Signature { sig: key().sign(STATEMENT), ..signatures.0[0].clone() };
    assert!(Signatures(vec![bare]).signed_by(STATEMENT, &known).is_err());
}

#[test]
fn an_envelope_is_read_as_it_is_written() {
    assert_eq!(envelope().to_string(), envelope_json());
    assert_eq!(Envelope::parse(envelope_json().as_bytes()), Ok(envelope()));
}

#[test]
fn a_sigstore_bundle_names_the_key_and_holds_one_signature() {
    let second = Signature { keyid: fingerprint(&key().public()), sig: [0; 64] };
    let mut two = envelope();
    two.signatures.0.push(second);
    for envelope in [envelope(), two] {
        let expected = format!(
            "{{\"dsseEnvelope\":{},\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\
             \"verificationMaterial\":{{\"publicKey\":{{\"hint\":\"{}\"}}}}}}",
            envelope_json(),
            key().public().fingerprint()
        );
        assert_eq!(envelope.sigstore_bundle(), expected);
    }
}

#[test]
fn only_the_one_form_is_read() {
    let one = SIGNATURES.trim_matches(['[', ']']);
    let swapped = one.replace("{\"keyid\":", "{\"KEYID\":").replace("\"sig\":", "\"keyid\":");
    let sha512 = format!("SHA512:{}", "A".repeat(86));
    let wrong = [
        ("", "not a list"),
        ("null", "not a list"),
        (one, "not a list"),
        ("[]", "there is no signature"),
        (&format!("[{one},{one}]"), "two signatures by SHA256:u/3N"),
        (&format!("{SIGNATURES}\n"), "not written as canonical JSON"),
        (&format!(" {SIGNATURES}"), "not written as canonical JSON"),
        (&format!("\u{feff}{SIGNATURES}"), "not a list"),
        (&SIGNATURES.replace("\"}]", "\"}],"), "not a list"),
        (&SIGNATURES.replace("\"sig\":", "\"sig\": "), "not written as canonical JSON"),
        (&SIGNATURES.replace("\"sig\"", "\"\\u0073ig\""), "not written as canonical JSON"),
        (&SIGNATURES.replace("\"}]", "\",\"sig\":\"\"}]"), "duplicate field"),
        (&SIGNATURES.replace("\"}]", "\",\"more\":\"\"}]"), "unknown field"),
        (&SIGNATURES.replace("\"sig\":\"f", "\"sig\":\"_"), "is not of Ed25519"),
        (&SIGNATURES.replace("CA==", "CB=="), "is not of Ed25519"),
        (&SIGNATURES.replace("CA==", "CAA="), "is not of Ed25519"),
        (&SIGNATURES.replace(&key().public().fingerprint(), &sha512), "is not a fingerprint"),
        (&SIGNATURES.replace("SHA256:u/3", "SHA256:u/"), "is not a fingerprint"),
        (&format!("[{swapped}]"), "not a list"),
    ];
    for (wrong, why) in wrong {
        let error = Signatures::parse(wrong.as_bytes()).unwrap_err();
        assert!(error.contains(why), "{wrong}: {error}");
    }
}

#[test]
fn only_the_one_form_of_an_envelope_is_read() {
    let json = envelope_json();
    let wrong = [
        ("{}", "missing field `payload`"),
        (&format!("{json}\n"), "not written as canonical JSON"),
        (&json.replace("vnd.in-toto", "vnd.other"), "does not hold `application/vnd.in-toto+json`"),
        (&json.replace("fQ==", "fR=="), "payload is not base64"),
        (&json.replace("fQ==", "fQ"), "payload is not base64"),
        (&json.replace(SIGNATURES, "[]"), "there is no signature"),
        (&json.replace("{\"payload\":", "{\"payload\":\"\",\"payload\":"), "duplicate field"),
    ];
    for (wrong, why) in wrong {
        let error = Envelope::parse(wrong.as_bytes()).unwrap_err();
        assert!(error.contains(why), "{wrong}: {error}");
    }
}
