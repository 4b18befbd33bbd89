//! Stack overflows: told of before the process ends.
//!
//! Who runs into the guard below a stack raises SIGSEGV, or SIGBUS on some systems. There is no
//! stack left to handle it on, so each thread that runs fibers has another one for signals. The
//! handler asks whose guard was hit, writes that down, and then hands every fault on, also ours, to
//! whoever handled it before: the standard library, a user's own handler, or the system's default.
//!
//! What runs in the handler takes no lock and no memory, and writes with `write(2)` alone: the
//! function that it interrupts may stand anywhere, in the allocator too.

#![allow(unsafe_code)]

use std::cell::OnceCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Once, OnceLock};

use super::stack::page_size;

const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Bytes of a stack for signals: for the frame that the kernel saves, the report, and the handler
/// that was there before.
const SIGNAL_STACK: usize = 64 * 1024;

/// Writes whose stack has overflowed, if the address lies in the guard below the stack that this
/// thread runs on; answers whether it does. Must be safe in a signal handler.
pub(crate) type Teller = fn(usize, &mut Report) -> bool;

/// What was there before, and who tells.
struct Installed {
    before: [libc::sigaction; 2],
    tell: Teller,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();
/// Set after the first report: a handler from before that returns without having done anything is
/// called again and again, and the report with it.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Has overflows told of on this thread, from now on: those of fibers' stacks.
pub(crate) fn watch_for_overflows(tell: Teller) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| install(tell));
    // A thread that ends, and has no place for it any more, does without.
    let _ = SIGNAL_STACK_HERE.try_with(|here| {
        here.get_or_init(SignalStack::for_this_thread);
    });
}

fn install(tell: Teller) {
    let before = SIGNALS.map(present_action);
    let _ = INSTALLED.set(Installed { before, tell });
    for (signal, before) in SIGNALS.into_iter().zip(&before) {
        // What the handler before has asked for while it runs holds for it still.
        let mut action = *before;
        let kept = before.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART);
        action.sa_flags = kept | libc::SA_SIGINFO | libc::SA_ONSTACK;
        action.sa_sigaction = on_fault as *const () as usize;
        // SAFETY: the handler has the type that `SA_SIGINFO` asks for, and does nothing that a
        // signal handler must not.
        unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    }
}

fn present_action(signal: libc::c_int) -> libc::sigaction {
    let mut action = MaybeUninit::zeroed();
    // SAFETY: with no new action this only fills in the present one; where it fails the zeros stand
    // for the default action, and are valid.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    }
}

extern "C" fn on_fault(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the kernel gives a handler with `SA_SIGINFO` the information about its signal.
    let (address, code) = unsafe { ((*info).si_addr() as usize, (*info).si_code) };
    // Linux gives what the processor raised a code above 0, and only that has an address.
    let sent = cfg!(target_os = "linux") && code <= 0;
    let Some(Installed { before, tell }) = INSTALLED.get() else {
        return act_by_default(signal, sent);
    };
    if !sent && !TOLD.load(Relaxed) {
        let mut report = Report::new();
        if tell(address, &mut report) {
            report.flush();
            TOLD.store(true, Relaxed);
        }
    }
    let before = &before[usize::from(signal != SIGNALS[0])];
    match before.sa_sigaction {
        libc::SIG_IGN if sent => {}
        // The kernel does not let a fault be ignored.
        libc::SIG_DFL | libc::SIG_IGN => act_by_default(signal, sent),
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
            // SAFETY: whoever installed it with `SA_SIGINFO` gave a function of that type.
            let handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
            handler(signal, info, context);
        }
        handler => {
            type Handler = extern "C" fn(libc::c_int);
            // SAFETY: whoever installed it without `SA_SIGINFO` gave a function of that type.
            let handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
            handler(signal);
        }
    }
}

/// Has the system do what it does without a handler, as soon as this one returns: a fault is raised
/// again by the same instruction, a signal that was sent has to be sent again.
fn act_by_default(signal: libc::c_int, sent: bool) {
    // SAFETY: an action of zeros is the default one; both functions may be called in a handler.
    unsafe {
        let action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, &raw const action, ptr::null_mut());
        if sent {
            libc::raise(signal);
        }
    }
}

// ---- the report ---------------------------------------------------------------------------------

/// A text for the standard error, written in pieces as large as it has room for.
pub(crate) struct Report {
    text: [u8; 1024],
    length: usize,
}

impl Report {
    fn new() -> Self {
        Self {
            text: [0; 1024],
            length: 0,
        }
    }

    fn flush(&mut self) {
        let mut rest = &self.text[..self.length];
        while !rest.is_empty() {
            // SAFETY: the text is valid for reading; `write` may be called in a signal handler.
            let written = unsafe { libc::write(2, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written @ 1..) => rest = &rest[written..],
                _ => break, // nobody reads it
            }
        }
        self.length = 0;
    }
}

impl fmt::Write for Report {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut text = text.as_bytes();
        while !text.is_empty() {
            if self.length == self.text.len() {
                self.flush();
            }
            let (now, later) = text.split_at(text.len().min(self.text.len() - self.length));
            self.text[self.length..][..now.len()].copy_from_slice(now);
            self.length += now.len();
            text = later;
        }
        Ok(())
    }
}

// ---- stacks for signals -------------------------------------------------------------------------

thread_local! {
    static SIGNAL_STACK_HERE: OnceCell<Option<SignalStack>> = const { OnceCell::new() };
}

/// A thread's stack for signals, with a guard below it.
struct SignalStack {
    start: *mut libc::c_void,
    guard: usize,
}

impl SignalStack {
    /// Gives this thread one, unless it has one that is large enough, or there is no memory for
    /// it: then an overflow ends the process without a word.
    fn for_this_thread() -> Option<Self> {
        if present_stack().is_some_and(|stack| stack.ss_size >= SIGNAL_STACK) {
            return None;
        }
        let guard = page_size();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let bytes = guard + SIGNAL_STACK;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let stack = Self { start, guard };
        // SAFETY: the range lies in the mapping, which nobody uses yet.
        let opened = unsafe {
            libc::mprotect(
                stack.low(),
                SIGNAL_STACK,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        (opened == 0 && set_stack(stack.low(), 0)).then_some(stack)
    }

    fn low(&self) -> *mut libc::c_void {
        self.start.wrapping_byte_add(self.guard)
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        // Somebody may have given the thread another one meanwhile.
        if present_stack().is_some_and(|stack| stack.ss_sp == self.low()) {
            set_stack(self.low(), libc::SS_DISABLE);
        }
        // SAFETY: the mapping is that of `for_this_thread`, and no signal uses it any more.
        unsafe { libc::munmap(self.start, self.guard + SIGNAL_STACK) };
    }
}

/// The stack for signals that this thread has.
fn present_stack() -> Option<libc::stack_t> {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: with no new stack this only fills in the present one; zeros are valid too.
    let (known, stack) = unsafe {
        let known = libc::sigaltstack(ptr::null(), stack.as_mut_ptr());
        (known, stack.assume_init())
    };
    (known == 0 && stack.ss_flags & libc::SS_DISABLE == 0).then_some(stack)
}

fn set_stack(low: *mut libc::c_void, flags: libc::c_int) -> bool {
    let stack = libc::stack_t {
        ss_sp: low,
        ss_flags: flags,
        ss_size: SIGNAL_STACK,
    };
    // SAFETY: the range is that of a `SignalStack`, which outlives its use: it is unmapped only
    // after it was disabled, or replaced.
    unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn a_thread_has_a_stack_for_signals_that_is_large_enough_and_gives_it_back() {
        std::thread::spawn(|| {
            let stack = SignalStack::for_this_thread().expect("the standard library's is small");
            let present = present_stack().expect("it has one");
            assert_eq!(
                (present.ss_sp, present.ss_size),
                (stack.low(), SIGNAL_STACK)
            );
            assert!(SignalStack::for_this_thread().is_none(), "one is enough");
            drop(stack);
            assert!(present_stack().is_none());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_report_takes_what_fits_and_begins_again() {
        let mut report = Report::new();
        write!(report, "{} of {:#x}", 12, 255).unwrap();
        assert_eq!(&report.text[..report.length], b"12 of 0xff");
        report.length = report.text.len() - 1;
        report.text.fill(b'\n');
        report.write_str("ab").unwrap();
        assert_eq!(&report.text[..report.length], b"b");
    }
}
