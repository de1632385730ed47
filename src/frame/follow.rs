//! A client that draws without being told to, several frames in an interval: its frames are a raster of their own. What is
//! latched at a tick is fresh if a frame has come just before it; if one comes just after it, the grid follows, for
//! else the ticks would get now that frame, now the one before it.
//!
//! The grid may only be moved to later, and so little that the rate stays near the limit. Where a client's raster doesn't
//! fit the grid, the ticks stay where they are.

use crate::time::Mono;
use std::time::Duration;

/// Fewer frames in an interval follow the callbacks, or are no raster.
const FREE: u32 = 3;
/// Content is fresh for a 16th of an interval; if it was fresh at the last tick, for a 12th.
const FRESH: u32 = 16;
const STILL_FRESH: u32 = 12;
/// So far behind the tick, a frame is followed.
const NEAR: u32 = 18;
/// In the mean, intervals are longer by a 64th at most.
const SLOWER: u32 = 64;
/// How far behind a frame the tick is aimed: such frames are uneven by less.
const BEHIND: Duration = Duration::from_micros(250);

/// The client's raster as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Follow {
    /// The newest frame.
    newest: Mono,
    /// The mean time between two.
    spacing: Duration,
    /// Frames in this interval.
    frames: u32,
    /// What was there at the tick was fresh, or is going to be.
    fresh: bool,
    /// The client draws by a raster.
    free: bool,
    /// By how much intervals may still be made longer.
    credit: Duration,
    /// By how much this one is.
    stretch: Duration,
}

impl Follow {
    /// A new frame was committed.
    pub fn committed(&mut self, now: Mono) {
        let spacing = now.since(self.newest);
        self.spacing = match self.frames {
            0 => self.spacing,
            _ => (self.spacing * 15 + spacing) / 16,
        };
        self.newest = now;
        self.frames += 1;
    }

    /// An interval begins at `tick`.
    pub fn begin(&mut self, tick: Mono, period: Duration) {
        self.free = std::mem::take(&mut self.frames) >= FREE;
        self.credit = (self.credit + period / SLOWER).min(period / NEAR);
        self.stretch = Duration::ZERO;
        let age = tick.since(self.newest);
        let behind = self.spacing.saturating_sub(age);
        let was_fresh = self.fresh;
        self.fresh = age <= period / if was_fresh { STILL_FRESH } else { FRESH };
        let step = behind + BEHIND;
        if self.free && !self.fresh && was_fresh && step <= self.credit {
            self.credit -= step;
            self.stretch = step;
            self.fresh = true;
        }
    }

    /// By how much this interval is longer than the period.
    pub fn stretch(&self) -> Duration {
        self.stretch
    }

    /// What is there in the interval that began at `tick` is latched, although its client may soon have something newer.
    pub fn is_fresh(&self, tick: Mono) -> bool {
        self.newest >= tick || (self.free && self.fresh && self.stretch.is_zero())
    }
}
