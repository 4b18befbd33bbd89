//! A bank behind HTTP: axum and tokio in front, actors behind.
//!
//! Every account is an actor with a bounded mailbox, and every request an ask that is awaited:
//!
//! | request                               | answer                                              |
//! |---------------------------------------|-----------------------------------------------------|
//! | `POST /accounts/{name}`               | 201, or 409 if there is one                         |
//! | `GET /accounts/{name}`                | the balance                                         |
//! | `POST /accounts/{name}/deposit/{sum}` | the balance then                                    |
//! | `POST /accounts/{name}/withdraw/{sum}`| the balance then, or 409 if it is too low           |
//! | of an unknown account                 | 404                                                 |
//! | while the account's mailbox is full   | 503, at once                                        |
//! | unless it is done in time             | 504; what has not begun by then will not be         |
//!
//! Without an argument it is its own client, on a free port. With one, such as `127.0.0.1:8080`, it serves
//! there until its standard input ends. Either way it closes in order: first the server, once the requests
//! under way are answered, then the actors.
//!
//! ```text
//! $ cargo run --package nexus-http
//! POST /accounts/ada -> 201 0
//! POST /accounts/ada -> 409 there is such an account
//! POST /accounts/ada/deposit/100 -> 200 100
//! POST /accounts/ada/withdraw/30 -> 200 70
//! POST /accounts/ada/withdraw/100 -> 409 the balance is too low
//! GET /accounts/ada -> 200 70
//! GET /accounts/bob -> 404 there is no such account
//! 1000 deposits by 50 clients, who try again after a 503 -> 1000 times 200
//! GET /accounts/ada -> 200 1070
//! the server has closed
//! the pool has closed: 0 actors stopped by force, 0 messages left
//! the journal has 1002 changes, which make 1070
//! ```

mod bank;
mod client;
mod server;

use bank::{Bank, Entry, Limits};
use nexus_actors::prelude::*;
use std::error::Error;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const LIMITS: Limits = Limits {
    mailbox: 16,
    patience: Duration::from_secs(5),
};

fn main() -> Result<(), Box<dyn Error>> {
    let pool = WorkerPool::builder().workers(2).start()?;
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let journal = pool.spawn("journal", journal(Arc::clone(&recorded)))?;
    let bank = Bank::start(&pool, journal, LIMITS)?;

    let address = std::env::args().nth(1);
    let wanted = address.as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let mut server = server::start(wanted, bank)?;
    if address.is_some() {
        println!(
            "serving on {} until the standard input ends",
            server.address()
        );
        std::io::stdin().read_to_end(&mut Vec::new())?;
    } else {
        play(server.address())?;
    }

    server.stop();
    server.join()?;
    println!("the server has closed");
    let report = pool.shutdown(Duration::from_secs(5))?;
    let (forced, left) = (report.forced, report.unprocessed);
    println!("the pool has closed: {forced} actors stopped by force, {left} messages left");
    let recorded = recorded.lock().unwrap();
    let sum: i64 = recorded.iter().map(|(_account, change)| change).sum();
    println!(
        "the journal has {} changes, which make {sum}",
        recorded.len()
    );
    Ok(())
}

/// Writes changes down before they are made. It stands for a disk.
fn journal(recorded: Arc<Mutex<Vec<(String, i64)>>>) -> Props<Entry> {
    Props::new(move || {
        let recorded = Arc::clone(&recorded);
        Behavior::receive(move |_ctx, entry: Entry| {
            recorded.lock().unwrap().push((entry.account, entry.change));
            entry.done.send(());
        })
    })
}

/// The requests of the example.
fn play(server: SocketAddr) -> std::io::Result<()> {
    let show = |method, path: &str| {
        let (status, text) = client::request(server, method, path)?;
        println!("{method} {path} -> {status} {text}");
        Ok(())
    };
    show("POST", "/accounts/ada")?;
    show("POST", "/accounts/ada")?;
    show("POST", "/accounts/ada/deposit/100")?;
    show("POST", "/accounts/ada/withdraw/30")?;
    show("POST", "/accounts/ada/withdraw/100")?;
    show("GET", "/accounts/ada")?;
    show("GET", "/accounts/bob")?;

    // Fifty clients, and room for sixteen questions. A client that is refused tries again.
    let clients: Vec<_> = (0..50)
        .map(|_| thread::spawn(move || (0..20).try_for_each(|_| deposit_one(server))))
        .collect();
    for client in clients {
        client.join().expect("a client does not panic")?;
    }
    println!("1000 deposits by 50 clients, who try again after a 503 -> 1000 times 200");
    show("GET", "/accounts/ada")
}

fn deposit_one(server: SocketAddr) -> std::io::Result<()> {
    loop {
        match client::request(server, "POST", "/accounts/ada/deposit/1")? {
            (200, _) => return Ok(()),
            (503, _) => {}
            (status, text) => {
                let unexpected = format!("unexpected: {status} {text}");
                return Err(std::io::Error::other(unexpected));
            }
        }
    }
}
