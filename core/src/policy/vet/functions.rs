//! Refuses functions that a policy may not call, and wrong calls of the others.
//!
//! The list names what is allowed, so that a function that a later interpreter adds is refused
//! until somebody has assessed it. A function is allowed if its result depends only on its
//! arguments, and its cost is in proportion to them. That excludes the calendar functions of
//! `time`, which read the machine's time zone for the zone `Local`.
//!
//! A builtin that fails is undefined, so a mistake in its arguments would silence the rule that
//! calls it. Patterns and formats therefore have to be literals, and are checked here.

use regorus::Value;
use regorus::unstable::{ArithOp, BUILTINS, Expr};
use serde_json::Map;

use super::super::builtins;
use super::PolicyProblem;
use super::documents::Documents;
use super::expressions::{Call, Meaning, literal};
use super::facts::RuleFacts;
use super::known::followed;
use super::names::{Names, Scopes, imported_name};

pub(super) const ALLOWED: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "indexof",
    "indexof_n",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "lower",
    "max",
    "min",
    "net.cidr_contains",
    "net.cidr_is_valid",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.subset",
    "object.union",
    "object.union_n",
    "product",
    "regex.match",
    "round",
    "semver.compare",
    "semver.is_valid",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.count",
    "strings.reverse",
    "substring",
    "sum",
    "time.parse_duration_ns",
    "time.parse_rfc3339_ns",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "upper",
];

/// The allowed functions that are undefined for some arguments of the right type, such as an empty
/// set. The others have a value or fail, which stops the decision.
pub(super) const MAY_BE_UNDEFINED: &[&str] = &["array.slice", "max", "min"];

/// The allowed functions whose value is always a whole number.
const WHOLE: &[&str] = &["count", "indexof", "strings.count"];

const REPLAY: &str = "a decision has to come out the same when it is replayed";
const MACHINE: &str = "a decision has to come out the same on every machine";
const ENGINES: &str = "its result differs between engines";
const UNBOUNDED: &str = "its result can grow without bound, and nothing interrupts it";
const SEARCH: &str = "its work can grow without bound, and nothing interrupts it";
const OUTPUT: &str = "a decision writes no output";
const NOT_ASSESSED: &str = "nobody has assessed whether it is bounded and the same in every engine";
const NO_ZONE: &str = "Use `input.calendar`, or `time.parse_rfc3339_ns` and arithmetic.";
const PRINT_IN_TESTS: &str = "Use `print` in a file that ends in `_test.rego`.";
const PLAIN_NUMBERS: &str =
    "Write plain numbers, or take a unit off: `to_number(trim_suffix(text, \"Gi\"))`.";
const PARTS_OF_TEXT: &str = "Use `regex.match` to ask, and `split` or `substring` to take a part.";
const EACH_NETWORK: &str = "Iterate with `some … in …` and use `net.cidr_contains`.";
const BOTH_WAYS: &str =
    "Ask `net.cidr_contains(a, b)` and, in a second rule, `net.cidr_contains(b, a)`.";
const NAME_THE_PATHS: &str = "Name the paths that you mean, or iterate with `some … in …`.";

/// Functions that an author may expect: name, why it is refused, what to do instead.
const REFUSED: &[(&str, &str, &str)] = &[
    ("array.flatten", NOT_ASSESSED, "Iterate: `[x | some list in lists; some x in list]`."),
    ("bits.lsh", UNBOUNDED, "Multiply instead."),
    ("cast_string", NOT_ASSESSED, "Use `sprintf(\"%v\", [value])`."),
    ("glob.match", SEARCH, "Use `startswith`, `endswith` or `regex.match`."),
    ("graph.reachable", SEARCH, NAME_THE_PATHS),
    ("graph.reachable_paths", SEARCH, NAME_THE_PATHS),
    ("http.send", REPLAY, "Put the fact into the evidence, or into `data.org`."),
    ("json.filter", NOT_ASSESSED, "Use `object.filter`, or name the fields that you mean."),
    ("json.marshal", NOT_ASSESSED, "Use `sprintf(\"%v\", [value])`."),
    ("json.patch", NOT_ASSESSED, "Use `object.union`."),
    ("json.remove", NOT_ASSESSED, "Use `object.remove`, or name the fields that you mean."),
    ("net.cidr_contains_matches", NOT_ASSESSED, EACH_NETWORK),
    ("net.cidr_intersects", NOT_ASSESSED, BOTH_WAYS),
    ("net.cidr_overlap", NOT_ASSESSED, "Use `net.cidr_contains`."),
    ("net.lookup_ip_addr", REPLAY, "Put the address into `data.org`."),
    ("numbers.range", UNBOUNDED, "Compare with `<` and `<=`, or list the numbers in `data.org`."),
    ("numbers.range_step", UNBOUNDED, "Compare with `<` and `<=`."),
    ("opa.runtime", MACHINE, "Put the setting into `data.org.settings`."),
    ("print", OUTPUT, PRINT_IN_TESTS),
    ("rand.intn", REPLAY, "Choose by something in `input`, such as the request's id."),
    ("re_match", NOT_ASSESSED, "Use `regex.match`."),
    ("regex.find_all_string_submatch_n", NOT_ASSESSED, PARTS_OF_TEXT),
    ("regex.find_n", NOT_ASSESSED, PARTS_OF_TEXT),
    ("regex.globs_match", NOT_ASSESSED, "Use `regex.match`."),
    ("regex.is_valid", NOT_ASSESSED, "Patterns are checked when the policies are loaded."),
    ("regex.replace", UNBOUNDED, "Use `trim_prefix`, `trim_suffix` or `split`."),
    ("regex.split", NOT_ASSESSED, "Use `split`, whose separator is a plain text."),
    ("regex.template_match", NOT_ASSESSED, "Use `regex.match`."),
    ("replace", UNBOUNDED, "Use `trim_prefix`, `trim_suffix` or `split`."),
    ("set_diff", NOT_ASSESSED, "Use `-` between the sets."),
    ("strings.replace_n", UNBOUNDED, "Use `trim_prefix`, `trim_suffix` or `split`."),
    ("time.add_date", MACHINE, NO_ZONE),
    ("time.clock", MACHINE, NO_ZONE),
    ("time.date", MACHINE, NO_ZONE),
    ("time.diff", MACHINE, NO_ZONE),
    ("time.format", MACHINE, NO_ZONE),
    ("time.now_ns", REPLAY, "Use `input.now`."),
    ("time.parse_ns", NOT_ASSESSED, "Use `time.parse_rfc3339_ns`."),
    ("time.weekday", MACHINE, NO_ZONE),
    ("trace", OUTPUT, PRINT_IN_TESTS),
    ("units.parse", ENGINES, PLAIN_NUMBERS),
    ("units.parse_bytes", ENGINES, PLAIN_NUMBERS),
    ("uuid.rfc4122", REPLAY, "Use something in `input`, such as the request's id."),
    ("walk", SEARCH, NAME_THE_PATHS),
];

/// Checks every call.
pub(super) fn check(facts: &[RuleFacts], scopes: &Scopes) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    for rule in facts {
        let names = scopes.seen_by(rule);
        problems.extend(rule.calls.iter().filter_map(|call| refusal(names, rule, call)));
    }
    problems
}

fn refusal(names: &Names, rule: &RuleFacts, call: &Call) -> Option<PolicyProblem> {
    let problem = |message, help: &str| Some(rule.file.problem(call.span, message, help));
    let name = call.name.as_str();
    if let Some((_, parameters)) = names.function(rule, call) {
        return wrong_count(call, parameters).and_then(|message| problem(message, ""));
    }
    if let Some(target) = imported_name(rule, name) {
        let message = format!("`{name}` stands for `{target}`, which isn't a function");
        return problem(message, &suggestion(names, rule, name));
    }
    if name == "print" && rule.file.is_test() {
        return None;
    }
    if let Some((_, why, instead)) = REFUSED.iter().find(|(refused, ..)| *refused == name) {
        return problem(format!("`{name}` can't be used in a policy: {why}"), instead);
    }
    let Some(parameters) = parameters_of(name).filter(|_| ALLOWED.contains(&name)) else {
        let message =
            format!("`{name}` is neither a function of this bundle nor one that policies may use");
        return problem(message, &suggestion(names, rule, name));
    };
    if let Some(message) = wrong_count(call, parameters) {
        return problem(message, "");
    }
    match name {
        "regex.match" => bad_pattern(call).and_then(|(message, help)| problem(message, help)),
        "sprintf" => {
            bad_format(names, rule, call).and_then(|(message, help)| problem(message, help))
        }
        _ => None,
    }
}

/// Returns how many arguments a builtin function takes.
pub(super) fn parameters_of(name: &str) -> Option<usize> {
    let builtin = BUILTINS.get(name).map(|(_, parameters)| usize::from(*parameters));
    builtin.or_else(|| builtins::parameters_of(name))
}

/// Refuses a wrong number of arguments: one too many would be compared with the result, which
/// nobody expects.
fn wrong_count(call: &Call, parameters: usize) -> Option<String> {
    let given = call.arguments.len();
    let plural = if parameters == 1 { "" } else { "s" };
    (given != parameters)
        .then(|| format!("`{}` takes {parameters} argument{plural}, not {given}", call.name))
}

fn suggestion(names: &Names, rule: &RuleFacts, name: &str) -> String {
    let candidates = ALLOWED.iter().copied().chain(names.callable(rule));
    candidates
        .map(|candidate| (strsim::osa_distance(candidate, name), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().min(name.len()) / 3)
        .min()
        .map(|(_, candidate)| format!("Did you mean `{candidate}`?"))
        .unwrap_or_default()
}

fn bad_pattern(call: &Call) -> Option<(String, &'static str)> {
    let [pattern, _] = call.arguments else {
        return None;
    };
    let Some(text) = literal(pattern) else {
        let message = "`regex.match` needs its pattern written out, so that it can be checked";
        return Some((message.into(), "Write the pattern as a literal in backquotes."));
    };
    if let Some(class) = engine_dependent(text) {
        return Some((
            format!("`{class}` matches different characters in other engines"),
            "Write out classes, such as `[0-9]`, and ignore case with `lower`.",
        ));
    }
    let arguments = [Value::from(text), Value::from("")];
    let (compile, _) = BUILTINS.get("regex.match")?;
    let invalid = compile(call.span, call.arguments, &arguments, true).is_err();
    invalid.then(|| {
        let message = format!("`{text}` is not a valid pattern, or is too large");
        (message, "Patterns follow RE2, without look-around or back-references.")
    })
}

/// Returns the first class or flag that means ASCII in OPA, but Unicode or nothing in this engine.
fn engine_dependent(pattern: &str) -> Option<&str> {
    let mut rest = pattern;
    while let Some(at) = rest.find(['\\', '(']) {
        rest = &rest[at..];
        let mut ends = rest.char_indices().map(|(start, _)| start).skip(2);
        let pair = ends.next().unwrap_or(rest.len());
        let class = rest[..pair].strip_prefix('\\');
        if class.is_some_and(|class| "dDwWsSbBpP".contains(class)) {
            return Some(&rest[..pair]);
        }
        if rest.starts_with("(?") && !rest.starts_with("(?:") {
            return Some(&rest[..ends.next().unwrap_or(rest.len())]);
        }
        rest = &rest[if class.is_some() { pair } else { 1 }..];
    }
    None
}

fn bad_format(names: &Names, rule: &RuleFacts, call: &Call) -> Option<(String, &'static str)> {
    const PRINT_ANYTHING: &str = "Use `%v` or `%s`, which print every value.";
    let [format, values] = call.arguments else {
        return None;
    };
    let (Some(format), Expr::Array { items, .. }) = (literal(format), &**values) else {
        return Some((
            "`sprintf` needs its format and its list of values written out, so that they can be \
             checked"
                .into(),
            "Write `sprintf(\"… %v …\", [value])`.",
        ));
    };
    let mut verbs = 0;
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            continue;
        }
        match characters.next() {
            Some('%') => {}
            Some('v' | 's') => verbs += 1,
            Some('d')
                if items.get(verbs).is_some_and(|item| is_whole(names, rule, item, &mut 99)) =>
            {
                verbs += 1;
            }
            Some('d') => {
                let message = "`%d` has no result for a value that isn't a whole number";
                return Some((message.into(), PRINT_ANYTHING));
            }
            Some(other) => {
                let message = format!("`%{other}` can't be used in a format");
                return Some((message, PRINT_ANYTHING));
            }
            None => return Some(("a format can't end in `%`".into(), "Write `%%`.")),
        }
    }
    let given = items.len();
    (verbs != given).then(|| {
        let message = format!("this format has {verbs} verbs for {given} values");
        (message, "Give one value for each `%v`.")
    })
}

/// Returns whether a value is always a whole number, as far as its rule shows.
fn is_whole(names: &Names, rule: &RuleFacts, written: &Expr, steps: &mut u8) -> bool {
    // A variable may stand for many others, and, in a rule that can't be evaluated, for itself.
    *steps = steps.saturating_sub(1);
    let mut is_whole = |part: &Expr| *steps > 0 && is_whole(names, rule, part, steps);
    match written {
        Expr::Number { span, .. } => span.text().parse::<i64>().is_ok(),
        Expr::UnaryExpr { expr, .. } => is_whole(expr),
        Expr::ArithExpr { op: ArithOp::Add | ArithOp::Sub | ArithOp::Mul, lhs, rhs, .. } => {
            is_whole(lhs) && is_whole(rhs)
        }
        Expr::Call { .. } => Call::of(written).is_some_and(|call| {
            WHOLE.contains(&call.name.as_str()) && names.function(rule, &call).is_none()
        }),
        Expr::Var { span, .. } => match rule.variable(span.text()) {
            Some(Meaning::Position) => true,
            Some(Meaning::KeyOf(path)) => {
                !Documents::new(&Map::new()).may_have_names(&followed(rule, path))
            }
            Some(Meaning::Written(written)) => written.iter().all(|part| is_whole(part)),
            _ => false,
        },
        _ => false,
    }
}
