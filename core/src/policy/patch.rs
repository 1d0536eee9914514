//! A change of policies, and what it makes of policies other than those it was written for.
//!
//! File by file: a file that is as it was before the change gets its new content. Tables are merged by
//! key, and the lists in them by item. Where that doesn't fit, the new content is taken whole, which
//! can bring more than the change itself.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files::{Files, TEST_SUFFIX};
use super::tables;
use crate::layout::table_at;

/// A change of policies.
pub struct Patch {
    before: Files,
    after: Files,
}

/// Policies to which a change was applied.
#[derive(Debug, PartialEq, Eq)]
pub struct Patched {
    /// The files.
    pub files: Files,
    /// The paths of files to which the change didn't fit, so that their new content was taken whole.
    pub whole: Vec<String>,
}

impl Patch {
    /// Returns what changes between two bundles.
    pub fn between(before: Files, after: Files) -> Self {
        Patch { before, after }
    }

    /// Returns the paths of the files that it changes.
    pub fn paths(&self) -> Vec<&str> {
        let paths: BTreeSet<_> = self.before.keys().chain(self.after.keys()).collect();
        let changes = |path: &&String| self.before.get(*path) != self.after.get(*path);
        paths.into_iter().filter(changes).map(String::as_str).collect()
    }

    /// Applies it to a bundle.
    pub fn apply(&self, to: &Files) -> Patched {
        let mut patched = Patched { files: to.clone(), whole: Vec::new() };
        for path in self.paths() {
            let [before, after, here] =
                [&self.before, &self.after, to].map(|files| files.get(path));
            if here == after {
                continue;
            }
            let (content, fits) = match (before, after, here) {
                _ if here == before => (after.cloned(), true),
                (Some(before), Some(after), Some(here)) if table_at(path).is_some() => {
                    merged(before, after, here)
                        .map_or((Some(after.clone()), false), |(table, fits)| (Some(table), fits))
                }
                _ => (after.cloned(), false),
            };
            match content {
                Some(content) => patched.files.insert(path.to_owned(), content),
                None => patched.files.remove(path),
            };
            if !fits && !path.ends_with(TEST_SUFFIX) {
                patched.whole.push(path.to_owned());
            }
        }
        patched
    }
}

/// Applies the change of a table to another version of it; `None` if one of them can't be read. Returns
/// the table, and whether the change fits.
fn merged(before: &[u8], after: &[u8], here: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut table = tables::value(here)?;
    let fits = merge(&tables::value(before)?, &tables::value(after)?, &mut table);
    Some((table.to_string().into_bytes(), fits))
}

/// Applies the change between two values to a third one. Returns whether it fits.
fn merge(before: &Value, after: &Value, here: &mut Value) -> bool {
    if before == after || here == after {
        return true;
    }
    match (before, after, &mut *here) {
        (Value::Object(before), Value::Object(after), Value::Object(fields)) => {
            let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            let merge_field = |fits, key: &String| {
                let (was, is) = (before.get(key), after.get(key));
                let fits_here = match (was, is, fields.get_mut(key)) {
                    _ if was == is => true,
                    (Some(was), Some(is), Some(here)) => merge(was, is, here),
                    (_, Some(is), here) => {
                        let fits = was == here.as_deref();
                        fields.insert(key.clone(), is.clone());
                        fits
                    }
                    (_, None, here) => {
                        let fits = here.is_none() || was == here.as_deref();
                        fields.remove(key);
                        fits
                    }
                };
                fits && fits_here
            };
            keys.into_iter().fold(true, merge_field)
        }
        (Value::Array(before), Value::Array(after), Value::Array(items)) if *items != *before => {
            let gone: Vec<_> = before.iter().filter(|item| !after.contains(item)).collect();
            let new: Vec<_> = after.iter().filter(|item| !before.contains(item)).collect();
            if gone.is_empty() && new.is_empty() {
                *here = Value::Array(after.clone());
                return false;
            }
            let fits = gone.iter().all(|item| items.contains(item));
            items.retain(|item| !gone.contains(&item));
            let new = new.into_iter().filter(|item| !items.contains(item)).cloned();
            items.extend(new.collect::<Vec<_>>());
            fits
        }
        _ => {
            let fits = here == before;
            *here = after.clone();
            fits
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &str = "policies/org/t/data.yaml";
    const RULE: &str = "policies/rules/r/r.rego";

    fn applied(path: &str, [before, after, here]: [Option<&str>; 3]) -> (Option<String>, bool) {
        let files = |text: Option<&str>| -> Files {
            text.map(|text| (path.to_owned(), text.into())).into_iter().collect()
        };
        let Patched { files, whole } =
            Patch::between(files(before), files(after)).apply(&files(here));
        let text = files.get(path).map(|bytes| String::from_utf8(bytes.clone()).unwrap());
        (text, whole.is_empty())
    }

    #[test]
    fn a_file_gets_its_new_content_and_says_where_that_brings_more() {
        for (sides, expected) in [
            ([Some("a"), Some("b"), Some("a")], (Some("b"), true)),
            ([Some("a"), Some("b"), Some("b")], (Some("b"), true)),
            ([Some("a"), Some("b"), Some("c")], (Some("b"), false)),
            ([Some("a"), Some("a"), Some("c")], (Some("c"), true)),
            ([None, Some("b"), None], (Some("b"), true)),
            ([None, Some("b"), Some("c")], (Some("b"), false)),
            ([Some("a"), Some("b"), None], (Some("b"), false)),
            ([Some("a"), None, Some("a")], (None, true)),
            ([Some("a"), None, Some("c")], (None, false)),
            ([Some("a"), None, None], (None, true)),
        ] {
            let (text, fits) = applied(RULE, sides);
            assert_eq!((text.as_deref(), fits), expected, "{sides:?}");
        }
    }

    #[test]
    fn tables_are_merged_by_key_and_lists_by_item() {
        for (before, after, here, expected, fits) in [
            ("{a: 1, b: 1}", "{a: 2, b: 1}", "{a: 1, c: 9}", json!({"a": 2, "c": 9}), true),
            ("{a: 1}", "{a: 2}", "{a: 3}", json!({"a": 2}), false),
            ("{a: 1}", "{a: 1, b: 2}", "{c: 3}", json!({"b": 2, "c": 3}), true),
            ("{a: 1}", "{a: 1, b: 2}", "{b: 3}", json!({"b": 2}), false),
            ("{a: 1, b: 2}", "{a: 1}", "{b: 2, c: 3}", json!({"c": 3}), true),
            ("{a: 1, b: 2}", "{a: 1}", "{b: 4, c: 3}", json!({"c": 3}), false),
            ("{a: 1, b: 2}", "{a: 1}", "{c: 3}", json!({"c": 3}), true),
            ("{a: {x: 1}}", "{a: {x: 2}}", "{c: 3}", json!({"a": {"x": 2}, "c": 3}), false),
            (
                "{a: {x: 1, y: 1}}",
                "{a: {x: 2, y: 1}}",
                "{a: {x: 1, y: 5}}",
                json!({"a": {"x": 2, "y": 5}}),
                true,
            ),
            ("{a: [1, 2]}", "{a: [2, 3]}", "{a: [0, 1]}", json!({"a": [0, 3]}), true),
            ("{a: [1, 2]}", "{a: [2, 3]}", "{a: [0]}", json!({"a": [0, 3]}), false),
            ("{a: [1, 2]}", "{a: [2, 1]}", "{a: [1, 2]}", json!({"a": [2, 1]}), true),
            ("{a: [1, 2]}", "{a: [2, 1]}", "{a: [0]}", json!({"a": [2, 1]}), false),
        ] {
            let (text, is_exact) = applied(TABLE, [Some(before), Some(after), Some(here)]);
            let table = tables::value(text.unwrap().as_bytes()).unwrap();
            assert_eq!((table, is_exact), (expected, fits), "{before} {after} {here}");
        }
        let unreadable = applied(TABLE, [Some("{a: 1}"), Some("{a: 2}"), Some("{a: [")]);
        assert_eq!(unreadable, (Some("{a: 2}".to_owned()), false));
    }
}
