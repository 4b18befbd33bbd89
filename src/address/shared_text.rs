//! A text with many owners, in one pointer and one allocation.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{cmp, slice, str};

/// From this many owners on, the text is never freed: the count has no space for more.
const MOST_OWNERS: u32 = 1 << 31;

/// The count of a text that is never freed: far from both ends.
const FOR_GOOD: u32 = MOST_OWNERS | MOST_OWNERS >> 1;

/// An `Arc<str>` at half of its size: the length is in the allocation, and there are no weak references to
/// count.
///
/// **Invariant.** The pointer is to a [`TextHeader`], and `length` bytes of valid UTF-8 follow it in the same
/// allocation, whose layout is `layout(length)`. Nothing writes to them after `concat`. The allocation
/// lasts as long as it has an owner.
pub(super) struct SharedText(NonNull<TextHeader>);

#[repr(C)]
struct TextHeader {
    owners: AtomicU32,
    length: u32,
}

// SAFETY: the text is only read, and the count is atomic; the last owner sees what all others have
// done, and frees the memory on any thread.
unsafe impl Send for SharedText {}
// SAFETY: as above.
unsafe impl Sync for SharedText {}

/// # Panics
///
/// If a text of that length has no layout.
fn layout(length: usize) -> Layout {
    let text = Layout::array::<u8>(length);
    let whole = text.and_then(|text| Layout::new::<TextHeader>().extend(text));
    whole.expect("a text fits into the address space").0
}

impl SharedText {
    /// Concatenates the parts of a text.
    ///
    /// # Panics
    ///
    /// If the text has 4 GiB or more.
    pub(super) fn concat<const N: usize>(parts: [&str; N]) -> Self {
        let bytes = parts.iter().try_fold(0_u32, |sum, part| {
            sum.checked_add(part.len().try_into().ok()?)
        });
        let length = bytes.expect("a shared text has less than 4 GiB");
        let layout = layout(length as usize);
        // SAFETY: the layout is not empty, as it has the head.
        let memory = unsafe { alloc(layout) };
        let Some(head) = NonNull::new(memory.cast::<TextHeader>()) else {
            handle_alloc_error(layout)
        };
        let owners = AtomicU32::new(1);
        // SAFETY: the memory is new, and laid out for a head and then the bytes of all parts.
        unsafe {
            head.write(TextHeader { owners, length });
            let mut end = head.add(1).cast::<u8>();
            for part in parts {
                end.copy_from_nonoverlapping(NonNull::from(part).cast(), part.len());
                end = end.add(part.len());
            }
        }
        Self(head)
    }

    fn head(&self) -> &TextHeader {
        // SAFETY: the invariant; the head is shared, and its count atomic.
        unsafe { self.0.as_ref() }
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        Self::concat([text])
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        let length = self.head().length as usize;
        // SAFETY: the invariant.
        unsafe {
            str::from_utf8_unchecked(slice::from_raw_parts(self.0.add(1).cast().as_ptr(), length))
        }
    }
}

impl PartialEq for SharedText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedText {}

impl PartialOrd for SharedText {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharedText {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        (**self).cmp(&**other)
    }
}

/// A text hashes and compares as a `str` does.
impl Hash for SharedText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Clone for SharedText {
    fn clone(&self) -> Self {
        let owners = &self.head().owners;
        // Relaxed: the new owner has the text from one that keeps it alive.
        if owners.fetch_add(1, Ordering::Relaxed) >= MOST_OWNERS {
            owners.store(FOR_GOOD, Ordering::Relaxed);
        }
        Self(self.0)
    }
}

impl Drop for SharedText {
    fn drop(&mut self) {
        let owners = &self.head().owners;
        // Release pairs with the acquire below: every read of the text happens before it is freed.
        let before = owners.fetch_sub(1, Ordering::Release);
        if before >= MOST_OWNERS {
            owners.store(FOR_GOOD, Ordering::Relaxed);
        }
        if before != 1 {
            return;
        }
        // Acquire pairs with the release of every other owner.
        owners.load(Ordering::Acquire);
        let layout = layout(self.head().length as usize);
        // SAFETY: this was the last owner, and the memory was allocated by `concat` in this layout.
        unsafe { dealloc(self.0.as_ptr().cast(), layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn parts_become_one_text() {
        assert_eq!(&*SharedText::concat(["/user", "/", "a"]), "/user/a");
        assert_eq!(&*SharedText::concat(["", ""]), "");
        assert_eq!(&*SharedText::from("é界"), "é界");
        assert_eq!(size_of::<Option<SharedText>>(), size_of::<usize>());
    }

    #[test]
    fn the_last_owner_frees_the_text() {
        let text = SharedText::from("shared");
        thread::scope(|scope| {
            for _ in 0..4 {
                let text = text.clone();
                scope.spawn(move || {
                    for _ in 0..50 {
                        assert_eq!(&*text.clone(), "shared");
                    }
                });
            }
        });
        assert_eq!(text.head().owners.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_text_with_too_many_owners_stays_for_good() {
        let text = SharedText::from("popular");
        text.head().owners.store(MOST_OWNERS, Ordering::Relaxed);
        let more: Vec<_> = (0..3).map(|_| text.clone()).collect();
        drop(more);
        assert_eq!(text.head().owners.load(Ordering::Relaxed), FOR_GOOD);
        text.head().owners.store(1, Ordering::Relaxed); // for the leak checkers
    }
}
