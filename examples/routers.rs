//! The same twelve orders, handed to three clerks by each of the strategies, and a clerk that fails.
//!
//! Each clerk is an actor of its own, started and supervised by the router. The orders come from four
//! customers; only the consistent hash gives a customer the same clerk each time.
//!
//! ```text
//! $ cargo run --example routers
//! round robin       clerk 1: 0 3 6 9   clerk 2: 1 4 7 10   clerk 3: 2 5 8 11
//! consistent hash   clerk 1: 1 2 5 6 9 10   clerk 2: 0 4 8   clerk 3: 3 7 11
//! smallest mailbox  clerk 1: 0 3 6 9   clerk 2: 1 4 7 10   clerk 3: 2 5 8 11
//! broadcast         clerk 1: all 12   clerk 2: all 12   clerk 3: all 12
//! nexus-actors: /user/frail/routee-1 failed while handling a routers::Desk: it is order 4
//! Of 12 orders a frail clerk has lost 1, and is back.
//! Of 5 clerks on 2 workers the first has answered.
//! ```

use nexus_actors::Router;
use nexus_actors::prelude::*;
use nexus_actors::routing::RouterRef;
use std::error::Error;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Order {
    number: u32,
    customer: u32,
}

enum Desk {
    Take(Order),
    /// Asks for the orders that were taken.
    Taken(Reply<Vec<u32>>),
}

/// What is broadcast has to be cloned, and a question cannot be.
impl Clone for Desk {
    fn clone(&self) -> Self {
        match self {
            Self::Take(order) => Self::Take(*order),
            Self::Taken(_) => panic!("a question goes to one clerk"),
        }
    }
}

fn clerk(stumbles_at: Option<u32>) -> Props<Desk> {
    Props::new(move || {
        Behavior::with_state(Vec::new(), move |taken: &mut Vec<u32>, _ctx, message| {
            match message {
                Desk::Take(order) if Some(order.number) == stumbles_at => {
                    return Err(format!("it is order {}", order.number).into());
                }
                Desk::Take(order) => taken.push(order.number),
                Desk::Taken(reply) => reply.send(taken.clone()),
            }
            Ok(())
        })
    })
}

fn send_orders(clerks: RouterRef<Desk>) {
    for number in 0..12 {
        let customer = number % 4;
        clerks.tell(Desk::Take(Order { number, customer }));
    }
}

fn show(name: &str, clerks: RouterRef<Desk>) -> Result<(), Box<dyn Error>> {
    let mut line = format!("{name:16}");
    for (number, clerk) in (1..).zip(clerks.routees(SOON).wait()?) {
        let taken = clerk.ask(Desk::Taken, SOON).wait()?;
        let list: Vec<String> = taken.iter().map(u32::to_string).collect();
        let list = match taken.len() {
            12 => "all 12".to_owned(),
            _ => list.join(" "),
        };
        line += &format!("  clerk {number}: {list} ");
    }
    println!("{}", line.trim_end());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = WorkerPool::builder().workers(2).start()?;
    let node = pool.node();
    let customer = |message: &Desk| match message {
        Desk::Take(order) => order.customer,
        Desk::Taken(_) => 0,
    };
    let table = [
        ("round robin", Router::round_robin(3, clerk(None))),
        (
            "consistent hash",
            Router::consistent_hash(3, clerk(None), customer),
        ),
        ("smallest mailbox", Router::smallest_mailbox(3, clerk(None))),
        ("broadcast", Router::broadcast(3, clerk(None))),
    ];
    for (name, router) in table {
        let clerks = router.spawn(&node, &name.replace(' ', "-"))?;
        send_orders(clerks);
        show(name, clerks)?;
    }

    let frail = Router::round_robin(1, clerk(Some(4))).spawn(&node, "frail")?;
    send_orders(frail);
    let kept = frail.ask(Desk::Taken, SOON).wait()?;
    assert_eq!(kept, [5, 6, 7, 8, 9, 10, 11], "it began anew after order 4");
    println!("Of 12 orders a frail clerk has lost 1, and is back.");

    let spread = Router::random(3, clerk(None)).spread(&node);
    let spread = spread.spawn(&node, "spread")?;
    let size = spread.resize(5, SOON).wait()??;
    spread.ask_first(Desk::Taken, SOON).wait()?;
    println!("Of {size} clerks on 2 workers the first has answered.");
    pool.shutdown(SOON)?;
    Ok(())
}
