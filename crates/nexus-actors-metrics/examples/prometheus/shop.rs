//! The pool's load: a shop in which most things go well.
//!
//! Customers come a hundred times a second. Each of their orders asks the stock and the till, and what is sold is
//! written down and printed. Some articles have to be fetched, and who asks behind them waits in vain. The till
//! fails now and then, and is restarted. The printer is too slow, and its mailbox has a bound.

use nexus_actors::address::name_message_type;
use nexus_actors::prelude::*;
use std::hash::{DefaultHasher, Hash, Hasher};

const MILLISECOND: Duration = Duration::from_millis(1);
/// How long an order waits for the stock or for the till.
const PATIENCE: Duration = Duration::from_millis(20);
const CLERKS: u64 = 8;
/// Orders that come at once.
const CROWD: usize = 10;

pub(crate) struct Come;

struct Order {
    number: u64,
}

struct Fetch {
    number: u64,
    there: Reply<()>,
}

struct Pay {
    number: u64,
    paid: Reply<()>,
}

#[derive(Clone, Copy)]
struct Sale {
    number: u64,
}

/// Opens the shop. The customers come until that actor is stopped.
pub(crate) fn open(pool: &WorkerPool) -> Result<ActorRef<Come>, BoxError> {
    // The label `message` stays the same if a type is renamed, and queries of dashboards rely on it.
    name_message_type::<Come>("shop.come")?;
    name_message_type::<Order>("shop.order")?;
    name_message_type::<Fetch>("shop.fetch")?;
    name_message_type::<Pay>("shop.pay")?;
    name_message_type::<Sale>("shop.sale")?;
    let journal = pool.spawn("journal", journal())?;
    let printer = pool.spawn("printer", printer()?)?;
    let stock = pool.spawn("stock", stock())?;
    let till = pool.spawn("till", till())?;
    let clerk = Props::receive(move |_ctx, Order { number }| {
        let fetched = stock.ask(|there| Fetch { number, there }, PATIENCE).wait();
        let paid = fetched.and_then(|()| till.ask(|paid| Pay { number, paid }, PATIENCE).wait());
        // An order that fails is the customer's trouble, and counted as an ask without an answer.
        if paid.is_ok() {
            journal.tell(Sale { number });
            printer.tell(Sale { number });
        }
    });
    let clerks: Vec<ActorRef<Order>> = (0..CLERKS)
        .map(|number| pool.spawn(&format!("clerk-{number}"), clerk.clone()))
        .collect::<Result<_, _>>()?;
    Ok(pool.spawn("customers", customers(clerks))?)
}

fn customers(clerks: Vec<ActorRef<Order>>) -> Props<Come> {
    Props::new(move || {
        let clerks = clerks.clone();
        Behavior::setup(move |ctx| {
            ctx.timers()
                .start_fixed_rate("come", || Come, 10 * MILLISECOND);
            let mut numbers = 0..;
            let mut turn = clerks.into_iter().cycle();
            Ok(Behavior::receive(move |_ctx, Come| {
                let orders = numbers.by_ref().zip(turn.by_ref());
                for (number, clerk) in orders.take(CROWD) {
                    clerk.tell(Order { number });
                }
            }))
        })
    })
}

/// One article in 1,000 is fetched from afar.
fn stock() -> Props<Fetch> {
    Props::receive(|ctx, Fetch { number, there }| {
        if number % 1_000 == 999 {
            ctx.sleep(50 * MILLISECOND)?;
        }
        there.send(());
        Ok(())
    })
}

/// One card in 1,000 is unreadable.
fn till() -> Props<Pay> {
    Props::receive(|_ctx, Pay { number, paid }| {
        if number % 1_000 == 500 {
            return Err(BoxError::from("the card is unreadable"));
        }
        paid.send(());
        Ok(())
    })
}

/// Seals each sale with those before it, which takes a while.
fn journal() -> Props<Sale> {
    Props::with_state(0_u64, |seal, _ctx, Sale { number }| {
        for round in 0..100 {
            let mut hasher = DefaultHasher::new();
            (*seal, number, round).hash(&mut hasher);
            *seal = hasher.finish();
        }
    })
}

/// Prints fewer than a thousand receipts a second, and has room for a hundred.
fn printer() -> Result<Props<Sale>, BoxError> {
    let mailbox = Mailbox::bounded(100, Overflow::DropNewest)?;
    let printer = Props::receive(|ctx, Sale { .. }| {
        ctx.sleep(MILLISECOND)?;
        Ok(())
    });
    Ok(printer.mailbox(mailbox))
}
