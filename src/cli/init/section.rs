//! changegate's section of a README.

/// The section for changes that are reviewed in plain Git.
pub const PLAIN: &str = include_str!("templates/section.md");

/// The section for changes that are reviewed on GitHub.
pub const GITHUB: &str = include_str!("templates/section-github.md");

const BEGIN: &str = "<!-- changegate:begin -->";
const END: &str = "<!-- changegate:end -->";

/// Returns a README with the section: in place of an existing one, or at the end. Line breaks are
/// those of the rest.
///
/// # Errors
/// The reason why it can't be inserted.
pub fn put_into(readme: &str, section: &str) -> Result<String, String> {
    let is_crlf = readme.contains("\r\n");
    let section = section.trim_end();
    let section = if is_crlf { section.replace('\n', "\r\n") } else { section.to_owned() };
    let line_break = if is_crlf { "\r\n" } else { "\n" };
    let is_once = |mark| readme.matches(mark).count() == 1;
    match (readme.find(BEGIN), readme.find(END)) {
        (None, None) => {
            let before = readme.trim_end_matches(['\r', '\n']);
            let gap = if before.is_empty() { String::new() } else { line_break.repeat(2) };
            Ok(format!("{before}{gap}{section}{line_break}"))
        }
        (Some(begin), Some(end)) if begin < end && is_once(BEGIN) && is_once(END) => {
            Ok(format!("{}{section}{}", &readme[..begin], &readme[end + END.len()..]))
        }
        _ => Err(format!("the marks `{BEGIN}` and `{END}` must each occur once, in this order")),
    }
}

/// Returns a README with nothing but the section.
pub fn alone(title: &str, section: &str) -> String {
    format!("# {title}\n\n{section}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_into(readme: &str) -> Result<String, String> {
        super::put_into(readme, PLAIN)
    }

    #[test]
    fn it_is_appended_then_replaced() {
        let once = put_into("# Ops\n\nText.\n\n\n").unwrap();
        assert_eq!(once, format!("# Ops\n\nText.\n\n{PLAIN}"));
        let older = once.replace("## Changing production", "## Old words") + "\n## After\n";
        let renewed = put_into(&older).unwrap();
        assert_eq!(renewed, once + "\n## After\n");
        assert_eq!(put_into("").unwrap(), PLAIN);
        assert_eq!(put_into(&alone("Ops", GITHUB)).unwrap(), alone("Ops", PLAIN));
    }

    #[test]
    fn line_breaks_stay_as_they_are() {
        let text = put_into("# Ops\r\n").unwrap();
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert_eq!(put_into(&text).unwrap(), text);
    }

    #[test]
    fn a_lost_mark_is_not_guessed_at() {
        for text in [
            BEGIN.to_owned(),
            END.to_owned(),
            format!("{END}\n{BEGIN}\n"),
            format!("{PLAIN}{PLAIN}"),
        ] {
            assert!(put_into(&text).is_err(), "{text}");
        }
    }
}
