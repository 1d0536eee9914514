//! The question whether a change may be closed as somebody says that it went.

use super::authorize::Question;
use super::kinds::Outcome;
use crate::terms::TicketId;

/// Whether a change may be closed as somebody says that it went.
#[derive(Clone, Copy)]
pub struct Closing<'a> {
    /// What is known of the change, and who says it; nothing is executed.
    pub question: Question<'a>,
    /// How it went.
    pub said: &'a Outcome,
    /// The incident to which it led, if one is named.
    pub incident: Option<&'a TicketId>,
    /// Whether who says it may, see [`super::writer::Writing::may_conclude`].
    pub may: bool,
}
