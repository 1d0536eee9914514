//! The key with which a service signs the ledger, from the environment.

use anyhow::anyhow;
use zeroize::Zeroizing;

use super::access::pem;
use crate::core::record::key::ServiceKey;

/// Reads the key with which a service signs the ledger from the environment: `CHANGEGATE_LEDGER_KEY` is
/// the file of an OpenSSH private key or its path. `None` if it isn't set.
///
/// # Errors
/// When the key can't be read, or can't sign.
pub fn ledger_key(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<ServiceKey>> {
    const NAME: &str = "CHANGEGATE_LEDGER_KEY";
    let Some(key) = variable(NAME).filter(|value| !value.trim().is_empty()) else {
        return Ok(None);
    };
    let text = Zeroizing::new(pem(key, "the key of the ledger, CHANGEGATE_LEDGER_KEY")?);
    let key = ServiceKey::read(text.as_bytes());
    key.map(Some).map_err(|why| anyhow!("{NAME} can't be used: {why}"))
}

#[cfg(test)]
mod tests {
    use ssh_key::private::Ed25519Keypair;
    use ssh_key::{HashAlg, LineEnding, PrivateKey};

    use super::*;

    #[test]
    fn the_key_of_the_ledger_is_a_file_or_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
        let text = key.to_openssh(LineEnding::LF).unwrap().to_string();
        let path = folder.path().join("key");
        std::fs::write(&path, &text).unwrap();
        let read = |value: &str| ledger_key(|_| Some(value.to_owned()));
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        for value in [&text, &text.replace('\n', "\\n"), path.to_str().unwrap()] {
            let key = read(value).unwrap().unwrap();
            assert_eq!(format!("{key:?}"), format!("ServiceKey({fingerprint})"));
        }
        assert!(read(" ").unwrap().is_none() && ledger_key(|_| None).unwrap().is_none());
        let missing = folder.path().join("missing");
        for (value, why) in [
            (missing.to_str().unwrap(), "cannot read the key of the ledger"),
            (
                "-----BEGIN RSA PRIVATE KEY-----",
                "CHANGEGATE_LEDGER_KEY can't be used: this is not an",
            ),
        ] {
            let error = format!("{:#}", read(value).unwrap_err());
            assert!(error.contains(why) && !error.contains("BEGIN"), "{error}");
        }
    }
}
