//! A small actor and its tests: alone, between probes, and under some hundred seeds.
//!
//! The account pays only what its ledger has written down, and after three refusals in a row it locks itself for
//! an hour, and tells the guard. Each of its tests has one subject:
//!
//! - [`BehaviorTest`] tries it message by message, with probes in the places of the others. Time passes when the
//!   test says so: an hour takes none.
//! - [`Probe`]s in a pool of threads: here the test holds the answer back, and looks at what happens meanwhile.
//! - A simulation: whatever the order in which three tellers come to it, no money is made or lost. `check` prints
//!   the seed of a run that fails.

use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::check;
use nexus_actors::testkit::{BehaviorTest, Outcome, Probe};

const SOON: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);

enum Message {
    Withdraw(u64, Reply<Result<(), Refused>>),
    Balance(Reply<u64>),
    Unlock,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Refused {
    TooLow,
    Locked,
}

/// What the ledger is asked to write down.
struct Entry {
    paid: u64,
    written: Reply<()>,
}

/// What the guard is told.
#[derive(Debug, PartialEq)]
struct Locked;

struct Account {
    balance: u64,
    refusals: u32,
    ledger: ActorRef<Entry>,
    guard: ActorRef<Locked>,
}

impl Account {
    fn props(ledger: ActorRef<Entry>, guard: ActorRef<Locked>) -> Props<Message> {
        Props::from_actor(move || Self {
            balance: 100,
            refusals: 0,
            ledger,
            guard,
        })
    }

    fn pay(
        &mut self,
        ctx: &mut Context<'_, Message>,
        amount: u64,
    ) -> Result<Result<(), Refused>, BoxError> {
        if self.refusals >= 3 {
            return Ok(Err(Refused::Locked));
        }
        if amount > self.balance {
            self.refusals += 1;
            if self.refusals == 3 {
                self.guard.tell(Locked);
                ctx.timers().start_single("unlock", Message::Unlock, HOUR);
            }
            return Ok(Err(Refused::TooLow));
        }
        let entry = |written| Entry {
            paid: amount,
            written,
        };
        self.ledger.ask(entry, SOON).wait()?;
        self.balance -= amount;
        self.refusals = 0;
        Ok(Ok(()))
    }
}

impl Actor for Account {
    type Message = Message;

    fn receive(
        &mut self,
        ctx: &mut Context<'_, Message>,
        message: Message,
    ) -> HandlerResult<Message> {
        match message {
            Message::Withdraw(amount, reply) => reply.send(self.pay(ctx, amount)?),
            Message::Balance(reply) => reply.send(self.balance),
            Message::Unlock => self.refusals = 0,
        }
        Ok(Next::Same)
    }
}

fn withdraw(amount: u64) -> impl FnOnce(Reply<Result<(), Refused>>) -> Message {
    move |reply| Message::Withdraw(amount, reply)
}

#[test]
fn it_locks_itself_after_three_refusals_for_an_hour_and_tells_the_guard() -> Result<(), BoxError> {
    let (mut account, guard) = BehaviorTest::with_peers(|node| {
        let guard = Probe::new(node, "guard")?;
        // It answers by itself, as the test waits for the account meanwhile, and keeps nothing.
        let ledger = Probe::answering(node, "ledger", |entry: Entry| {
            entry.written.send(());
            None
        })?;
        Ok((Account::props(ledger.actor_ref(), guard.actor_ref()), guard))
    })?;
    for _ in 0..3 {
        guard.expect_no_message(Duration::ZERO);
        assert_eq!(account.ask(withdraw(101))?, Err(Refused::TooLow));
    }
    guard.expect_message(Locked, Duration::ZERO);
    assert_eq!(account.ask(withdraw(1))?, Err(Refused::Locked));
    assert_eq!(account.advance(HOUR), Outcome::Handled);
    assert_eq!(account.ask(withdraw(1))?, Ok(()));
    assert_eq!(account.ask(Message::Balance)?, 99);
    guard.expect_no_message(Duration::ZERO);
    Ok(())
}

#[test]
fn it_pays_only_what_the_ledger_has_written_down() -> Result<(), BoxError> {
    let pool = WorkerPool::builder().workers(2).start()?;
    let ledger = Probe::new(&pool.node(), "ledger")?;
    let guard = Probe::new(&pool.node(), "guard")?;
    let account = Account::props(ledger.actor_ref(), guard.actor_ref());
    let account = pool.spawn("account", account)?;

    // The test is the ledger: it takes the question out, and answers it.
    let paid = account.ask(withdraw(60), SOON);
    let entry = ledger.expect(SOON);
    assert_eq!(entry.paid, 60);
    entry.written.send(());
    assert_eq!(paid.wait()?, Ok(()));
    assert_eq!(account.ask(Message::Balance, SOON).wait()?, 40);

    // Or does not. Then the account fails, and its asker is told why, at once.
    let paid = account.ask(withdraw(30), SOON);
    drop(ledger.expect(SOON));
    let error = paid.wait().unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::TargetFailed);
    assert!(
        error
            .to_string()
            .contains("the reply was dropped without an answer"),
        "{error}"
    );
    guard.expect_no_message(Duration::ZERO);
    pool.shutdown(SOON)?;
    Ok(())
}

#[test]
fn three_tellers_at_once_make_no_money_and_lose_none() {
    check(0..300, |sim| {
        let entries = Probe::new(&sim.node(0), "entries").unwrap();
        let noted = entries.actor_ref();
        let ledger = Probe::answering(&sim.node(0), "ledger", move |entry: Entry| {
            noted.tell(entry.paid);
            entry.written.send(());
            None
        });
        let guard = Probe::anonymous(&sim.node(0)).unwrap();
        let account = Account::props(ledger.unwrap().actor_ref(), guard.actor_ref());
        let account = sim.spawn("account", account).unwrap();
        let teller = Props::receive(move |_ctx, (amount, reply): (u64, Reply<bool>)| {
            reply.send(account.ask(withdraw(amount), SOON).wait()?.is_ok());
            Ok(())
        });
        let asked = [30, 40, 60].map(|amount| {
            let teller = sim.spawn_prefixed("teller", teller.clone()).unwrap();
            teller.ask(|reply| (amount, reply), SOON)
        });
        let paid: u64 = [30, 40, 60]
            .into_iter()
            .zip(all(asked).wait().unwrap())
            .filter_map(|(amount, paid)| paid.then_some(amount))
            .sum();
        let balance = account.ask(Message::Balance, SOON).wait().unwrap();
        assert_eq!(balance + paid, 100);
        assert_eq!(entries.drain().iter().sum::<u64>(), paid);
    });
}
