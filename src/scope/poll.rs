//! The runtime in which the futures that a handler waits for are polled.

/// A tokio runtime, or none.
#[derive(Clone, Default)]
pub(super) struct Runtime {
    #[cfg(feature = "tokio")]
    handle: Option<tokio::runtime::Handle>,
}

#[cfg(feature = "tokio")]
impl Runtime {
    pub(super) fn of(handle: tokio::runtime::Handle) -> Self {
        Self {
            handle: Some(handle),
        }
    }

    pub(super) fn any(&self) -> bool {
        self.handle.is_some()
    }

    /// Polls within the runtime, and leaves it afterwards.
    pub(super) fn poll<R>(&self, poll: impl FnOnce() -> R) -> R {
        let _entered = self.handle.as_ref().map(|handle| handle.enter());
        poll()
    }
}

#[cfg(not(feature = "tokio"))]
impl Runtime {
    #[allow(clippy::unused_self, reason = "with a runtime it is used")]
    pub(super) fn any(&self) -> bool {
        false
    }

    #[allow(clippy::unused_self, reason = "with a runtime it is used")]
    pub(super) fn poll<R>(&self, poll: impl FnOnce() -> R) -> R {
        poll()
    }
}
