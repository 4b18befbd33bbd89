//! Light and dark, narrow and wide.

use nexus_actors::prelude::*;
use nexus_actors_inspector::Feed;
use std::collections::BTreeSet;

use crate::{family, inspect, one_at_a_time, open, pool, troubles};

/// The least contrast of any text that is seen, by the formula of the Web Content Accessibility Guidelines.
const LEAST_CONTRAST: &str = "(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  let least = [21, ''];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility() || node.closest('svg, script, option')) continue;
    const pair = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < least[0]) least = [contrast, text.data];
  }
  return least;
})()";

#[test]
fn it_is_legible_in_light_and_dark_and_fits_narrow_and_wide_windows() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    troubles::stuck(&pool).unwrap();
    troubles::cycle(&pool).unwrap();
    let long =
        "an-actor-with-a-name-that-is-much-longer-than-any-column-of-the-page-on-a-telephone";
    pool.spawn(long, family(2)).unwrap();
    let inspector = inspect(&pool, &feed).allow_control(true).start().unwrap();
    let browser = open(&inspector);
    browser.until("document.querySelector('#concerns .mark').textContent === 'Cycle'");
    browser.until("document.querySelectorAll('#graph g').length > 3");
    let mut grounds = BTreeSet::new();
    for scheme in ["light", "dark"] {
        for width in [1280, 390] {
            browser.look(width, scheme);
            browser.until(&format!("innerWidth === {width}"));
            browser.until("document.documentElement.scrollWidth <= innerWidth");
            grounds.insert(browser.text("getComputedStyle(document.body).backgroundColor"));
            browser.click(&format!("[data-node='/user/{long}'] .name"));
            browser.until("document.querySelector('[data-verb=\"kill\"]')");
            browser.until("document.documentElement.scrollWidth <= innerWidth");
            let least = browser.value(LEAST_CONTRAST);
            assert!(
                least[0].as_f64().unwrap() >= 4.5,
                "{scheme}, {width}: {least}"
            );
            let covered = browser.value("document.getElementById('panel').getBoundingClientRect().width / document.documentElement.clientWidth");
            let covered = covered.as_f64().unwrap();
            assert_eq!(
                covered > 0.99,
                width == 390,
                "the panel has the whole of a narrow window: {covered}"
            );
            browser.click("#panel .close");
            browser.until("document.getElementById('panel').hidden");
        }
    }
    assert_eq!(grounds.len(), 2, "{grounds:?}");
    browser.has_no_complaints();
    pool.shutdown(Duration::ZERO).unwrap();
}

#[test]
fn everything_that_can_be_used_has_a_name() {
    let _one = one_at_a_time();
    let feed = Feed::new();
    let pool = pool(&feed);
    troubles::cycle(&pool).unwrap();
    let inspector = inspect(&pool, &feed).start().unwrap();
    let browser = open(&inspector);
    browser.until("document.querySelectorAll('#graph g').length > 3");
    browser.devtools("Accessibility.enable", &serde_json::json!({}));
    let tree = browser.devtools("Accessibility.getFullAXTree", &serde_json::json!({}));
    let mut seen = BTreeSet::new();
    for node in tree["nodes"].as_array().unwrap() {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if node["ignored"] == true
            || ![
                "button",
                "link",
                "treeitem",
                "searchbox",
                "combobox",
                "tree",
            ]
            .contains(&role)
        {
            continue;
        }
        let name = node["name"]["value"].as_str().unwrap_or_default();
        assert!(!name.trim().is_empty(), "a {role} without a name: {node}");
        seen.insert(role.to_owned());
    }
    for role in [
        "button",
        "link",
        "treeitem",
        "searchbox",
        "combobox",
        "tree",
    ] {
        assert!(seen.contains(role), "there is no {role}: {seen:?}");
    }
}
