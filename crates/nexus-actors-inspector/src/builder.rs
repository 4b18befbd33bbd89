//! How an inspector is built, started and ended.

use nexus_actors::WorkerPool;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

use crate::error::InspectorError;
use crate::feed::Feed;
use crate::guard::Guarded;
use crate::hub::Hub;
use crate::pool::PoolSource;
use crate::service::router;
use crate::source::Source;

const DEFAULT_ADDRESS: &str = "127.0.0.1:7777";
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(20);
/// How long is measured on after the last viewer has left.
const LINGER: Duration = Duration::from_secs(10);
/// Threads that wait for snapshots, so that one is not delayed by another that waits for a stuck worker.
const WAITING_THREADS: usize = 2;

/// Builds an [`Inspector`].
#[must_use = "a builder does nothing until it is started"]
pub struct InspectorBuilder {
    source: PoolSource,
    settings: Settings,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) address: String,
    pub(crate) token: Option<String>,
    pub(crate) control: bool,
    pub(crate) interval: Duration,
    pub(crate) linger: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            token: None,
            control: false,
            interval: DEFAULT_INTERVAL,
            linger: LINGER,
        }
    }
}

impl InspectorBuilder {
    /// Sets the address to listen on, such as `127.0.0.1:0` for a free port. The default is
    /// `127.0.0.1:7777`.
    ///
    /// An address that is not one of the loopback interface needs a [`token`](Self::token).
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.settings.address = address.into();
        self
    }

    /// Sets a secret that every request must have, as `Authorization: Bearer TOKEN` or as `?token=TOKEN`.
    /// By default none is needed.
    ///
    /// The service does not encrypt. Over a network that others can listen to, put a proxy with TLS before
    /// it, or reach it by `ssh -L`.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.settings.token = Some(token.into());
        self
    }

    /// Sets whether actors can be stopped, killed, suspended and resumed from the page. By default they
    /// cannot.
    pub fn allow_control(mut self, allow: bool) -> Self {
        self.settings.control = allow;
        self
    }

    /// Sets how often the page has new figures. The default is one second.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Sets where the failures come from that the page shows. Without a feed it shows the numbers of
    /// restarts, but no failures.
    pub fn feed(mut self, feed: &Feed) -> Self {
        self.source.feed = feed.clone();
        self
    }

    /// Starts the service, on a thread of its own.
    ///
    /// # Errors
    ///
    /// [`InspectorError`]: an invalid option, an address that is in use, or no thread.
    pub fn start(self) -> Result<Inspector, InspectorError> {
        let name = format!("{}-inspector", self.source.name());
        Inspector::serve(Arc::new(self.source), self.settings, &name)
    }
}

impl fmt::Debug for InspectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            address,
            token,
            control,
            interval,
            linger: _,
        } = &self.settings;
        f.debug_struct("InspectorBuilder")
            .field("address", address)
            .field("token", &token.as_ref().map(|_| "***"))
            .field("control", control)
            .field("interval", interval)
            .finish_non_exhaustive()
    }
}

/// A running service that shows a pool. It ends when this is dropped.
///
/// It does not keep its pool running. After the end of the pool it shows the last figures.
#[must_use = "the service ends when this is dropped"]
pub struct Inspector {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Inspector {
    /// Creates a builder of an inspector of that pool.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors_inspector::Inspector;
    ///
    /// let pool = WorkerPool::builder().start()?;
    /// let inspector = Inspector::builder(&pool)
    ///     .address("0.0.0.0:0")
    ///     .token("a-secret-of-the-operators")
    ///     .allow_control(true)
    ///     .interval(Duration::from_millis(500))
    ///     .start()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(pool: &WorkerPool) -> InspectorBuilder {
        InspectorBuilder {
            source: PoolSource::new(pool),
            settings: Settings::default(),
        }
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn serve(
        source: Arc<dyn Source>,
        settings: Settings,
        thread: &str,
    ) -> Result<Self, InspectorError> {
        let listener = settings.listen()?;
        let address = listener.local_addr().map_err(InspectorError::Thread)?;
        let guarded = Guarded {
            token: settings.token.map(Arc::from),
            bound: address.ip(),
        };
        let hub = Hub::new(source, settings.control, settings.interval, settings.linger);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(WAITING_THREADS)
            .thread_name(thread)
            .build()
            .map_err(InspectorError::Thread)?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(InspectorError::Thread)?
        };
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            // What is under way when it ends is dropped with the runtime, which waits for the threads that
            // wait for snapshots.
            runtime.block_on(async {
                let hub = Arc::new(hub);
                let server = axum::serve(listener, router(Arc::clone(&hub), guarded));
                tokio::select! {
                    _ = stopped => {}
                    _ = server.into_future() => {}
                    () = hub.run() => {}
                }
            });
        };
        let thread = thread::Builder::new().name(thread.to_owned()).spawn(run);
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread.map_err(InspectorError::Thread)?),
        })
    }
}

impl Drop for Inspector {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the service has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Checks the settings, and binds the address.
    fn listen(&self) -> Result<TcpListener, InspectorError> {
        if self.interval < SHORTEST_INTERVAL {
            return Err(InspectorError::InvalidInterval(self.interval));
        }
        let visible =
            |token: &String| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if self.token.as_ref().is_some_and(|token| !visible(token)) {
            return Err(InspectorError::InvalidToken);
        }
        let address = || self.address.clone();
        let invalid = |source| InspectorError::InvalidAddress {
            address: address(),
            source,
        };
        let found: Vec<SocketAddr> = self.address.to_socket_addrs().map_err(invalid)?.collect();
        if found.is_empty() {
            return Err(invalid(io::ErrorKind::NotFound.into()));
        }
        let public = found.iter().find(|address| !address.ip().is_loopback());
        if let (Some(&public), None) = (public, &self.token) {
            return Err(InspectorError::NeedsToken(public));
        }
        let bind = |source| InspectorError::Bind {
            address: address(),
            source,
        };
        let listener = TcpListener::bind(&found[..]).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        Ok(listener)
    }
}
