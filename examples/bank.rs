//! A bank whose tellers race for the same account, tested under thousands of seeds.
//!
//! The bug is planted: a teller checks whether an account has the money, and takes it with a second
//! message. Between the two, another teller may do the same. The bills of this bank come two milliseconds
//! apart, so that goes well in all but one of some thousand runs. The simulation finds that run, shrinks
//! it, and says how to run it again.
//!
//! ```text
//! $ cargo run --release --example bank
//! A teller that asks first: 10000 seeds at most
//! seed=2110 fails at step 23, after 3.546252ms: the account is overdrawn: -20
//! the smallest case found: seed=2110 steps=13 without=actors,pace,wake-ups
//! to run it again: set NEXUS_SIM='seed=2110 steps=13 without=actors,pace,wake-ups'
//! its last events:
//!         13.131 us  starts    /user/account [0.1#1]
//!         13.523 us  starts    /user/teller-1 [1.1#1]
//!         35.515 us  starts    /user/teller-2 [2.1#1]
//!       1036.351 us  delivers  outside -> /user/teller-1 [1.1#1]  i64
//!       1037.045 us  delivers  /user/teller-1 [1.1#1] -> /user/account [0.1#1]  bank::Account
//!       3039.735 us  delivers  outside -> /user/teller-2 [2.1#1]  i64
//!       3039.735 us  delivers  /user/teller-2 [2.1#1] -> /user/account [0.1#1]  bank::Account
//!       3039.735 us  delivers  /user/teller-2 [2.1#1] -> /user/account [0.1#1]  bank::Account
//!       3543.683 us  delivers  /user/teller-1 [1.1#1] -> /user/account [0.1#1]  bank::Account
//!       3543.683 us  delivers  outside -> /user/account [0.1#1]  bank::Account
//!
//! An account that decides: 10000 seeds passed
//! ```

use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::panic::catch_unwind;
use std::time::Duration;

const SEEDS: u64 = 10_000;
const SECOND: Duration = Duration::from_secs(1);

enum Account {
    Balance(Reply<i64>),
    /// Takes the money, whether it is there or not.
    Take(i64),
    /// Takes the money if it is there, and says whether it did.
    Withdraw(i64, Reply<bool>),
}

fn account(balance: i64) -> Props<Account> {
    Props::new(move || {
        Behavior::with_state(balance, |balance: &mut i64, _ctx, message| match message {
            Account::Balance(reply) => reply.send(*balance),
            Account::Take(amount) => *balance -= amount,
            Account::Withdraw(amount, reply) => {
                let covered = *balance >= amount;
                if covered {
                    *balance -= amount;
                }
                reply.send(covered);
            }
        })
    })
}

type Pay = fn(ActorRef<Account>, i64) -> Result<bool, AskError>;

/// The wrong way: the answer may be old by the time the money is taken.
fn pay_after_asking(account: ActorRef<Account>, amount: i64) -> Result<bool, AskError> {
    let covered = account.ask(Account::Balance, SECOND).wait()? >= amount;
    if covered {
        account.tell(Account::Take(amount));
    }
    Ok(covered)
}

/// The right way: one message, and the account decides.
fn pay_at_once(account: ActorRef<Account>, amount: i64) -> Result<bool, AskError> {
    let withdraw = |reply| Account::Withdraw(amount, reply);
    account.ask(withdraw, SECOND).wait()
}

/// Pays bills, one after the other.
fn teller(account: ActorRef<Account>, pay: Pay) -> Props<i64> {
    Props::new(move || {
        Behavior::receive(move |_ctx, amount| Ok(pay(account, amount).map(|_covered| ())?))
    })
}

/// The test: whatever happens, no account is overdrawn.
fn nobody_is_overdrawn(sim: &mut Sim, pay: Pay) {
    let account = sim.spawn_on(0, "account", account(100)).unwrap();
    for (number, day) in (1..=2).zip([1, 3]) {
        let name = format!("teller-{number}");
        let teller = sim.spawn_on(number, &name, teller(account, pay)).unwrap();
        sim.schedule(Duration::from_millis(day), move || teller.tell(60));
    }
    sim.run_until_idle();
    let balance = account.ask(Account::Balance, SECOND).wait().unwrap();
    assert!(balance >= 0, "the account is overdrawn: {balance}");
}

fn main() {
    println!("A teller that asks first: {SEEDS} seeds at most");
    let bank = || Sim::builder().workers(3).stall(Duration::from_millis(4));
    let report = catch_unwind(|| {
        bank().check(0..SEEDS, |sim| nobody_is_overdrawn(sim, pay_after_asking));
    });
    match report
        .expect_err("one of these seeds finds it")
        .downcast::<String>()
    {
        Ok(report) => println!("{report}"),
        Err(_) => unreachable!("the report is a text"),
    }
    bank().check(0..SEEDS, |sim| nobody_is_overdrawn(sim, pay_at_once));
    println!("An account that decides: {SEEDS} seeds passed");
}
