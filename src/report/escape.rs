//! Escaping: text from a request can't act on the program that shows it.
//!
//! Anyone can open a pull request, and so write anything into a request. There is one function for
//! each destination of such text: [`terminal`] and logs, an [`excerpt`] of the file, [`json`],
//! [`markdown`], and workflow commands ([`workflow_data`], [`workflow_property`]).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::core::characters::{has_hidden, is_hidden};

fn is_break(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The older form of workflow commands, which GitHub's runner accepts anywhere in a line.
/// <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>
const OLD_COMMAND: &str = "##[";

/// Escapes text within a line of a terminal or a log: hidden characters become visible as
/// `\u{202e}`, line breaks and tabs become spaces, and nothing can be read as a workflow command.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !has_hidden(text) && !text.contains("::") && !text.contains(OLD_COMMAND) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        let command = match c {
            '[' => out.ends_with("##"),
            ':' => text[at..].starts_with("::") && out.chars().all(char::is_whitespace),
            _ => false,
        };
        if is_break(c) {
            out.push(' ');
        } else if is_hidden(text, at) || command {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Escapes a line of a file, character for character, so that columns don't change: hidden ones
/// become `·`.
pub fn excerpt(line: &str) -> String {
    let visible = |(at, c)| if is_hidden(line, at) && c != '\t' { '·' } else { c };
    line.char_indices().map(visible).collect::<String>().replace(OLD_COMMAND, "##·")
}

/// Escapes hidden characters in JSON text without changing its value.
pub fn json(text: &str) -> String {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) || byte == b'\n';
    if text.bytes().all(is_plain) && !text.contains(OLD_COMMAND) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if is_hidden(text, at) && c != '\n' || c == '[' && out.ends_with("##") {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String can't fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// An invisible character that prevents GitHub from recognising a mention, a reference or a link.
/// An escaped `@` alone would still be a mention, because GitHub looks for them after the Markdown
/// is rendered.
const APART: &str = "&#8203;";

/// Escapes text for a Markdown paragraph, table cell or inline HTML: it is shown literally.
///
/// Every character with a meaning in Markdown or HTML becomes a character reference, which works in
/// both, and in table cells, too.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len();
        if word > 0 {
            push_word(&mut out, &rest[..word]);
            rest = &rest[word..];
        } else {
            let before = &text[..text.len() - rest.len()];
            rest = &rest[c.len_utf8()..];
            push_mark(&mut out, (before, c, rest), is_hidden(text, before.len()));
        }
    }
    out
}

/// Adds a word; one that looks like the hash of a commit is broken up.
fn push_word(out: &mut String, word: &str) {
    let is_hash = word.len() >= 7
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && !word.bytes().all(|byte| byte.is_ascii_digit());
    for (at, c) in word.char_indices() {
        if is_hash && at > 0 && at % 6 == 0 {
            out.push_str(APART);
        }
        out.push(c);
    }
}

/// Adds any other character, which has text before and after it.
fn push_mark(out: &mut String, (before, mark, after): (&str, char, &str), is_hidden: bool) {
    let next = after.chars().next().unwrap_or(' ');
    let last_word = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    match mark {
        c if is_break(c) => out.push(' '),
        c if is_hidden => {
            let _ = write!(out, "&#92;u&#123;{:x}&#125;", u32::from(c));
        }
        '$' => out.push_str("<span>$</span>"),
        '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '"'
        | '\'' => push_reference(out, mark),
        '#' => {
            push_reference(out, mark);
            out.push_str(if next.is_ascii_alphanumeric() { APART } else { "" });
        }
        '@' => {
            out.push(mark);
            out.push_str(APART);
        }
        ':' if !next.is_whitespace() && !next.is_ascii_digit() => {
            out.push(mark);
            out.push_str(APART);
        }
        '.' if last_word.to_ascii_lowercase().ends_with("www") => {
            out.push_str(APART);
            out.push(mark);
        }
        '-' if last_word.eq_ignore_ascii_case("gh") && next.is_ascii_digit() => {
            out.push(mark);
            out.push_str(APART);
        }
        '-' | '+' | '=' if before.trim().is_empty() => push_reference(out, mark),
        '.' | ')' if before.trim_start().bytes().all(|byte| byte.is_ascii_digit()) => {
            push_reference(out, mark);
        }
        _ => out.push(mark),
    }
}

fn push_reference(out: &mut String, c: char) {
    let _ = write!(out, "&#{};", u32::from(c));
}

/// Escapes the data of a workflow command.
pub fn workflow_data(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c if is_hidden(text, at) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Escapes the value of a workflow command's property.
pub fn workflow_property(text: &str) -> String {
    workflow_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terminals() {
        for (text, shown) in [
            ("plain ✅ ünï ⚠️", "plain ✅ ünï ⚠️"),
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("a\u{9b}31m\x07", "a\\u{9b}31m\\u{7}"),
            ("user\u{202e}nimda", "user\\u{202e}nimda"),
            ("ad\u{200b}min\u{feff}", "ad\\u{200b}min\\u{feff}"),
            ("a\r\n\tb\u{2028}c", "a   b c"),
            ("::stop-commands::x", "\\u{3a}:stop-commands::x"),
            ("\n ::set-output name=a::b", "  \\u{3a}:set-output name=a::b"),
            ("a ##[add-mask]b", "a ##\\u{5b}add-mask]b"),
            ("a::b", "a::b"),
            ("👩\u{200d}💻 שלום\u{200f}", "👩\u{200d}💻 שלום\u{200f}"),
            ("a\u{fe0f}\u{200d}", "a\\u{fe0f}\\u{200d}"),
        ] {
            assert_eq!(terminal(text), shown);
        }
    }

    #[test]
    fn excerpts_keep_their_columns() {
        assert_eq!(excerpt("a\u{202e}\t\x1b[1m##[x]\u{200b}"), "a·\t·[1m##·x]·");
    }

    #[test]
    fn json_keeps_its_value() {
        let text = "\u{202e}\u{e0041}\u{7f}##[group]\n";
        let escaped = json(&serde_json::to_string(text).unwrap());
        assert_eq!(escaped, r#""\u202e\udb40\udc41\u007f##\u005bgroup]\n""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }

    #[test]
    fn markdown_is_shown_as_it_is() {
        for (text, shown) in [
            ("30 s of errors, 5 % (22:00:30)", "30 s of errors, 5 % (22:00:30)"),
            ("hi @alice @org/team", "hi @&#8203;alice @&#8203;org/team"),
            ("a@b.example", "a@&#8203;b.example"),
            ("#12 o/r#1 GH-3", "&#35;&#8203;12 o/r&#35;&#8203;1 GH-&#8203;3"),
            ("4f0c1d2e9a10 1234567", "4f0c1d&#8203;2e9a10 1234567"),
            ("https://evil www.evil", "https:&#8203;//evil www&#8203;.evil"),
            ("![x](y)", "!&#91;x&#93;(y)"),
            ("<img src=x>&lt;", "&#60;img src=x&#62;&#38;lt;"),
            (
                "a | b `c` \\| **d** ~e~",
                "a &#124; b &#96;c&#96; &#92;&#124; &#42;&#42;d&#42;&#42; &#126;e&#126;",
            ),
            ("\n\n# h", "  &#35; h"),
            ("x\n- y\r\n1. z", "x - y  1. z"),
            ("- y", "&#45; y"),
            ("1. y", "1&#46; y"),
            ("12) y", "12&#41; y"),
            ("---", "&#45;--"),
            ("===", "&#61;=="),
            ("$x$", "<span>$</span>x<span>$</span>"),
            (":+1: :white_check_mark:", ":&#8203;+1: :&#8203;white&#95;check&#95;mark:"),
            ("::error::x", ":&#8203;:&#8203;error:&#8203;:&#8203;x"),
            ("##[error]x", "&#35;&#35;&#91;error&#93;x"),
            ("a\u{202e}b", "a&#92;u&#123;202e&#125;b"),
            ("</details><!-- x -->", "&#60;/details&#62;&#60;!-- x --&#62;"),
        ] {
            assert_eq!(markdown(text), shown);
        }
    }

    #[test]
    fn workflow_commands() {
        assert_eq!(workflow_data("50 %\n::stop-commands::x\r"), "50 %25%0A::stop-commands::x%0D");
        assert_eq!(workflow_data("\x1b[0m\u{202e}"), "\\u{1b}[0m\\u{202e}");
        assert_eq!(workflow_property("a:b,c%3A\n"), "a%3Ab%2Cc%253A%0A");
    }

    /// Generates any text, with dangerous parts more often than by chance.
    fn text() -> impl Strategy<Value = String> {
        let spice = prop::sample::select(vec![
            "##[",
            "::",
            "\n",
            "\r",
            "\x1b",
            "\u{202e}",
            "\u{200b}",
            "`",
            "|",
            "<",
            "&",
            "@a",
            "#1",
            "[",
            "](",
            "\\",
            "*",
            "_",
            "www.",
            "https://",
            "deadbeef1",
            "\t",
            " ",
            "%0A",
            "~~",
        ])
        .prop_map(str::to_owned);
        prop::collection::vec(prop_oneof![spice, ".{0,4}"], 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_terminal_sees_nothing_hidden_and_no_command(text in text()) {
            let shown = terminal(&text);
            prop_assert!(!has_hidden(&shown), "{shown:?}");
            prop_assert!(!shown.trim_start().starts_with("::") && !shown.contains(OLD_COMMAND));
            prop_assert_eq!(terminal(&shown), shown.as_ref());
        }

        #[test]
        fn an_excerpt_has_as_many_characters(text in text()) {
            prop_assert_eq!(excerpt(&text).chars().count(), text.chars().count());
        }

        #[test]
        fn escaped_json_has_the_same_value(text in text()) {
            let escaped = json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!has_hidden(&escaped) && !escaped.contains(OLD_COMMAND));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }

        #[test]
        fn markdown_has_nothing_to_act_on(text in text()) {
            let shown = markdown(&text);
            prop_assert!(!has_hidden(&shown), "{shown:?}");
            let rest = shown.replace("<span>$</span>", "");
            prop_assert!(!rest.contains(['<', '>', '`', '*', '_', '[', ']', '|', '\\', '~', '$']));
            for reference in rest.split('&').skip(1) {
                prop_assert!(reference.starts_with('#') && reference.contains(';'), "{shown:?}");
            }
            let apart = rest.replace(APART, "\u{200b}");
            prop_assert!(!apart.contains("://") && !apart.to_lowercase().contains("www."));
            let is_apart = |rest: &str| rest.starts_with('\u{200b}');
            prop_assert!(apart.split('@').skip(1).all(is_apart), "{shown:?}");
        }

        #[test]
        fn a_command_stays_on_its_line(text in text()) {
            let data = workflow_data(&text);
            prop_assert!(!has_hidden(&data), "{data:?}");
            let property = workflow_property(&text);
            prop_assert!(!property.contains([':', ',', '\n', '\r']));
        }
    }
}
