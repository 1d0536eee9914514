//! Code that several verbs share.

pub mod args;
pub mod asking;
pub mod caches;
pub mod closing;
pub mod events;
pub mod here;
pub mod interrupt;
pub mod judges;
pub mod lister;
pub mod logs;
pub mod me;
pub mod next;
pub mod on_github;
pub mod origin;
pub mod period;
pub mod place;
pub mod progress;
pub mod prompt;
pub mod receipt;
pub mod say;
pub mod site;
pub mod timeline;
pub mod tried;
pub mod verifying;
