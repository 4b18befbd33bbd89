//! Faults that are no overflow of one of our stacks are not reported.

use super::{Dig, End, dig_on, digger, end_of};
use crate::common::{SOON, pool_of};
use nexus_actors::prelude::*;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::thread;

#[test]
fn s4_10_another_fault_in_a_handler_ends_the_process_as_ever() {
    let test = "not_told::s4_10_another_fault_in_a_handler_ends_the_process_as_ever";
    let end = end_of(test, || {
        let pool = pool_of(1).start().unwrap();
        let reader = Props::new(|| {
            Behavior::receive(|_ctx, address: usize| {
                // SAFETY: none: the read is meant to fault.
                black_box(unsafe {
                    std::ptr::with_exposed_provenance::<u8>(address).read_volatile()
                });
            })
        });
        pool.spawn("reader", reader).unwrap().tell(64);
    });
    let Some(End { status, errors }) = end else {
        return;
    };
    assert_eq!(status.signal(), Some(libc::SIGSEGV), "{errors}");
    assert!(!errors.contains("overflow"), "{errors}");
}

#[test]
fn s4_10_an_overflow_of_another_thread_is_told_as_ever() {
    let test = "not_told::s4_10_an_overflow_of_another_thread_is_told_as_ever";
    let end = end_of(test, || {
        let pool = pool_of(1).start().unwrap();
        let _ = thread::Builder::new()
            .name("foreign".into())
            .spawn(dig_on)
            .unwrap()
            .join();
        drop(pool);
    });
    let Some(End { status, errors }) = end else {
        return;
    };
    assert_eq!(status.signal(), Some(libc::SIGABRT), "{errors}");
    assert!(errors.contains("thread 'foreign'"), "{errors}");
    assert!(errors.contains("has overflowed its stack"), "{errors}");
    assert!(!errors.contains("nexus-actors"), "{errors}");
}

#[test]
fn s4_10_a_handler_of_the_users_is_called_after_the_report() {
    extern "C" fn on_fault(_signal: libc::c_int) {
        let text = b"the user's own handler\n";
        // SAFETY: the text is valid; both functions may be called in a signal handler.
        unsafe {
            libc::write(2, text.as_ptr().cast(), text.len());
            libc::_exit(77);
        }
    }
    let test = "not_told::s4_10_a_handler_of_the_users_is_called_after_the_report";
    let end = end_of(test, || {
        // SAFETY: the handler has the signature that is required without `SA_SIGINFO`.
        unsafe { libc::signal(libc::SIGSEGV, on_fault as *const () as usize) };
        let pool = pool_of(1).start().unwrap();
        pool.spawn("mine", digger()).unwrap().tell(Dig);
        thread::sleep(SOON);
    });
    let Some(End { status, errors }) = end else {
        return;
    };
    assert_eq!(status.code(), Some(77), "{errors}");
    let (report, own) = (errors.find("/user/mine"), errors.find("the user's own"));
    assert!(report.is_some() && report < own, "{errors}");
}
