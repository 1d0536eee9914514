//! The deployment windows at one point in time.

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::calendar::Calendar;
use crate::core::org::{Freeze, Zone};
use crate::core::terms::{Name, RiskTier};
use crate::core::time::{Duration, Interval, Time};

/// The minimum length that any opening satisfies.
pub const ANY: Duration = Duration::seconds(0);

/// The windows that are open, and those that open next.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Windows")]
pub struct WindowView {
    /// The time that the answer is for.
    pub now: Time,
    /// Whose windows and freezes these are: the path of a folder, or `shipped`.
    pub bundle: String,
    /// The length that an opening must have at least; zero for any length.
    pub duration: Duration,
    /// The tier that was asked for.
    pub tier: Option<RiskTier>,
    /// The services that were asked for; if there are none, freezes of some services alone take nothing
    /// from openings.
    pub services: Vec<Name>,
    /// The windows for this tier, the one that can be used first at the beginning.
    pub windows: Vec<WindowState>,
    /// The current and future freezes, in the order of their starts.
    pub freezes: Vec<Freeze>,
}

/// The state of a window.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WindowState {
    /// The window's name.
    pub window: String,
    /// The time zone of the window.
    pub zone: Zone,
    /// The tiers that may run in it.
    #[serde(rename = "for")]
    pub tiers: Vec<RiskTier>,
    /// The tiers that should run in it.
    pub preferred_for: Vec<RiskTier>,
    /// The current opening, from now until the window closes or a freeze begins, of any length;
    /// null if the window isn't open.
    pub open: Option<Interval>,
    /// The earliest opening from now on that is long enough, which may be the current one.
    pub next_opening: Option<Interval>,
}

/// Returns the windows at `now` for a change of this length (zero: any) and tier (`None`: any) to services
/// (none: any).
pub fn view(
    calendar: &Calendar,
    source: &str,
    now: Time,
    length: Duration,
    tier: Option<RiskTier>,
    services: &[Name],
) -> WindowView {
    let all = calendar;
    let calendar = match services {
        [] => calendar.with_freezes(|freeze| freeze.services.is_empty()),
        services => calendar.of(services),
    };
    let mut windows: Vec<_> = calendar
        .windows()
        .filter(|(_, window)| tier.is_none_or(|tier| window.tiers.contains(&tier)))
        .map(|(name, window)| WindowState {
            window: name.to_owned(),
            zone: window.zone.clone(),
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
    let freezes = all.freezes_after(now).filter(|freeze| freeze.concerns(services));
    WindowView {
        now,
        bundle: source.to_owned(),
        duration: length,
        tier,
        services: services.to_vec(),
        windows,
        freezes: freezes.cloned().collect(),
    }
}
