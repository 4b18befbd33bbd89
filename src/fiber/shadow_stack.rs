//! Shadow stacks: a copy of the return addresses that the processor keeps, and compares at each return
//! (Intel's CET, AMD's shadow stacks). After a switch to another fiber's stack the next return would not
//! match that copy, so the process would end with SIGSEGV at the first switch.

#![allow(unsafe_code)]

/// Whether the kernel has enabled one for this thread.
pub(crate) fn has_shadow_stack() -> bool {
    is_on(status())
}

/// Returns what `arch_prctl(ARCH_SHSTK_STATUS)` says; `None` if the kernel does not know shadow stacks.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn status() -> Option<u64> {
    /// From the kernel's `asm/prctl.h`.
    const ARCH_SHSTK_STATUS: libc::c_int = 0x5005;
    let mut features = 0_u64;
    // SAFETY: the call writes one `unsigned long` to the address in the pointer, or fails.
    let result =
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SHSTK_STATUS, &raw mut features) };
    (result == 0).then_some(features)
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn status() -> Option<u64> {
    None
}

/// `ARCH_SHSTK_SHSTK`: the shadow stack itself, as opposed to what may be done with it.
fn is_on(status: Option<u64>) -> bool {
    const SHADOW_STACK: u64 = 1;
    status.is_some_and(|features| features & SHADOW_STACK != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s8_2_a_shadow_stack_is_seen_where_the_kernel_says_so_and_only_there() {
        assert!(!is_on(None));
        assert!(!is_on(Some(0)));
        assert!(
            !is_on(Some(2)),
            "writing to one is allowed, but there is none"
        );
        assert!(is_on(Some(1)) && is_on(Some(3)));
        // Fibers run in these tests, so it must be off.
        assert!(!has_shadow_stack());
    }
}
