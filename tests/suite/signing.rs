//! Signatures: by SSH, with keys that prove something, and words for everything else.

use std::process::Command;

use crate::plumbing::hub::{Desk, Hub};
use crate::plumbing::ran::Ran;

fn ssh_keygen(arguments: &[&str]) {
    Ran::of(Command::new("ssh-keygen").args(arguments), "").went_well();
}

/// Makes a key of this kind beside the others.
fn key(hub: &Hub, name: &str, arguments: &[&str]) -> String {
    let file = hub.path("keys").join(name);
    ssh_keygen(&[&["-q", "-N", "", "-f", file.to_str().unwrap()], arguments].concat());
    format!("{}.pub", file.display())
}

/// A certificate for somebody's key.
fn certificate(hub: &Hub, who: &str) -> String {
    key(hub, "authority", &["-t", "ed25519"]);
    let (authority, own) =
        (hub.path("keys/authority"), hub.path("keys").join(format!("{who}.pub")));
    ssh_keygen(&[
        "-q",
        "-s",
        authority.to_str().unwrap(),
        "-I",
        who,
        "-n",
        who,
        own.to_str().unwrap(),
    ]);
    hub.path("keys").join(format!("{who}-cert.pub")).to_str().unwrap().to_owned()
}

#[test]
fn a_key_whose_signatures_would_not_count_signs_nothing() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let short = key(&hub, "short", &["-t", "rsa", "-b", "1024"]);
    let certificate = certificate(&hub, "alice");
    for (settings, parts) in [
        (
            &[("gpg.format", "openpgp"), ("user.signingkey", "0x4F5D6E7A")][..],
            &["has to be signed by SSH", "no SSH key `0x4F5D6E7A`", "`git config gpg.format ssh`"]
                [..],
        ),
        (&[("gpg.format", "ssh"), ("user.signingkey", "")], &["has to be signed by SSH"]),
        (
            &[("user.signingkey", &short)],
            &["`user.signingkey`", "an RSA key of 1024 bits is too short"],
        ),
        (
            &[("user.signingkey", &certificate)],
            &["`ssh-ed25519-cert-v01@openssh.com` is a certificate"],
        ),
    ] {
        for (name, value) in settings {
            alice.git(&["config", name, value]);
        }
        alice.submit("CHG-1").failed(parts);
        assert_eq!(hub.tip("change/CHG-1"), None);
    }
}

#[test]
fn what_is_wrong_with_a_signature_is_said() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let head = hub.tip("change/CHG-1").unwrap();
    let short = key(&hub, "short", &["-t", "rsa", "-b", "1024"]);
    let by_rsa = carol.approval("CHG-1", &head, &[&format!("-S{short}")], &[]);
    let signed = |why: &str, forged: &str| {
        let push = format!("{forged}:refs/heads/reviews/CHG-1");
        carol.push(&[&push]).refused(&["it is not proven that carol@acme.example made it", why]);
    };
    signed("its signing key is a certificate, or RSA of less than 2048 bits", &by_rsa);
    signed("it isn't signed by SSH", &signed_with_gpg(&carol, &head));
}

/// An approval with the armour of a GPG signature.
fn signed_with_gpg(desk: &Desk<'_>, head: &str) -> String {
    let plain = desk.approval("CHG-1", head, &["--no-gpg-sign"], &[]);
    let raw = desk.git(&["cat-file", "commit", &plain]) + "\n";
    let armour =
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iHUEABYKAB0=\n -----END PGP SIGNATURE-----\n\n";
    let forged = raw.replacen("\n\n", &format!("\n{armour}"), 1);
    desk.git_with(&["hash-object", "-w", "-t", "commit", "--stdin"], &forged, &[])
}
