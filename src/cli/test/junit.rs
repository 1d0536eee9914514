//! A test report as JUnit XML, in the form that CI systems read: a suite for each package.
//!
//! <https://github.com/testmoapp/junitxml>. It contains no times: the same policies give the same
//! report.

use changegate::core::characters::is_hidden;
use changegate::core::policy::testing::{Summary, TestReport, TestResult, TestStatus};

pub(super) fn render(report: &TestReport) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    out += &format!(
        "<testsuites name=\"changegate test\"{}>\n  <properties>\n    <property name=\"bundle\" value=\"{}\"/>\n  </properties>\n",
        counts(&report.summary),
        attribute(&report.bundle)
    );
    // A package is in one file, and tests are sorted by file.
    for suite in report.tests.chunk_by(|a, b| (&a.path, &a.package) == (&b.path, &b.package)) {
        let (package, path) = (attribute(&suite[0].package), attribute(&suite[0].path));
        let counts = counts(&Summary::of(suite));
        out += &format!("  <testsuite name=\"{package}\" file=\"{path}\"{counts}>\n");
        suite.iter().for_each(|test| out += &case(test));
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

fn counts(summary: &Summary) -> String {
    let Summary { tests, failed, errors, skipped, .. } = summary;
    format!(" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn case(test: &TestResult) -> String {
    let (line, status) = status(test);
    let printed = match test.printed.as_slice() {
        [] => String::new(),
        lines => format!("      <system-out>{}</system-out>\n", xml(&lines.join("\n"))),
    };
    let [name, package, path] = [&test.name, &test.package, &test.path].map(|text| attribute(text));
    let open = format!(
        "    <testcase name=\"{name}\" classname=\"{package}\" file=\"{path}\" line=\"{line}\""
    );
    match status + &printed {
        inner if inner.is_empty() => format!("{open}/>\n"),
        inner => format!("{open}>\n{inner}    </testcase>\n"),
    }
}

/// Returns the line to show, and the element that says how a test went.
fn status(test: &TestResult) -> (u32, String) {
    let trouble = |element: &str, message: &str, detail: &str| {
        let (message, detail) = (attribute(message), xml(detail));
        format!("      <{element} message=\"{message}\">{detail}</{element}>\n")
    };
    match &test.status {
        TestStatus::Passed => (test.line, String::new()),
        TestStatus::Skipped => (test.line, "      <skipped/>\n".to_owned()),
        TestStatus::Error { message } => (test.line, trouble("error", message, message)),
        TestStatus::Failed { expression: None } => {
            (test.line, trouble("failure", "the test is false", ""))
        }
        TestStatus::Failed { expression: Some(failed) } => {
            let values = failed.compared.as_ref();
            let values =
                values.map(|values| format!("\nleft   {}\nright  {}", values.left, values.right));
            let place = format!("{}:{}", test.path, failed.line);
            let detail = format!("{place}\n{}{}", failed.text, values.unwrap_or_default());
            (failed.line, trouble("failure", &failed.text, &detail))
        }
    }
}

/// Escapes text in an attribute, where line breaks and tabs would become spaces.
fn attribute(text: &str) -> String {
    xml(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

/// Escapes text in an element. Invisible characters, most of which XML doesn't allow, become
/// visible as `\u{202e}`.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(c),
            c if is_hidden(text, at) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_policy_acts_on_the_xml() {
        assert_eq!(xml("<a b=\"c\">&\n\u{1b}[0m"), "&lt;a b=&quot;c&quot;&gt;&amp;\n\\u{1b}[0m");
        assert_eq!(attribute("a\n\tb"), "a&#10;&#9;b");
    }
}
