//! A stock exchange: prices are published under a topic, and the traders form a group.
//!
//! The board takes text, so it subscribes to the prices with a part of its protocol. A trader that has
//! stopped leaves the topic and the group by itself.
//!
//! ```text
//! $ cargo run --example topics
//! 2 subscribers, 1 trader of 2 is called Ada
//! board: tea costs 5
//! Ada buys tea for 5
//! board: tea costs 9
//! Ada leaves, tea is too dear
//! board: tea costs 4
//! 1 subscriber, 3 published, 5 delivered, 0 unsubscribed
//! the only trader left is Bob
//! ```

use nexus_actors::prelude::*;
use nexus_actors::testkit::expect_terminated;
use nexus_actors::{Group, Recipient, Topic};
use std::error::Error;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Price {
    of: &'static str,
    amount: u32,
}

/// What a trader is told and asked.
enum Trader {
    Price(Price),
    Name(Reply<&'static str>),
}

fn trader(name: &'static str, told: Recipient<String>) -> Props<Trader> {
    Props::new(move || {
        let told = told.clone();
        Behavior::receive(move |_ctx, message| {
            match message {
                Trader::Price(Price { of, amount }) if amount > 8 => {
                    told.tell(format!("{name} leaves, {of} is too dear"));
                    return Next::Stop;
                }
                Trader::Price(Price { of, amount }) => {
                    told.tell(format!("{name} buys {of} for {amount}"));
                }
                Trader::Name(reply) => reply.send(name),
            }
            Next::Same
        })
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    // One worker, so that the lines come in the same order each time.
    let pool = WorkerPool::builder().workers(1).start()?;
    let node = pool.node();
    let prices = Topic::<Price>::open(&node, "prices")?;
    let traders = Group::<Trader>::open(&node, "traders")?;

    let printer = Props::new(|| Behavior::receive(|_ctx, line: String| println!("{line}")));
    let printer = pool.spawn("printer", printer)?;
    let lines = Recipient::from(printer);
    let ada = pool.spawn("ada", trader("Ada", lines.clone()))?;
    let bob = pool.spawn("bob", trader("Bob", lines))?;
    traders.join(ada);
    traders.join(bob);
    prices.subscribe(
        printer.contramap(|price: Price| format!("board: {} costs {}", price.of, price.amount)),
    );
    prices.subscribe(ada.contramap(Trader::Price));

    let first = traders.in_turn(SOON).wait()?.ok_or("nobody trades")?;
    println!(
        "{} subscribers, 1 trader of {} is called {}",
        prices.stats(SOON).wait()?.subscribers,
        traders.members(SOON).wait()?.len(),
        first.ask(Trader::Name, SOON).wait()?,
    );
    let publish = |amount| {
        prices.publish(Price { of: "tea", amount });
        // Answered once the price has been sent on.
        prices.stats(SOON).wait()
    };
    publish(5)?;
    ada.ask(Trader::Name, SOON).wait()?;
    publish(9)?;
    expect_terminated(ada, SOON);
    // Topic and group learn of that at the same time, which need not be before this thread does.
    while prices.stats(SOON).wait()?.subscribers > 1 || traders.members(SOON).wait()?.len() > 1 {
        std::thread::yield_now();
    }
    let stats = publish(4)?;
    // Once the printer has stopped, it has printed all that it was sent.
    printer.stop();
    expect_terminated(printer, SOON);
    println!(
        "{} subscriber, {} published, {} delivered, {} unsubscribed",
        stats.subscribers, stats.published, stats.delivered, stats.unsubscribed
    );
    let left = traders
        .owner_of("any key", SOON)
        .wait()?
        .ok_or("nobody trades")?;
    let name = left.ask(Trader::Name, SOON).wait()?;
    println!("the only trader left is {name}");
    pool.shutdown(SOON)?;
    Ok(())
}
