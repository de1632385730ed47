//! What we were started with and change for ourselves, kept for the program: signal mask, limits of open files and of
//! real time, niceness, scheduler. And what must not reach it: ambient capabilities (bubblewrap, so Steam's runtime, refuses to
//! run with them) and open files.

use rustix::process::{Resource, Rlimit};
use std::sync::OnceLock;

/// The state of the process when it was started.
#[derive(Clone)]
pub struct Inherited {
    mask: libc::sigset_t,
    files: Rlimit,
    real_time: libc::rlimit,
    nice: Option<i32>,
    policy: libc::c_int,
    parameters: libc::sched_param,
}

static AT_START: OnceLock<Inherited> = OnceLock::new();

impl Inherited {
    /// What the process was started with: what it is at the first call, which `main` makes before all else.
    pub fn at_start() -> &'static Self {
        AT_START.get_or_init(Self::now)
    }

    fn now() -> Self {
        // SAFETY: plain system calls that fill in structures of ours, which are valid when zeroed.
        unsafe {
            let mut mask = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &mut mask);
            let mut real_time = std::mem::zeroed();
            libc::getrlimit(libc::RLIMIT_RTTIME, &mut real_time);
            let mut parameters = std::mem::zeroed();
            let policy = libc::sched_getscheduler(0);
            libc::sched_getparam(0, &mut parameters);
            Self {
                mask,
                files: rustix::process::getrlimit(Resource::Nofile),
                real_time,
                nice: rustix::process::getpriority_process(None).ok(),
                policy,
                parameters,
            }
        }
    }

    /// In a new process, between fork and exec: gives all back, and closes every file but the standard three at exec.
    /// Only system calls: nothing here allocates or locks.
    ///
    /// What can't be given back is left as it is: each step only ever gives up a privilege, so it can't fail for want
    /// of one, and a program with a wrong niceness is better than none.
    pub(super) fn give_back(&self) {
        let _ = rustix::process::setrlimit(Resource::Nofile, self.files);
        let _ = rustix::thread::clear_ambient_capability_set();
        // SAFETY: system calls on this process with structures of ours; none is async-signal-unsafe.
        unsafe {
            libc::sched_setscheduler(0, self.policy, &self.parameters);
            // Only root may raise the hard limit, which rtkit demanded; up to that one the program has what it had.
            if libc::setrlimit(libc::RLIMIT_RTTIME, &self.real_time) != 0 {
                let mut now = std::mem::zeroed::<libc::rlimit>();
                libc::getrlimit(libc::RLIMIT_RTTIME, &mut now);
                now.rlim_cur = self.real_time.rlim_cur.min(now.rlim_max);
                libc::setrlimit(libc::RLIMIT_RTTIME, &now);
            }
        }
        if let Some(nice) = self.nice {
            let _ = rustix::process::setpriority_process(None, nice);
        }
        close_at_exec();
        set_mask(&self.mask);
    }
}

/// Sets the calling thread's signal mask.
pub(super) fn set_mask(mask: &libc::sigset_t) {
    // SAFETY: a system call that reads a structure of ours.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, mask, std::ptr::null_mut());
    }
}

/// Marks all files from 3 on to be closed at exec: libraries open some without that mark, and our own parent may have
/// left us some.
fn close_at_exec() {
    // SAFETY: system calls that only set a flag on descriptors; the flag does not close anything now.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) == 0 {
            return;
        }
        // Kernels before 5.11: one by one, as far as descriptors are commonly given out.
        for fd in 3..4096 {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}
