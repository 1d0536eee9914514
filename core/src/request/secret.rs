//! Credentials in a request file, by their fixed forms: nothing is guessed from how random a text
//! looks.
//!
//! The raw bytes are searched, so that a comment hides nothing.

use memchr::memmem;

use crate::yaml::{MAX_PROBLEMS, Problem, Span};

/// The code of the finding that a request holds a credential.
pub const SECRET: &str = "request/secret";

/// How the credentials of one kind look.
struct Form {
    /// What it is, for people.
    what: &'static str,
    prefixes: &'static [&'static str],
    /// Whether a byte can follow the prefix.
    takes: fn(u8) -> bool,
    /// How many of them have to, at least.
    least: usize,
}

const FORMS: &[Form] = &[
    Form {
        what: "an access key of AWS",
        prefixes: &["AKIA", "ASIA"],
        takes: is_capital,
        least: 16,
    },
    Form {
        what: "a token of GitHub",
        prefixes: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        takes: is_word,
        least: 36,
    },
    Form { what: "a token of GitHub", prefixes: &["github_pat_"], takes: is_word, least: 36 },
    Form { what: "a token of GitLab", prefixes: &["glpat-"], takes: is_name, least: 20 },
    Form {
        what: "a token of Slack",
        prefixes: &["xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"],
        takes: is_name,
        least: 10,
    },
    Form {
        what: "a live key of Stripe",
        prefixes: &["sk_live_", "rk_live_"],
        takes: is_word,
        least: 10,
    },
    Form { what: "an API key of Google", prefixes: &["AIza"], takes: is_name, least: 35 },
    Form { what: "a token of npm", prefixes: &["npm_"], takes: is_word, least: 36 },
    // What follows is a macaroon of pypi.org or test.pypi.org in base64.
    Form { what: "a token of PyPI", prefixes: &["pypi-AgE"], takes: is_name, least: 50 },
];

fn is_capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_name(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

/// Returns a problem for each credential in a file, in the order of its lines. None repeats any part
/// of what it is about.
pub(super) fn problems(bytes: &[u8]) -> Vec<Problem> {
    let mut found: Vec<_> = FORMS.iter().flat_map(|form| form.find(bytes)).collect();
    found.extend(private_keys(bytes).map(|at| (at, "a private key")));
    found.sort_unstable();
    found.truncate(MAX_PROBLEMS);
    found.into_iter().map(|(at, what)| problem(bytes, at, what)).collect()
}

impl Form {
    fn find<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (usize, &'static str)> + 'a {
        self.prefixes.iter().flat_map(move |prefix| {
            let is_one = move |at: &usize| {
                let rest = &bytes[at + prefix.len()..];
                rest.iter().take_while(|byte| (self.takes)(**byte)).count() >= self.least
            };
            memmem::find_iter(bytes, prefix.as_bytes()).filter(is_one).map(|at| (at, self.what))
        })
    }
}

/// Returns where the blocks of private keys begin: `-----BEGIN OPENSSH PRIVATE KEY-----`.
fn private_keys(bytes: &[u8]) -> impl Iterator<Item = usize> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    memmem::find_iter(bytes, BEGIN).filter(|at| {
        let rest = &bytes[at + BEGIN.len()..];
        let length = rest.iter().take_while(|byte| is_capital(**byte) || **byte == b' ').count();
        let (label, end) = rest.split_at(length);
        let is_private = [&b"PRIVATE KEY"[..], b"PRIVATE KEY BLOCK"];
        is_private.iter().any(|ending| label.ends_with(ending)) && end.starts_with(b"-----")
    })
}

fn problem(bytes: &[u8], at: usize, what: &str) -> Problem {
    let before = &bytes[..at];
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let column = 1 + String::from_utf8_lossy(&before[start..]).chars().count();
    let (line, column) = (u32::try_from(line), u32::try_from(column));
    Problem {
        code: SECRET,
        message: format!(
            "this is {what}: once it is pushed, everybody who can read the repository has it"
        ),
        help: Some("leave it out and, if it was pushed, revoke it where it was issued".to_owned()),
        pointer: String::new(),
        span: Span {
            start: at,
            end: at,
            line: line.unwrap_or(u32::MAX),
            column: column.unwrap_or(u32::MAX),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(u32, u32)> {
        problems(text.as_bytes()).iter().map(|it| (it.span.line, it.span.column)).collect()
    }

    #[test]
    fn each_form_is_found_wherever_it_stands() {
        let forms = FORMS.iter().flat_map(|form| form.prefixes.iter().map(|it| (*it, form.least)));
        let tokens = forms.map(|(prefix, least)| format!("{prefix}{}", "X".repeat(least)));
        let keys = ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "].into_iter();
        let keys = keys.map(|kind| format!("-----BEGIN {kind}PRIVATE KEY-----"));
        let pgp = ["-----BEGIN PGP PRIVATE KEY BLOCK-----".to_owned()];
        for secret in tokens.chain(keys).chain(pgp) {
            for (text, place) in [
                (secret.clone(), (1, 1)),
                (format!("id: CHG-1 # é {secret}\n"), (1, 15)),
                (format!("a: |\n  https://x:{secret}@host\n"), (2, 13)),
            ] {
                assert_eq!(places(&text), [place], "{text}");
            }
            for problem in problems(format!("# {secret}").as_bytes()) {
                let said = format!("{}{:?}", problem.message, problem.help);
                assert!(!said.contains("XXX"), "{said}");
            }
            assert_eq!(places(&secret[..secret.len() - 1]), [], "{secret}");
        }
        let key = format!("AKIA{}\n", "X".repeat(16));
        assert_eq!(places(&key.repeat(2)), [(1, 1), (2, 1)]);
        assert_eq!(places(&key.repeat(60)).len(), MAX_PROBLEMS);
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        for text in [
            "AKIA and ghp_ are prefixes of credentials",
            "AKIAaaaaaaaaaaaaaaaaaaaa",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PRIVATE KEY",
            "sk_test_XXXXXXXXXXXXXXXXXXXXXXXX",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert_eq!(places(text), [], "{text}");
        }
    }
}
