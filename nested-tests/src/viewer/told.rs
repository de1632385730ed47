//! Waiting for what the sessions tell beside pictures.

use super::{PATIENCE, Told, Viewer, lock};
use anyhow::{Context, Result};
use goggles_protocols::control::ToClient;
use goggles_protocols::cursor;
use goggles_protocols::frame::Times;
use std::time::{Duration, Instant};

impl Viewer {
    /// The server's clock at the time stamp 0, in µs.
    pub fn start_us(&self) -> Result<u64> {
        self.until("a welcome", |told| {
            told.messages.iter().find_map(|m| match m {
                ToClient::Welcome { start_us, .. } => Some(*start_us),
                _ => None,
            })
        })
    }

    /// What happened to a frame on the server, if it has told.
    pub fn times(&self, pts_us: u64) -> Option<Times> {
        lock(&self.notes).times.get(&pts_us).copied()
    }

    /// The same, once the server has told.
    pub fn until_times(&self, pts_us: u64) -> Result<Times> {
        self.until("times of the frame", |told| told.times.get(&pts_us).copied())
    }

    /// All messages of the control stream so far.
    pub fn messages(&self) -> Vec<ToClient> {
        lock(&self.notes).messages.clone()
    }

    /// The catalog, once it has come.
    pub fn catalog(&self) -> Result<serde_json::Value> {
        self.until("a catalog", |told| told.catalog.clone())
    }

    /// The first of the cursor's updates that `is` says yes to.
    pub fn cursor(&self, what: &str, is: impl Fn(&cursor::Update) -> bool) -> Result<cursor::Update> {
        self.until(what, |told| told.cursor.iter().find(|u| is(u)).cloned())
    }

    /// The first message that `is` says yes to.
    pub fn message(&self, what: &str, is: impl Fn(&ToClient) -> bool) -> Result<ToClient> {
        self.message_within(PATIENCE, what, is)
    }

    /// The same for what may take longer.
    pub fn message_within(&self, patience: Duration, what: &str, is: impl Fn(&ToClient) -> bool) -> Result<ToClient> {
        self.until_within(patience, what, |told| told.messages.iter().find(|m| is(m)).cloned())
    }

    /// Waits until the last that was told of the scene is that the game has locked the pointer, or hasn't.
    pub fn until_lock_is(&self, wanted: bool, patience: Duration) -> Result<()> {
        let locked = |m: &ToClient| match m {
            ToClient::Scene { pointer_locked, .. } => Some(*pointer_locked),
            _ => None,
        };
        let last = |told: &Told| told.messages.iter().rev().find_map(locked);
        self.until_within(patience, &format!("scene with the lock {wanted}"), |told| {
            (last(told) == Some(wanted)).then_some(())
        })
    }

    /// Waits until `find` finds something in what was told.
    pub(super) fn until<T>(&self, what: &str, find: impl FnMut(&Told) -> Option<T>) -> Result<T> {
        self.until_within(PATIENCE, what, find)
    }

    fn until_within<T>(&self, patience: Duration, what: &str, mut find: impl FnMut(&Told) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = find(&lock(&self.notes)) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if self.changed.recv_timeout(left).is_err() {
                // It may have come together with the end.
                let told = lock(&self.notes);
                return find(&told).with_context(|| format!("no {what}; the viewer's end: {:?}", told.end));
            }
        }
    }
}
