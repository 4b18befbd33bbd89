//! The HTTP side: the ask of each request, and the status of its answer.

use crate::bank::{Account, Bank, Refused};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use nexus_actors::SpawnError;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use std::io;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A running server, on a thread of its own.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: JoinHandle<io::Result<()>>,
}

/// Starts a server on that address, or on a free port if the port is 0.
pub(crate) fn start(address: SocketAddr, bank: Bank) -> io::Result<Server> {
    // One thread will do: the actors do the work.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind(address))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::spawn(move || {
        let serving = axum::serve(listener, router(bank)).with_graceful_shutdown(async {
            let _ = stopped.await; // sent, or dropped with the server's handle
        });
        runtime.block_on(serving.into_future())
    });
    Ok(Server {
        address,
        stop: Some(stop),
        thread,
    })
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more connections. Requests that are under way are answered.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until it has stopped.
    pub(crate) fn join(self) -> io::Result<()> {
        self.thread.join().expect("the server does not panic")
    }
}

fn router(bank: Bank) -> Router {
    Router::new()
        .route("/accounts/{name}", post(open).get(balance))
        .route("/accounts/{name}/deposit/{sum}", post(deposit))
        .route("/accounts/{name}/withdraw/{sum}", post(withdraw))
        .with_state(bank)
}

type Answer = Result<String, Problem>;

async fn open(
    State(bank): State<Bank>,
    Path(name): Path<String>,
) -> Result<(StatusCode, String), Problem> {
    bank.open(name).await??;
    Ok((StatusCode::CREATED, "0".to_owned()))
}

async fn balance(State(bank): State<Bank>, Path(name): Path<String>) -> Answer {
    let account = find(&bank, &name)?;
    Ok(bank.balance(account).await?.to_string())
}

async fn deposit(bank: State<Bank>, Path((name, sum)): Path<(String, u32)>) -> Answer {
    change(&bank, &name, i64::from(sum)).await
}

async fn withdraw(bank: State<Bank>, Path((name, sum)): Path<(String, u32)>) -> Answer {
    change(&bank, &name, -i64::from(sum)).await
}

async fn change(bank: &Bank, name: &str, change: i64) -> Answer {
    let account = find(bank, name)?;
    Ok(bank.change(account, change).await??.to_string())
}

fn find(bank: &Bank, name: &str) -> Result<ActorRef<Account>, Problem> {
    let unknown = || Problem(StatusCode::NOT_FOUND, "there is no such account".into());
    bank.find(name).ok_or_else(unknown)
}

/// The response to a request that failed.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let (status, text) = match error.kind() {
            AskErrorKind::MailboxFull => (StatusCode::SERVICE_UNAVAILABLE, "try again later"),
            AskErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "it took too long"),
            AskErrorKind::TargetStopped | AskErrorKind::PoolClosed => {
                (StatusCode::SERVICE_UNAVAILABLE, "the bank is closed")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong"),
        };
        Self(status, text.to_owned())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let (status, text) = match refused {
            Refused::TooLow => (StatusCode::CONFLICT, "the balance is too low"),
            Refused::NotRecorded => (StatusCode::GATEWAY_TIMEOUT, "it took too long"),
        };
        Self(status, text.to_owned())
    }
}

impl From<SpawnError> for Problem {
    fn from(error: SpawnError) -> Self {
        let (status, text) = match error {
            SpawnError::NameTaken(_) => (StatusCode::CONFLICT, "there is such an account".into()),
            SpawnError::InvalidName(error) => (StatusCode::BAD_REQUEST, error.to_string()),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "the bank is closed".into()),
        };
        Self(status, text)
    }
}
