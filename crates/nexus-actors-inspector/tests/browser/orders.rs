//! Orders to actors, and the token.

use nexus_actors_inspector::Feed;

use crate::driver::Browser;
use crate::{inspect, one_at_a_time, open, pool, sink, url};

const STATE: &str = "document.querySelector('#panel [data-field=\"state\"] dd').textContent";

#[test]
fn orders_are_given_and_those_without_return_are_confirmed() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    let well = pool.spawn("well", sink()).unwrap();
    let inspector = inspect(&pool, &feed).allow_control(true).start().unwrap();
    let browser = open(&inspector);
    browser.click("[data-node='/user/well'] .name");
    browser.until(&format!("{STATE} === 'running'"));
    browser.click("[data-verb='suspend']");
    browser.until(&format!("{STATE} === 'suspended'"));
    well.tell(1);
    browser
        .until("document.querySelector('#panel [data-field=\"mailbox\"] dd').textContent === '1'");
    browser.click("[data-verb='resume']");
    browser.until(&format!("{STATE} === 'running'"));
    browser
        .until("document.querySelector('#panel [data-field=\"mailbox\"] dd').textContent === '0'");

    browser.click("[data-verb='kill']");
    browser.until("document.activeElement.dataset.verb === 'cancel'");
    browser.click("[data-verb='cancel']");
    browser.until("document.querySelector('[data-verb=\"stop\"]')");
    assert!(
        well.path().is_some() && pool.stats().actors() > 0,
        "it lives on"
    );
    browser.click("[data-verb='kill']");
    browser.click("[data-verb='confirm']");
    browser.until(
        "document.querySelector('#panel .gone').textContent === 'There is no such actor now.'",
    );
    assert!(pool.lookup::<u32>("/user/well").is_err());
    browser.has_no_complaints();
}

#[test]
fn without_permission_there_are_no_buttons() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    pool.spawn("well", sink()).unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    browser.click("[data-node='/user/well'] .name");
    browser.until("document.querySelector('#panel .verbs').textContent === 'Orders are switched off for this inspector.'");
    assert_eq!(
        browser.value("document.querySelectorAll('[data-verb]').length"),
        0
    );
}

#[test]
fn the_page_passes_its_token_on() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    pool.spawn("well", sink()).unwrap();
    let inspector = inspect(&pool, &feed).token("a+b/c=d").start().unwrap();
    let browser = Browser::open(&format!("{}?token=a%2Bb%2Fc%3Dd", url(&inspector)));
    browser.until("document.getElementById('link').textContent === 'live'");
    browser.click("[data-node='/user/well'] .name");
    browser.until(&format!("{STATE} === 'running'"));
    browser.has_no_complaints();
    browser.go(&url(&inspector));
    browser.until("document.body.innerText.includes('the token is missing or wrong')");
}
