//! A pipeline whose slowest stage sets the pace: each stage has a mailbox of eight, and sends with `send`,
//! which waits for room in the next one's.
//!
//! Nothing is lost, and no stage holds more than its eight, however fast the source is. The source that
//! does not wait shows the other side: a message that finds no room is refused and counted, and becomes a
//! dead letter.
//!
//! ```text
//! $ cargo run --release --example pipeline
//! A source that waits for room:
//!   2000 sent, 2000 printed, 0 lost, never more than 8 waited
//! A source that does not:
//!   2000 sent, 2000 printed or lost, some were lost: true, never more than 8 waited
//! ```

use nexus_actors::prelude::*;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const PAGES: u64 = 2000;
const ROOM: usize = 8;
const SOON: Duration = Duration::from_secs(60);

type Page = u64;

/// What all stages count.
#[derive(Clone, Default)]
struct Tally {
    printed: Arc<AtomicUsize>,
    most_waiting: Arc<AtomicUsize>,
}

fn room() -> Mailbox {
    Mailbox::bounded(ROOM, Overflow::Backpressure).expect("there is some")
}

/// Passes each page on, and waits if the next stage has no room. Its own mailbox fills up meanwhile, so a
/// sender to it waits in turn.
fn typesetter(printer: ActorRef<Page>, tally: Tally) -> Props<Page> {
    let props = Props::new(move || {
        let tally = tally.clone();
        Behavior::receive(move |ctx, page: Page| {
            tally.most_waiting.fetch_max(ctx.mailbox_len(), Relaxed);
            Ok(printer.send(page).map_err(|error| error.to_string())?)
        })
    });
    props.mailbox(room())
}

/// The slow stage.
fn printer(tally: Tally) -> Props<Page> {
    let props = Props::new(move || {
        let tally = tally.clone();
        Behavior::receive(move |ctx, _: Page| {
            tally.most_waiting.fetch_max(ctx.mailbox_len(), Relaxed);
            tally.printed.fetch_add(1, Relaxed);
            std::thread::sleep(Duration::from_micros(20)); // a device that takes its time
        })
    });
    props.mailbox(room())
}

/// Sends the pages through a pipeline over two workers, and returns what became of them.
fn run(source: impl Fn(ActorRef<Page>, Page)) -> Result<(usize, u64, usize), Box<dyn Error>> {
    let tally = Tally::default();
    let pool = WorkerPool::builder().workers(2).start()?;
    let printer = pool.spawn_on(1, "printer", printer(tally.clone()))?;
    let typesetter = pool.spawn_on(0, "typesetter", typesetter(printer, tally.clone()))?;
    (0..PAGES).for_each(|page| source(typesetter, page));
    let letters = pool.dead_letters();
    while tally.printed.load(Relaxed) as u64 + letters.total() < PAGES {
        std::thread::sleep(Duration::from_millis(1));
    }
    pool.shutdown(SOON)?;
    let most_waiting = tally.most_waiting.load(Relaxed);
    Ok((tally.printed.load(Relaxed), letters.total(), most_waiting))
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("A source that waits for room:");
    let (printed, lost, waited) = run(|stage, page| stage.send(page).expect("the stage lives"))?;
    assert!(waited <= ROOM);
    println!("  {PAGES} sent, {printed} printed, {lost} lost, never more than {ROOM} waited");

    println!("A source that does not:");
    let (printed, lost, waited) = run(|stage, page| stage.tell(page))?;
    let all = printed as u64 + lost;
    assert!(waited <= ROOM);
    println!(
        "  {PAGES} sent, {all} printed or lost, some were lost: {}, never more than {ROOM} waited",
        lost > 0
    );
    Ok(())
}
