//! A cell that holds one value of any type, or none. A small value needs no allocation.
//!
//! `smallbox` does this for a value that moves; here the value is written where it stays. A
//! reply is moved in once and out once, not through a box, an enum and an option each way.

#![allow(unsafe_code)]

use std::any::TypeId;
use std::cell::{Cell, UnsafeCell};
use std::mem::{self, MaybeUninit};
use std::ptr;

const INLINE_WORDS: usize = 4;
type CellWords = [MaybeUninit<u64>; INLINE_WORDS];

/// How the value of a full cell is treated.
struct ValueKind {
    type_id: fn() -> TypeId,
    /// Moves the value out of these words and drops it. The value's destructor may use the cell
    /// again, and finds it empty.
    discard: unsafe fn(*mut CellWords),
}

impl ValueKind {
    const fn of<T: 'static>() -> &'static Self {
        // SAFETY (of both closures): called by `AnyCell`, once, with the words that `put::<T>`
        // filled, as a `T` or as the box of one.
        const {
            &Self {
                type_id: TypeId::of::<T>,
                discard: if fits::<T>() {
                    // SAFETY: see above.
                    |words| drop(unsafe { words.cast::<T>().read() })
                } else {
                    // SAFETY: see above.
                    |words| drop(unsafe { words.cast::<Box<T>>().read() })
                },
            }
        }
    }
}

const fn fits<T>() -> bool {
    mem::size_of::<T>() <= mem::size_of::<CellWords>()
        && mem::align_of::<T>() <= mem::align_of::<CellWords>()
}

/// A cell for one value of any type. Up to 32 bytes are stored inline, larger values are boxed.
pub(crate) struct AnyCell {
    kind: Cell<Option<&'static ValueKind>>,
    words: UnsafeCell<CellWords>,
}

impl Default for AnyCell {
    fn default() -> Self {
        Self {
            kind: Cell::new(None),
            words: UnsafeCell::new([MaybeUninit::uninit(); INLINE_WORDS]),
        }
    }
}

impl AnyCell {
    /// Stores a value; a value that was there before is dropped.
    #[inline]
    pub(crate) fn put<T: 'static>(&self, value: T) {
        self.clear();
        // SAFETY: the cell is empty and not shared between threads (`Cell`); a value that fits
        // is aligned, and so is a box.
        unsafe {
            if fits::<T>() {
                self.words.get().cast::<T>().write(value);
            } else {
                self.words.get().cast::<Box<T>>().write(Box::new(value));
            }
        }
        self.kind.set(Some(ValueKind::of::<T>()));
    }

    /// Takes the value out.
    ///
    /// # Panics
    ///
    /// If the cell is empty, or holds a value of another type.
    #[inline(always)]
    pub(crate) fn take<T: 'static>(&self) -> T {
        let kind = self.kind.take().expect("the cell holds a value");
        // The same kind means the same type, as its function tells types apart; but one type may
        // have several kinds, made in several crates.
        assert!(
            ptr::eq(kind, ValueKind::of::<T>()) || (kind.type_id)() == TypeId::of::<T>(),
            "a value is taken out as the type it has"
        );
        // SAFETY: the kind says that `put::<T>` filled the words; it was just removed, so the
        // value is taken once.
        unsafe {
            if fits::<T>() {
                self.words.get().cast::<T>().read()
            } else {
                *self.words.get().cast::<Box<T>>().read()
            }
        }
    }

    /// Whether there is no value.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        let kind = self.kind.get();
        kind.is_none()
    }

    /// Drops the value, if there is one.
    #[inline]
    pub(crate) fn clear(&self) {
        if let Some(kind) = self.kind.take() {
            // SAFETY: the kind says how the words were filled; it was just removed, so the value
            // is moved out once.
            unsafe { (kind.discard)(self.words.get()) };
        }
    }
}

impl Drop for AnyCell {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn values_of_any_size_come_out_as_they_went_in() {
        let cell = AnyCell::default();
        cell.put(7_u8);
        assert_eq!(cell.take::<u8>(), 7);
        cell.put([9_u64; 4]);
        assert_eq!(cell.take::<[u64; 4]>(), [9; 4]);
        cell.put([9_u64; 100]);
        assert_eq!(cell.take::<[u64; 100]>(), [9; 100]);
        #[repr(align(64))]
        struct Aligned(u8);
        cell.put(Aligned(3));
        assert_eq!(cell.take::<Aligned>().0, 3);
    }

    #[test]
    fn each_value_is_dropped_once() {
        let counted = Rc::new(());
        let cell = AnyCell::default();
        cell.put(counted.clone());
        cell.put((counted.clone(), [0_u64; 9]));
        assert_eq!(
            Rc::strong_count(&counted),
            2,
            "the first was dropped by the second"
        );
        drop(cell.take::<(Rc<()>, [u64; 9])>());
        cell.put(counted.clone());
        drop(cell);
        assert_eq!(Rc::strong_count(&counted), 1);
    }

    #[test]
    fn a_destructor_may_put_another_value_in() {
        struct Again(Rc<AnyCell>, Rc<Cell<u8>>, u8);
        impl Drop for Again {
            fn drop(&mut self) {
                if self.2 == 7 {
                    self.0.put(Again(self.0.clone(), self.1.clone(), 8));
                }
                self.1.set(self.2);
            }
        }
        let (cell, seen) = (Rc::new(AnyCell::default()), Rc::new(Cell::new(0)));
        cell.put(Again(cell.clone(), seen.clone(), 7));
        cell.clear();
        assert_eq!(seen.get(), 7);
        cell.clear();
        assert_eq!(seen.get(), 8);
    }

    #[test]
    #[should_panic(expected = "as the type it has")]
    fn another_type_is_refused() {
        let cell = AnyCell::default();
        cell.put(7_u32);
        let _: i32 = cell.take();
    }
}
