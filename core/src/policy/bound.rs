//! The bound on one evaluation: CPU time, although the engine's timer measures only the wall clock.
//!
//! If the timer ends an evaluation that has used less CPU time than the bound, the machine was busy
//! with other work: the evaluation is repeated with a longer limit. A policy that loops uses up its
//! bound however busy the machine is, so it always ends. A virtual machine that was paused can count the
//! pause as CPU time, so that only a second evaluation is believed.

use std::num::NonZeroU32;
use std::time::Duration;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, LimitError, Value};

/// Returns how much CPU time the calling thread has used so far. The core has no clock of its own.
pub type CpuClock = fn() -> Duration;

/// How many steps the interpreter takes between two checks of its timer.
const CHECK_INTERVAL: NonZeroU32 = NonZeroU32::new(256).unwrap();

/// The factor by which the time limit grows with each repetition.
const PATIENCE: u32 = 4;

/// The most CPU time that one evaluation may use.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    pub limit: Duration,
    pub clock: CpuClock,
}

impl Bound {
    /// Evaluates a rule within the bound.
    ///
    /// # Errors
    /// The engine's own, and one that says that the bound was hit.
    pub fn eval_rule(self, engine: &mut Engine, rule: &str) -> anyhow::Result<Value> {
        let mut limit = self.limit / 2;
        loop {
            let config = ExecutionTimerConfig { limit, check_interval: CHECK_INTERVAL };
            engine.set_execution_timer_config(config);
            let begun = (self.clock)();
            let result = engine.eval_rule(rule.to_owned());
            let was_busy = || (self.clock)().saturating_sub(begun) < self.limit;
            match &result {
                Err(error) if ran_out(error) && limit < self.limit => limit = self.limit,
                Err(error) if ran_out(error) && was_busy() => limit *= PATIENCE,
                _ => return result,
            }
        }
    }
}

/// What the engine says when its timer has ended an evaluation.
pub(super) const OUT_OF_TIME: &str = "execution exceeded time limit";

/// Returns whether the timer ended an evaluation. Of one that replaces facts by `with`, the error is
/// text alone.
fn ran_out(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(LimitError::TimeLimitExceeded { .. }))
        || error.to_string().contains(OUT_OF_TIME)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const ENDLESS: &str = "package p\nr if { numbers.range(1, 3000)[x]; numbers.range(1, 3000)[y]; \
                           numbers.range(1, 3000)[z]; x + y + z < 0 }";

    /// Simulates a thread that gets the CPU for a tenth of its bound in each of two evaluations.
    fn busy_machine() -> Duration {
        static READINGS: AtomicU64 = AtomicU64::new(0);
        let reading = READINGS.fetch_add(1, Ordering::Relaxed);
        Duration::from_millis(if reading < 5 { reading } else { 1000 * reading })
    }

    #[test]
    fn a_busy_machine_is_no_long_evaluation() {
        let mut engine = Engine::new();
        engine.add_policy("p.rego".to_owned(), ENDLESS.to_owned()).unwrap();
        let bound = Bound { limit: Duration::from_millis(5), clock: busy_machine };
        let error = bound.eval_rule(&mut engine, "data.p.r").unwrap_err();
        let Some(LimitError::TimeLimitExceeded { limit, .. }) = error.downcast_ref() else {
            panic!("{error:#}");
        };
        assert_eq!(
            *limit,
            Duration::from_millis(80),
            "repeated twice, each time with four times the limit"
        );
    }

    #[test]
    fn what_ends_in_time_after_a_repetition_is_the_answer() {
        fn never_running() -> Duration {
            Duration::ZERO
        }
        let mut engine = Engine::new();
        let slow = "package p\nr := count([x | some x in numbers.range(1, 20000); x % 7 == 3])";
        engine.add_policy("p.rego".to_owned(), slow.to_owned()).unwrap();
        let bound = Bound { limit: Duration::from_micros(50), clock: never_running };
        let value = bound.eval_rule(&mut engine, "data.p.r").unwrap();
        assert_eq!(value, Value::from(2857_u64));
    }
}
