//! A box in the memory of a worker's slabs, for values that stay with the worker.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

use super::slabs::{CELL_ALIGN, LARGEST_CELL, SizeClass, Slabs, slabs_of};

/// Owns a value, in a cell of a worker's [`Slabs`], or on the heap if no cell is large enough.
///
/// If the box is dropped after the slabs, its cell is left to the system, and is not handed out again.
pub(crate) struct SlabBox<T: ?Sized> {
    value: NonNull<T>,
    owned: PhantomData<T>,
}

/// The place of a value depends on its layout alone.
enum BoxPlace {
    Nowhere,
    Cell(SizeClass),
    Heap,
}

impl BoxPlace {
    #[inline(always)]
    fn of(layout: Layout) -> Self {
        if layout.size() == 0 {
            Self::Nowhere
        } else if layout.size() <= LARGEST_CELL && layout.align() <= CELL_ALIGN {
            Self::Cell(SizeClass::of(layout.size()))
        } else {
            Self::Heap
        }
    }
}

impl<T> SlabBox<T> {
    #[inline]
    pub(crate) fn new(value: T, slabs: &Slabs) -> Self {
        let layout = Layout::new::<T>();
        let place = match BoxPlace::of(layout) {
            BoxPlace::Nowhere => NonNull::dangling(),
            BoxPlace::Cell(class) => slabs.allocate(class).cast::<T>(),
            // SAFETY: the layout is not of size 0.
            BoxPlace::Heap => NonNull::new(unsafe { alloc::alloc(layout) }.cast::<T>())
                .unwrap_or_else(|| alloc::handle_alloc_error(layout)),
        };
        // SAFETY: the place is new, large enough, and aligned.
        unsafe { place.write(value) };
        Self {
            value: place,
            owned: PhantomData,
        }
    }
}

impl<T: ?Sized> SlabBox<T> {
    /// Changes the type of the value by a coercion, as for references: `|value| value`.
    pub(crate) fn coerce<U: ?Sized>(self, to: impl FnOnce(*mut T) -> *mut U) -> SlabBox<U> {
        let value = self.value.as_ptr();
        std::mem::forget(self);
        let coerced = to(value);
        assert!(ptr::addr_eq(value, coerced), "a coercion keeps the address");
        SlabBox {
            // SAFETY: the address is the same, and not null.
            value: unsafe { NonNull::new_unchecked(coerced) },
            owned: PhantomData,
        }
    }
}

impl<T: ?Sized> Deref for SlabBox<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the value is ours, and lives as long as this.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for SlabBox<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized> Drop for SlabBox<T> {
    #[inline]
    fn drop(&mut self) {
        /// Frees the memory, even if the value's destructor panics.
        struct GiveBack(NonNull<u8>, Layout);
        impl Drop for GiveBack {
            fn drop(&mut self) {
                // SAFETY: `SlabBox::new` took the memory for this layout, and it is used no more. Neither
                // slabs nor boxes leave their thread.
                unsafe {
                    match BoxPlace::of(self.1) {
                        BoxPlace::Nowhere => {}
                        BoxPlace::Cell(_) => {
                            if let Some(slabs) = slabs_of(self.0) {
                                slabs.free(self.0);
                            }
                        }
                        BoxPlace::Heap => alloc::dealloc(self.0.as_ptr(), self.1),
                    }
                }
            }
        }
        let _memory = GiveBack(self.value.cast(), Layout::for_value(&**self));
        // SAFETY: the value is ours, and is dropped once.
        unsafe { ptr::drop_in_place(self.value.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::any::Any;
    use std::rc::Rc;

    #[test]
    fn values_of_any_layout_are_kept_and_dropped_once() {
        #[repr(align(64))]
        struct Aligned(#[allow(dead_code)] Rc<()>);
        let (slabs, counted) = (Slabs::new(), Rc::new(()));
        let small = SlabBox::new((counted.clone(), 7), &slabs);
        let large = SlabBox::new((counted.clone(), [7_u8; 20_000]), &slabs);
        let aligned = SlabBox::new(Aligned(counted.clone()), &slabs);
        assert_eq!((small.1, large.1[19_999]), (7, 7));
        assert_eq!((&raw const *aligned).addr() % 64, 0);
        let erased = small.coerce(|value| value as *mut dyn Any);
        assert!(erased.is::<(Rc<()>, i32)>());
        assert_eq!(Rc::strong_count(&counted), 4);
        let _nothing = SlabBox::new((), &slabs);
        drop((erased, large, aligned));
        assert_eq!(Rc::strong_count(&counted), 1);
    }

    #[test]
    fn a_value_whose_destructor_panics_leaves_no_memory_behind() {
        struct Panics(#[allow(dead_code)] u64);
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("as it must");
            }
        }
        let slabs = Slabs::new();
        let value = SlabBox::new(Panics(1), &slabs);
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(value)));
        assert!(dropped.is_err());
        slabs.trim();
        let again = SlabBox::new(1_u64, &slabs);
        drop(again);
        drop(slabs);
    }

    #[test]
    fn a_value_outlives_the_slabs() {
        let (slabs, counted) = (Slabs::new(), Rc::new(()));
        let late = SlabBox::new(counted.clone(), &slabs);
        drop(slabs);
        assert_eq!(Rc::strong_count(&late), 2);
        drop(late);
        assert_eq!(Rc::strong_count(&counted), 1);
    }
}
