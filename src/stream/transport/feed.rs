//! What one viewer gets of the video: a fresh group at a key frame, then every frame, until it lags. Pure.
//!
//! Each session has a track of its own, so that a late viewer is not sent the group that is running (which may be
//! minutes long, since there are no periodic key frames), and so that what one viewer can't take is dropped for that
//! viewer alone. The encoder is shared: a key frame for one is a new group for all.

use crate::time::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// A viewer whose oldest frame not yet taken by QUIC is older than this is shed: the rest of its group is dropped and
/// it waits for a key frame.
pub const MAX_LAG: Duration = Duration::from_millis(250);
/// A viewer that is shed again within this time waits twice as long as the last time for its key frame.
const SETTLED: Duration = Duration::from_secs(5);
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(32);

/// What to do with a packet for this viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Not for this viewer.
    Skip,
    /// End its group and start a new one with this packet.
    Start,
    /// Add it to its group.
    Append,
    /// Drop its group and this packet.
    Shed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not subscribed.
    Idle,
    /// Needs a key frame; worth asking for one from this time on.
    Waiting { from: Mono },
    /// Has a group.
    Live { since: Mono },
}

/// One viewer's video.
#[derive(Debug)]
pub struct Feed {
    state: State,
    backoff: Duration,
    /// Bytes published since the last time that nothing was waiting, and what QUIC had taken in all by then. Counting
    /// anew each time keeps the protocol's own bytes, which QUIC takes as well, from adding up.
    published: u64,
    base: u64,
    /// Frames that QUIC has not taken yet: where each ends in `published`, and since when it waits.
    waiting: VecDeque<(u64, Mono)>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            state: State::Idle,
            backoff: Duration::ZERO,
            published: 0,
            base: 0,
            waiting: VecDeque::new(),
        }
    }
}

impl Feed {
    /// Somebody subscribes to the track, or nobody does any more.
    pub fn subscribed(&mut self, is: bool, now: Mono) {
        match (is, self.state) {
            (true, State::Idle) => self.state = State::Waiting { from: now },
            (false, _) => self.state = State::Idle,
            (true, _) => {}
        }
    }

    /// Whether somebody subscribes.
    pub fn is_subscribed(&self) -> bool {
        self.state != State::Idle
    }

    /// From when on a key frame is worth asking for; `None`: not needed.
    pub fn wants_key_frame(&self) -> Option<Mono> {
        match self.state {
            State::Waiting { from } => Some(from),
            State::Idle | State::Live { .. } => None,
        }
    }

    /// The group has ended for a reason that isn't the viewer's.
    pub fn interrupt(&mut self, now: Mono) {
        if let State::Live { .. } = self.state {
            self.state = State::Waiting { from: now };
        }
    }

    /// A packet of `bytes` comes. `accepted` and `blocked` are the session's meter.
    pub fn packet(&mut self, key_frame: bool, bytes: usize, accepted: u64, blocked: bool, now: Mono) -> Step {
        if self.state == State::Idle {
            return Step::Skip;
        }
        self.observe(accepted, blocked);
        if key_frame {
            self.state = State::Live { since: now };
            // The old group's rest comes after the new one, if at all: it doesn't count.
            self.observe(accepted, false);
            self.publish(bytes, now);
            return Step::Start;
        }
        let State::Live { since } = self.state else {
            return Step::Skip;
        };
        if self.lag(now) > MAX_LAG {
            self.backoff = match now.since(since) {
                live if live >= SETTLED => Duration::ZERO,
                _ => (self.backoff * 2).clamp(FIRST_BACKOFF, MAX_BACKOFF),
            };
            self.state = State::Waiting {
                from: now + self.backoff,
            };
            return Step::Shed;
        }
        self.publish(bytes, now);
        Step::Append
    }

    /// How long the oldest frame that QUIC hasn't taken has been waiting.
    pub fn lag(&self, now: Mono) -> Duration {
        self.waiting
            .front()
            .map_or(Duration::ZERO, |(_, since)| now.since(*since))
    }

    fn publish(&mut self, bytes: usize, now: Mono) {
        self.published += bytes as u64;
        self.waiting.push_back((self.published, now));
    }

    fn observe(&mut self, accepted: u64, blocked: bool) {
        if !blocked {
            (self.published, self.base) = (0, accepted);
            self.waiting.clear();
        }
        let taken = accepted.saturating_sub(self.base);
        while self.waiting.front().is_some_and(|(end, _)| *end <= taken) {
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: Mono = Mono(1_000_000_000);

    fn ms(n: u64) -> Mono {
        T0 + Duration::from_millis(n)
    }

    #[test]
    fn starts_at_a_key_frame() {
        let mut feed = Feed::default();
        assert_eq!(feed.packet(true, 10, 0, false, T0), Step::Skip, "nobody subscribes");
        feed.subscribed(true, T0);
        assert_eq!(feed.wants_key_frame(), Some(T0));
        assert_eq!(feed.packet(false, 10, 0, false, T0), Step::Skip);
        assert_eq!(feed.packet(true, 10, 0, false, T0), Step::Start);
        assert_eq!(feed.wants_key_frame(), None);
        assert_eq!(feed.packet(false, 10, 10, false, T0), Step::Append);
        feed.subscribed(false, T0);
        assert_eq!(feed.packet(false, 10, 20, false, T0), Step::Skip);
        feed.subscribed(true, T0);
        assert_eq!(
            feed.packet(false, 10, 20, false, T0),
            Step::Skip,
            "a new subscription starts afresh"
        );
        feed.packet(true, 10, 20, false, T0);
        feed.interrupt(ms(5));
        assert_eq!(feed.wants_key_frame(), Some(ms(5)));
    }

    #[test]
    fn sheds_a_viewer_that_takes_nothing_and_asks_ever_more_seldom() {
        let mut feed = Feed::default();
        feed.subscribed(true, T0);
        let mut now = T0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert_eq!(feed.packet(true, 1000, 0, false, now), Step::Start);
            let mut step = Step::Append;
            while step == Step::Append {
                now = now + Duration::from_millis(16);
                step = feed.packet(false, 1000, 0, true, now);
            }
            assert_eq!(step, Step::Shed);
            let from = feed.wants_key_frame().unwrap();
            waits.push(from.since(now).as_secs());
            now = from;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 32, 32]);
    }

    #[test]
    fn a_hiccup_after_long_costs_one_key_frame_at_once() {
        let mut feed = Feed::default();
        feed.subscribed(true, T0);
        feed.packet(true, 1000, 0, false, T0);
        let mut accepted = 1000;
        for n in 1..600 {
            // The protocol adds a few bytes of its own to each frame.
            assert_eq!(feed.packet(false, 1000, accepted, false, ms(n * 16)), Step::Append);
            accepted += 1008;
        }
        let stall = (600..).find(|n| feed.packet(false, 1000, accepted, true, ms(n * 16)) == Step::Shed);
        let stall = stall.unwrap();
        assert!((615..=617).contains(&stall), "{stall}");
        assert_eq!(feed.wants_key_frame(), Some(ms(stall * 16)));
    }

    #[test]
    fn a_busy_viewer_that_keeps_up_is_left_alone() {
        let mut feed = Feed::default();
        feed.subscribed(true, T0);
        feed.packet(true, 1000, 0, false, T0);
        for n in 1..10_000 {
            // Always a stream blocked, and always two frames behind: 33 ms.
            let step = feed.packet(false, 1000, n.max(2) * 1000 - 2000, true, ms(n * 16));
            assert_eq!(step, Step::Append);
            assert!(feed.lag(ms(n * 16)) <= Duration::from_millis(48));
        }
    }

    proptest! {
        /// Appends only within a group that began with a key frame, and what waits is bounded by the lag.
        #[test]
        fn never_starts_in_the_middle(steps in prop::collection::vec((0..10u8, any::<bool>(), 0..3000u64), 1..400)) {
            let (mut feed, mut now, mut accepted, mut live) = (Feed::default(), T0, 0, false);
            for (what, blocked, taken) in steps {
                now = now + Duration::from_millis(10);
                accepted += taken;
                match what {
                    0 => { feed.subscribed(true, now); }
                    1 => { feed.subscribed(false, now); live = false; }
                    _ => {
                        let step = feed.packet(what == 2, 1000, accepted, blocked, now);
                        match step {
                            Step::Append => prop_assert!(live),
                            Step::Start => { prop_assert_eq!(what, 2); live = true }
                            Step::Shed => { prop_assert!(live); live = false }
                            Step::Skip => prop_assert!(!live),
                        }
                    }
                }
                prop_assert!(feed.waiting.len() <= 27);
            }
        }
    }
}
