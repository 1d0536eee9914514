//! The overview: calendar, freezes, rescheduling, templates and reports, from real repositories.

mod calendar;
mod freezes;
mod kept;
mod page;
mod report;
mod templates;
