//! What the questions of the dialogue are based on.

use changegate::compose::tickets::Tickets;
use changegate::core::calendar::Calendar;
use changegate::core::org::Org;
use changegate::core::terms::RiskTier;
use changegate::core::time::{Duration, Time};

/// What is known when a question is asked.
pub struct Known<'a> {
    /// The organisation.
    pub org: &'a Org,
    /// When changes may run.
    pub calendar: &'a Calendar,
    /// The ticket numbers that are taken.
    pub tickets: &'a Tickets,
    /// The time to decide for.
    pub now: Time,
    /// The risk tier so far.
    pub tier: RiskTier,
    /// How long the change takes, if that is known.
    pub length: Option<Duration>,
}
