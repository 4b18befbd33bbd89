//! The answers of the HTTP example, over real connections, in success and in failure.

#[path = "../../../tests/common/mod.rs"]
mod common;

#[path = "../bank.rs"]
mod bank;
#[path = "../client.rs"]
mod client;
#[path = "../server.rs"]
mod server;

use crate::bank::{Account, Bank, Entry, Limits};
use crate::client::{receive, request, send};
use crate::server::Server;
use common::{SOON, eventually, pool_of, watchdog};
use nexus_actors::DeadLetterReason;
use nexus_actors::prelude::*;
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A serving bank whose journal is the test.
struct Served {
    pool: WorkerPool,
    server: Server,
    entries: mpsc::Receiver<Entry>,
}

/// Starts a bank whose changes the test has to write down.
fn serve(limits: Limits) -> Served {
    let pool = pool_of(2).start().unwrap();
    let (give, entries) = mpsc::channel();
    let journal = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, entry: Entry| give.send(entry).unwrap())
    });
    let journal = pool.spawn("journal", journal).unwrap();
    let bank = Bank::start(&pool, journal, limits).unwrap();
    let server = server::start(SocketAddr::from(([127, 0, 0, 1], 0)), bank).unwrap();
    Served {
        pool,
        server,
        entries,
    }
}

impl Served {
    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        request(self.server.address(), method, path).unwrap()
    }

    /// Begins a request; other code receives its response.
    fn begin(&self, method: &str, path: &str) -> TcpStream {
        send(self.server.address(), method, path).unwrap()
    }

    /// Returns the next change that is to be written down.
    fn entry(&self) -> Entry {
        self.entries.recv_timeout(SOON).unwrap()
    }

    fn close(mut self) {
        self.server.stop();
        self.server.join().unwrap();
        let report = common::finish(&self.pool, SOON);
        assert_eq!(report.forced, 0, "every actor stops by itself");
    }
}

const PATIENT: Limits = Limits {
    mailbox: 1,
    patience: SOON,
};

fn is(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

#[test]
fn requests_are_answered_by_actors() {
    let _watchdog = watchdog();
    let bank = serve(PATIENT);
    assert_eq!(bank.ask("POST", "/accounts/ada"), is(201, "0"));
    let deposit = bank.begin("POST", "/accounts/ada/deposit/100");
    let entry = bank.entry();
    assert_eq!((entry.account.as_str(), entry.change), ("ada", 100));
    entry.done.send(());
    assert_eq!(receive(deposit).unwrap(), is(200, "100"));
    let withdrawal = bank.begin("POST", "/accounts/ada/withdraw/30");
    bank.entry().done.send(());
    assert_eq!(receive(withdrawal).unwrap(), is(200, "70"));
    assert_eq!(bank.ask("GET", "/accounts/ada"), is(200, "70"));
    bank.close();
}

#[test]
fn what_cannot_be_is_refused_with_a_status_of_its_own() {
    let _watchdog = watchdog();
    let bank = serve(PATIENT);
    let unknown = is(404, "there is no such account");
    assert_eq!(bank.ask("GET", "/accounts/ada"), unknown);
    assert_eq!(bank.ask("POST", "/accounts/ada/deposit/1"), unknown);
    assert_eq!(bank.ask("POST", "/accounts/ada"), is(201, "0"));
    assert_eq!(
        bank.ask("POST", "/accounts/ada"),
        is(409, "there is such an account")
    );
    assert_eq!(
        bank.ask("POST", "/accounts/ada/withdraw/1"),
        is(409, "the balance is too low")
    );
    let (status, _) = bank.ask("POST", "/accounts/a%20b");
    assert_eq!(status, 400, "no name of an actor");
    let (status, _) = bank.ask("POST", "/accounts/ada/deposit/much");
    assert_eq!(status, 400, "no number");
    assert_eq!(bank.ask("GET", "/elsewhere").0, 404);
    bank.close();
}

#[test]
fn a_full_mailbox_is_a_503_at_once() {
    let _watchdog = watchdog();
    let bank = serve(PATIENT);
    assert_eq!(bank.ask("POST", "/accounts/ada").0, 201);
    let first = bank.begin("POST", "/accounts/ada/deposit/1");
    let held = bank.entry();
    // The account waits for its journal. Of two more requests its mailbox takes one, and the other one is
    // answered while nothing else happens.
    let (tell, told) = mpsc::channel();
    for _ in 0..2 {
        let (stream, tell) = (bank.begin("POST", "/accounts/ada/deposit/1"), tell.clone());
        thread::spawn(move || tell.send(receive(stream).unwrap()));
    }
    assert_eq!(told.recv_timeout(SOON).unwrap(), is(503, "try again later"));
    held.done.send(());
    assert_eq!(receive(first).unwrap(), is(200, "1"));
    bank.entry().done.send(());
    assert_eq!(told.recv_timeout(SOON).unwrap(), is(200, "2"));
    bank.close();
}

#[test]
fn what_is_not_done_in_time_is_a_504_and_is_not_done_later() {
    let _watchdog = watchdog();
    let bank = serve(Limits {
        mailbox: 8,
        patience: Duration::from_millis(50),
    });
    // On a busy machine even this may take too long, so it is tried until the account is there.
    eventually("the account is open", || {
        [201, 409].contains(&bank.ask("POST", "/accounts/ada").0)
    });
    let first = bank.begin("POST", "/accounts/ada/deposit/1");
    let late = bank.entry();
    let second = bank.begin("POST", "/accounts/ada/deposit/1");
    assert_eq!(receive(first).unwrap(), is(504, "it took too long"));
    assert_eq!(receive(second).unwrap(), is(504, "it took too long"));
    let nothing = || bank.ask("GET", "/accounts/ada") == is(200, "0");
    eventually("the account waits no more, and nothing was added", nothing);
    late.done.send(()); // which is ignored
    eventually("nothing is added later", nothing);
    bank.close();
}

#[test]
fn a_client_that_goes_away_takes_its_question_back() {
    let _watchdog = watchdog();
    let bank = serve(Limits {
        mailbox: 8,
        ..PATIENT
    });
    assert_eq!(bank.ask("POST", "/accounts/ada").0, 201);
    let first = bank.begin("POST", "/accounts/ada/deposit/1");
    let held = bank.entry();
    let asked = bank.pool.stats().sent_from_outside;
    let mut gone = bank.begin("POST", "/accounts/ada/deposit/10");
    eventually("its question is sent", || {
        bank.pool.stats().sent_from_outside == asked + 1
    });
    gone.shutdown(Shutdown::Write).unwrap();
    let heard = gone.read_to_end(&mut Vec::new());
    assert!(matches!(heard, Ok(0) | Err(_)), "nothing was answered");
    // The server has one thread, which answers this once it is done with that.
    assert_eq!(bank.ask("GET", "/accounts/bob").0, 404);
    held.done.send(());
    assert_eq!(receive(first).unwrap(), is(200, "1"));
    assert_eq!(bank.ask("GET", "/accounts/ada"), is(200, "1"));
    let letters = bank.pool.dead_letters();
    assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
    bank.close();
}

#[test]
fn a_shutdown_answers_what_is_under_way_and_takes_nothing_more() {
    let _watchdog = watchdog();
    let mut bank = serve(PATIENT);
    assert_eq!(bank.ask("POST", "/accounts/ada").0, 201);
    let under_way = bank.begin("POST", "/accounts/ada/deposit/5");
    let held = bank.entry();
    let address = bank.server.address();
    bank.server.stop();
    eventually("the port is closed", || {
        let refused = request(address, "GET", "/accounts/bob"); // answered without waiting
        refused.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    });
    let account = bank.pool.lookup::<Account>("/user/account-ada").unwrap();
    held.done.send(());
    assert_eq!(receive(under_way).unwrap(), is(200, "5"));
    assert_eq!(account.ask(Account::Balance, SOON).wait(), Ok(5));
    bank.close();
}

#[test]
fn without_its_pool_the_bank_is_closed() {
    let _watchdog = watchdog();
    let bank = serve(PATIENT);
    assert_eq!(bank.ask("POST", "/accounts/ada").0, 201);
    bank.pool.shutdown(SOON).unwrap();
    let closed = is(503, "the bank is closed");
    assert_eq!(bank.ask("POST", "/accounts/bob"), closed);
    bank.close();
}
