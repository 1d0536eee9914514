//! changegate decides whether a change may go ahead.
pub mod approvals;
pub mod calendar;
pub mod cli;
pub mod codes;
pub mod decision;
pub mod digest;
pub mod evidence;
pub mod input;
pub mod org;
pub mod policy;
pub mod report;
pub mod request;
pub mod sign_off;
pub mod time;
pub mod yaml;
