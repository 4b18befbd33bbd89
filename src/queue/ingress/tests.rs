//! Tests of `ingress.rs`.

#![allow(unsafe_code)]

use super::*;
use crate::sync::Parker;

const FIRST: NonNull<()> = NonNull::dangling();

fn put(ingress: &Ingress, words: usize, number: u64) -> Result<bool, Closed> {
    let claim = ingress.claim(words)?;
    // SAFETY: each word is written before the commit, except for the first one.
    unsafe {
        (1..words).for_each(|word| claim.place(word).write(number));
        claim.commit(0, FIRST);
    }
    Ok(claim.finish())
}

/// Reads an entry of this many words.
fn get(reader: &mut Reader, words: usize) -> Option<u64> {
    let entry = reader.peek()?;
    // SAFETY: this many words were written, and are not used after this.
    unsafe {
        let number = entry.add(words - 1).read();
        reader.advance(words);
        Some(number)
    }
}

#[test]
fn what_goes_in_comes_out_in_order_over_many_segments() {
    let parker = Parker::new();
    let (ingress, mut reader) = ingress(parker.unparker().clone());
    let size = |number: u64| 2 + usize::try_from(number % 61).expect("it is small");
    for round in 0..3 {
        for number in 0..30_000 {
            assert_eq!(put(&ingress, size(number), number), Ok(false), "awake");
        }
        for number in 0..30_000 {
            assert_eq!(get(&mut reader, size(number)), Some(number), "in {round}");
        }
        assert!(!reader.has_mail() && reader.peek().is_none());
        while reader.trim(2, 8) {}
    }
    let mark = reader.close();
    assert!(!reader.wait_before(mark));
    assert_eq!(put(&ingress, 2, 1), Err(Closed));
    assert!(!ingress.is_open());
    assert!(!reader.fall_asleep(), "nobody would wake it");
}

#[test]
fn a_full_segment_is_left_at_its_very_end() {
    let parker = Parker::new();
    let (ingress, mut reader) = ingress(parker.unparker().clone());
    for words in [2, 4, 3] {
        let count = u64::try_from(CAPACITY / words).expect("it is small");
        for number in 0..count {
            assert_eq!(put(&ingress, words, number), Ok(false));
            assert_eq!(get(&mut reader, words), Some(number));
        }
        assert!(reader.fall_asleep());
        assert_eq!(put(&ingress, words, count), Ok(true), "it slept");
        assert_eq!(put(&ingress, words, count), Ok(false), "it is awake");
        reader.wake_up();
        assert!(!reader.fall_asleep(), "there is something to read");
        assert_eq!(get(&mut reader, words), Some(count));
        assert_eq!(get(&mut reader, words), Some(count));
    }
}

#[test]
fn what_was_claimed_before_a_close_is_read_after_it() {
    let parker = Parker::new();
    let (ingress, mut reader) = ingress(parker.unparker().clone());
    assert_eq!(put(&ingress, 3, 7), Ok(false));
    let mark = reader.close();
    assert!(reader.wait_before(mark));
    assert_eq!(get(&mut reader, 3), Some(7));
    assert!(!reader.wait_before(mark));
    let mark = reader.close();
    assert!(
        !reader.wait_before(mark),
        "closing it again changes nothing"
    );
}
