//! Figures and troubles.

use nexus_actors::prelude::*;
use nexus_actors_inspector::Feed;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;

use crate::driver::Browser;
use crate::{count, inspect, one_at_a_time, open, pool, sink, troubles};

/// Whether the page has a concern of that kind, with a link to that actor, whose text contains that.
fn concern(kind: &str, path: &str, text: &str) -> String {
    format!(
        "[...document.querySelectorAll('#concerns li')].some((one) => \
           one.querySelector('.mark').textContent === '{kind}' \
           && one.querySelector('[data-path=\"{path}\"]') \
           && one.textContent.includes('{text}'))"
    )
}

fn field(name: &str) -> String {
    format!("document.querySelector('#panel [data-field=\"{name}\"] dd').textContent")
}

#[test]
fn an_operator_finds_the_troubles_among_many_actors_under_load() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    troubles::stuck(&pool).unwrap();
    troubles::cycle(&pool).unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let end = AtomicBool::new(false);
    thread::scope(|scope| {
        let load =
            scope.spawn(|| troubles::load(&pool, 20_000, &end).map_err(|error| error.to_string()));
        let look = || {
            let browser = open(&inspector);
            find_all(&browser);
            browser.has_no_complaints();
        };
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look));
        end.store(true, Relaxed);
        load.join().unwrap().unwrap();
        seen.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    pool.shutdown(Duration::ZERO).unwrap();
}

fn find_all(browser: &Browser) {
    browser.until(&concern(
        "Waiting",
        "/user/order-77123",
        "in the middle of a handler, for /user/gateway, with 41 messages behind it",
    ));
    browser.until(&concern("Mailbox", "/user/scanner", "grows by"));
    browser.until(&concern(
        "Restarts",
        "/user/feeds/exchange-rates",
        "connection refused",
    ));
    browser.until(&concern(
        "Cycle",
        "/user/balance",
        "/user/audit → /user/entry → /user/balance → /user/audit",
    ));
    browser.until(&concern("Lost", "/user/printer", "mailbox was full"));
    browser.until("document.title.startsWith('(')");

    // Each leads to the actor, and that to the next.
    browser.click("#concerns [data-path='/user/order-77123']");
    browser.until(&format!("{} === '/user/gateway'", field("waits for")));
    assert_eq!(browser.text(&field("mailbox")), "41");
    browser.click("#panel [data-field='waits for'] .path");
    browser.until(&format!("{} === 'time to pass'", field("waits for")));
    assert_eq!(
        browser.text("document.getElementById('panel-title').textContent"),
        "/user/gateway"
    );

    // The tables, the graph and the curves tell the same.
    browser.until("document.querySelector('#deepest tbody tr').dataset.path === '/user/scanner'");
    browser.until("document.querySelector('#longest [data-path=\"/user/order-77123\"]')");
    browser.until("document.querySelector('#restarts tbody tr').dataset.path === '/user/feeds/exchange-rates'");
    browser.until("document.querySelector('#busiest [data-path^=\"/user/store-\"]')");
    browser.until("document.querySelectorAll('#graph g.cycle').length === 3");
    browser.until("document.querySelectorAll('#graph .edge.cycle').length === 3");
    for worker in 0..2 {
        browser.until(&format!("document.querySelector('#chart [data-worker=\"{worker}\"]').getAttribute('d').split('L').length > 3"));
    }
    browser.until("document.querySelector('#failures [data-path=\"/user/feeds/exchange-rates\"]')");
    browser.until("document.querySelectorAll('#letters [data-path=\"/user/printer\"]').length > 3");
}

#[test]
fn the_figures_are_those_of_the_pool() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    let well = pool.spawn("well", sink()).unwrap();
    let asleep = pool
        .spawn(
            "asleep",
            Props::receive(|ctx, _: u32| Ok(ctx.sleep(Duration::from_secs(3600))?)),
        )
        .unwrap();
    let mute = pool
        .spawn("mute", Props::receive(|_ctx, _: u32| Next::Unhandled))
        .unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    (0..12_345).for_each(|number| well.tell(number));
    (0..1_001).for_each(|number| asleep.tell(number));
    (0..7).for_each(|number| mute.tell(number));
    // Nothing moves once all is handled, or waits for an hour.
    let stats = loop {
        let stats = pool.stats();
        if stats.handled() == 12_346 && stats.dead_letters == 7 && stats.queued() == 1_000 {
            break stats;
        }
        thread::yield_now();
    };
    let is = |figure: &str, value: u64| {
        let text = count(value);
        browser.until(&format!(
            "document.querySelector('[data-figure=\"{figure}\"] dd span').textContent === '{text}'"
        ));
    };
    is("actors", stats.actors());
    is("messages handled", stats.handled());
    is("queued", stats.queued());
    is("stashed", stats.stashed());
    is("handlers waiting", 1);
    is("dead letters", stats.dead_letters);
    for (index, worker) in pool.stats().workers.iter().enumerate() {
        let cell = |column: usize, value: u64| {
            let text = count(value);
            browser.until(&format!("document.querySelector('#workers tbody').rows[{index}].cells[{column}].textContent === '{text}'"));
        };
        cell(2, worker.actors);
        cell(3, worker.queued);
        cell(4, worker.waiting);
    }
    browser.until(
        "document.querySelector('#reasons li').textContent === 'its actor did not handle it7'",
    );
    browser.until(
        "document.querySelector('[data-figure=\"messages/s\"] dd span').textContent === '0'",
    );
    browser.has_no_complaints();
    pool.shutdown(Duration::ZERO).unwrap();
}

#[test]
fn a_worker_that_is_held_is_named_with_its_handler() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let props = Props::receive(move |_ctx, _: u32| released.lock().unwrap().recv().unwrap());
    let holding = pool.spawn_on(1, "holding", props).unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    browser.until("!document.getElementById('calm').hidden");
    holding.tell(1);
    browser.until(&concern(
        "Silent",
        "/user/holding",
        "Worker 1 does not answer: /user/holding holds it, handling u32.",
    ));
    browser
        .until("document.querySelector('#workers tbody').rows[1].textContent.includes('silent')");
    release.send(()).unwrap();
    browser.until("!document.getElementById('calm').hidden");
    browser.has_no_complaints();
    pool.shutdown(Duration::ZERO).unwrap();
}

#[test]
fn the_page_connects_again_and_notices_another_pool() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let first = pool(&feed);
    let inspector = inspect(&first, &feed).start().unwrap();
    let address = inspector.address().to_string();
    let browser = open(&inspector);
    browser.until("document.getElementById('pool').textContent === 'shop'");
    drop(inspector);
    browser.until("document.getElementById('link').dataset.state === 'lost'");
    let second = WorkerPool::builder()
        .workers(1)
        .name("warehouse")
        .start()
        .unwrap();
    let _inspector = inspect(&second, &feed).address(&*address).start().unwrap();
    browser.until("document.getElementById('link').textContent === 'live'");
    browser.until("document.getElementById('pool').textContent === 'warehouse'");
    browser.until("document.querySelector('#workers tbody').rows.length === 1");
}

#[test]
fn a_paused_page_holds_still() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    let well = pool.spawn("well", sink()).unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    let handled =
        "document.querySelector('[data-figure=\"messages handled\"] dd span').textContent";
    browser.until(&format!("{handled} === '0'"));
    browser.keys("p");
    browser.until("document.getElementById('pause').getAttribute('aria-pressed') === 'true'");
    browser
        .value("(window.seen = 0, link.source.addEventListener('overview', () => window.seen++))");
    well.tell(1);
    while pool.stats().handled() == 0 {
        thread::yield_now();
    }
    browser.until("window.seen >= 3");
    assert_eq!(browser.text(handled), "0");
    browser.keys("p");
    browser.until(&format!("{handled} === '1'"));
    browser.has_no_complaints();
}
