//! When messages are sent again.

use super::{SESSION, ms};
use nexus_actors::control::{Requester, RequesterLimits, Resend, ResponderMessage};

/// The times at which a request is sent again up to `until`, polled once a millisecond and
/// acknowledged at `acks`.
fn sent_again(acks: &[u64], until: u64) -> Vec<u64> {
    let resend = Resend::new(ms(10), ms(40)).unwrap();
    let mut requester = Requester::lossy(SESSION, resend, RequesterLimits::default());
    let (id, _) = requester.request(ms(0), (), ms(1000)).unwrap();
    let mut sent = Vec::new();
    for now in 0..until {
        if acks.contains(&now) {
            let ack = ResponderMessage::<()>::Ack { id };
            assert_eq!(requester.handle(ms(now), ack), None);
        }
        let due = requester.next_due().unwrap();
        if requester.poll(ms(now)).is_some() {
            assert_eq!(due, ms(now));
            sent.push(now);
        }
    }
    sent
}

#[test]
fn s5_7_what_is_not_acknowledged_is_sent_again_at_intervals_that_double() {
    assert_eq!(sent_again(&[], 200), [10, 30, 70, 110, 150, 190]);
}

#[test]
fn s5_7_what_is_acknowledged_is_sent_at_the_longest_interval_and_repeated_acks_change_nothing() {
    assert_eq!(sent_again(&[5], 200), [45, 85, 125, 165]);
    assert_eq!(sent_again(&[12], 200), [10, 52, 92, 132, 172]);
    let often: Vec<u64> = (5..200).step_by(3).collect();
    assert_eq!(sent_again(&often, 200), sent_again(&[5], 200));
}
