//! GitHub: changes as pull requests there.

mod app;
mod by_workflows;
mod fake;
mod faults;
pub mod form;
mod life;
mod office;
mod teams;
