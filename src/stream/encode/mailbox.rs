//! The depth-one, newest-wins crossing from the compositor to the encode thread.

use crate::link::{EncodeJob, FrameId};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One waiting job at most.
#[derive(Debug, Default)]
pub struct Mailbox {
    slot: Mutex<Slot>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    job: Option<EncodeJob>,
    closed: bool,
}

/// What became of the job that was put.
#[derive(Debug, PartialEq, Eq)]
pub enum Put {
    /// It waits.
    Waiting,
    /// It waits in the place of this older one.
    Displaced(FrameId),
    /// Nobody takes jobs any more.
    Closed,
}

impl Mailbox {
    /// Puts a job; never waits for the other side (the lock is only held to move a job in or out).
    pub fn put(&self, mut job: EncodeJob) -> Put {
        let mut slot = self.lock();
        if slot.closed {
            return Put::Closed;
        }
        let old = slot.job.take();
        job.key_frame |= old.as_ref().is_some_and(|old| old.key_frame);
        slot.job = Some(job);
        drop(slot);
        self.filled.notify_one();
        // The displaced job's buffer is released here, outside of the lock.
        old.map_or(Put::Waiting, |old| Put::Displaced(old.frame))
    }

    /// Waits for a job; `None` once closed.
    pub fn take(&self) -> Option<EncodeJob> {
        let mut slot = self.lock();
        loop {
            if slot.closed {
                return None;
            }
            if let Some(job) = slot.job.take() {
                return Some(job);
            }
            slot = self.filled.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends both sides; drops the job that waited, if any, and says which it was.
    pub fn close(&self) -> Option<FrameId> {
        let mut slot = self.lock();
        slot.closed = true;
        let job = slot.job.take();
        drop(slot);
        self.filled.notify_all();
        job.map(|job| job.frame)
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        // No code under the lock can panic half-way through a change.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Image, Pixels, Rate, Refresh, Size, TimeLine};

    fn job(id: u64, key_frame: bool) -> EncodeJob {
        let image = Image {
            data: vec![0; 4],
            stride: 4,
            size: Size { w: 1, h: 1 },
            home: None,
        };
        EncodeJob {
            frame: FrameId(id),
            pixels: Pixels::Composed(image),
            size: Size { w: 1, h: 1 },
            refresh: Refresh(60_000),
            key_frame,
            rate: Rate::Constant { kbps: 1000 },
            times: TimeLine::default(),
        }
    }

    #[test]
    fn newest_wins_and_inherits_the_key_frame_wish() {
        let mailbox = Mailbox::default();
        assert_eq!(mailbox.put(job(1, true)), Put::Waiting);
        assert_eq!(mailbox.put(job(2, false)), Put::Displaced(FrameId(1)));
        assert_eq!(mailbox.put(job(3, false)), Put::Displaced(FrameId(2)));
        let taken = mailbox.take().unwrap();
        assert_eq!((taken.frame, taken.key_frame), (FrameId(3), true));
        assert_eq!(mailbox.put(job(4, false)), Put::Waiting);
        assert!(!mailbox.take().unwrap().key_frame, "the wish was granted once");
    }

    #[test]
    fn closing_drops_the_job() {
        let mailbox = Mailbox::default();
        mailbox.put(job(1, false));
        assert_eq!(mailbox.close(), Some(FrameId(1)));
        assert!(mailbox.take().is_none());
        assert_eq!(mailbox.put(job(2, false)), Put::Closed);
    }

    #[test]
    fn closing_wakes_the_taker() {
        let mailbox = Mailbox::default();
        std::thread::scope(|s| {
            let taker = s.spawn(|| mailbox.take().is_none());
            mailbox.close();
            assert!(taker.join().unwrap());
        });
    }
}
