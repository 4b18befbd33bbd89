//! The troubles of the pool, and its load.

use nexus_actors::prelude::*;
use nexus_actors::supervision::Backoff;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

/// Longer than anyone looks.
const EVER: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);
/// How often the load comes.
const TICK: Duration = Duration::from_millis(10);
const STORES: usize = 100;
/// Scans that come until the flood ends: memory does.
const FLOOD: usize = 2_000_000;

struct Sold;

/// A store hands what it sells on to its items, in turn.
fn store(items: usize) -> Props<u32> {
    let item = Props::with_state(0_u64, |sold, _ctx, _: Sold| *sold += 1);
    Props::new(move || {
        let item = item.clone();
        Behavior::setup(move |ctx| {
            let items: Vec<ActorRef<Sold>> = (0..items)
                .map(|number| ctx.spawn(&format!("item-{number}"), item.clone()))
                .collect::<Result<_, _>>()?;
            let mut turn = items.into_iter().cycle();
            Ok(Behavior::receive(move |_ctx, sold: u32| {
                turn.by_ref()
                    .take(sold as usize)
                    .for_each(|item| item.tell(Sold));
            }))
        })
    })
}

struct Order;

/// An order that asks a gateway which does not answer, with its mail behind it.
pub(crate) fn stuck(pool: &WorkerPool) -> Result<(), BoxError> {
    let gateway = pool.spawn(
        "gateway",
        Props::receive(|ctx, reply: Reply<()>| {
            ctx.sleep(EVER)?;
            reply.send(());
            Ok(())
        }),
    )?;
    let order = pool.spawn(
        "order-77123",
        Props::receive(move |_ctx, _: Order| {
            gateway.ask(|reply| reply, EVER).wait()?;
            Ok(())
        }),
    )?;
    (0..42).for_each(|_| order.tell(Order));
    Ok(())
}

enum Post {
    Meet(ActorRef<Post>),
    Enter(Reply<Result<(), AskError>>),
}

/// Clerks who each ask the next one before they answer.
pub(crate) fn cycle(pool: &WorkerPool) -> Result<(), BoxError> {
    let clerk =
        Props::with_state(
            None,
            |next: &mut Option<ActorRef<Post>>, _ctx, message| match message {
                Post::Meet(other) => *next = Some(other),
                Post::Enter(reply) => {
                    let entered = next.expect("they have met").ask(Post::Enter, EVER).wait();
                    reply.send(entered.unwrap_or_else(Err));
                }
            },
        );
    let names = ["entry", "balance", "audit"];
    let clerks: Vec<_> = names
        .iter()
        .map(|name| pool.spawn(name, clerk.clone()))
        .collect::<Result<_, _>>()?;
    for (number, clerk) in clerks.iter().enumerate() {
        clerk.tell(Post::Meet(clerks[(number + 1) % clerks.len()]));
    }
    // Nobody waits for this answer for long.
    let asked = pool.spawn(
        "customer",
        Props::receive(move |_ctx, clerk: ActorRef<Post>| {
            let _ = clerk.ask(Post::Enter, EVER).wait()?;
            Ok(())
        }),
    )?;
    asked.tell(clerks[0]);
    Ok(())
}

struct Fetch;

/// A feed whose server is never there.
fn feeds() -> Result<Props<Fetch>, BoxError> {
    let backoff = Backoff::new(SECOND / 4, SECOND)?;
    let without_end = SupervisorStrategy::one_for_one()
        .without_limit()
        .backoff(backoff);
    let down = || Err::<(), _>(BoxError::from("rates.example:443: connection refused"));
    let feed = Props::receive(move |_ctx, _: Fetch| down());
    Ok(Props::new(move || {
        let feed = feed.clone();
        Behavior::setup(move |ctx| {
            let feed = ctx.spawn("exchange-rates", feed)?;
            Ok(Behavior::receive(move |_ctx, _: Fetch| feed.tell(Fetch)))
        })
    })
    .supervising(without_end))
}

struct Scan;
struct Label;

/// What comes from outside, until it is to end.
pub(crate) fn load(pool: &WorkerPool, actors: usize, end: &AtomicBool) -> Result<(), BoxError> {
    let items = actors / STORES;
    let stores: Vec<_> = pool
        .spawn_all((0..STORES).map(|number| (format!("store-{number:02}"), store(items))))
        .into_iter()
        .collect::<Result<_, _>>()?;
    let scanner = pool.spawn(
        "scanner",
        Props::receive(|ctx, _: Scan| Ok(ctx.sleep(TICK)?)),
    )?;
    let printer = Props::receive(|ctx, _: Label| Ok(ctx.sleep(10 * TICK)?));
    let printer = pool.spawn(
        "printer",
        printer.mailbox(Mailbox::bounded(100, Overflow::Fail)?),
    )?;
    let feeds = pool.spawn("feeds", feeds()?)?;
    for tick in 0.. {
        if end.load(Relaxed) {
            break;
        }
        for (number, store) in stores.iter().enumerate() {
            store.tell(if number == tick / 1000 % STORES {
                200
            } else {
                10
            });
        }
        if tick * 10 < FLOOD {
            (0..10).for_each(|_| scanner.tell(Scan));
        }
        if tick % 5 == 0 {
            printer.tell(Label);
        }
        if tick % 20 == 0 {
            feeds.tell(Fetch);
        }
        thread::sleep(TICK);
    }
    Ok(())
}
