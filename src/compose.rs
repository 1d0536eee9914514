//! Writing a request: from answers to a file that the policies take.
//!
//! - [`fields`]: the one table of what a request can hold
//! - [`answer`], [`tickets`], [`openings`]: what an answer is read as, free ticket numbers, when a
//!   change may run
//! - [`draft`], [`render`]: the request as it would be written, and what the policies say about it
//! - [`promote`]: a template from requests that were executed
//! - [`index`], [`beside`]: what other request files act on, those here and those on the shared
//!   branches

pub mod answer;
pub mod beside;
pub mod draft;
pub mod emergency;
pub mod fields;
pub mod index;
pub mod openings;
pub mod promote;
pub mod render;
pub mod tickets;
