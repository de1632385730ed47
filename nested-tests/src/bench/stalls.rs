//! When the machine itself stood still: a virtual machine's processors are taken away for some tens of ms now and then,
//! and no program can do anything about that. One thread on each processor, above all others, only sleeps and looks how
//! late it wakes.

use super::figure::Figure;
use anyhow::{Context, Result};
use goggles_scope::time::Mono;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long each sleep is.
const SLEEP: Duration = Duration::from_millis(1);
/// Waking later than this is a stall.
const LEAST: Duration = Duration::from_millis(3);

/// Between `begin` and `end` a processor ran nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stall {
    /// In ms of the monotonic clock.
    pub begin: f64,
    /// Likewise.
    pub end: f64,
}

/// Watches until it is dropped.
pub struct Watch {
    over: Arc<AtomicBool>,
    stalls: Arc<Mutex<Vec<Stall>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Starts a thread on each processor. Fails where real-time scheduling is not allowed: what is seen by a thread that
    /// others may keep waiting is no stall of the machine.
    pub fn start() -> Result<Self> {
        let (over, stalls) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Stall>>>::default());
        let mut watch = Self {
            over: over.clone(),
            stalls: stalls.clone(),
            threads: Vec::new(),
        };
        let ours = rustix::thread::sched_getaffinity(None).context("sched_getaffinity")?;
        for cpu in (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| ours.is_set(*cpu)) {
            let (over, stalls) = (over.clone(), stalls.clone());
            let (tell, told) = std::sync::mpsc::sync_channel(1);
            let thread = std::thread::Builder::new().name("stalls".into()).spawn(move || {
                let begun = above_all(cpu);
                let goes_on = begun.is_ok();
                if tell.send(begun).is_ok() && goes_on {
                    look(&over, &stalls);
                }
            })?;
            watch.threads.push(thread);
            told.recv().context("the thread ended")??;
        }
        Ok(watch)
    }

    /// What was seen since the last call, in order.
    pub fn take(&self) -> Vec<Stall> {
        let mut stalls = std::mem::take(&mut *self.stalls.lock().unwrap_or_else(PoisonError::into_inner));
        stalls.sort_by(|a, b| a.begin.total_cmp(&b.begin));
        stalls
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Binds the calling thread to a processor and puts it above all others.
fn above_all(cpu: usize) -> Result<()> {
    let mut one = rustix::thread::CpuSet::new();
    one.set(cpu);
    rustix::thread::sched_setaffinity(None, &one).context("sched_setaffinity")?;
    let parameters = libc::sched_param { sched_priority: 50 };
    // SAFETY: the pointer is to a valid struct, and 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    anyhow::ensure!(
        result == 0,
        "no real-time scheduling: {}",
        std::io::Error::last_os_error()
    );
    Ok(())
}

fn look(over: &AtomicBool, stalls: &Mutex<Vec<Stall>>) {
    while !over.load(Ordering::Relaxed) {
        let asleep = Instant::now();
        std::thread::sleep(SLEEP);
        let late = asleep.elapsed().saturating_sub(SLEEP);
        if late > LEAST {
            let end = now();
            let begin = end - late.as_secs_f64() * 1000.0;
            stalls
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Stall { begin, end });
        }
    }
}

fn now() -> f64 {
    Mono::now().micros() as f64 / 1000.0
}

/// What to add to ms since 1970, as pages count, for ms of the monotonic clock.
pub fn since_1970() -> f64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now() - wall.as_secs_f64() * 1000.0
}

/// A time that lies from `before` ms before a stall to `after` ms after its end is disturbed.
pub fn disturbed(stalls: &[Stall], at: f64, before: f64, after: f64) -> bool {
    stalls
        .iter()
        .any(|stall| at > stall.begin - before && at < stall.end + after)
}

/// For the table: how long each was.
pub fn figure(part: &str, stalls: &[Stall]) -> Figure {
    let lengths = stalls.iter().map(|stall| stall.end - stall.begin).collect();
    Figure::new(format!("{part}-machine-stood-still"), "ms", lengths).detail()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_around_a_stall_are_disturbed() {
        let stalls = [Stall {
            begin: 1_000.0,
            end: 1_030.0,
        }];
        let is = |at| disturbed(&stalls, at, 10.0, 100.0);
        assert_eq!(
            [980.0, 995.0, 1_020.0, 1_125.0, 1_140.0].map(is),
            [false, true, true, true, false]
        );
    }
}
