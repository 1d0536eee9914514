//! The checker's own findings: about a file's form, and about what no policy may allow. All of them
//! deny, and no policy can weaken them; but for the one that says that nothing is judged.

use super::CodeInfo;
use crate::request::SECRET;
use crate::terms::Effect;

/// The code that says that a change is none of the checker's business.
pub(super) const UNGOVERNED: &str = "request/ungoverned";

/// A code of the checker's own.
pub(super) struct FormCode {
    pub(super) code: &'static str,
    title: &'static str,
    meaning: &'static str,
    resolve: &'static str,
}

/// Returns all of them, by code.
pub(super) fn codes() -> impl Iterator<Item = &'static FormCode> {
    CODES.iter()
}

/// The section of docs/rules.md about what is built in.
const SECTION: &str = "Mechanism";

/// The control that they serve: no file is judged, and so none goes out, that people and the
/// checker could read in different ways.
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
            effect: if form.code == UNGOVERNED { Effect::Info } else { Effect::Deny },
            controls: vec![CONTROL.to_owned()],
        }
    }
}

const CODES: &[FormCode] = &[
    FormCode {
        code: "field/missing",
        title: "A field is missing",
        meaning: "A part that is always needed is missing from something that was written.",
        resolve: "Add the field, or remove what it belongs to.",
    },
    FormCode {
        code: "field/type",
        title: "A field has the wrong kind of value",
        meaning: "For example text where a list is expected, or a number where text is expected; nothing is converted silently, so that what is approved is what was written.",
        resolve: "Write the kind of value that the message names; quotes turn a number into text.",
    },
    FormCode {
        code: "field/unknown",
        title: "A field is unknown",
        meaning: "A misspelled field would be ignored silently, together with its value.",
        resolve: "Correct the name, or remove the field; `changegate schema change-request` lists all fields of a request.",
    },
    FormCode {
        code: "field/value",
        title: "A field's value isn't allowed",
        meaning: "The value has the right kind, but the field doesn't allow it: for example a date that doesn't exist, or a word that isn't in the list of allowed words.",
        resolve: "Write a value that the message allows.",
    },
    FormCode {
        code: "policy/lock-out",
        title: "A change of policies would lock people out",
        meaning: "It would leave fewer people than are asked for, where there were enough before: two L3 for the policies themselves, one person for each level of the matrix, each role and each service. Nobody could repair that afterwards.",
        resolve: "Name somebody else who can sign in the same change.",
    },
    FormCode {
        code: "request/branch",
        title: "The branch contains another request than its name says",
        meaning: "In plain Git a change and its journal of reviews are found by the name of the branch, change/<id>.",
        resolve: "Name the branch after the request, or submit the request that the branch is named after.",
    },
    FormCode {
        code: "request/deleted",
        title: "A request is deleted",
        meaning: "Nothing that was submitted disappears: the request is part of the audit trail.",
        resolve: "Restore the file.",
    },
    FormCode {
        code: "request/merge",
        title: "Merging would add other content",
        meaning: "GitHub merges line by line with what was added to the base branch in the meantime. The merge must contain exactly the files that were judged and approved here, and nothing else.",
        resolve: "Merge the base branch into the pull request's branch, and have it reviewed if that changes anything material.",
    },
    FormCode {
        code: "request/no-file",
        title: "The request isn't a regular file",
        meaning: "A symbolic link or a special file can point anywhere, and to another place tomorrow.",
        resolve: "Put the request itself in its place.",
    },
    FormCode {
        code: "request/path",
        title: "The request's path isn't plain ASCII",
        meaning: "People or file systems could confuse such a path with another one, so that one request hides another.",
        resolve: "Give the file a plain ASCII path below requests/.",
    },
    FormCode {
        code: SECRET,
        title: "The request holds a credential",
        meaning: "The file holds a private key or a token of a well-known service, by its fixed form; a comment hides nothing. Everybody who can read the repository has it, its clones keep it, and so it no longer protects anything. Nothing else in the file is read, its text is repeated nowhere, and a record of the decision keeps its digest alone.",
        resolve: "Revoke the credential where it was issued, and amend the request without it.",
    },
    FormCode {
        code: UNGOVERNED,
        title: "Nothing that is governed is changed",
        meaning: "The change touches no request, no policies, and none of the other governed paths, and the settings leave such changes free (`other_paths: free`).",
        resolve: "Nothing has to be done: it passes without a decision.",
    },
    FormCode {
        code: "yaml/alias",
        title: "An alias replaces a value",
        meaning: "An alias repeats a value from another place, so that a reviewer doesn't see the value where it applies.",
        resolve: "Write the value out; text that starts with an asterisk needs quotes.",
    },
    FormCode {
        code: "yaml/anchor",
        title: "A value is marked for reuse",
        meaning: "Anchors exist for aliases, which aren't allowed: every value is written where it applies.",
        resolve: "Delete the anchor; text that starts with an ampersand needs quotes.",
    },
    FormCode {
        code: "yaml/character",
        title: "A character is invisible",
        meaning: "Control, bidirectional and zero-width characters let a file look different from what it says. Prose may hold those that writing needs: joiners within emoji and where a script joins its letters, and a right-to-left mark beside a letter of such a script.",
        resolve: "Delete the character, or the escape that stands for it; most editors can show it.",
    },
    FormCode {
        code: "yaml/depth",
        title: "Lists and mappings are nested too deeply",
        meaning: "No request needs such nesting, and reading it could take unlimited time.",
        resolve: "Use fewer levels of nesting.",
    },
    FormCode {
        code: "yaml/documents",
        title: "The file has a second document",
        meaning: "A file is one request: what follows a line of three dashes would be ignored.",
        resolve: "Delete the second document, or give it a file of its own.",
    },
    FormCode {
        code: "yaml/duplicate-key",
        title: "A field is given twice",
        meaning: "Programs differ in which of the two values they use.",
        resolve: "Delete one of them.",
    },
    FormCode {
        code: "yaml/empty",
        title: "The file is empty",
        meaning: "There is nothing to judge; a file with only comments is empty, too.",
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
        meaning: "Field names are text; a number, `true`, `false` or a list can't be a field name.",
        resolve: "Put the key in quotes if it is meant as text.",
    },
    FormCode {
        code: "yaml/more",
        title: "There are more problems",
        meaning: "Too many problems were found to list all of them.",
        resolve: "Fix those that are listed, and check again.",
    },
    FormCode {
        code: "yaml/number",
        title: "A number has more than one spelling",
        meaning: "1.20 and 1.2, 0644 and 644, or two whole numbers too large to be told apart are one number but different texts, so an approval of one would cover the other. In a request a number is a plain whole number within ±(2^53 - 1), in its shortest form.",
        resolve: "Put it in quotes, which makes it text: `version: \"1.20\"`.",
    },
    FormCode {
        code: "yaml/syntax",
        title: "The file isn't YAML",
        meaning: "The structure of the file can't be determined from here on.",
        resolve: "Fix what the message names: most often indentation, a missing quote, or a colon without a space after it.",
    },
    FormCode {
        code: "yaml/tag",
        title: "A tag changes what a value means",
        meaning: "Tags change a value when it is read; only plain values are allowed.",
        resolve: "Delete the tag; quotes turn a value into text.",
    },
    FormCode {
        code: "yaml/too-large",
        title: "The file is too large",
        meaning: "A request is read by people; logs and data aren't part of it.",
        resolve: "Store logs and data elsewhere, and link to them.",
    },
];
