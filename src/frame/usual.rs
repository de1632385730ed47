//! When in an interval the main window's frame comes. Content from an earlier interval, or from beside that window (an
//! overlay, a dialog), need not take the interval's latch from it: the frame would wait for the next one, and so would all
//! after it.

use crate::time::Mono;
use std::time::Duration;

/// After so many intervals without a frame none is waited for: it may well draw every other.
const DRAWS: u32 = 3;
/// By this share of an interval it may come later than usual.
const MARGIN: u32 = 16;
/// A frame that comes earlier counts for this share.
const EARLIER: u32 = 16;

/// What is known of the main window's frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usual {
    newest: Mono,
    /// How long after the interval's begin they have lately come at most.
    after: Duration,
}

impl Usual {
    /// A frame came in the interval that began at `tick`.
    pub fn committed(&mut self, now: Mono, tick: Mono) {
        let after = now.since(tick);
        self.after = after.max(self.after - self.after.saturating_sub(after) / EARLIER);
        self.newest = now;
    }

    /// Until when to wait for the frame of the interval that began at `tick`, if it is to be expected.
    pub fn until(&self, now: Mono, tick: Mono, period: Duration) -> Option<Mono> {
        let expected = self.newest < tick && now.since(self.newest) < period * DRAWS;
        expected.then(|| tick + (self.after + period / MARGIN).min(period))
    }
}
