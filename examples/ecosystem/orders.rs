//! Orders and stock: an actor for each article, made when it is wanted, asleep when it is not, and a supplier
//! behind an HTTP client of tokio's.
//!
//! - `get_or_spawn`: the first order of an article starts its actor, under its name; later ones find it.
//! - `ctx.block_on`: the handlers of all articles wait for the client at once, on one worker, in plain code.
//! - Backoff: the supplier is down at first. The handler sleeps before it asks again, longer each time, and its
//!   order waits with it. (A restart by a supervisor would lose the order at which the actor failed.)
//! - Passivation: an article that nobody orders saves its stock, and has it back with the next order.
//! - Ctrl-C: no order is taken any more, those that were are served, and all stock is saved. The program presses
//!   it itself when it has seen enough.
//!
//! ```text
//! $ cargo run --package nexus-ecosystem --bin orders
//! the first 4 orders were served, of 4 articles at once, after 12 requests to the supplier
//! 4 articles are asleep
//! 4 more orders were served, after 0 more requests
//! Ctrl-C
//! orders, take no more: done
//! the pool: 0 actors stopped by force, 0 messages left
//! in the warehouse: {"coffee": 4, "milk": 4, "salt": 4, "tea": 4}
//! ```

use nexus_actors::pool::CoordinatedShutdown;
use nexus_actors::prelude::*;
use nexus_actors::supervision::StopReason;
use nexus_actors::testkit::expect_terminated;
use std::collections::BTreeMap;
use std::process::{Command, id};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, mpsc};
use tokio::sync::Barrier;

const ARTICLES: [&str; 4] = ["coffee", "milk", "salt", "tea"];
const SECOND: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_millis(50);
const FIRST_DELAY: Duration = Duration::from_millis(5);
const LONGEST_DELAY: Duration = Duration::from_millis(500);

/// Stands for an HTTP client: it needs tokio's runtime wherever it is polled.
struct Supplier {
    /// Here the first requests wait for each other: they are under way at once, or never answered.
    first: Barrier,
    requests: AtomicUsize,
}

impl Supplier {
    /// Orders ten pieces. The first two requests for each article fail.
    async fn post(&self, article: &str, attempt: u32) -> Result<u32, String> {
        self.requests.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
        match attempt {
            1 => {
                self.first.wait().await;
                Err(format!("503 for {article}"))
            }
            2 => Err(format!("503 for {article}")),
            _ => Ok(10),
        }
    }
}

/// What all articles share.
#[derive(Clone)]
struct Shop {
    supplier: Arc<Supplier>,
    warehouse: Arc<Mutex<BTreeMap<String, u32>>>,
    asleep: mpsc::Sender<()>,
}

/// An order, answered with what is left.
struct Order {
    article: &'static str,
    pieces: u32,
    reply: Reply<u32>,
}

struct Article {
    name: &'static str,
    stock: u32,
    shop: Shop,
}

impl Article {
    fn props(name: &'static str, shop: Shop) -> Props<Order> {
        Props::from_actor(move || Self {
            name,
            stock: 0,
            shop: shop.clone(),
        })
    }

    /// Waits for the supplier, and longer after each failure.
    fn refill(&mut self, ctx: &mut Context<'_, Order>) -> Result<(), BoxError> {
        let mut delay = FIRST_DELAY;
        for attempt in 1.. {
            match ctx.block_on(self.shop.supplier.post(self.name, attempt))? {
                Ok(pieces) => {
                    self.stock += pieces;
                    break;
                }
                Err(error) if delay > LONGEST_DELAY => return Err(error.into()),
                Err(_) => ctx.sleep(delay)?,
            }
            delay *= 2;
        }
        Ok(())
    }
}

impl Actor for Article {
    type Message = Order;

    fn receive(&mut self, ctx: &mut Context<'_, Order>, order: Order) -> HandlerResult<Order> {
        while self.stock < order.pieces {
            self.refill(ctx)?;
        }
        self.stock -= order.pieces;
        order.reply.send(self.stock);
        Ok(Next::Same)
    }

    fn signal(&mut self, ctx: &mut Context<'_, Order>, signal: &Signal) -> HandlerResult<Order> {
        let mut warehouse = self.shop.warehouse.lock().unwrap();
        match signal {
            Signal::PreStart => {
                ctx.set_receive_timeout(IDLE);
                self.stock = warehouse.remove(self.name).unwrap_or(0);
            }
            Signal::ReceiveTimeout => return Ok(Next::Passivate),
            Signal::PostStop(reason) => {
                warehouse.insert(self.name.to_owned(), self.stock);
                if *reason == StopReason::Passivated {
                    self.shop.asleep.send(())?;
                }
            }
            _ => {}
        }
        Ok(Next::Same)
    }
}

/// Hands each order to the actor of its article, with the reply.
fn orders(node: WorkerNode, shop: Shop) -> Props<Order> {
    Props::receive(move |_ctx, order: Order| {
        let article = Article::props(order.article, shop.clone());
        let article = node.get_or_spawn(order.article, article)?;
        article.tell(order);
        Ok(())
    })
}

fn main() -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()?;
    let pool = WorkerPool::builder()
        .workers(1)
        .tokio(runtime.handle().clone())
        .start()?;
    let (asleep, sleeping) = mpsc::channel();
    let shop = Shop {
        supplier: Arc::new(Supplier {
            first: Barrier::new(ARTICLES.len()),
            requests: AtomicUsize::new(0),
        }),
        warehouse: Arc::default(),
        asleep,
    };
    let orders = pool.spawn("orders", orders(pool.node(), shop.clone()))?;
    let plan = CoordinatedShutdown::new().phase("orders", SECOND).hook(
        "orders",
        "take no more",
        move |_pool| {
            orders.stop();
            expect_terminated(orders, SECOND);
            Ok(())
        },
    );
    let coordinated = pool.coordinate(plan)?;
    coordinated.shutdown_on_signals(10 * SECOND)?;

    let order_all = || {
        let asked = ARTICLES.map(|article| {
            let order = |reply| Order {
                article,
                pieces: 3,
                reply,
            };
            orders.ask(order, 10 * SECOND)
        });
        all(asked).wait()
    };
    let requests = || shop.supplier.requests.load(Relaxed);

    assert_eq!(order_all()?, [7; 4]);
    assert_eq!(requests(), 12);
    println!(
        "the first 4 orders were served, of 4 articles at once, after 12 requests to the supplier"
    );

    sleeping.iter().take(ARTICLES.len()).for_each(drop);
    println!(
        "{} articles are asleep",
        shop.warehouse.lock().unwrap().len()
    );

    assert_eq!(order_all()?, [4; 4]);
    assert_eq!(requests(), 12);
    println!("4 more orders were served, after 0 more requests");

    println!("Ctrl-C");
    Command::new("kill")
        .args(["-INT", &id().to_string()])
        .status()?;
    let report = coordinated.wait()?;
    println!("{report}");
    let warehouse = shop.warehouse.lock().unwrap();
    println!("in the warehouse: {warehouse:?}");
    let saved = warehouse.values().all(|pieces| *pieces == 4) && warehouse.len() == 4;
    if saved && report.all_done() && report.pool.forced == 0 && report.pool.unprocessed == 0 {
        Ok(())
    } else {
        Err("something was lost".into())
    }
}
