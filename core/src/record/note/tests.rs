use proptest::prelude::*;

use super::*;
use crate::record::samples::{CHECKPOINT, LOG, WITNESS, key};

fn note() -> Note {
    Note::parse(CHECKPOINT.as_bytes()).unwrap()
}

fn keys() -> [VerifierKey; 2] {
    [LOG, WITNESS].map(|key| key.parse().unwrap())
}

/// The sample note with lines of its own after the text.
fn with_lines(lines: &[&str]) -> Result<Note, String> {
    let (text, _) = CHECKPOINT.split_once('\u{2014}').unwrap();
    Note::parse((text.to_owned() + &lines.concat()).as_bytes())
}

/// The lines of the log and of the witness.
fn lines() -> [&'static str; 2] {
    let at = CHECKPOINT.find('\u{2014}').unwrap();
    let lines: Vec<_> = CHECKPOINT[at..].split_inclusive('\n').collect();
    lines.try_into().unwrap()
}

/// Who signed a note, of the two keys, by their names.
fn signers(note: &Note) -> Result<Vec<String>, String> {
    let keys = keys();
    Ok(note.signed_by(&keys)?.into_iter().map(|it| it.key.name().to_string()).collect())
}

#[test]
fn a_note_is_read_as_it_is_written() {
    assert_eq!(note().to_string(), CHECKPOINT);
    assert_eq!(signers(&note()).unwrap(), ["example.com/ledger", "witness.example/w1"]);
    assert!(!note().is_unsigned());
    let unsigned = with_lines(&[]).unwrap();
    assert!(unsigned.is_unsigned());
    assert_eq!(unsigned.text(), note().text());
    assert_eq!(signers(&unsigned).unwrap(), [""; 0]);
}

#[test]
fn a_text_may_hold_empty_lines() {
    let file = "one\n\ntwo\n\n";
    assert_eq!(Note::parse(file.as_bytes()).unwrap().text(), "one\n\ntwo\n");
}

#[test]
fn signatures_by_others_are_passed_over() {
    let [log, witness] = lines();
    let stranger = log.replace("example.com/ledger", "example.com/other");
    let rotated = log.replace(" Fitm", " Aitm");
    let note = with_lines(&[&stranger, &rotated, witness]).unwrap();
    assert_eq!(signers(&note).unwrap(), ["witness.example/w1"]);
    assert!(
        with_lines(&[&stranger, &rotated]).is_ok_and(|note| signers(&note).unwrap().is_empty())
    );
}

#[test]
fn a_wrong_signature_by_a_known_key_refuses_the_note() {
    let [log, witness] = lines();
    let wrong_log = log.replace("RTVn", "RTVm");
    let wrong_time = witness.replace("AAAABkGFDL", "AAAABkGFDM");
    for wrong in [[log, &wrong_time], [&wrong_log, witness]] {
        let error = signers(&with_lines(&wrong).unwrap()).unwrap_err();
        assert!(error.ends_with("does not match"), "{error}");
    }
    // A right one beside it doesn't save it, first or second.
    for wrong in [[log, &wrong_log], [&wrong_log, log]] {
        assert!(signers(&with_lines(&wrong).unwrap()).is_err());
    }
    let short = "\u{2014} example.com/ledger FitmYQA=\n";
    assert!(signers(&with_lines(&[short]).unwrap()).is_err());
    let other_text = CHECKPOINT.replace("\n3\n", "\n4\n");
    assert!(signers(&Note::parse(other_text.as_bytes()).unwrap()).is_err());
}

#[test]
fn a_key_signs_once() {
    let [log, witness] = lines();
    let twice = with_lines(&[log, log, witness, witness]).unwrap();
    assert_eq!(signers(&twice).unwrap(), ["example.com/ledger", "witness.example/w1"]);
    let listed_twice = [keys(), keys()].concat();
    assert_eq!(note().signed_by(&listed_twice).unwrap().len(), 2);
}

#[test]
fn a_time_beyond_all_times_is_refused() {
    let witness: VerifierKey = VerifierKey::of(
        "witness.example/w2".parse().unwrap(),
        SignatureType::Cosignature,
        key().public(),
    );
    for (time, taken) in [(i64::MAX as u64, true), (1 << 63, false)] {
        let message = format!("cosignature/v1\ntime {time}\n{}", note().text());
        let bytes = [time.to_be_bytes().as_slice(), &key().sign(message.as_bytes())].concat();
        assert_eq!(witness.verify(note().text(), &bytes), taken.then_some(Some(time)));
    }
}

#[test]
fn only_the_one_form_of_a_note_is_read() {
    let [log, _] = lines();
    let wrong_lines = [
        log.trim_end(),
        &log.replace('\u{2014}', "-"),
        &log.replace('\u{2014}', " \u{2014}"),
        &log.replace(" Fitm", "  Fitm"),
        &log.replace("gc=\n", "gc\n"),
        &log.replace("gc=\n", "gd=\n"),
        &log.replace("gc=\n", "gc= \n"),
        &log.replace("example.com/ledger", ""),
        &log.replace("example.com/", "example.com+"),
        &log.replace("example.com/", "example.com\u{a0}"),
        "\u{2014} example.com/ledger\n",
        "\u{2014} example.com/ledger \n",
        "\u{2014} example.com/ledger FitmYQ==\n",
        "\u{2014} example.com/ledger Fitm\n",
    ];
    for wrong in wrong_lines {
        assert!(with_lines(&[wrong]).is_err(), "{wrong}");
    }
    for wrong in [b"" as &[u8], b"text\n", b"text\n\n\xff", b"te\rxt\n\n", b"te\0xt\n\n", b"\n"] {
        assert!(Note::parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(with_lines(&[log; MOST_SIGNATURES]).is_ok());
    assert!(with_lines(&[log; MOST_SIGNATURES + 1]).unwrap_err().contains("more than 100"));
}

#[test]
fn a_verifier_key_is_that_of_another_program() {
    let name: KeyName = "example.com/ledger".parse().unwrap();
    let log = VerifierKey::of(name, SignatureType::Ed25519, key().public());
    assert_eq!(log.to_string(), LOG);
    assert_eq!(keys().map(|key| key.to_string()), [LOG, WITNESS]);
    assert_eq!(keys()[0], log);
    assert_eq!(keys()[1].signs(), SignatureType::Cosignature);
}

#[test]
fn only_the_one_form_of_a_verifier_key_is_read() {
    let wrong = [
        ("", "has the form"),
        ("example.com/ledger", "has the form"),
        ("example.com/ledger+162b6661", "has the form"),
        ("example.com/ledger+162b6661+", "has the form"),
        (&LOG[..LOG.len() - 4], "has the form"),
        (&format!("{LOG}AAAA"), "has the form"),
        (&LOG.replace("+162b6661", "+162b6662"), "its id is not"),
        (&LOG.replace("+162b6661", "+162B6661"), "its id is not"),
        (&LOG.replace("example.com/ledger", "example.com/other"), "its id is not"),
        (&LOG.replace("example.com/ledger", ""), "can't name a log"),
        (&LOG.replace("+AfIB", "+BfIB"), "of the type 0x05"),
    ];
    for (wrong, why) in wrong {
        let error = wrong.parse::<VerifierKey>().unwrap_err();
        assert!(error.contains(why), "{wrong}: {error}");
    }
}

proptest! {
    #[test]
    fn what_is_read_has_the_bytes_it_is_written_with(
        place in any::<prop::sample::Index>(),
        insert in "[\\PC\n=+]{0,2}",
        removed in 0usize..3,
    ) {
        let mut chars: Vec<_> = CHECKPOINT.chars().collect();
        let at = place.index(chars.len());
        chars.splice(at..(at + removed).min(chars.len()), insert.chars());
        let changed: String = chars.into_iter().collect();
        if let Ok(note) = Note::parse(changed.as_bytes()) {
            prop_assert_eq!(note.to_string(), changed);
        }
    }
}
