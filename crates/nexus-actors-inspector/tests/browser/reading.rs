//! The tree, the search, and text that is only text.

use nexus_actors::prelude::*;
use nexus_actors_inspector::Feed;

use crate::driver::{Browser, DOWN, ENTER, ESCAPE, LEFT, RIGHT, UP};
use crate::{family, inspect, one_at_a_time, open, pool, sink};

const NAMES: &str =
    "[...document.querySelectorAll('#tree .name')].map((one) => one.textContent).join(' ')";

fn names_are(browser: &Browser, names: &str) {
    browser.until(&format!("{NAMES} === '{names}'"));
}

#[test]
fn the_tree_folds_by_mouse_and_by_keyboard() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    pool.spawn("a", family(2)).unwrap();
    pool.spawn("b", sink()).unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    names_are(&browser, "/user a b");
    browser.click("[data-node='/user/a'] .fold");
    names_are(&browser, "/user a child-0 child-1 b");
    assert_eq!(
        browser.value("document.getElementById('panel').hidden"),
        true,
        "only folded"
    );
    browser.click("[data-node='/user/a'] .fold");
    names_are(&browser, "/user a b");

    let focus =
        |path: &str| browser.until(&format!("document.activeElement.dataset.node === '{path}'"));
    browser.click("#pool");
    browser.keys("t");
    focus("/user/a");
    browser.keys(RIGHT);
    names_are(&browser, "/user a child-0 child-1 b");
    browser.keys(RIGHT);
    focus("/user/a/child-0");
    browser.keys(DOWN);
    focus("/user/a/child-1");
    browser.keys(ENTER);
    browser.until("document.getElementById('panel-title').textContent === '/user/a/child-1'");
    browser.until("document.querySelector('#panel .kind').textContent === 'u32'");
    browser.keys(ESCAPE);
    browser.until("document.getElementById('panel').hidden");
    browser.keys("t");
    focus("/user/a/child-1");
    browser.keys(LEFT);
    focus("/user/a");
    browser.keys(LEFT);
    names_are(&browser, "/user a b");
    browser.keys(UP);
    focus("/user");
    browser.keys(LEFT);
    names_are(&browser, "/user");
    let state = "document.querySelector('[data-node=\"/user\"]').getAttribute('aria-expanded')";
    assert_eq!(browser.text(state), "false");
    browser.keys(RIGHT);
    names_are(&browser, "/user a b");
    browser.has_no_complaints();
}

#[test]
fn many_children_are_shown_a_part_at_a_time() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    pool.spawn("many", family(1500)).unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    browser.click("[data-node='/user/many'] .fold");
    // The parent is one of the actors that are asked for.
    browser.until("document.querySelectorAll('#tree [aria-level=\"3\"]').length >= 199");
    browser.until("document.querySelector('#tree .note').textContent.includes('1,301 more')");
    browser.click("#tree .note button");
    browser.until("document.querySelectorAll('#tree [aria-level=\"3\"]').length >= 999");
    browser.until("document.querySelector('#tree .note').textContent.includes('501 more – the search finds them')");
    browser.has_no_complaints();
}

#[test]
fn the_search_finds_by_path_and_by_type() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    pool.spawn("a", family(100)).unwrap();
    pool.spawn("texts", Props::receive(|_ctx, _: String| ()))
        .unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    browser.keys("/");
    browser.until("document.activeElement.id === 'query'");
    browser.keys("child-42");
    let results =
        "[...document.querySelectorAll('#results .path')].map((one) => one.textContent).join(' ')";
    browser.until(&format!("{results} === '/user/a/child-42'"));
    browser.until("document.getElementById('browse-note').textContent === '1 of 102 match'");
    assert_eq!(
        browser.text("document.querySelector('#results mark').textContent"),
        "child-42"
    );
    browser.keys(ENTER);
    browser.until("document.activeElement.dataset.path === '/user/a/child-42'");
    browser.keys(ENTER);
    browser.until("document.getElementById('panel-title').textContent === '/user/a/child-42'");
    browser.until("location.hash === '#/user/a/child-42'");
    browser.click("#reveal");
    browser.until("document.activeElement.dataset.node === '/user/a/child-42'");
    assert_eq!(
        browser.value("document.getElementById('results').hidden"),
        true
    );

    browser.keys("/");
    browser.keys("string::String");
    browser.until(&format!("{results} === '/user/texts'"));
    browser.keys(ESCAPE);
    browser.until(
        "document.getElementById('query').value === '' && !document.getElementById('tree').hidden",
    );
    browser.keys("no such actor");
    browser.until("document.getElementById('browse-note').textContent === '0 of 102 match'");
    browser.has_no_complaints();
}

#[test]
fn what_comes_from_the_pool_is_only_text() {
    const MARKUP: &str = "<img src=x onerror=\"window.harmed=1\"><script>window.harmed=1</script>";
    let _one = one_at_a_time();
    let feed = Feed::new();
    let builder = WorkerPool::builder()
        .workers(1)
        .name(MARKUP)
        .observer(feed.clone());
    let pool = builder.on_failure(|_| {}).start().unwrap();
    let fails = || Err::<(), _>(BoxError::from(MARKUP));
    let failing = pool
        .spawn("failing", Props::receive(move |_ctx, _: u32| fails()))
        .unwrap();
    (0..4).for_each(|number| failing.tell(number));
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    let markup = serde_json::to_string(MARKUP).unwrap();
    browser.until(&format!(
        "document.getElementById('pool').textContent === {markup}"
    ));
    browser.until(&format!(
        "document.querySelector('#failures .why').textContent.startsWith({markup})"
    ));
    browser.until(&format!(
        "document.getElementById('concerns').textContent.includes({markup})"
    ));
    assert_eq!(browser.value("document.images.length"), 0);
    assert_eq!(browser.value("document.scripts.length"), 1);
    assert_eq!(browser.value("window.harmed === undefined"), true);
    browser.has_no_complaints();
}
