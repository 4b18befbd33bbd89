//! Sessions of a shop that passivate when they are idle, and save what they know.
//!
//! A session that was not used for ten minutes puts its cart into the drawer and gives up its state. It
//! keeps its identity: references to it stay valid, and the next message takes the cart out of the drawer
//! again. The bill is written in a task, which takes a while, so that the session answers meanwhile.
//!
//! ```text
//! $ cargo run --example sessions
//!     0 s  ada comes with []
//!     0 s  bob comes with []
//!    60 s  ada has ["tea"]
//!    90 s  bob has ["salt"]
//!   120 s  ada has ["tea", "milk"]
//!   690 s  bob leaves ["salt"]
//!   720 s  ada leaves ["tea", "milk"]
//!  3600 s  ada comes with ["tea", "milk"]
//!  3600 s  ada wants to pay
//!  3601 s  ada has ["tea", "milk", "rice"]
//!  3630 s  ada gets a bill for 2
//!  4230 s  ada leaves ["tea", "milk", "rice"]
//!  9000 s  in the drawer: {"ada": ["tea", "milk", "rice"], "bob": ["salt"]}
//! ```

use nexus_actors::WaitError;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const IDLE: Duration = Duration::from_secs(600);

#[rustfmt::skip]
enum Session { Add(&'static str), Pay, Billed(usize) }

use Session::{Add, Billed, Pay};

type Cart = Vec<&'static str>;
type Drawer = Arc<Mutex<BTreeMap<String, Cart>>>;

fn say(ctx: &Context<'_, Session>, what: &str) {
    let (now, path) = (ctx.now().as_secs(), ctx.path());
    println!("{now:>5} s  {} {what}", path.name());
}

fn session(drawer: &Drawer) -> Props<Session> {
    let drawer = Arc::clone(drawer);
    Props::new(move || {
        let drawer = Arc::clone(&drawer);
        Behavior::setup(move |ctx| {
            ctx.set_receive_timeout(IDLE);
            let name = ctx.path().name().to_owned();
            let saved = drawer.lock().unwrap().get(&name).cloned();
            let cart = Rc::new(RefCell::new(saved.unwrap_or_default()));
            say(ctx, &format!("comes with {:?}", cart.borrow()));
            let kept = Rc::clone(&cart);
            let serve = move |ctx: &mut Context<'_, Session>, message| serve(ctx, &cart, message);
            Ok(
                Behavior::receive(serve).on_signal(move |ctx, signal| match signal {
                    Signal::ReceiveTimeout => Next::Passivate,
                    Signal::PostStop(_) => {
                        let cart = kept.take();
                        say(ctx, &format!("leaves {cart:?}"));
                        drawer.lock().unwrap().insert(name.clone(), cart);
                        Next::Same
                    }
                    _ => Next::Same,
                }),
            )
        })
    })
}

fn serve(ctx: &mut Context<'_, Session>, cart: &Rc<RefCell<Cart>>, message: Session) {
    match message {
        Add(thing) => {
            cart.borrow_mut().push(thing);
            say(ctx, &format!("has {:?}", cart.borrow()));
        }
        Pay => {
            say(ctx, "wants to pay");
            let things = cart.borrow().len();
            ctx.spawn_task(move |task| -> Result<(), WaitError> {
                // The till is slow. A session that stops meanwhile ends the task too.
                task.sleep(Duration::from_secs(30))?;
                task.actor().tell(Billed(things));
                Ok(())
            });
        }
        Billed(things) => say(ctx, &format!("gets a bill for {things}")),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In simulated time, so that the example takes none.
    let mut sim = Sim::builder().orderly().workers(1).start()?;
    let drawer = Drawer::default();
    let ada = sim.spawn("ada", session(&drawer))?;
    let bob = sim.spawn("bob", session(&drawer))?;
    let visits = [
        (60, ada, Add("tea")),
        (90, bob, Add("salt")),
        (120, ada, Add("milk")),
        (3600, ada, Pay),
        (3601, ada, Add("rice")),
    ];
    for (at, session, message) in visits {
        sim.schedule(Duration::from_secs(at), move || session.tell(message));
    }
    sim.run_for(Duration::from_secs(9000));
    println!(" 9000 s  in the drawer: {:?}", drawer.lock().unwrap());
    Ok(())
}
