//! The audit trail as a table: RFC 4180, safe to open in a spreadsheet.

use csv::{Terminator, WriterBuilder};

use crate::changes::log::LogView;
use crate::report::escape::terminal;

const HEADER: [&str; 10] = [
    "change",
    "state",
    "event",
    "at",
    "seconds_since_previous",
    "by",
    "email",
    "unproven",
    "commit",
    "text",
];

/// Returns a line for each event, below the columns' names.
pub fn render(view: &LogView) -> anyhow::Result<String> {
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    table.write_record(HEADER)?;
    for change in &view.changes {
        for event in &change.events {
            let unproven = event.unproven.and_then(|it| serde_json::to_value(it).ok());
            let cells = [
                change.change.clone(),
                change.state.to_string(),
                event.what.to_string(),
                event.at.to_string(),
                event.after.map(|after| after.as_seconds().to_string()).unwrap_or_default(),
                event.by.as_ref().map(ToString::to_string).unwrap_or_default(),
                event.email.clone(),
                unproven.and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default(),
                event.commit.clone(),
                event.text.clone(),
            ];
            table.write_record(cells.map(|text| cell(&text)))?;
        }
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}

/// Returns a cell's text on one line. A spreadsheet would run a cell that begins like a formula; an
/// apostrophe before it makes it text.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = terminal(&text).into_owned();
    if text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        text.insert(0, '\'');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_one_line_and_run_nothing() {
        for (text, written) in [
            ("plain", "plain"),
            ("two\r\nlines", "two lines"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("\t=1+1", "'=1+1"),
            ("+1,2", "'+1,2"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
