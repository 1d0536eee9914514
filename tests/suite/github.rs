//! GitHub: changes as pull requests there.

mod adopter;
mod app;
mod asking;
mod by_workflows;
mod doctor;
mod elsewhere;
mod events;
pub mod executing;
mod fake;
mod faults;
mod forged;
pub mod form;
mod hostile;
pub mod ledger;
mod life;
mod meanwhile;
pub mod merging;
mod night;
pub mod office;
mod other_paths;
mod reasons;
mod reviews;
mod story;
mod switched_off;
mod teams;
mod trial;
