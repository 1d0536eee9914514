//! Tables for spreadsheets: RFC 4180, safe to open.

use std::io::Write;

use csv::{Terminator, Writer, WriterBuilder};

use super::escape::terminal;

/// A table that is being written.
pub struct Table<W: Write>(Writer<W>);

impl<W: Write> Table<W> {
    /// Begins a table with the columns' names.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn begin<const N: usize>(out: W, header: [&str; N]) -> anyhow::Result<Self> {
        let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        table.write_record(header)?;
        Ok(Table(table))
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn row<const N: usize>(&mut self, row: [String; N]) -> anyhow::Result<()> {
        Ok(self.0.write_record(row.map(|text| cell(&text)))?)
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn end(mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

/// Returns a table with a line for each row, below the columns' names.
///
/// # Errors
/// Never for text.
pub fn csv<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> anyhow::Result<String> {
    let mut text = Vec::new();
    let mut table = Table::begin(&mut text, header)?;
    rows.into_iter().try_for_each(|row| table.row(row))?;
    table.end()?;
    Ok(String::from_utf8(text)?)
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
