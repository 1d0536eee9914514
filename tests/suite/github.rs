//! GitHub: changes as pull requests there.

mod fake;
