//! A thread that ends the connection of a client from which the loop has been reading without a pause for too long. It
//! sleeps while nobody is read from.
//!
//! Owns its thread, which ends with it.

use rustix::net::{Shutdown, shutdown};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks, and so many looks at the same read are too many. They are counted, so that a process that
/// was stopped for a while blames nobody for it.
const LOOK: Duration = Duration::from_millis(150);
const PATIENCE: u32 = 4;

/// The loop's part.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    /// `None`: it could not be started.
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    read: Mutex<Read>,
    begun: Condvar,
}

/// What the loop reads.
#[derive(Debug, Default)]
struct Read {
    /// Counts them.
    number: u64,
    /// From there; `None`: nobody is read from, or nobody who could be ended so.
    socket: Option<Arc<OwnedFd>>,
    /// It has been ended.
    ended: bool,
    /// The thread waits for the next.
    idle: bool,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut read = self.lock();
        while !read.stop {
            if read.socket.is_none() {
                read.idle = true;
                read = self.begun.wait(read).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let number = read.number;
            let mut looks = 0;
            while !read.stop && read.number == number && read.socket.is_some() && looks < PATIENCE {
                let (woken, _) = self
                    .begun
                    .wait_timeout(read, LOOK)
                    .unwrap_or_else(PoisonError::into_inner);
                read = woken;
                looks += 1;
            }
            if read.number == number
                && looks == PATIENCE
                && let Some(socket) = &read.socket
            {
                // The loop's next attempt to read finds the end.
                read.ended = shutdown(socket, Shutdown::Both).is_ok();
                read.socket = None;
            }
        }
    }
}

impl Watch {
    /// Starts the thread. Without one, nobody is ended.
    pub fn new() -> Self {
        let shared = Arc::<Shared>::default();
        let its = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("client-watch".into());
        let thread = thread.spawn(move || its.run());
        if let Err(why) = &thread {
            tracing::warn!("no watch over clients that never stop sending: {why}");
        }
        Self {
            shared,
            thread: thread.ok(),
        }
    }

    /// The loop begins to read from there.
    pub fn enter(&self, socket: Option<Arc<OwnedFd>>) {
        if socket.is_none() {
            return;
        }
        let mut read = self.shared.lock();
        read.number += 1;
        read.socket = socket;
        if std::mem::take(&mut read.idle) {
            self.shared.begun.notify_one();
        }
    }

    /// It has read all. Whether the connection was ended meanwhile.
    pub fn leave(&self) -> bool {
        let mut read = self.shared.lock();
        read.socket = None;
        std::mem::take(&mut read.ended)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.begun.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watch over clients panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn only_who_is_read_from_without_end_is_ended() {
        let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
        let (calm, mut other) = UnixStream::pair().expect("a socket pair");
        let watch = Watch::new();
        for _ in 0..100 {
            watch.enter(Some(Arc::new(calm.try_clone().expect("a duplicate").into())));
            assert!(!watch.leave());
        }
        watch.enter(Some(Arc::new(ours.into())));
        // The end comes while the loop is still reading.
        assert_eq!(theirs.read(&mut [0]).expect("the end"), 0);
        assert!(watch.leave());
        assert!(!watch.leave());
        drop(watch);
        drop(calm);
        assert_eq!(other.read(&mut [0]).expect("the end"), 0);
    }
}
