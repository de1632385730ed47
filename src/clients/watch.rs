//! A thread that ends the connections at which the loop has been for too long: of a client that never stops sending, or to
//! an X server that does not answer. It sleeps while the loop is at none.
//!
//! Owns its thread, which ends with it.

use rustix::net::{Shutdown, shutdown};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks. Looks are counted, so that a process that was stopped for a while blames nobody for it.
pub const LOOK: Duration = Duration::from_millis(150);

/// What is ended.
pub trait End: Send + Sync + 'static {
    /// Ends it. Whether it could be.
    fn end(&self) -> bool;
}

impl End for OwnedFd {
    fn end(&self) -> bool {
        shutdown(self, Shutdown::Both).is_ok()
    }
}

impl End for Vec<OwnedFd> {
    fn end(&self) -> bool {
        self.iter().filter(|socket| socket.end()).count() > 0
    }
}

/// The loop's part.
#[derive(Debug)]
pub struct Watch<T: End> {
    shared: Arc<Shared<T>>,
    /// `None`: it could not be started.
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<T> {
    /// So many looks at the same are too many.
    patience: u32,
    read: Mutex<Read<T>>,
    begun: Condvar,
}

/// Where the loop is.
#[derive(Debug)]
struct Read<T> {
    /// Counts them.
    number: u64,
    /// There; `None`: nowhere, or where nobody could be ended so.
    socket: Option<Arc<T>>,
    /// It has been ended.
    ended: bool,
    /// The thread waits for the next.
    idle: bool,
    stop: bool,
}

impl<T: End> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Read<T>> {
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
            while !read.stop && read.number == number && read.socket.is_some() && looks < self.patience {
                let (woken, _) = self
                    .begun
                    .wait_timeout(read, LOOK)
                    .unwrap_or_else(PoisonError::into_inner);
                read = woken;
                looks += 1;
            }
            if read.number == number
                && looks == self.patience
                && let Some(socket) = &read.socket
            {
                // The loop's next attempt to read finds the end.
                read.ended = socket.end();
                read.socket = None;
            }
        }
    }
}

impl<T: End> Watch<T> {
    /// Starts the thread of this name, which looks so many times. Without one, nobody is ended.
    pub fn new(name: &str, patience: u32) -> Self {
        let shared = Arc::new(Shared {
            patience,
            read: Mutex::new(Read {
                number: 0,
                socket: None,
                ended: false,
                idle: false,
                stop: false,
            }),
            begun: Condvar::new(),
        });
        let its = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(name.into());
        let thread = thread.spawn(move || its.run());
        if let Err(why) = &thread {
            tracing::warn!("no {name}, and so nobody is ended who holds up the session: {why}");
        }
        Self {
            shared,
            thread: thread.ok(),
        }
    }

    /// The loop begins to be there.
    pub fn enter(&self, socket: Option<Arc<T>>) {
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

    /// It is done there. Whether it was ended meanwhile.
    pub fn leave(&self) -> bool {
        let mut read = self.shared.lock();
        read.socket = None;
        std::mem::take(&mut read.ended)
    }
}

impl<T: End> Drop for Watch<T> {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.begun.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a watch panicked");
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
        let watch = Watch::<OwnedFd>::new("client-watch", 4);
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
