//! What the checker itself finds: a file's form. All of it denies, and none of it can be loosened
//! by a policy.

use super::CodeInfo;
use crate::core::terms::Effect;

/// A code about a file's form.
pub(super) struct FormCode {
    pub(super) code: &'static str,
    title: &'static str,
    meaning: &'static str,
    resolve: &'static str,
}

/// All of them, by code.
pub(super) fn codes() -> impl Iterator<Item = &'static FormCode> {
    CODES.iter()
}

/// The part of the rules that says what is fixed in the checker.
const SECTION: &str = "Mechanism";

/// What they serve: nothing is judged, and so nothing goes out, that people and the checker could
/// read in different ways.
const CONTROL: &str = "SOC2:CC8.1";

impl From<&FormCode> for CodeInfo {
    fn from(form: &FormCode) -> Self {
        CodeInfo {
            code: form.code.to_owned(),
            title: form.title.to_owned(),
            meaning: form.meaning.to_owned(),
            resolve: form.resolve.to_owned(),
            help: None,
            rule: SECTION.to_owned(),
            effect: Effect::Deny,
            controls: vec![CONTROL.to_owned()],
        }
    }
}

const CODES: &[FormCode] = &[
    FormCode {
        code: "field/missing",
        title: "A field is missing",
        meaning: "Something is written of which a part is always needed, and that part isn't there.",
        resolve: "Add the field, or remove what it belongs to.",
    },
    FormCode {
        code: "field/type",
        title: "A field holds another kind of value",
        meaning: "Text stands where a list is expected, a number where text is, or the like; nothing is converted silently, so that what is approved is what was written.",
        resolve: "Write the kind of value that the message names; quotes make a number text.",
    },
    FormCode {
        code: "field/unknown",
        title: "A field isn't known",
        meaning: "A misspelled field would be passed over in silence, and what it says with it.",
        resolve: "Correct the name, or remove the field; `changegate schema change-request` lists all fields of a request.",
    },
    FormCode {
        code: "field/value",
        title: "A field's value won't do",
        meaning: "The value is of the right kind and not one that the field takes: a day that the calendar doesn't have, a word that isn't among those allowed.",
        resolve: "Write a value as the message says.",
    },
    FormCode {
        code: "request/branch",
        title: "The branch brings another request than its name says",
        meaning: "In plain Git a change is found by its branch, change/<id>, and so is its journal of reviews.",
        resolve: "Call the branch after the request, or bring the request that the branch is called after.",
    },
    FormCode {
        code: "request/deleted",
        title: "A request is deleted",
        meaning: "Nothing submitted disappears: the request is part of the audit trail.",
        resolve: "Put the file back; to call the change off, add `cancelled:` with the reason.",
    },
    FormCode {
        code: "request/merge",
        title: "Merging would bring something else",
        meaning: "GitHub merges line by line with what has come onto the branch since. What is merged has to be what is judged and approved here, file by file, and nothing besides.",
        resolve: "Merge the branch that it goes to into the pull request's branch, and have it reviewed if that changes anything material.",
    },
    FormCode {
        code: "request/no-file",
        title: "The request is no regular file",
        meaning: "A symbolic link or a special file can lead anywhere, and to another place tomorrow.",
        resolve: "Put the request itself in its place.",
    },
    FormCode {
        code: "request/path",
        title: "The request's path isn't plain",
        meaning: "A path that people or file systems could take for another could hide one request behind another.",
        resolve: "Give the file a path of plain ASCII below requests/.",
    },
    FormCode {
        code: "yaml/alias",
        title: "An alias stands for a value",
        meaning: "An alias repeats what stands elsewhere, so that a reviewer doesn't see what is approved where it is used.",
        resolve: "Write the value out; text that starts with an asterisk needs quotes.",
    },
    FormCode {
        code: "yaml/anchor",
        title: "A value is marked for reuse",
        meaning: "Anchors serve aliases, and those aren't allowed: every value is written where it counts.",
        resolve: "Delete the anchor; text that starts with an ampersand needs quotes.",
    },
    FormCode {
        code: "yaml/character",
        title: "A character can't be seen",
        meaning: "Control, bidirectional and zero-width characters let a file look different from what it says.",
        resolve: "Delete the character, or the escape that stands for it; most editors can show it.",
    },
    FormCode {
        code: "yaml/depth",
        title: "Lists and mappings are nested too deep",
        meaning: "No request needs that, and reading it could take without bound.",
        resolve: "Flatten the structure.",
    },
    FormCode {
        code: "yaml/documents",
        title: "The file has a second document",
        meaning: "A file is one request: whatever follows a line of three dashes would be read by nobody.",
        resolve: "Delete the second document, or give it a file of its own.",
    },
    FormCode {
        code: "yaml/duplicate-key",
        title: "A field is given twice",
        meaning: "Readers disagree on which of the two counts.",
        resolve: "Delete one of them.",
    },
    FormCode {
        code: "yaml/empty",
        title: "The file is empty",
        meaning: "There is nothing to judge; comments alone don't count.",
        resolve: "Fill in the request, or remove the file.",
    },
    FormCode {
        code: "yaml/encoding",
        title: "The file isn't plain UTF-8",
        meaning: "Bytes that aren't UTF-8, and byte order marks, are shown in different ways by different tools.",
        resolve: "Save the file as UTF-8 without a byte order mark.",
    },
    FormCode {
        code: "yaml/key",
        title: "A key isn't text",
        meaning: "Fields have names; a number, a truth value or a list as a key is none.",
        resolve: "Put the key in quotes if it is meant as text.",
    },
    FormCode {
        code: "yaml/more",
        title: "There are more problems",
        meaning: "So many problems were found that the rest isn't listed.",
        resolve: "Mend those that are listed, and check again.",
    },
    FormCode {
        code: "yaml/number",
        title: "A number can't be held",
        meaning: "It is too large or too small to be kept exactly, and another one would be judged in its place.",
        resolve: "Put it in quotes if it isn't meant as a number; otherwise write one that is closer to zero.",
    },
    FormCode {
        code: "yaml/syntax",
        title: "The file isn't YAML",
        meaning: "From here on it can't be told what belongs to what.",
        resolve: "Mend what the message names: most often indentation, a missing quote or a colon without a blank after it.",
    },
    FormCode {
        code: "yaml/tag",
        title: "A tag changes what a value means",
        meaning: "Tags turn one value into another when they are read; only plain values are allowed.",
        resolve: "Delete the tag; quotes make a value text.",
    },
    FormCode {
        code: "yaml/too-large",
        title: "The file is too large",
        meaning: "A request is read by people; logs and data aren't part of it.",
        resolve: "Keep logs and data elsewhere and link them.",
    },
];
