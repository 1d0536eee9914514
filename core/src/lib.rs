//! The functional core: bytes and values in, a decision out.
//!
//! It uses no file, network, environment or clock, and imports nothing outside itself.

pub mod approvals;
pub mod calendar;
pub mod characters;
pub mod decision;
pub mod digest;
pub mod evidence;
pub mod input;
pub mod layout;
pub mod metrics;
pub mod operations;
pub mod org;
pub mod policy;
pub mod record;
pub mod rehearsal;
pub mod request;
pub mod sign_off;
pub mod template;
pub mod terms;
pub mod time;
pub mod yaml;
