//! Tests of `wheel.rs`.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Length of a tick in nanoseconds.
const TICK: u64 = 1 << TICK_BITS;
const DAY: u64 = 86_400_000_000_000;
const YEAR: u64 = 365 * DAY;

fn count<T>(wheel: &TimerWheel<T>) -> usize {
    let cells = wheel.entries.iter();
    cells.filter(|cell| cell.value.is_some()).count()
}

fn advance<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<T> {
    let mut fired = Vec::new();
    wheel.advance(now, &mut fired);
    fired
}

#[test]
fn a_timer_fires_at_its_deadline_to_the_nanosecond() {
    for deadline in [1, TICK - 1, TICK, TICK + 1, 64 * TICK + 7, YEAR + 1] {
        let mut wheel = TimerWheel::new(0);
        wheel.insert(deadline, ());
        assert!(advance(&mut wheel, deadline - 1).is_empty());
        assert_eq!(wheel.next_deadline(), Some(deadline));
        assert_eq!(advance(&mut wheel, deadline).len(), 1);
        assert!(wheel.is_empty());
    }
}

#[test]
fn the_current_tick_is_fired_piece_by_piece() {
    let start = 9 * TICK + 100;
    let mut wheel = TimerWheel::new(start);
    for offset in [30, 10, 20, 40] {
        wheel.insert(start + offset, offset);
    }
    assert_eq!(advance(&mut wheel, start + 10), [10]);
    wheel.insert(start + 15, 15);
    assert_eq!(wheel.next_deadline(), Some(start + 15));
    assert_eq!(advance(&mut wheel, start + 30), [15, 20, 30]);
    assert!(advance(&mut wheel, start + 39).is_empty());
    assert_eq!(advance(&mut wheel, start + 5 * TICK), [40]);
}

#[test]
fn one_call_fires_by_deadline_and_then_by_insertion() {
    let mut wheel = TimerWheel::new(20 * TICK);
    let deadlines = [21 * TICK + 1, 21 * TICK, 3, 20 * TICK, 3, 21 * TICK, 2];
    for (seq, deadline) in deadlines.into_iter().enumerate() {
        wheel.insert(deadline, seq);
    }
    let mut fired = vec![99];
    wheel.advance(22 * TICK, &mut fired);
    assert_eq!(fired, [99, 6, 2, 4, 3, 1, 5, 0]);
}

#[test]
fn a_past_deadline_fires_at_the_next_advance_whatever_its_time() {
    let mut wheel = TimerWheel::new(10 * TICK + 5);
    wheel.insert(10 * TICK + 6, 'c');
    wheel.insert(10 * TICK + 5, 'b');
    wheel.insert(0, 'a');
    assert_eq!(wheel.next_deadline(), Some(0));
    assert_eq!(advance(&mut wheel, 3), ['a', 'b']);
    assert!(advance(&mut wheel, 3).is_empty());
    assert_eq!(advance(&mut wheel, 10 * TICK + 6), ['c']);
}

#[test]
fn an_advance_with_nothing_due_does_not_turn_the_wheel() {
    let mut wheel = TimerWheel::new(0);
    let first = wheel.insert(5 * TICK + 1, 'a');
    wheel.insert(7 * TICK + 2, 'b');
    assert_eq!(wheel.idle_until, 5 * TICK + 1);
    wheel.cancel(first);
    // The cancelled deadline costs one turn.
    assert!(advance(&mut wheel, 5 * TICK + 1).is_empty());
    assert_eq!(wheel.idle_until, 7 * TICK + 2);
    assert_eq!(advance(&mut wheel, 7 * TICK + 2), ['b']);
    assert_eq!(wheel.idle_until, u64::MAX);
}

#[test]
fn time_going_backwards_is_ignored() {
    let mut wheel = TimerWheel::new(0);
    wheel.insert(5 * TICK, ());
    assert!(advance(&mut wheel, 4 * TICK).is_empty());
    assert!(advance(&mut wheel, TICK).is_empty());
    assert_eq!(wheel.now, 4 * TICK);
    assert_eq!(advance(&mut wheel, 5 * TICK).len(), 1);
}

#[test]
fn insertion_order_survives_cascading() {
    let deadline = 64 * 64 * TICK + 70 * TICK;
    let mut wheel = TimerWheel::new(0);
    wheel.insert(deadline, 1);
    advance(&mut wheel, 64 * 64 * TICK);
    wheel.insert(deadline, 2);
    advance(&mut wheel, deadline - TICK);
    wheel.insert(deadline, 3);
    advance(&mut wheel, deadline - 1);
    wheel.insert(deadline, 4);
    assert_eq!(advance(&mut wheel, deadline), [1, 2, 3, 4]);
}

#[test]
fn cancel_takes_out_exactly_its_own_timer() {
    let mut wheel = TimerWheel::new(0);
    let ids = [0, 1, 2, 3].map(|value| wheel.insert(TICK, value));
    assert_eq!(wheel.cancel(ids[1]), Some(1));
    assert_eq!(wheel.cancel(ids[0]), Some(0));
    assert_eq!(wheel.cancel(ids[3]), Some(3));
    assert_eq!(wheel.cancel(ids[3]), None);
    assert_eq!(count(&wheel), 1);
    assert_eq!(advance(&mut wheel, TICK), [2]);
    assert_eq!(wheel.cancel(ids[2]), None);
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn a_stale_id_does_not_cancel_the_timer_that_took_its_cell() {
    let mut wheel = TimerWheel::new(0);
    let old = wheel.insert(TICK, 'a');
    wheel.cancel(old);
    let new = wheel.insert(TICK, 'b');
    assert_eq!(new.index, old.index);
    assert_eq!(wheel.cancel(old), None);
    assert_eq!(wheel.cancel(new), Some('b'));
}

#[test]
fn a_cell_with_no_generations_left_is_retired() {
    let mut wheel = TimerWheel::new(0);
    let first = wheel.insert(TICK, ());
    wheel.cancel(first);
    wheel.entries[0].generation = u32::MAX;
    let last = wheel.insert(TICK, ());
    assert_eq!((last.index, last.generation), (0, u32::MAX));
    assert_eq!(wheel.cancel(last), Some(()));
    assert_eq!(wheel.cancel(last), None);
    assert_eq!(wheel.insert(TICK, ()).index, 1);
    assert_eq!(count(&wheel), 1);
}

#[test]
fn s9_5_what_a_peak_of_timers_took_goes_back_and_old_ids_match_no_later_timer() {
    let mut wheel = TimerWheel::new(0);
    let mut old: Vec<_> = (0..3).map(|value| wheel.insert(YEAR, value)).collect();
    // Two in use, around a free cell; all cells behind them are used twice.
    wheel.cancel(old[1]);
    for _ in 0..2 {
        let more: Vec<_> = (0..100_000).map(|i| wheel.insert(TICK + i, i)).collect();
        assert!(more.iter().all(|id| wheel.cancel(*id).is_some()));
        old.extend(more);
    }
    assert!(wheel.entries.capacity() >= 100_000);
    wheel.trim();
    assert!(wheel.entries.capacity() <= AT_FIRST);
    let pending: Vec<_> = (0..1000).map(|value| wheel.insert(DAY, value)).collect();
    assert!(old[3..].iter().all(|id| wheel.cancel(*id).is_none()));
    assert_eq!((wheel.len(), count(&wheel)), (1002, 1002));
    assert!(pending.iter().all(|id| wheel.cancel(*id).is_some()));
    assert_eq!(
        [old[0], old[2]].map(|id| wheel.cancel(id)),
        [Some(0), Some(2)]
    );
    wheel.trim();
    assert!(wheel.is_empty() && wheel.entries.is_empty());
    assert!(
        old.iter()
            .chain(&pending)
            .all(|id| wheel.cancel(*id).is_none())
    );
    wheel.insert(2 * YEAR, 7);
    assert!(
        old.iter()
            .chain(&pending)
            .all(|id| wheel.cancel(*id).is_none())
    );
    assert_eq!(advance(&mut wheel, 2 * YEAR), [7]);
}

#[test]
fn a_cell_with_no_generations_left_is_not_given_back() {
    let mut wheel = TimerWheel::new(0);
    let ids: Vec<_> = (0..4 * AT_FIRST).map(|_| wheel.insert(TICK, ())).collect();
    assert!(ids.iter().all(|id| wheel.cancel(*id).is_some()));
    wheel.entries[AT_FIRST].generation = u32::MAX;
    wheel.trim();
    assert_eq!(wheel.entries.len(), 4 * AT_FIRST);
}

#[test]
fn a_million_inserts_and_cancels_reuse_the_same_cells() {
    let mut wheel = TimerWheel::new(0);
    let mut pending = std::collections::VecDeque::new();
    for i in 0..1_000_000_u64 {
        pending.push_back(wheel.insert(i + YEAR, i));
        if pending.len() > 100 {
            assert_eq!(wheel.cancel(pending.pop_front().unwrap()), Some(i - 100));
        }
    }
    assert_eq!(count(&wheel), 100);
    assert!(wheel.entries.capacity() <= 128);
}

#[test]
fn empty_spans_are_jumped_over() {
    let mut wheel = TimerWheel::new(0);
    // Ten thousand jumps of weeks would not end if one looped per tick.
    for year in 1..500 {
        let deadline = year * YEAR;
        wheel.insert(deadline, year);
        for hop in 1..20 {
            assert!(advance(&mut wheel, deadline - YEAR + hop * YEAR / 20).is_empty());
        }
        assert_eq!(advance(&mut wheel, deadline), [year]);
    }
}

#[test]
fn sleeping_until_next_deadline_reaches_a_far_timer_in_few_steps() {
    let mut wheel = TimerWheel::new(12_345);
    let deadline = 300 * YEAR + 987_654_321;
    wheel.insert(deadline, ());
    let mut steps = 0;
    while let Some(until) = wheel.next_deadline() {
        assert!(until > wheel.now && until <= deadline);
        advance(&mut wheel, until);
        steps += 1;
    }
    assert!(wheel.now == deadline && steps <= LEVELS, "{steps} steps");
}

#[test]
fn a_near_timer_is_exact_after_a_long_silence() {
    let mut wheel = TimerWheel::new(0);
    let now = 64 * 64 * 64 * TICK;
    advance(&mut wheel, now);
    wheel.insert(now + 3 * TICK + 1, ());
    assert_eq!(wheel.next_deadline(), Some(now + 3 * TICK + 1));
}

#[test]
fn the_end_of_time_is_neither_early_nor_an_overflow() {
    let mut wheel = TimerWheel::new(u64::MAX - 3 * TICK);
    let last = wheel.insert(u64::MAX, 'z');
    wheel.insert(u64::MAX - TICK, 'y');
    assert!(advance(&mut wheel, u64::MAX - 2 * TICK).is_empty());
    assert_eq!(advance(&mut wheel, u64::MAX - 1), ['y']);
    assert_eq!(wheel.next_deadline(), Some(u64::MAX));
    assert_eq!(wheel.cancel(last), Some('z'));
    wheel.insert(u64::MAX, 'z');
    assert_eq!(advance(&mut wheel, u64::MAX), ['z']);
}

#[derive(Clone, Debug)]
enum Op {
    /// Insert at this distance from the current time, before or after it.
    Insert(i64),
    /// Cancel the id issued at this position, if there is one yet.
    Cancel(prop::sample::Index),
    /// Let this much time pass.
    Advance(u64),
    /// Call with a time in the past.
    Rewind(u64),
    /// Go exactly to `next_deadline`.
    Sleep,
    /// Free memory.
    Trim,
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..4_u64,
        0..3 * TICK,
        (0..200_u64).prop_map(|ticks| ticks * TICK),
        0..10_000 * TICK,
        0..3 * DAY,
        0..5 * YEAR,
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => span().prop_map(|s| Op::Insert(s as i64)),
        1 => span().prop_map(|s| Op::Insert(-(s as i64))),
        2 => any::<prop::sample::Index>().prop_map(Op::Cancel),
        2 => span().prop_map(Op::Advance),
        1 => span().prop_map(Op::Rewind),
        2 => Just(Op::Sleep),
        1 => Just(Op::Trim),
    ]
}

/// The contract, kept in a sorted map and nothing else.
#[derive(Default)]
struct Oracle {
    now: u64,
    /// Deadline and sequence number.
    pending: BTreeMap<(u64, usize), ()>,
}

impl Oracle {
    fn cancel(&mut self, seq: usize) -> Option<usize> {
        let key = *self.pending.keys().find(|key| key.1 == seq)?;
        self.pending.remove(&key).map(|()| seq)
    }

    fn advance(&mut self, now: u64) -> Vec<usize> {
        self.now = self.now.max(now);
        let later = self.pending.split_off(&(self.now, usize::MAX));
        let due = std::mem::replace(&mut self.pending, later);
        due.into_keys().map(|(_, seq)| seq).collect()
    }

    fn first(&self) -> Option<u64> {
        self.pending.keys().next().map(|key| key.0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn behaves_as_a_sorted_map(
        start in 0..100 * YEAR,
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut wheel = TimerWheel::new(start);
        let mut oracle = Oracle { now: start, ..Oracle::default() };
        let mut ids = Vec::new();
        for op in ops {
            let now = oracle.now;
            let to = match op {
                Op::Insert(distance) => {
                    let deadline = now.saturating_add_signed(distance);
                    oracle.pending.insert((deadline, ids.len()), ());
                    ids.push(wheel.insert(deadline, ids.len()));
                    None
                }
                Op::Cancel(which) if !ids.is_empty() => {
                    let seq = which.index(ids.len());
                    prop_assert_eq!(wheel.cancel(ids[seq]), oracle.cancel(seq));
                    None
                }
                Op::Cancel(_) => None,
                Op::Advance(span) => Some(now.saturating_add(span)),
                Op::Rewind(span) => Some(now.saturating_sub(span)),
                Op::Sleep => wheel.next_deadline(),
                Op::Trim => {
                    wheel.trim_to(1);
                    None
                }
            };
            if let Some(to) = to {
                prop_assert_eq!(advance(&mut wheel, to), oracle.advance(to));
                // Or the next call would turn the wheel for nothing.
                prop_assert!(wheel.idle_until > wheel.now);
            }
            prop_assert_eq!(count(&wheel), oracle.pending.len());
            prop_assert_eq!(wheel.is_empty(), oracle.pending.is_empty());
            let (next, first) = (wheel.next_deadline(), oracle.first());
            prop_assert_eq!(next.is_some(), first.is_some());
            prop_assert!(next <= first);
            prop_assert!(next.is_none_or(|next| wheel.idle_until <= next));
            // Within the block of the current tick nothing is inexact.
            let block = |time: u64| time >> (TICK_BITS + SLOT_BITS);
            if first.is_some_and(|first| block(first) <= block(wheel.now)) {
                prop_assert_eq!(next, first);
            }
        }
    }

    #[test]
    fn sleeping_until_next_deadline_is_never_late(
        start in 0..100 * YEAR,
        spans in prop::collection::vec(span(), 1..60),
    ) {
        let mut wheel = TimerWheel::new(start);
        let mut waiting = BTreeMap::<u64, usize>::new();
        for span in spans {
            wheel.insert(start + 1 + span, start + 1 + span);
            *waiting.entry(start + 1 + span).or_default() += 1;
        }
        while let Some(until) = wheel.next_deadline() {
            prop_assert!(until > wheel.now);
            let due = waiting.remove(&until).unwrap_or(0);
            prop_assert_eq!(advance(&mut wheel, until), vec![until; due]);
        }
        prop_assert!(waiting.is_empty());
    }
}
