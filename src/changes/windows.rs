//! The deployment windows at one moment.

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::calendar::Calendar;
use crate::core::org::{Freeze, Zone};
use crate::core::terms::RiskTier;
use crate::core::time::{Duration, Interval, Time};

/// The length that every opening has.
pub const ANY: Duration = Duration::seconds(0);

/// What is open, and what opens next.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Windows")]
pub struct WindowView {
    /// The time that the answer is for.
    pub now: Time,
    /// How long an opening has to be; zero if any length will do.
    pub duration: Duration,
    /// The tier that was asked for.
    pub tier: Option<RiskTier>,
    /// The windows that take the tier; those that can be used first come first.
    pub windows: Vec<WindowState>,
    /// The freezes that aren't over, in order of their starts.
    pub freezes: Vec<Freeze>,
}

/// How a window stands.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WindowState {
    /// The window's name.
    pub window: String,
    /// The zone that its times are kept in.
    pub zone: Zone,
    /// The tiers that may run in it.
    #[serde(rename = "for")]
    pub tiers: Vec<RiskTier>,
    /// The tiers that should run in it.
    pub preferred_for: Vec<RiskTier>,
    /// If it is open now: from now until it closes or a freeze begins, however short.
    pub open: Option<Interval>,
    /// The earliest opening from now on that is long enough, which may be the one that is open.
    pub next_opening: Option<Interval>,
}

/// How the windows stand at `now` for a change of this length (zero: any) and tier (none: any).
pub fn view(
    calendar: &Calendar,
    now: Time,
    length: Duration,
    tier: Option<RiskTier>,
) -> WindowView {
    let mut windows: Vec<_> = calendar
        .windows()
        .filter(|(_, window)| tier.is_none_or(|tier| window.tiers.contains(&tier)))
        .map(|(name, window)| WindowState {
            window: name.to_owned(),
            zone: window.zone,
            tiers: window.tiers.clone(),
            preferred_for: window.preferred_for.clone(),
            open: calendar.openings_of(window, now, ANY).next().filter(|open| open.start == now),
            next_opening: calendar.openings_of(window, now, length).next(),
        })
        .collect();
    windows.sort_by_key(|state| {
        let next = state.next_opening.map(|opening| opening.start);
        (next.is_none(), next, state.open.is_none())
    });
    let freezes = calendar.freezes_after(now).cloned().collect();
    WindowView { now, duration: length, tier, windows, freezes }
}
