//! GitHub: changes as pull requests there.

mod app;
mod fake;
mod faults;
mod life;
mod office;
mod teams;
