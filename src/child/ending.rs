//! How a tree of processes is ended: asked first, then killed, each with a bound.

use crate::time::Mono;
use std::time::Duration;

/// How long a program may take to save its game. Past it, it is killed.
pub const GRACE: Duration = Duration::from_secs(10);
/// How long the kernel may take to end what was killed. Past it (a process stuck in a driver), it is left.
const LAST: Duration = Duration::from_secs(2);
/// How often the tree is looked at again: what is asked to end may still start something.
const AGAIN: Duration = Duration::from_millis(50);

/// Which signal the tree gets now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// SIGTERM, those who have not had it; look again after this long.
    Ask(Duration),
    /// SIGKILL; look again after this long.
    Kill(Duration),
    /// Nothing more can be done.
    GiveUp,
}

/// The state of an ending.
#[derive(Debug)]
pub struct Ending {
    kill_at: Mono,
}

impl Ending {
    /// Asked to end now.
    pub fn new(now: Mono) -> Self {
        Self { kill_at: now + GRACE }
    }

    /// No more patience.
    pub fn hurry(&mut self, now: Mono) {
        self.kill_at = self.kill_at.min(now);
    }

    /// What to do now.
    pub fn step(&self, now: Mono) -> Step {
        if now < self.kill_at {
            Step::Ask(AGAIN.min(self.kill_at.since(now)))
        } else if now < self.kill_at + LAST {
            Step::Kill(AGAIN)
        } else {
            Step::GiveUp
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_then_kills_then_gives_up() {
        let start = Mono(1_000_000_000);
        let ending = Ending::new(start);
        let at = |d: Duration| ending.step(start + d);
        assert_eq!(at(Duration::ZERO), Step::Ask(AGAIN));
        assert_eq!(
            at(GRACE - Duration::from_millis(1)),
            Step::Ask(Duration::from_millis(1))
        );
        assert_eq!(at(GRACE), Step::Kill(AGAIN));
        assert_eq!(at(GRACE + LAST - Duration::from_millis(1)), Step::Kill(AGAIN));
        assert_eq!(at(GRACE + LAST), Step::GiveUp);
    }

    #[test]
    fn can_be_hurried_but_not_slowed() {
        let start = Mono(1_000_000_000);
        let mut ending = Ending::new(start);
        let soon = start + Duration::from_secs(1);
        ending.hurry(soon);
        assert_eq!(ending.step(soon), Step::Kill(AGAIN));
        ending.hurry(soon + LAST);
        assert_eq!(ending.step(soon + LAST), Step::GiveUp);
    }
}
