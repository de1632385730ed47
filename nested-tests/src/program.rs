//! What the test programs have in common: their arguments, their end, and what they say at it.

use crate::picture::{Mode, Size};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The arguments of a test program.
#[derive(Clone, Debug, clap::Parser)]
pub struct Args {
    /// What it does
    #[arg(long, value_enum)]
    pub mode: Mode,
    /// Its size: 720p, 1080p or WIDTHxHEIGHT
    #[arg(long)]
    pub size: Size,
    /// Locks the pointer and tells where it moves (wl-picture only)
    #[arg(long)]
    pub lock: bool,
    /// Hands over DMA-BUFs made by /dev/udmabuf instead of shared memory (wl-picture only)
    #[arg(long)]
    pub dmabuf: bool,
    /// Draws so often a second by its own timer, not at frame callbacks: a game without vsync (wl-picture only)
    #[arg(long)]
    pub free: Option<u32>,
}

/// Set by SIGTERM and SIGINT: say the figures and end.
static END: AtomicBool = AtomicBool::new(false);

extern "C" fn on_signal(_: libc::c_int) {
    END.store(true, Ordering::Relaxed);
}

/// Lets SIGTERM and SIGINT end the program's loop (a blocking call is interrupted) instead of the process.
pub fn catch_signals() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // SAFETY: a zeroed sigaction (no flags, so that calls are interrupted, and an empty mask) with a handler that only
        // stores to an atomic.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// Whether the program was asked to end.
pub fn ended() -> bool {
    END.load(Ordering::Relaxed)
}

/// How long drawing took: the program's own part of what the bench measures.
#[derive(Default)]
pub struct DrawTimes {
    micros: Vec<u32>,
}

impl DrawTimes {
    /// One frame was drawn and handed over since `start`.
    pub fn add(&mut self, start: Instant) {
        self.micros
            .push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
    }

    /// The line that a program writes at its end.
    pub fn line(&self) -> String {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        let at = |p: usize| {
            sorted
                .get((sorted.len().saturating_sub(1)) * p / 100)
                .copied()
                .unwrap_or(0)
        };
        format!(
            "draw-times {{\"n\":{},\"p50_us\":{},\"p95_us\":{},\"p99_us\":{}}}",
            sorted.len(),
            at(50),
            at(95),
            at(99)
        )
    }
}

impl Drop for DrawTimes {
    fn drop(&mut self) {
        use std::io::Write;
        // Nothing is left to tell if even the error stream is closed.
        let _ = writeln!(std::io::stderr(), "{}", self.line());
    }
}

/// Waits until `fd` can be read or `timeout` has passed. `false`: neither, a signal came.
pub fn wait_readable(fd: impl std::os::fd::AsFd, timeout: Option<Duration>) -> std::io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = timeout.map(|t| Timespec {
        tv_sec: t.as_secs() as i64,
        tv_nsec: i64::from(t.subsec_nanos()),
    });
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref()) {
        Ok(_) => Ok(true),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
