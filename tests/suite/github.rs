//! GitHub: changes as pull requests there.

mod fake;
mod life;
mod office;
