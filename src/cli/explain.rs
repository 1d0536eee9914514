//! `changegate explain`: what a finding means, and how to resolve it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;

use super::shared::args::{AnswerFormat, PoliciesArg};
use super::shared::place::Place;
use super::shared::say;
use changegate::core::policy::codes::{self, CodeInfo};
use changegate::core::terms::Effect;
use changegate::report::escape::terminal;
use changegate::report::{hanging, whose};

/// Explain a finding: what it means, and how to resolve it
///
/// Each finding has a code, `rule/short-name`. The explanation is written beside the rule in the
/// policies, so that an organisation's own rules are explained, too.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate explain
      all codes, with their effect on the verdict
  changegate explain window/closed
      one code: meaning, solution, section of the rules, controls
  changegate explain --format json | jq -r '.codes[] | [.code, .controls[]] | @csv'
      the controls that each finding serves, for an auditor")]
pub struct ExplainArgs {
    /// A finding's code, such as window/closed; all codes if left out
    code: Option<String>,

    #[command(flatten)]
    policies: PoliciesArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// The output for scripts.
#[derive(Serialize)]
struct Explained<'a> {
    bundle: &'a str,
    codes: Vec<&'a CodeInfo>,
}

/// Runs the verb.
pub fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    // Policies that can't be used are explained, too.
    let (files, source) = args.policies.files(&Place::around([])?)?;
    let codes = codes::catalogue(&files);
    let asked = args.code.as_deref().map(|code| find(code, &codes)).transpose()?;
    say::print(&match (args.format, asked) {
        (AnswerFormat::Text, Some(info)) => one(info, &source, say::width()),
        (AnswerFormat::Text, None) => table(&codes, &source),
        (AnswerFormat::Json, Some(info)) => {
            say::json(&Explained { bundle: &source, codes: vec![info] })?
        }
        (AnswerFormat::Json, None) => {
            say::json(&Explained { bundle: &source, codes: codes.values().collect() })?
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn find<'a>(code: &str, codes: &'a BTreeMap<String, CodeInfo>) -> anyhow::Result<&'a CodeInfo> {
    codes.get(code).ok_or_else(|| {
        let known: Vec<_> = codes.keys().map(String::as_str).collect();
        let hint = say::hint(code, &known, "changegate explain");
        anyhow!("no finding has the code `{code}`{hint}")
    })
}

/// Returns the whole explanation of a code.
fn one(info: &CodeInfo, source: &str, columns: usize) -> String {
    const LABEL: usize = "controls".len();
    let mut out = format!("{}  {}\n", terminal(&info.code), word(info.effect).to_uppercase());
    if !info.title.is_empty() {
        out += &format!("  {}\n", terminal(&info.title));
    }
    out.push('\n');
    let effect = match info.effect {
        Effect::Info => "for information; it doesn't affect the verdict",
        Effect::Warn => "a warning; it doesn't affect the verdict",
        Effect::Pending => "the change waits for a person or a time",
        Effect::Deny => "the change can't proceed in its present form",
    };
    let section = section(&info.rule);
    let controls = info.controls.join(", ");
    let rows = [
        ("effect", effect),
        ("meaning", &info.meaning),
        ("resolve", &info.resolve),
        ("rules", &section),
        ("controls", &controls),
    ];
    for (label, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        out += &hanging(&format!("  {label:LABEL$}  "), text, columns);
    }
    out + &format!("\nby {}\n", whose(source))
}

/// Returns what a rule's section of the rules is called, and the address of the page: a repository
/// that has adopted changegate holds no copy of it.
fn section(rule: &str) -> String {
    const PAGE: &str = include_str!("../../docs/rules.md");
    const ADDRESS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/rules.md");
    let mut headings = PAGE.lines().filter_map(|line| line.strip_prefix("## "));
    let number = format!("{rule}. ");
    match headings.find_map(|heading| heading.strip_prefix(&number)) {
        _ if rule.is_empty() => String::new(),
        Some(title) => format!("{title}, section {rule} of {ADDRESS}"),
        None if rule == "Mechanism" => format!("built in, {rule} of {ADDRESS}"),
        None => format!("section {rule}"),
    }
}

/// Returns all codes, those of a rule together.
fn table(codes: &BTreeMap<String, CodeInfo>, source: &str) -> String {
    let width = codes.keys().map(String::len).max().unwrap_or(0);
    let rule = |info: &CodeInfo| info.code.split('/').next().unwrap_or_default().to_owned();
    let mut out = String::new();
    let mut last = None;
    for info in codes.values() {
        if last.replace(rule(info)).is_some_and(|last| last != rule(info)) {
            out.push('\n');
        }
        let effect = word(info.effect);
        let line = format!("{:width$}  {effect:7}  {}", info.code, info.title);
        out += &format!("{}\n", terminal(line.trim_end()));
    }
    let more = "`changegate explain CODE` says what one means and how to resolve it";
    out + &format!("\n{more}\nby {}\n", whose(source))
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Info => "info",
        Effect::Warn => "warn",
        Effect::Pending => "pending",
        Effect::Deny => "deny",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use changegate::core::policy::{SHIPPED, shipped_files};

    fn shipped() -> BTreeMap<String, CodeInfo> {
        codes::catalogue(&shipped_files())
    }

    #[test]
    fn one_code() {
        let text = one(find("yaml/alias", &shipped()).unwrap(), SHIPPED, 100);
        assert_eq!(
            text,
            "yaml/alias  DENY
  An alias replaces a value

  effect    the change can't proceed in its present form
  meaning   An alias repeats a value from another place, so that a reviewer doesn't see the value
            where it applies.
  resolve   Write the value out; text that starts with an asterisk needs quotes.
  rules     built in, Mechanism of https://github.com/changegate/changegate/blob/main/docs/rules.md
  controls  SOC2:CC8.1

by the shipped sample policies
"
        );
    }

    #[test]
    fn a_section_is_named_where_no_copy_of_the_rules_is() {
        let page = "https://github.com/changegate/changegate/blob/main/docs/rules.md";
        let cases = [
            ("5", format!("Deployment windows, section 5 of {page}")),
            ("Mechanism", format!("built in, Mechanism of {page}")),
            ("77", "section 77".to_owned()),
            ("", String::new()),
        ];
        for (rule, says) in cases {
            assert_eq!(section(rule), says);
        }
        for info in shipped().values() {
            assert!(section(&info.rule).ends_with(page), "{}", info.code);
        }
    }

    #[test]
    fn what_isnt_known_has_no_row() {
        let bare = CodeInfo {
            code: "acme/friday".to_owned(),
            title: String::new(),
            meaning: String::new(),
            resolve: "Wait\u{202e} for Monday.".to_owned(),
            help: None,
            rule: String::new(),
            effect: Effect::Pending,
            controls: Vec::new(),
        };
        assert_eq!(
            one(&bare, SHIPPED, 100),
            "acme/friday  PENDING\n\n  effect    the change waits for a person or a time\n  \
             resolve   Wait\\u{202e} for Monday.\n\nby the shipped sample policies\n"
        );
    }

    #[test]
    fn all_codes_on_a_line_each() {
        let text = table(&shipped(), SHIPPED);
        assert!(
            text.contains("\n\nwindow/closed                    deny     Outside every window\n")
        );
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn a_misspelled_code_is_recognised() {
        let error = |code| find(code, &shipped()).unwrap_err().to_string();
        assert_eq!(
            error("window/close"),
            "no finding has the code `window/close`; did you mean `window/closed`?"
        );
        assert_eq!(
            error("acme/no-such-code"),
            "no finding has the code `acme/no-such-code`; `changegate explain` lists all"
        );
    }
}
