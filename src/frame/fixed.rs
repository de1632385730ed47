//! Fixed pacing (`--adaptive-sync=false`): frames are shown at even intervals, as on a display without VRR. What is shown
//! at the end of an interval is chosen as late in it as rendering and encoding allow: by the time they have lately taken at
//! most, and a red zone for what the estimate misses.
//!
//! Clients are told to draw so that their frame is there when it is chosen, and not long before: as early as nearly all of
//! their frames have lately taken. A frame that comes after that is taken at once, so that it is late by what it needs only.
//!
//! The estimates follow slower frames in a few steps, each too short to be seen as an uneven latch, and forget them slowly.

use crate::time::Mono;
use std::time::Duration;

/// Left for what the estimate misses, unless it is set (`GAMESCOPE_TUNEABLE_VBLANK_REDZONE`); gamescope's.
pub const RED_ZONE: Duration = Duration::from_micros(1_650);
/// By so much a frame may move the next latch.
const STEP: Duration = Duration::from_micros(800);
/// What a frame takes before any has been measured.
const UNKNOWN: Duration = Duration::from_millis(3);

/// Clients are told so much earlier than they have lately taken to draw, and by so much one frame may change what they take:
/// a timer's and a message's inexactness.
const EARLY: Duration = Duration::from_micros(300);

/// How long before the end of an interval to choose, and how long before that to have clients draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    estimate: Duration,
    red_zone: Duration,
    /// What a client takes to draw.
    drawing: Duration,
    /// Clients were told then, and none has drawn since.
    told: Option<Mono>,
    /// They were last told to draw for this interval.
    told_for: u64,
}

impl Default for Fixed {
    fn default() -> Self {
        Self {
            estimate: UNKNOWN,
            red_zone: RED_ZONE,
            // At first they are told in good time.
            drawing: Duration::from_millis(16),
            told: None,
            told_for: 0,
        }
    }
}

impl Fixed {
    /// A frame took so long from latch to packet.
    pub fn took(&mut self, time: Duration) {
        self.estimate = time.clamp(self.estimate * 98 / 100, self.estimate + STEP);
    }

    /// Another red zone.
    pub fn set_red_zone(&mut self, red_zone: Duration) {
        self.red_zone = red_zone;
    }

    /// Clients are told to draw for this interval.
    pub fn told(&mut self, now: Mono, interval: u64) {
        self.told = Some(now);
        self.told_for = interval;
    }

    /// Something new to show was committed.
    pub fn committed(&mut self, now: Mono) {
        if let Some(told) = self.told.take() {
            let took = now.since(told);
            // One slow frame says little of the next.
            let slower = took.saturating_sub(self.drawing).min(EARLY);
            let faster = self.drawing.saturating_sub(took) / 16;
            self.drawing = self.drawing + slower - faster;
        }
    }

    /// For which interval clients are to be told next, if frames have been chosen for all before `open`.
    pub fn next(&self, open: u64) -> u64 {
        open.max(self.told_for + 1)
    }

    /// How long before a latch to tell clients to draw.
    pub fn ahead(&self, period: Duration) -> Duration {
        (self.drawing + EARLY).min(period)
    }

    /// How long before the interval's end to latch; never before its begin.
    pub fn lead(&self, period: Duration) -> Duration {
        (self.estimate + self.red_zone).min(period)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pacer::{Due, Pacer};
    use super::*;
    use crate::time::Mono;

    const PERIOD: Duration = Duration::from_millis(16);
    const NOTHING: Due = Due {
        latch: false,
        callbacks: false,
    };
    const LATCH: Due = Due {
        latch: true,
        callbacks: false,
    };
    const TELL: Due = Due {
        latch: false,
        callbacks: true,
    };

    fn at(us: u64) -> Mono {
        Mono(16_000_000_000 + us * 1000)
    }

    fn pacer() -> Pacer {
        let mut pacer = Pacer::new(PERIOD);
        pacer.set_fixed(true);
        pacer
    }

    #[test]
    fn slow_frames_count_soon_and_are_forgotten_slowly() {
        let mut fixed = Fixed::default();
        let lead = |fixed: &Fixed| fixed.lead(PERIOD).as_micros();
        assert_eq!(lead(&fixed), 4_650);
        fixed.took(Duration::from_millis(8));
        assert_eq!(lead(&fixed), 5_450);
        for _ in 0..6 {
            fixed.took(Duration::from_millis(8));
        }
        assert_eq!(lead(&fixed), 9_650);
        for _ in 0..300 {
            fixed.took(Duration::from_millis(2));
        }
        assert_eq!(lead(&fixed), 3_650);
        for _ in 0..100 {
            fixed.took(Duration::from_secs(1));
        }
        assert_eq!(fixed.lead(PERIOD), PERIOD);
    }

    #[test]
    fn the_newest_is_latched_at_the_interval_s_end_less_the_lead() {
        let mut p = pacer();
        p.took(Duration::from_micros(1_350)); // with the red zone 4.59 ms: 3 ms less 2 %
        p.commit(at(1_000), true);
        assert_eq!(p.step(at(1_000), true), TELL);
        let latch = p.deadline().unwrap();
        assert_eq!(latch, at(16_000 - 4_590));
        p.commit(at(9_000), true);
        assert_eq!(p.step(at(9_000), true), NOTHING);
        let due = p.step(latch, true);
        assert!(due.latch);
        assert_eq!(p.shown_at(latch), at(16_000));
        // What comes after that is for the next interval.
        p.commit(at(15_000), true);
        assert!(!p.step(at(15_000), true).latch);
        assert!(!p.step(at(16_000), true).latch);
        assert_eq!(p.deadline(), Some(at(32_000 - 4_590)));
    }

    /// Plays the clock's timer and a client that takes so long to draw when it is told, from `from` on; when frames were
    /// committed and latched.
    fn play(p: &mut Pacer, from: Mono, frames: usize, draws: impl Fn(usize) -> Duration) -> Vec<(Mono, Mono)> {
        let mut played = Vec::new();
        let (mut now, mut drawn) = (from, Some(from));
        let mut committed = from;
        while played.len() < frames {
            if drawn == Some(now) {
                p.commit(now, true);
                (committed, drawn) = (now, None);
            }
            let due = p.step(now, true);
            if due.latch {
                played.push((committed, now));
            }
            if due.callbacks {
                assert_eq!(drawn, None, "it is told once for a frame");
                drawn = Some(now + draws(played.len()));
            }
            now = p
                .deadline()
                .into_iter()
                .chain(drawn)
                .min()
                .expect("it goes on")
                .max(now);
        }
        played
    }

    #[test]
    fn clients_draw_for_the_latch_and_not_long_before() {
        let mut p = pacer();
        // 3 to 3.5 ms.
        let draws = |n: usize| Duration::from_micros(3_000 + (n * 7919 % 500) as u64);
        let played = play(&mut p, at(0), 300, draws);
        for (i, pair) in played.windows(2).enumerate().skip(100) {
            assert!(pair[1].1.since(pair[0].1).abs_diff(PERIOD) < EARLY, "frame {i}");
            let waited = pair[1].1.since(pair[1].0);
            assert!(waited < Duration::from_micros(1_300), "frame {i} waited {waited:?}");
        }
    }

    #[test]
    fn a_late_frame_is_taken_at_once_and_the_next_are_asked_for_earlier() {
        let mut p = pacer();
        play(&mut p, at(0), 200, |_| Duration::from_millis(3));
        let slower = |n: usize| Duration::from_micros(if n == 0 { 3_000 } else { 5_000 });
        let played = play(&mut p, at(16_000 * 400), 20, slower);
        let uneven = |pair: &&[(Mono, Mono)]| pair[1].1.since(pair[0].1) != PERIOD;
        assert!(
            (1..=8).contains(&played.windows(2).filter(uneven).count()),
            "{played:?}"
        );
        assert!(
            played
                .iter()
                .skip(1)
                .all(|(commit, latch)| latch.since(*commit) < PERIOD / 4),
            "{played:?}"
        );
        // Who takes longer than an interval is not held up.
        let played = play(&mut p, at(16_000 * 800), 60, |_| Duration::from_millis(21));
        for pair in played[40..].windows(2) {
            assert_eq!(pair[1].0.since(pair[0].0), Duration::from_millis(21), "{played:?}");
            assert!(pair[1].1.since(pair[1].0) < PERIOD, "{played:?}");
        }
    }

    #[test]
    fn who_draws_nothing_new_is_told_once_an_interval() {
        let mut p = pacer();
        let mut told = 0;
        for us in (0..160_000).step_by(100) {
            p.commit(at(us), false);
            told += usize::from(p.step(at(us), true).callbacks);
        }
        assert!((10..=11).contains(&told), "{told}");
    }

    #[test]
    fn an_idle_time_and_a_key_leave_the_grid_where_it_is() {
        let mut p = pacer();
        p.commit(at(0), true);
        p.input_edge();
        assert_eq!(p.step(at(2_000), true), TELL);
        assert!(p.step(at(12_000), true).latch);
        let later = 16_000 * 100 + 3_000;
        p.commit(at(later), true);
        p.step(at(later), true);
        assert_eq!(p.deadline(), Some(at(16_000 * 101 - 4_650)));
        assert_eq!(p.shown_at(at(later)), at(16_000 * 101));
    }

    #[test]
    fn content_with_a_time_is_due_at_the_latch_for_it() {
        let mut p = pacer();
        p.commit(at(0), false);
        p.step(at(0), true);
        for (time, due) in [(1, 11_350), (16_000, 11_350), (16_001, 27_350), (48_000, 43_350)] {
            assert_eq!(p.due_for(at(time)), at(due));
            assert!(p.reach(at(due)) >= at(time));
            assert!(p.reach(at(due - 1)) < at(time));
        }
        // Shown as soon as it is there.
        p.set_fixed(false);
        assert_eq!((p.due_for(at(7)), p.reach(at(7))), (at(7), at(7)));
    }

    #[test]
    fn a_busy_encoder_is_waited_for() {
        let mut p = pacer();
        p.commit(at(0), true);
        assert_eq!(p.step(at(12_000), false), TELL);
        // Only the encoder is left to wake up for.
        assert_eq!(p.deadline(), None);
        assert_eq!(p.step(at(13_000), true), LATCH);
    }
}
