//! Delays before restarts, which grow from failure to failure.

use std::time::Duration;

use super::nanos;

/// How long to wait before a restart: longer after each failure, until the actor has been healthy
/// for a while.
///
/// The first delay is `min`, and each further one is [`factor`](Self::factor) times as long, up to
/// `max`. During the delay the actor is suspended: its mail is kept, but not the message at which it failed. An
/// actor that is to try the same message again does so in its handler, with
/// [`Context::sleep`](crate::Context::sleep) in between.
///
/// ```
/// use nexus_actors::supervision::{Backoff, BackoffError, Strategy};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), BackoffError> {
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10))?
///     .factor(3.0)?
///     .jitter(0.2)?
///     .reset_after(Duration::from_secs(60))?;
/// let strategy = Strategy::<std::io::Error>::one_for_one().backoff(backoff);
/// # let _ = strategy;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "it has no effect before it is given to `Strategy::backoff`"]
pub struct Backoff {
    min: Duration,
    max: Duration,
    factor: f64,
    jitter: f64,
    reset_after: Duration,
}

impl Backoff {
    /// Makes delays from `min` to `max`, each twice as long as the last one, without jitter. They
    /// start again at `min` when the actor has been healthy for `max`.
    ///
    /// # Errors
    ///
    /// If `min` is zero, or `max` is shorter than `min`.
    ///
    /// ```
    /// use nexus_actors::supervision::{Backoff, BackoffError};
    /// use std::time::Duration;
    ///
    /// let (min, max) = (Duration::from_secs(2), Duration::from_secs(1));
    /// let error = Backoff::new(min, max).unwrap_err();
    /// assert_eq!(error, BackoffError::MaxBelowMin { min, max });
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the longest delay, 1s, is shorter than the shortest, 2s: give the shorter one first",
    /// );
    /// ```
    pub fn new(min: Duration, max: Duration) -> Result<Self, BackoffError> {
        if min.is_zero() {
            return Err(BackoffError::ZeroMin);
        }
        if max < min {
            return Err(BackoffError::MaxBelowMin { min, max });
        }
        Ok(Self {
            min,
            max,
            factor: 2.0,
            jitter: 0.0,
            reset_after: max,
        })
    }

    /// Sets how many times longer each delay is than the one before. With 1 all are equal.
    ///
    /// # Errors
    ///
    /// If it is less than 1, infinite, or not a number.
    pub fn factor(self, factor: f64) -> Result<Self, BackoffError> {
        if factor.is_finite() && factor >= 1.0 {
            Ok(Self { factor, ..self })
        } else {
            Err(BackoffError::Factor(factor))
        }
    }

    /// Makes each delay longer by a random part of itself, up to this fraction, so that actors
    /// which failed together do not come back together.
    ///
    /// No delay is longer than `max` all the same. To leave room for the random part, the delays
    /// stop growing at `max / (1 + fraction)`, or at `min` if that is more: with 0.25 and a `max`
    /// of 10 s, the late ones lie between 8 s and 10 s. If `min` equals `max` there is no room,
    /// and no jitter.
    ///
    /// # Errors
    ///
    /// If it is not between 0 and 1.
    pub fn jitter(self, fraction: f64) -> Result<Self, BackoffError> {
        if (0.0..=1.0).contains(&fraction) {
            Ok(Self {
                jitter: fraction,
                ..self
            })
        } else {
            Err(BackoffError::Jitter(fraction))
        }
    }

    /// Starts the delays again at `min` after a time this long without a failure. The time of the
    /// delay does not count: it runs from the last restart, or from a later failure that did not
    /// lead to one.
    ///
    /// # Errors
    ///
    /// If it is zero.
    pub fn reset_after(self, healthy: Duration) -> Result<Self, BackoffError> {
        if healthy.is_zero() {
            return Err(BackoffError::ZeroReset);
        }
        Ok(Self {
            reset_after: healthy,
            ..self
        })
    }

    /// Notes a failure, whatever is done about it.
    pub(super) fn failed(&self, pace: &mut BackoffState, now: u64) {
        if now.saturating_sub(pace.since) >= nanos(self.reset_after) {
            pace.delay = 0.0;
        }
        pace.since = pace.since.max(now);
    }

    /// Returns how long to wait before the restart that is decided at `now`.
    pub(super) fn next(&self, pace: &mut BackoffState, now: u64, random: u64) -> u64 {
        let (min, max) = (nanos(self.min), nanos(self.max));
        let ceiling = (max as f64 / (1.0 + self.jitter)).max(min as f64);
        pace.delay = (pace.delay * self.factor).clamp(min as f64, ceiling);
        let longest = (pace.delay * (1.0 + self.jitter)).min(max as f64);
        let delay = pace.delay + (longest - pace.delay) * fraction(random);
        // The conversion rounds down, and a long time may have been rounded up before.
        let delay = (delay as u64).clamp(min, max);
        pace.since = now.saturating_add(delay);
        delay
    }
}

/// Returns a value from 0 to just below 1, from the 53 bits that an `f64` can hold.
fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// How far the delays have grown.
#[derive(Debug, Default)]
pub(super) struct BackoffState {
    /// The last delay in nanoseconds, before jitter; 0 starts at the shortest. It is not a whole
    /// number, or a small delay could not grow by a small factor.
    delay: f64,
    /// The time since which there has been no failure: that of the last restart, or of a later
    /// failure. It lies ahead while the delay lasts.
    since: u64,
}

/// Why a [`Backoff`] is not possible.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BackoffError {
    /// The shortest delay is zero, and would never grow.
    #[error(
        "the shortest delay is zero and would never grow: make it longer, or use no backoff to \
         restart at once"
    )]
    ZeroMin,
    /// The longest delay is shorter than the shortest.
    #[error(
        "the longest delay, {max:?}, is shorter than the shortest, {min:?}: give the shorter one \
         first"
    )]
    MaxBelowMin {
        /// The shortest delay.
        min: Duration,
        /// The longest delay.
        max: Duration,
    },
    /// The factor is less than 1, infinite, or not a number.
    #[error("delays cannot grow by the factor {0}: give a finite number, at least 1")]
    Factor(f64),
    /// The jitter is not between 0 and 1.
    #[error("the jitter {0} is not a fraction of the delay: give a number from 0 to 1")]
    Jitter(f64),
    /// The delays would start again after every failure.
    #[error(
        "after no time at all every failure would begin again at the shortest delay: give a longer \
         time, or the factor 1 for equal delays"
    )]
    ZeroReset,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn backoff(min: u64, max: u64) -> Backoff {
        Backoff::new(Duration::from_nanos(min), Duration::from_nanos(max)).unwrap()
    }

    /// Notes a failure at this time, and returns the delay before the restart.
    fn fail(backoff: &Backoff, pace: &mut BackoffState, now: u64, random: u64) -> u64 {
        backoff.failed(pace, now);
        backoff.next(pace, now, random)
    }

    /// The delays of an actor that fails again at once, each time.
    fn delays<const N: usize>(backoff: &Backoff, random: u64) -> [u64; N] {
        let (mut pace, mut now) = (BackoffState::default(), 0);
        std::array::from_fn(|_| {
            let delay = fail(backoff, &mut pace, now, random);
            now = now.saturating_add(delay);
            delay
        })
    }

    #[test]
    fn s4_5_delays_double_from_the_shortest_to_the_longest() {
        assert_eq!(delays(&backoff(1, 10), 0), [1, 2, 4, 8, 10, 10]);
        assert_eq!(delays(&backoff(5, 5), u64::MAX), [5, 5, 5]);
        let thrice = backoff(SECOND, u64::MAX).factor(3.0).unwrap();
        assert_eq!(delays(&thrice, 0), [SECOND, 3 * SECOND, 9 * SECOND]);
        let equal = backoff(3, 100).factor(1.0).unwrap();
        assert_eq!(delays(&equal, 0), [3, 3, 3]);
    }

    #[test]
    fn s4_5_a_short_delay_grows_by_a_small_factor_too() {
        let slow = backoff(1, 100).factor(1.25).unwrap();
        assert_eq!(delays(&slow, 0), [1, 1, 1, 1, 2, 3, 3, 4, 5, 7]);
    }

    #[test]
    fn s4_5_delays_begin_again_after_a_healthy_time_counted_from_the_restart() {
        let backoff = backoff(10, 1000);
        let backoff = backoff.reset_after(Duration::from_nanos(100)).unwrap();
        let mut pace = BackoffState::default();
        assert_eq!(fail(&backoff, &mut pace, 0, 0), 10);
        // Restarted at 10, and one short of a healthy time since.
        assert_eq!(fail(&backoff, &mut pace, 109, 0), 20);
        // Restarted at 129.
        assert_eq!(fail(&backoff, &mut pace, 229, 0), 10);
    }

    #[test]
    fn s4_5_an_actor_that_fails_at_once_stays_at_the_longest_delay_with_the_default_reset() {
        // If the delay itself counted as healthy time, the delays would start again after the
        // longest.
        assert_eq!(delays(&backoff(4, 16), 0), [4, 8, 16, 16, 16, 16]);
    }

    #[test]
    fn s4_5_a_failure_without_a_restart_is_not_health_either() {
        let backoff = backoff(10, 100);
        let mut pace = BackoffState::default();
        assert_eq!(fail(&backoff, &mut pace, 0, 0), 10);
        backoff.failed(&mut pace, 60);
        assert_eq!(fail(&backoff, &mut pace, 159, 0), 20);
        assert_eq!(fail(&backoff, &mut pace, 279, 0), 10);
    }

    #[test]
    fn s4_5_failures_during_the_delay_do_not_begin_again() {
        let backoff = backoff(10, 40);
        let mut pace = BackoffState::default();
        let delays = [0, 1, 2, 3].map(|now| fail(&backoff, &mut pace, now, 0));
        assert_eq!(delays, [10, 20, 40, 40]);
    }

    #[test]
    fn s4_5_jitter_lengthens_a_delay_and_leaves_the_longest_the_longest() {
        let backoff = backoff(1000, 10_000).jitter(0.25).unwrap();
        assert_eq!(delays(&backoff, 0), [1000, 2000, 4000, 8000, 8000]);
        // 2^63 is one half.
        assert_eq!(delays(&backoff, 1 << 63), [1125, 2250, 4500, 9000, 9000]);
        assert_eq!(
            delays(&backoff, u64::MAX),
            [1250, 2500, 5000, 10_000, 10_000]
        );
    }

    #[test]
    fn s4_5_times_beyond_all_clocks_do_not_overflow() {
        let forever = Backoff::new(Duration::MAX, Duration::MAX).unwrap();
        let mut pace = BackoffState::default();
        assert_eq!(fail(&forever, &mut pace, u64::MAX - 1, u64::MAX), u64::MAX);
        let steep = backoff(1, u64::MAX).factor(f64::MAX).unwrap();
        assert_eq!(delays(&steep, 0), [1, u64::MAX]);
    }

    #[test]
    fn s4_5_bad_options_are_refused_with_a_text_that_helps() {
        let second = Duration::from_secs(1);
        let good = Backoff::new(second, 2 * second).unwrap();
        let table = [
            (Backoff::new(Duration::ZERO, second), "is zero"),
            (Backoff::new(second, second / 2), "500ms, is shorter"),
            (good.factor(0.99), "the factor 0.99: give a finite number"),
            (good.factor(f64::INFINITY), "the factor inf: give"),
            (good.factor(f64::NAN), "the factor NaN: give"),
            (good.jitter(-0.1), "the jitter -0.1 is not a fraction"),
            (good.jitter(1.1), "give a number from 0 to 1"),
            (good.jitter(f64::NAN), "the jitter NaN is not"),
            (good.reset_after(Duration::ZERO), "give a longer time"),
        ];
        for (refused, part) in table {
            let text = refused.expect_err(part).to_string();
            assert!(text.contains(part) && text.contains(": "), "{text}");
        }
        for edge in [good.factor(1.0), good.jitter(0.0), good.jitter(1.0)] {
            assert!(edge.is_ok(), "{edge:?}");
        }
        assert!(Backoff::new(second, second).is_ok());
    }

    #[test]
    fn s4_5_debug_shows_all_options() {
        assert_eq!(
            format!("{:?}", backoff(SECOND, 30 * SECOND)),
            "Backoff { min: 1s, max: 30s, factor: 2.0, jitter: 0.0, reset_after: 30s }",
        );
    }

    /// A list of all failures: when, whether it led to a restart, and the delay.
    type Log = Vec<(u64, Option<u64>)>;

    /// Returns the least and the most that the delay of the next restart may be, from the whole
    /// list.
    fn expected(backoff: &Backoff, log: &Log, now: u64) -> (f64, f64) {
        // The number of restarts since the last healthy time.
        let (mut row, mut well_since) = (0, 0);
        for (time, delay) in log.iter().copied().chain([(now, None)]) {
            if time >= well_since + nanos(backoff.reset_after) {
                row = 0;
            }
            row += i32::from(delay.is_some());
            well_since = match delay {
                Some(delay) => time + delay,
                None => well_since.max(time),
            };
        }
        let (min, max) = (nanos(backoff.min) as f64, nanos(backoff.max) as f64);
        let ceiling = min.max(max / (1.0 + backoff.jitter));
        let base = (min * backoff.factor.powi(row)).min(ceiling);
        (base, max.min(base * (1.0 + backoff.jitter)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn s4_5_delays_agree_with_a_list_of_all_failures(
            min in 1_000..100_000_u64,
            more in 0..10_000_000_u64,
            factor in 1.0..4.0_f64,
            jitter in 0.0..=1.0_f64,
            reset in 1..20_000_000_u64,
            failures in prop::collection::vec(
                (0..20_000_000_u64, prop::bool::weighted(0.8), any::<u64>()),
                1..60,
            ),
        ) {
            let max = min + more;
            let backoff = backoff(min, max).factor(factor).unwrap().jitter(jitter).unwrap();
            let backoff = backoff.reset_after(Duration::from_nanos(reset)).unwrap();
            let (mut pace, mut now, mut log) = (BackoffState::default(), 0, Log::new());
            for (pause, restarts, random) in failures {
                now += pause;
                backoff.failed(&mut pace, now);
                let delay = restarts.then(|| backoff.next(&mut pace, now, random));
                if let Some(delay) = delay {
                    let (least, most) = expected(&backoff, &log, now);
                    // Rounding differs between a power and a product.
                    prop_assert!(delay as f64 >= least - 2.0, "{} < {}", delay, least);
                    prop_assert!(delay as f64 <= most + 2.0, "{} > {}", delay, most);
                    prop_assert!((min..=max).contains(&delay));
                    let at = least + (most - least) * fraction(random);
                    prop_assert!((delay as f64 - at).abs() <= 2.0, "{} for {}", delay, at);
                }
                log.push((now, delay));
            }
        }

        #[test]
        fn s4_5_no_delay_leaves_its_bounds_however_long(
            min in 1..u64::MAX,
            max in 1..u64::MAX,
            factor in 1.0..1e300_f64,
            jitter in 0.0..=1.0_f64,
            failures in prop::collection::vec((any::<u64>(), any::<u64>()), 1..20),
        ) {
            let (min, max) = (min.min(max), min.max(max));
            let backoff = backoff(min, max).factor(factor).unwrap().jitter(jitter).unwrap();
            let mut pace = BackoffState::default();
            for (now, random) in failures {
                let delay = fail(&backoff, &mut pace, now, random);
                prop_assert!((min..=max).contains(&delay), "{} not in {}..={}", delay, min, max);
            }
        }
    }
}
