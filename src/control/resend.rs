//! The intervals at which messages that may have been lost are resent.

use std::time::Duration;

/// The intervals at which a requester resends over a lossy link: each is twice as long as the one
/// before, from the first up to the longest.
///
/// ```
/// use nexus_actors::control::{Resend, ResendError};
/// use std::time::Duration;
///
/// let (first, longest) = (Duration::from_millis(500), Duration::from_secs(4));
/// assert!(Resend::new(first, longest).is_ok());
/// assert_eq!(
///     Resend::new(longest, first),
///     Err(ResendError::LongestBelowFirst { first: longest, longest: first }),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resend {
    first: Duration,
    longest: Duration,
}

impl Resend {
    /// Creates intervals from `first` to `longest`. If the two are equal, so are all intervals.
    ///
    /// # Errors
    ///
    /// If `first` is zero, or `longest` is shorter than `first`.
    pub const fn new(first: Duration, longest: Duration) -> Result<Self, ResendError> {
        if first.is_zero() {
            return Err(ResendError::ZeroFirst);
        }
        // The nanoseconds are compared, as `<` on `Duration` is not `const`.
        if longest.as_nanos() < first.as_nanos() {
            return Err(ResendError::LongestBelowFirst { first, longest });
        }
        Ok(Self { first, longest })
    }

    pub(super) fn first(&self) -> Duration {
        self.first
    }

    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    pub(super) fn after(&self, interval: Duration) -> Duration {
        interval.saturating_mul(2).min(self.longest)
    }
}

/// Why a [`Resend`] cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResendError {
    /// The first interval is zero, and would never grow.
    #[error("the first interval is zero and would never grow: make it longer")]
    ZeroFirst,
    /// The longest interval is shorter than the first.
    #[error(
        "the longest interval, {longest:?}, is shorter than the first, {first:?}: give the shorter \
         one first"
    )]
    LongestBelowFirst {
        /// The first interval.
        first: Duration,
        /// The longest interval.
        longest: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s5_7_intervals_double_from_the_first_to_the_longest() {
        let resend = Resend::new(Duration::from_nanos(3), Duration::from_nanos(20)).unwrap();
        let mut interval = resend.first();
        let intervals = [(); 5].map(|()| {
            let this = interval.as_nanos();
            interval = resend.after(interval);
            this
        });
        assert_eq!(intervals, [3, 6, 12, 20, 20]);
        let forever = Resend::new(Duration::MAX, Duration::MAX).unwrap();
        assert_eq!(forever.after(Duration::MAX), Duration::MAX);
    }

    #[test]
    fn s5_7_bad_intervals_are_refused_with_a_text_that_helps() {
        let second = Duration::from_secs(1);
        let zero = Resend::new(Duration::ZERO, second).unwrap_err();
        assert!(zero.to_string().contains("is zero"));
        let shorter = Resend::new(second, second / 2).unwrap_err();
        assert!(shorter.to_string().contains("500ms, is shorter"));
    }
}
