//! rtkit gives real time only to processes that the kernel ends when a thread has run for so long without a pause
//! (RLIMIT_RTTIME). Being ended would lose a session; so at half that time the threads become ordinary ones again.
//!
//! The hard limit stays with the program that is started later ([`crate::child::Inherited`]). It only bounds real-time
//! threads, which a program that is no more privileged than we are gets from rtkit only, under the same limit.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

/// The threads that rtkit has given real time; 0: none.
static THREADS: [AtomicI32; 4] = [const { AtomicI32::new(0) }; 4];

static HANDLER: Once = Once::new();

/// Bounds this process's real-time threads to `most` µs without a pause, and has `thread` made ordinary before that.
pub fn bound(most: u64, thread: u32) -> io::Result<()> {
    let number = i32::try_from(thread).map_err(io::Error::other)?;
    let free = |slot: &&AtomicI32| {
        let taken = slot.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
        taken.is_ok() || taken == Err(number)
    };
    if !THREADS.iter().any(|slot| free(&slot)) {
        return Err(io::Error::other("too many real-time threads"));
    }
    HANDLER.call_once(|| {
        // SAFETY: a zeroed sigaction (an empty mask, no flags but that calls go on) with a handler that makes system
        // calls and reads atomics only.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = make_ordinary as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(libc::SIGXCPU, &action, std::ptr::null_mut());
        }
    });
    let limit = libc::rlimit {
        rlim_cur: most / 2,
        rlim_max: most,
    };
    // SAFETY: system calls with structures of ours.
    unsafe {
        let mut now = std::mem::zeroed::<libc::rlimit>();
        if libc::getrlimit(libc::RLIMIT_RTTIME, &mut now) == 0 && now.rlim_max <= most {
            return Ok(());
        }
        match libc::setrlimit(libc::RLIMIT_RTTIME, &limit) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// SIGXCPU: some real-time thread has run for too long; it is not said which.
extern "C" fn make_ordinary(_: libc::c_int) {
    for slot in &THREADS {
        let thread = slot.swap(0, Ordering::Relaxed);
        if thread != 0 {
            // SAFETY: a system call that reads a structure of ours, valid when zeroed. If the thread has ended, it
            // fails; the number was not given to another thread of ours meanwhile, or that one loses its privilege.
            unsafe {
                let parameters: libc::sched_param = std::mem::zeroed();
                libc::sched_setscheduler(thread, libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK, &parameters);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_never_pauses_becomes_ordinary_and_the_process_lives() {
        let ordinary = std::thread::spawn(|| {
            // SAFETY: system calls on this thread with a structure of ours.
            unsafe {
                let mut parameters: libc::sched_param = std::mem::zeroed();
                parameters.sched_priority = 1;
                if libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &parameters) != 0 {
                    return None; // Not permitted here: then there is nothing to bound.
                }
                bound(200_000, libc::gettid().unsigned_abs()).unwrap();
                while libc::sched_getscheduler(0) & !libc::SCHED_RESET_ON_FORK == libc::SCHED_RR {}
                Some(true)
            }
        });
        assert!(matches!(ordinary.join(), Ok(None | Some(true))));
    }
}
