//! Decides how often and when a request to GitHub is repeated.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode};

/// The maximum number of attempts, and the pause after the first; each later pause doubles.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The maximum time to wait for a rate limit in total. If it lasts longer, the request fails.
const LONGEST_WAIT: Duration = Duration::from_secs(90);

/// The time to wait for a rate limit if GitHub doesn't say how long it lasts.
const UNSAID: Duration = Duration::from_secs(60);

/// Waits for GitHub, and announces the waits.
pub struct Patience {
    announce: Box<dyn Fn(&str)>,
}

/// The attempts at one request so far.
pub struct Turn {
    tried: u32,
    waited: Duration,
}

impl Turn {
    /// Starts with the first attempt.
    pub fn first() -> Self {
        Turn { tried: 1, waited: Duration::ZERO }
    }
}

impl Patience {
    /// Announces the waits that a person would notice by calling `announce`.
    pub fn new(announce: impl Fn(&str) + 'static) -> Self {
        Patience { announce: Box::new(announce) }
    }

    /// Waits a moment after a failure, and returns whether to try again.
    pub async fn again(&self, turn: &mut Turn, path: &str) -> bool {
        if turn.tried >= TRIES {
            return false;
        }
        let pause = jittered(FIRST_PAUSE * 2_u32.pow(turn.tried - 1));
        turn.tried += 1;
        if pause >= Duration::from_secs(1) {
            (self.announce)(&format!("GitHub failed to answer {path}; trying again"));
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// Waits for the rate limit that an answer may report, and returns whether to try again. The
    /// wait is announced, and bounded.
    pub async fn after_limit(
        &self,
        turn: &mut Turn,
        path: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &str,
    ) -> bool {
        let Some(wait) = wait(status, headers, body, now()) else { return false };
        if turn.waited + wait > LONGEST_WAIT {
            (self.announce)(&format!(
                "GitHub's rate limit lasts for {} s, which is too long to wait",
                wait.as_secs()
            ));
            return false;
        }
        turn.waited += wait;
        (self.announce)(&format!(
            "GitHub's rate limit is reached: waiting {} s before requesting {path} again",
            wait.as_secs()
        ));
        tokio::time::sleep(wait).await;
        true
    }
}

/// Returns how long the rate limit in an answer lasts, or `None` if it reports none. `now` is in
/// seconds since 1970.
fn wait(status: StatusCode, headers: &HeaderMap, body: &str, now: u64) -> Option<Duration> {
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds.max(1)));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let reset = number("x-ratelimit-reset");
        // GitHub's clock may still be within the second of the reset.
        let until = |reset: u64| Duration::from_secs(reset.saturating_sub(now) + 1);
        return Some(reset.map_or(UNSAID, until));
    }
    let is_limited = status == StatusCode::TOO_MANY_REQUESTS || body.contains("rate limit");
    is_limited.then_some(UNSAID)
}

/// Returns the machine's time, in seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Returns a time between half of a pause and all of it, so that many clients don't return at once.
fn jittered(pause: Duration) -> Duration {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    pause / 2 + pause / 2 * (nanos % 1000) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_say_how_long() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            let pairs = pairs.iter();
            pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let forbidden = StatusCode::FORBIDDEN;
        let seconds = |status, pairs: &[(&'static str, &str)], body| {
            wait(status, &headers(pairs), body, 1000).map(|wait| wait.as_secs())
        };
        for (status, pairs, body, expected) in [
            (forbidden, &[("retry-after", "30")][..], "", Some(30)),
            (forbidden, &[("retry-after", "0")], "", Some(1)),
            (
                forbidden,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1010")],
                "",
                Some(11),
            ),
            (
                forbidden,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "990")],
                "",
                Some(1),
            ),
            (forbidden, &[("x-ratelimit-remaining", "12")], "Resource not accessible", None),
            (forbidden, &[], "You have exceeded a secondary rate limit", Some(60)),
            (StatusCode::TOO_MANY_REQUESTS, &[], "", Some(60)),
            (StatusCode::NOT_FOUND, &[("retry-after", "30")], "", None),
        ] {
            assert_eq!(seconds(status, pairs, body), expected, "{status} {pairs:?} {body}");
        }
    }
}
