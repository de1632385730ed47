//! When to ask the encoder for a key frame: at once, but not more often than anybody needs. Pure.
//!
//! Many reasons (new viewers, shed ones, a damaged picture, a group that has grown too long), one request at a time,
//! asked again if nothing has come, and limited so that no viewer can fill the link with key frames.

use crate::stream::session::{Bucket, Level};
use crate::time::Mono;
use std::time::Duration;

const RATE: Bucket = Bucket {
    burst: 4,
    every: Duration::from_secs(1),
};
/// A request that has not been answered is repeated after this.
const REPEAT: Duration = Duration::from_millis(500);

/// `moq_net` keeps a group whole until it ends and aborts it beyond 8192 frames or 32 MiB (`group::MAX_GROUP_FRAMES`,
/// `MAX_CACHE_BYTES`); it has no way to drop the head of a group that everybody has. So a new group is asked for long
/// before, which bounds memory: at 60 Hz and 6 Mb/s that is a key frame every half minute.
const ASK_FRAMES: usize = 6000;
const ASK_BYTES: u64 = 24 << 20;
/// No key frame has come: the group ends here, and the picture stands still until one comes.
const END_FRAMES: usize = 8000;
const END_BYTES: u64 = 30 << 20;

/// Requests for key frames.
#[derive(Debug, Default)]
pub struct KeyFrames {
    level: Level,
    asked: Option<Mono>,
    /// Somebody's picture is damaged, since then.
    requested: Option<Mono>,
    frames: usize,
    bytes: u64,
}

/// What to do about key frames now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nobody needs one.
    No,
    /// Ask the encoder.
    Now,
    /// Look again at this time.
    At(Mono),
}

impl KeyFrames {
    /// A packet has come. Whether the running group must end before it, there being no key frame.
    pub fn packet(&mut self, key_frame: bool, bytes: usize) -> bool {
        if key_frame {
            (self.asked, self.requested, self.frames, self.bytes) = (None, None, 0, 0);
        }
        self.frames += 1;
        self.bytes += bytes as u64;
        !key_frame && (self.frames > END_FRAMES || self.bytes > END_BYTES)
    }

    /// A viewer that has a group needs a new one all the same.
    pub fn request(&mut self, now: Mono) {
        self.requested.get_or_insert(now);
    }

    /// `wanted`: from when on somebody needs one.
    pub fn ask(&mut self, wanted: Option<Mono>, now: Mono) -> Ask {
        let long = (self.frames >= ASK_FRAMES || self.bytes >= ASK_BYTES).then_some(now);
        let Some(from) = wanted.into_iter().chain(self.requested).chain(long).min() else {
            return Ask::No;
        };
        let at = from
            .max(self.level.next(RATE))
            .max(self.asked.map_or(Mono::default(), |asked| asked + REPEAT));
        if at > now {
            return Ask::At(at);
        }
        self.level.take(RATE, now);
        self.asked = Some(now);
        Ask::Now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Mono = Mono(1_000_000_000);

    fn ms(n: u64) -> Mono {
        T0 + Duration::from_millis(n)
    }

    #[test]
    fn one_request_for_many_and_again_if_unanswered() {
        let mut keys = KeyFrames::default();
        assert_eq!(keys.ask(None, T0), Ask::No);
        assert_eq!(keys.ask(Some(T0), T0), Ask::Now);
        assert_eq!(keys.ask(Some(T0), ms(1)), Ask::At(ms(500)));
        assert_eq!(keys.ask(Some(T0), ms(500)), Ask::Now);
        keys.packet(true, 1000);
        assert_eq!(keys.ask(Some(ms(700)), ms(600)), Ask::At(ms(700)));
        assert_eq!(keys.ask(Some(ms(700)), ms(700)), Ask::Now);
    }

    #[test]
    fn a_storm_gets_one_a_second() {
        let mut keys = KeyFrames::default();
        let mut count = 0;
        for n in 0..10_000 {
            if keys.ask(Some(T0), ms(n)) == Ask::Now {
                count += 1;
                keys.packet(true, 1000);
            }
        }
        assert_eq!(count, 4 + 9);
    }

    #[test]
    fn a_long_group_is_replaced_and_at_last_ended() {
        let mut keys = KeyFrames::default();
        keys.packet(true, 1000);
        for _ in 1..5999 {
            assert!(!keys.packet(false, 100));
        }
        assert_eq!(keys.ask(None, T0), Ask::No);
        keys.packet(false, 100);
        assert_eq!(keys.ask(None, T0), Ask::Now);
        assert!((0..2000).all(|_| !keys.packet(false, 100)));
        assert!(keys.packet(false, 100));
        assert!(!keys.packet(true, 100));

        assert!(!keys.packet(false, 29 << 20));
        assert_eq!(keys.ask(None, ms(1000)), Ask::Now);
        assert!(keys.packet(false, 2 << 20));
    }
}
