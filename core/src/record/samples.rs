//! Keys and a checkpoint for the tests, made with other programs: the keys with `ssh-keygen`, the rest
//! with Python's `cryptography`. Of the keys' files only the bodies, or scanners take them for secrets.

use super::key::ServiceKey;

/// An Ed25519 key.
pub const KEY: &str = "\
    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAA\
    ACDyAXj21Aes/yug9IgzG8V5feOCcupk9bDmb+dTYqy4mgAAAJDArIAbwKyAGwAAAAtzc2gtZWQyNTUx\
    OQAAACDyAXj21Aes/yug9IgzG8V5feOCcupk9bDmb+dTYqy4mgAAAEBtL7rmPwYGITo1jsJYaThMjgRG\
    sxg8UfgUSVadUhovL/IBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLiaAAAADWxlZGdlciB3cml0\
    ZXI=";

/// An Ed25519 key with a passphrase.
pub const ENCRYPTED: &str = "\
    b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDlfd8NTTU3BbIiNUfY\
    haAkAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIAemcwHOjX3cUmXZZrJVXiaSXjn2HkVCifRV\
    rMR72Y8sAAAAkLhjJa7LLbRMzOlStXHwfttU3KHWDoJxboQwTuiPyRzBw6ar1H7lFO2J7EQKbtFPF4cpTr\
    E+qiPUbSXe7+Yju3+YyXhmXunUd41amjrqzufZpiYtfV1doS91mg7vf2CuHB77avPYGcc3u51nbZLa\
    TGgKOudZoiSLVNNeWyT6u9Zli6cPw/sOiiPVAQEKRaIatw==";

/// A key of the kind `ecdsa-sha2-nistp256`.
pub const OTHER_KIND: &str = "\
    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS1zaGEyLW5p\
    c3RwMjU2AAAACG5pc3RwMjU2AAAAQQRWQW2vSZt4+my8tuWy73sCBcYeQpmms/lO23Jwb308gQouCVv2\
    6YDN1kEr/AiArkBvEvpQ4nY0HFgNYrIYhawdAAAAmIDe50OA3udDAAAAE2VjZHNhLXNoYTItbmlzdHAy\
    NTYAAAAIbmlzdHAyNTYAAABBBFZBba9Jm3j6bLy25bLvewIFxh5Cmaaz+U7bcnBvfTyBCi4JW/bpgM3W\
    QSv8CICuQG8S+lDidjQcWA1ishiFrB0AAAAgBafAn6I00mjzxgPH7BzCOi8AJRp2xayhL2ro/jG4HGIA\
    AAAA";

/// The checkpoint of a log of three entries, those of Certificate Transparency's test data, signed by
/// [`KEY`] and cosigned by a witness at 1679315147.
pub const CHECKPOINT: &str = "\
    example.com/ledger\n\
    3\n\
    rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=\n\
    \n\
    \u{2014} example.com/ledger FitmYRTVnU9nHxqhRiGDafGGnQ4uISOoj/GMAuIr7Sf+RIeKuU4+T\
    e/jK07Ek71aBYkVqlsxS+WXd6rS00wMy4HVggc=\n\
    \u{2014} witness.example/w1 519lMgAAAABkGFDLgLX85E563s9Zr2N3egFSKqKE3cILxUDEYzm0qiwo1\
    hPerQU6dxUzPKLv4M5H5evPVAbf5m30+Q3hsJh4VhwyAA==\n";

/// The verifier key of the log.
pub const LOG: &str = "example.com/ledger+162b6661+AfIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia";

/// The verifier key of the witness.
pub const WITNESS: &str =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

/// Returns the file with this body.
pub fn key_file(body: &str) -> String {
    let what = "OPENSSH PRIVATE KEY";
    let lines: Vec<_> = body.as_bytes().chunks(70).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

/// Returns the service key [`KEY`].
pub fn key() -> ServiceKey {
    ServiceKey::read(key_file(KEY).as_bytes()).unwrap()
}

/// Returns bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
