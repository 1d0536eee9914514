//! Characters that people can't see, or that change how others are shown: one list, from Unicode's
//! data, for requests, policies and reports.
//!
//! Writing needs some of them: joiners within emoji and in scripts that join letters, marks of
//! direction beside the letters that they are for. [`Text::Prose`] may hold them there, and
//! [`Text::Exact`] nowhere.

use icu_properties::props::{
    BidiClass, BidiControl, CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji,
    EmojiModifier, ExtendedPictographic, GeneralCategory, GeneralCategoryGroup, JoiningType,
    NoncharacterCodePoint, PrependedConcatenationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// What a text is for, and so what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Sentences for people.
    Prose,
    /// Names, parameters, addresses, programs: what is compared or executed.
    Exact,
}

/// Characters that are shown as blanks, although Unicode counts them as letters or symbols: BRAILLE
/// PATTERN BLANK, EGYPTIAN HIEROGLYPH FULL BLANK and HALF BLANK, MUSICAL SYMBOL NULL NOTEHEAD.
const BLANK: [char; 4] = ['\u{2800}', '\u{13441}', '\u{13442}', '\u{1d159}'];

/// Returns the characters that a text may not hold: byte, character, role. Tabs and line breaks are
/// allowed.
pub fn refused(text: &str, kind: Text) -> impl Iterator<Item = (usize, char, &'static str)> {
    text.char_indices().filter_map(move |(at, c)| match c {
        '\t' | '\n' => None,
        '\r' if text[at + 1..].starts_with('\n') => None,
        '\r' => Some((at, c, "a carriage return without a line feed")),
        c => {
            let role = role(c)?;
            (kind == Text::Exact || !is_writing(text, at, c)).then_some((at, c, role))
        }
    })
}

/// Returns whether the character at a byte of a text is hidden: invisible or changing how others are
/// shown, and not a part of the writing there. Tabs and line breaks count.
pub fn is_hidden(text: &str, at: usize) -> bool {
    let c = text[at..].chars().next();
    c.is_some_and(|c| role(c).is_some() && !is_writing(text, at, c))
}

/// Returns whether a text has a hidden character.
pub fn has_hidden(text: &str) -> bool {
    text.char_indices().any(|(at, _)| is_hidden(text, at))
}

/// Returns whether a text shows nothing.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_visible)
}

/// Returns whether a character is seen by itself: a letter, a digit, a sign.
pub fn is_visible(c: char) -> bool {
    const SEEN: GeneralCategoryGroup = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Number)
        .union(GeneralCategoryGroup::Punctuation)
        .union(GeneralCategoryGroup::Symbol);
    SEEN.contains(category(c)) && role(c).is_none() && !BLANK.contains(&c)
}

/// Returns what a character does that is invisible or changes how others are shown; `None` for any
/// other.
fn role(c: char) -> Option<&'static str> {
    Some(match c {
        ' '..='~' => return None,
        '\u{85}' | '\u{2028}' | '\u{2029}' => "an invisible line separator",
        '\0'..='\u{9f}' => "a control character",
        '\u{61c}' | '\u{200e}' | '\u{200f}' => "a bidirectional mark",
        c if CodePointSetData::new::<BidiControl>().contains(c) => "a bidirectional control",
        '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => "a zero-width character",
        c if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) || is_format(c) => {
            "an invisible character"
        }
        c if CodePointSetData::new::<NoncharacterCodePoint>().contains(c) => "not a character",
        _ => return None,
    })
}

/// Returns whether a character controls the format of others without being shown, unlike the signs
/// that some scripts put before a number.
fn is_format(c: char) -> bool {
    category(c) == GeneralCategory::Format
        && !CodePointSetData::new::<PrependedConcatenationMark>().contains(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Returns whether the invisible character at a byte of a text belongs to how its neighbours are
/// written.
fn is_writing(text: &str, at: usize, c: char) -> bool {
    let before = || text[..at].chars().rev();
    let after = || text[at + c.len_utf8()..].chars();
    match c {
        '\u{fe0e}' | '\u{fe0f}' => before().next().is_some_and(|base| {
            // A digit is an emoji only on a keycap.
            is_emoji(base) && (!base.is_ascii() || after().next() == Some('\u{20e3}'))
        }),
        // CONTEXTJ of RFC 5892, appendix A.1 and A.2.
        '\u{200c}' => follows_virama(before()) || joins_letters(before(), after()),
        '\u{200d}' => follows_virama(before()) || joins_emoji(before(), after()),
        '\u{200f}' | '\u{61c}' => [before().next(), after().next()]
            .into_iter()
            .flatten()
            .any(is_letter_from_right_to_left),
        _ => false,
    }
}

fn is_emoji(c: char) -> bool {
    CodePointSetData::new::<Emoji>().contains(c)
}

fn joins_emoji(before: impl Iterator<Item = char>, after: impl Iterator<Item = char>) -> bool {
    let is_pictograph = |c| CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let dresses =
        |c: &char| *c == '\u{fe0f}' || CodePointSetData::new::<EmojiModifier>().contains(*c);
    // At most one selector or skin tone, so that a long run of them costs nothing.
    let mut before = before.peekable();
    before.next_if(dresses);
    before.next().is_some_and(is_pictograph) && after.take(1).any(is_pictograph)
}

fn follows_virama(mut before: impl Iterator<Item = char>) -> bool {
    let class = |c| CodePointMapData::<CanonicalCombiningClass>::new().get(c);
    before.next().is_some_and(|c| class(c) == CanonicalCombiningClass::Virama)
}

fn joins_letters(
    mut before: impl Iterator<Item = char>,
    mut after: impl Iterator<Item = char>,
) -> bool {
    let joining = |c| CodePointMapData::<JoiningType>::new().get(c);
    let counts = |c: &char| joining(*c) != JoiningType::Transparent || role(*c).is_some();
    let joins = |c: Option<char>, side| {
        c.is_some_and(|c| [JoiningType::DualJoining, side].contains(&joining(c)))
    };
    joins(before.find(counts), JoiningType::LeftJoining)
        && joins(after.find(counts), JoiningType::RightJoining)
}

fn is_letter_from_right_to_left(c: char) -> bool {
    let class = CodePointMapData::<BidiClass>::new().get(c);
    GeneralCategoryGroup::Letter.contains(category(c))
        && [BidiClass::RightToLeft, BidiClass::ArabicLetter].contains(&class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_keeps_what_it_needs() {
        for text in [
            "plain ✅ ünï ⚠️ 1️⃣ ©︎",
            "👩‍💻 🏳️‍🌈 👩🏽‍🚀 👁️‍🗨️",
            "می\u{200c}خواهم",
            "\u{645}\u{64e}\u{6cc}\u{64e}\u{200c}\u{64e}\u{62e}",
            "क्\u{200d}ष क्\u{200c}ष",
            "שלום\u{200f} (x)",
            "\u{200f}שלום",
            "عربي\u{61c}",
            "\u{600}\u{661}",
        ] {
            assert_eq!(refused(text, Text::Prose).next(), None, "{text:?}");
        }
        for text in ["👩‍💻", "⚠️", "می\u{200c}خواهم", "שלום\u{200f}"] {
            assert!(refused(text, Text::Exact).next().is_some(), "{text:?}");
        }
    }

    #[test]
    fn what_hides_is_refused() {
        for text in [
            "ad\u{200d}min",
            "ad\u{200c}min",
            "👩\u{200d}",
            "\u{200d}💻",
            "👩\u{200d}\u{200d}💻",
            "م\u{200c} خ",
            "م\u{200c}\u{200c}خ",
            "abc\u{200f}",
            "שלום \u{200f}",
            "שלום\u{200e}",
            "שלום\u{202e}x",
            "שלום\u{2067}x\u{2069}",
            "10\u{fe0f}",
            "a\u{fe0f}",
            "⚠\u{fe0f}\u{fe0f}",
            "⚠\u{fe00}",
            "a\u{ad}b",
            "a\u{3164}",
            "\u{1d173}",
            "\u{13430}",
            "\u{e0041}",
            "\u{fff9}",
            "\u{fdd0}",
            "a\rb",
        ] {
            assert_eq!(refused(text, Text::Prose).count().min(1), 1, "{text:?}");
        }
    }

    #[test]
    fn what_only_looks_blank_is_blank() {
        for text in ["", " \t\n", "\u{a0}\u{3000}", "\u{2800}", "\u{3164}", "\u{301}", "\u{200b}"] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["x", "-", "7", "é", "中", "👍", "\u{a0}x"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn bidirectional_controls_are_nowhere() {
        for c in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            for around in ["א", "م", "👩", "a"] {
                let text = format!("{around}{c}{around}");
                assert_eq!(refused(&text, Text::Prose).count(), 1, "{text:?}");
            }
        }
    }
}
