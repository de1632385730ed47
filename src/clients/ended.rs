//! How many clients were let go, and for what.

use smithay::reexports::wayland_server::backend::DisconnectReason;
use std::sync::atomic::{AtomicU32, Ordering};

/// `wl_display`, whose error says that a client has too much.
const DISPLAY: u32 = 1;

/// The counts. Connections add to them as they end.
#[derive(Debug, Default)]
pub struct Ended {
    broke: AtomicU32,
    had: AtomicU32,
    stuck: AtomicU32,
}

impl Ended {
    /// A connection has ended for this. One that the client closed is none of them, nor one whose bytes were no messages: the
    /// Wayland library tells of both alike.
    pub fn count(&self, why: &DisconnectReason) {
        let DisconnectReason::ProtocolError(error) = why else {
            return;
        };
        let too_much = (error.object_id, error.code) == (DISPLAY, super::NO_MEMORY);
        let counter = if too_much { &self.had } else { &self.broke };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A client never stopped sending.
    pub(super) fn stuck(&self) {
        self.stuck.fetch_add(1, Ordering::Relaxed);
    }

    /// How many in all.
    pub fn sum(&self) -> u32 {
        self.list().iter().fold(0, |sum, (_, count)| sum.wrapping_add(*count))
    }

    /// For what, in words, and how many.
    pub fn list(&self) -> [(&'static str, u32); 3] {
        [
            ("clients let go for breaking a protocol", &self.broke),
            ("clients let go for what they had", &self.had),
            ("clients let go for never pausing", &self.stuck),
        ]
        .map(|(what, count)| (what, count.load(Ordering::Relaxed)))
    }
}
