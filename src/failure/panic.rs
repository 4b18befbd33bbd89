//! The payload of a panic, preserved for the code that handles the failure.

#![allow(unsafe_code)]

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::description::BoxError;
use super::drop_marks::under_fate;
use super::wait_end::WaitEnd;

/// The text for a payload of which only the type is known.
const NO_TEXT: &str = "a payload that is not text";

/// The payload of a panic: what `panic!` made of its arguments, or the value that was given to
/// [`panic_any`](std::panic::panic_any).
///
/// It prints as its text. For a payload that is an error of the standard library, or a boxed error of any
/// type, that is the error's own text. Of a value of another type only the type is known, by its
/// [`TypeId`]: the text says that the payload is no text, and code that knows the type gets the value by
/// [`downcast_ref`](Self::downcast_ref).
///
/// A clone is the same payload. It dereferences to its text. Replies in the payload end as those of a
/// failing handler do, when the last clone is dropped.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::failure::Cause;
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// struct OutOfPaper { tray: u8 }
///
/// let (tell, told) = mpsc::channel();
/// let pool = WorkerPool::builder().workers(1).on_failure(move |failure| {
///     if let Cause::Panic(payload) = &failure.cause {
///         let tray = payload.downcast_ref::<OutOfPaper>().map(|paper| paper.tray);
///         let _ = tell.send((tray, payload.to_string()));
///     }
/// });
/// let pool = pool.start()?;
/// let printer = Props::new(|| Behavior::receive(|_ctx, page: &str| match page {
///     "" => panic!("an empty page"),
///     "page 1" => std::panic::panic_any(OutOfPaper { tray: 2 }),
///     _ => {}
/// }));
/// pool.spawn("first", printer.clone())?.tell("");
/// assert_eq!(told.recv()?, (None, "an empty page".into()));
/// pool.spawn("second", printer)?.tell("page 1");
/// assert_eq!(told.recv()?, (Some(2), "a payload that is not text".into()));
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PanicPayload(Arc<PayloadInner>);

struct PayloadInner {
    /// `None` once it was taken out.
    payload: Option<PanicValue>,
    /// The text for a payload that has none itself.
    described: Option<Box<str>>,
}

/// The value itself; only what is `Sync` is lent out of it.
struct PanicValue(Box<dyn Any + Send>);

// SAFETY: a shared reference reaches the value in `downcast_ref` alone, which asks for a type that is
// `Sync`; otherwise it only reads the `TypeId`, in which the value has no part. The owner alone takes the
// value out or drops it, on any thread, and the value is `Send`.
unsafe impl Sync for PanicValue {}

impl PanicValue {
    fn downcast_ref<T: Any + Sync>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    fn type_id(&self) -> TypeId {
        (*self.0).type_id()
    }

    /// Returns the text that the payload is.
    fn text(&self) -> Option<&str> {
        let fixed = || self.downcast_ref::<&'static str>().copied();
        let owned = || self.downcast_ref::<String>().map(String::as_str);
        let boxed = || self.downcast_ref::<Box<str>>().map(|text| &**text);
        let either = || self.downcast_ref::<Cow<'static, str>>().map(|text| &**text);
        fixed().or_else(owned).or_else(boxed).or_else(either)
    }

    /// Returns the error that the payload is, as far as that can be found out.
    fn error(&self) -> Option<&(dyn Error + 'static)> {
        fn any<T: Error + Sync + 'static>(payload: &PanicValue) -> Option<&(dyn Error + 'static)> {
            Some(payload.downcast_ref::<T>()? as _)
        }
        if let Some(error) = self.downcast_ref::<BoxError>() {
            return Some(&**error);
        }
        if let Some(error) = self.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
            return Some(&**error);
        }
        any::<std::io::Error>(self)
            .or_else(|| any::<fmt::Error>(self))
            .or_else(|| any::<std::num::ParseIntError>(self))
            .or_else(|| any::<std::num::ParseFloatError>(self))
            .or_else(|| any::<std::num::TryFromIntError>(self))
            .or_else(|| any::<std::str::Utf8Error>(self))
            .or_else(|| any::<std::string::FromUtf8Error>(self))
    }

    /// Describes a payload that is no text.
    fn describe(&self) -> Option<Box<str>> {
        if self.text().is_some() {
            return None;
        }
        // The text of a boxed error comes from the user's code.
        let said = catch_unwind(AssertUnwindSafe(|| {
            self.error().map(|error| error.to_string().into_boxed_str())
        }));
        match said {
            Ok(text) => text,
            Err(payload) => {
                forget_quietly(payload);
                None
            }
        }
    }
}

/// Drops a payload. A panic of its destructor goes no further: its own payload could have such a destructor
/// in its turn, without end.
fn forget_quietly(payload: Box<dyn Any + Send>) {
    let dropped = under_fate(WaitEnd::Failed, || {
        catch_unwind(AssertUnwindSafe(move || drop(payload)))
    });
    if let Err(payload) = dropped {
        std::mem::forget(payload);
    }
}

impl PanicPayload {
    /// Wraps the payload of a panic that was caught.
    pub(super) fn of(payload: Box<dyn Any + Send>) -> Self {
        match payload.downcast::<Self>() {
            // It was passed on.
            Ok(payload) => *payload,
            Err(payload) => {
                let payload = PanicValue(payload);
                Self(Arc::new(PayloadInner {
                    described: payload.describe(),
                    payload: Some(payload),
                }))
            }
        }
    }

    fn payload(&self) -> &PanicValue {
        let payload = self.0.payload.as_ref();
        payload.expect("it is taken out by the last holder only")
    }

    /// Returns the text of the panic, or a description of the payload if that is no text.
    pub fn text(&self) -> &str {
        let payload = self.payload();
        payload.text().unwrap_or(match &self.0.described {
            Some(text) => text,
            None => NO_TEXT,
        })
    }

    /// Returns whether the payload is a value of that type.
    pub fn is<T: Any>(&self) -> bool {
        self.payload_type_id() == TypeId::of::<T>()
    }

    /// Returns the payload, if it is of that type. A text is a `&'static str` or a `String`, as `panic!`
    /// made it.
    ///
    /// A value that is not `Sync` is only available to [the holder of the payload](Self::into_payload).
    pub fn downcast_ref<T: Any + Sync>(&self) -> Option<&T> {
        self.payload().downcast_ref()
    }

    /// Returns the type of the payload.
    fn payload_type_id(&self) -> TypeId {
        self.payload().type_id()
    }

    /// Returns the payload, as [`catch_unwind`] gives it.
    ///
    /// # Errors
    ///
    /// Returns the payload itself if there are clones of it.
    pub fn into_payload(self) -> Result<Box<dyn Any + Send>, Self> {
        let mut inner = Arc::try_unwrap(self.0).map_err(Self)?;
        let payload = inner.payload.take();
        Ok(payload.expect("it is taken out once").0)
    }

    /// Continues the panic on this thread.
    pub(crate) fn resume(self) -> ! {
        match self.into_payload() {
            Ok(payload) => resume_unwind(payload),
            Err(shared) => resume_unwind(Box::new(shared)),
        }
    }

    /// Returns the source of the error that the payload is, if it is one.
    pub(super) fn below(&self) -> Option<&(dyn Error + 'static)> {
        self.payload().error()?.source()
    }
}

impl Drop for PayloadInner {
    /// The value is the user's, and so is its destructor.
    fn drop(&mut self) {
        if let Some(PanicValue(payload)) = self.payload.take() {
            forget_quietly(payload);
        }
    }
}

impl From<String> for PanicPayload {
    fn from(text: String) -> Self {
        Self::of(Box::new(text))
    }
}

impl From<&'static str> for PanicPayload {
    fn from(text: &'static str) -> Self {
        Self::of(Box::new(text))
    }
}

impl Deref for PanicPayload {
    type Target = str;

    fn deref(&self) -> &str {
        self.text()
    }
}

impl AsRef<str> for PanicPayload {
    fn as_ref(&self) -> &str {
        self.text()
    }
}

impl fmt::Display for PanicPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for PanicPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PanicPayload({:?})", self.text())
    }
}

impl Error for PanicPayload {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.below()
    }
}

// Nothing changes what is in it.
impl UnwindSafe for PanicPayload {}
impl RefUnwindSafe for PanicPayload {}

/// Equal if the texts are the same, and both payloads are texts or of the same type.
impl PartialEq for PanicPayload {
    fn eq(&self, other: &Self) -> bool {
        let kind = |it: &Self| (it.payload().text().is_none()).then(|| it.payload_type_id());
        self.text() == other.text() && kind(self) == kind(other)
    }
}

impl Eq for PanicPayload {}

impl PartialEq<str> for PanicPayload {
    fn eq(&self, text: &str) -> bool {
        self.text() == text
    }
}

impl PartialEq<&str> for PanicPayload {
    fn eq(&self, text: &&str) -> bool {
        self.text() == *text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_impl_all;
    use std::cell::Cell;
    use std::panic::panic_any;

    assert_impl_all!(PanicPayload: Send, Sync, UnwindSafe, RefUnwindSafe, Clone, Eq, Error);

    fn caught(code: impl FnOnce()) -> PanicPayload {
        let caught = catch_unwind(AssertUnwindSafe(code));
        PanicPayload::of(caught.expect_err("it panics"))
    }

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] fmt::Error);

    #[test]
    fn s4_5_a_payload_is_said_as_far_as_it_is_known() {
        let texts: [(PanicPayload, &str); 10] = [
            (caught(|| panic!("fixed")), "fixed"),
            (caught(|| panic!("made of {}", 2)), "made of 2"),
            (caught(|| panic_any(Box::<str>::from("boxed"))), "boxed"),
            (caught(|| panic_any(Cow::Borrowed("lent"))), "lent"),
            (caught(|| panic_any(std::io::Error::other("disk"))), "disk"),
            (
                caught(|| panic_any(fmt::Error)),
                "an error occurred when formatting an argument",
            ),
            (
                caught(|| panic_any(BoxError::from("any error"))),
                "any error",
            ),
            (
                caught(|| panic_any(BoxError::from(Outer(fmt::Error)))),
                "outer",
            ),
            (
                caught(|| panic_any("x".parse::<u8>().unwrap_err())),
                "invalid digit found in string",
            ),
            (caught(|| panic_any(7_u8)), NO_TEXT),
        ];
        for (payload, text) in texts {
            assert_eq!(payload.text(), text);
            assert_eq!(payload.to_string(), text);
        }
    }

    #[test]
    fn s4_5_a_payload_keeps_its_type() {
        let payload = caught(|| panic_any(7_u8));
        assert_eq!(payload.payload_type_id(), TypeId::of::<u8>());
        assert!(payload.is::<u8>() && !payload.is::<u16>());
        assert_eq!(payload.downcast_ref::<u8>(), Some(&7));
        let shared = payload.clone();
        let payload = payload.into_payload().expect_err("there is a clone");
        drop(shared);
        let payload = payload.into_payload().expect("there is none");
        assert_eq!(*payload.downcast::<u8>().expect("its type"), 7);
        // What is not `Sync` is available to the holder.
        let payload = caught(|| panic_any(Cell::new(1)));
        assert!(payload.is::<Cell<i32>>());
        let payload = payload.into_payload().expect("there is no clone");
        assert_eq!(payload.downcast::<Cell<i32>>().expect("its type").get(), 1);
    }

    #[test]
    fn s4_5_a_payload_that_is_passed_on_stays_what_it_is() {
        let payload = caught(|| panic_any(7_u8));
        let other = payload.clone();
        let passed_on = caught(|| other.resume());
        assert_eq!(passed_on.downcast_ref::<u8>(), Some(&7));
        drop((payload, passed_on));
        let alone = caught(|| caught(|| panic_any(8_u8)).resume());
        assert_eq!(alone.downcast_ref::<u8>(), Some(&8));
    }

    #[test]
    fn s4_5_payloads_are_equal_by_text_and_by_type_without_one() {
        let text = PanicPayload::from("made of 2");
        assert_eq!(caught(|| panic!("made of {}", 2)), text);
        let text = PanicPayload::from(String::from("text"));
        assert_eq!(caught(|| panic!("text")), text);
        assert_ne!(caught(|| panic!("other")), text);
        assert_ne!(caught(|| panic_any(7_u8)), caught(|| panic_any(7_u16)));
        assert_ne!(caught(|| panic_any(7_u8)), PanicPayload::from(NO_TEXT));
    }

    #[test]
    fn s4_5_the_source_of_an_error_is_that_of_the_payload() {
        let payload = caught(|| panic_any(BoxError::from(Outer(fmt::Error))));
        let below = payload.source().expect("it has one");
        assert!(below.is::<fmt::Error>());
        assert!(caught(|| panic!("text")).source().is_none());
    }

    #[test]
    fn s4_9_a_payload_whose_code_panics_goes_no_further() {
        #[derive(Debug)]
        struct Bomb;
        impl fmt::Display for Bomb {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("planned")
            }
        }
        impl Error for Bomb {}
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic_any(Bomb)
            }
        }
        let payload = caught(|| panic_any(Box::new(Bomb) as BoxError));
        assert_eq!(payload.text(), NO_TEXT);
        drop(payload);
    }
}
