//! The counted cases do what they claim, here with a few things of each kind. The counting of
//! instructions is done by `cargo bench --bench growth`.

#[path = "../cases/mod.rs"]
mod cases;
#[path = "../../../tests/common/mod.rs"]
mod common;

use common::watchdog;
use std::collections::HashSet;

#[test]
fn s9_4_each_case_that_is_counted_does_what_it_says() {
    let _watchdog = watchdog();
    let mut names = HashSet::new();
    for case in cases::all() {
        assert!(names.insert(case.name), "{} is there twice", case.name);
        for size in [2, 20, case.size.min(100)] {
            (case.run)(size);
        }
    }
    assert!(names.len() > 50, "only {} cases", names.len());
}
