//! Reports stack overflows before the process ends.
//!
//! An access to the guard below a stack raises SIGSEGV, or SIGBUS on some systems. There is no
//! stack left to handle it on, so each thread that runs fibers has a separate one for signals. The
//! handler asks which stack's guard was hit, writes that down, and then passes every fault on, also
//! ours, to the previous handler: that of the standard library, a user's own, or the system's
//! default.
//!
//! The code in the handler takes no lock, allocates nothing, and writes with `write(2)` alone: the
//! interrupted function may be anywhere, even in the allocator.

#![allow(unsafe_code)]

use std::cell::OnceCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Once, OnceLock};

use super::stack::page_size;

const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// The size of a signal stack in bytes: enough for the frame that the kernel saves, the report, and
/// the previous handler.
const SIGNAL_STACK: usize = 64 * 1024;

/// Writes which stack has overflowed, if the address lies in the guard below the stack that this
/// thread runs on. Returns whether it does. Must be safe in a signal handler.
pub(super) type Teller = fn(usize, &mut Report) -> bool;

/// The previous handlers, and the function that writes reports.
struct Installed {
    before: [libc::sigaction; 2],
    tell: Teller,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();
/// Set after the first report. A previous handler that returns without having done anything is
/// called again and again, and without this flag the report would be repeated with it.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Reports the overflows of fibers' stacks on this thread from now on.
pub(crate) fn watch_for_overflows(tell: Teller) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| install(tell));
    // A thread that is ending, and has no storage for it any more, does without.
    let _ = SIGNAL_STACK_HERE.try_with(|here| {
        here.get_or_init(SignalStack::for_this_thread);
    });
}

fn install(tell: Teller) {
    let before = SIGNALS.map(present_action);
    let _ = INSTALLED.set(Installed { before, tell });
    for (signal, before) in SIGNALS.into_iter().zip(&before) {
        // The flags that the previous handler asked for still apply while it runs.
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
    // SAFETY: without a new action the call only fills in the present one; if it fails, the zeros
    // stand for the default action, and are valid.
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
    // SAFETY: the kernel passes the information about the signal to a handler with `SA_SIGINFO`.
    let (address, code) = unsafe { ((*info).si_addr() as usize, (*info).si_code) };
    // On Linux a fault that the processor raised has a code above 0, and only such a fault has an
    // address.
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
            // SAFETY: a handler that was installed with `SA_SIGINFO` is a function of that type.
            let handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
            handler(signal, info, context);
        }
        handler => {
            type Handler = extern "C" fn(libc::c_int);
            // SAFETY: a handler that was installed without `SA_SIGINFO` is a function of that type.
            let handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
            handler(signal);
        }
    }
}

/// Has the system take its default action as soon as this handler returns: a fault is raised again
/// by the same instruction, a signal that was sent has to be sent again.
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

/// A text for standard error, written in pieces of up to the size of its buffer.
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
                _ => break, // there is no reader
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

/// The signal stack of a thread, with a guard below it.
struct SignalStack {
    start: *mut libc::c_void,
    guard: usize,
}

impl SignalStack {
    /// Makes one for this thread. Returns `None` if the thread has one that is large enough, or if
    /// there is no memory for it: then an overflow ends the process without a report.
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
        // SAFETY: the range lies in the mapping, which is not used yet.
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
        // The thread may have been given another one meanwhile.
        if present_stack().is_some_and(|stack| stack.ss_sp == self.low()) {
            set_stack(self.low(), libc::SS_DISABLE);
        }
        // SAFETY: the mapping is that of `for_this_thread`, and no signal uses it any more.
        unsafe { libc::munmap(self.start, self.guard + SIGNAL_STACK) };
    }
}

/// Returns the signal stack of this thread.
fn present_stack() -> Option<libc::stack_t> {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: without a new stack the call only fills in the present one; zeros are valid too.
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
