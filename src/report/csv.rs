//! Tables for spreadsheets: RFC 4180, safe to open.

use csv::{Terminator, WriterBuilder};

use super::escape::terminal;

/// Returns a line for each row, below the columns' names.
///
/// # Errors
/// Never for text.
pub fn csv<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> anyhow::Result<String> {
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    table.write_record(header)?;
    for row in rows {
        table.write_record(row.map(|text| cell(&text)))?;
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
