//! Whether an X11 program's frames wait inside Xwayland for our callback.
//!
//! Xwayland holds a window's damage back until the last frame callback has come. A program that draws by its own timer,
//! a while before the tick, is then shown at the tick, one time as the next, and never gets nearer. Its sign: the commit
//! comes at once after the callback. If the callback is given early, just once, Xwayland commits the next frame when
//! it is drawn, and the grid can move to it. A program that waits for callbacks (Present, GLX) and draws fast shows
//! the same sign; it answers the early callback early, and is then tried ever more seldom.

use crate::time::Mono;
use std::time::Duration;

/// So many commits at once after their callbacks begin a trial.
const FIRST: u32 = 16;
/// No more are ever asked for.
const MOST: u32 = 4096;

/// What is known of the program.
#[derive(Clone, Debug)]
pub struct Rhythm {
    /// The last callback, if nothing was committed since, and whether it was given early.
    told: Option<(Mono, bool)>,
    at_once: u32,
    needed: u32,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            told: None,
            at_once: 0,
            needed: FIRST,
        }
    }
}

impl Rhythm {
    /// Whether the next callback is to be given early.
    pub fn wants_early(&self) -> bool {
        self.at_once >= self.needed
    }

    /// A callback was given.
    pub fn told(&mut self, now: Mono, early: bool) {
        self.told = Some((now, early));
        if early {
            self.at_once = 0;
        }
    }

    /// Something new was committed.
    pub fn committed(&mut self, now: Mono, period: Duration) {
        let Some((told, early)) = self.told.take() else {
            return;
        };
        let gap = now.since(told);
        match early {
            true if gap < period / 2 => self.needed = (self.needed * 2).min(MOST),
            true => self.needed = FIRST,
            // Xwayland itself takes up to 3 ms for a large window.
            false if gap < period / 4 => self.at_once += 1,
            false => self.at_once = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(16);

    /// Of so many callbacks, how many were early; the program commits `gap` after each.
    fn early(gap: Duration, callbacks: u64) -> usize {
        let mut rhythm = Rhythm::default();
        let callback = |n: u64| {
            let now = Mono(1_000_000_000) + PERIOD * n as u32;
            let early = rhythm.wants_early();
            rhythm.told(now, early);
            rhythm.committed(now + gap, PERIOD);
            early
        };
        (0..callbacks).map(callback).filter(|early| *early).count()
    }

    #[test]
    fn one_that_draws_slowly_is_never_told_early() {
        assert_eq!(early(Duration::from_millis(5), 10_000), 0);
    }

    #[test]
    fn one_that_draws_fast_is_tried_ever_more_seldom() {
        assert_eq!(early(Duration::from_millis(1), 16 + 32 + 64 + 128 + 4), 4);
    }
}
