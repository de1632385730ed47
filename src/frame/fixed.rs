//! Fixed pacing (`--adaptive-sync=false`): frames are shown at even intervals, as on a display without VRR. What is shown
//! at the end of an interval is chosen as late in it as rendering and encoding allow: by the time they have lately taken at
//! most, and a red zone for what the estimate misses.
//!
//! The estimate follows slower frames in a few steps, each too short to be seen as an uneven latch, and forgets them slowly.

use std::time::Duration;

/// Left for what the estimate misses, unless it is set (`GAMESCOPE_TUNEABLE_VBLANK_REDZONE`); gamescope's.
pub const RED_ZONE: Duration = Duration::from_micros(1_650);
/// By so much a frame may move the next latch.
const STEP: Duration = Duration::from_micros(800);
/// What a frame takes before any has been measured.
const UNKNOWN: Duration = Duration::from_millis(3);

/// How long before the end of an interval to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    estimate: Duration,
    red_zone: Duration,
}

impl Default for Fixed {
    fn default() -> Self {
        Self {
            estimate: UNKNOWN,
            red_zone: RED_ZONE,
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
        assert_eq!(p.step(at(1_000), true), NOTHING);
        let latch = p.deadline().unwrap();
        assert_eq!(latch, at(16_000 - 4_590));
        p.commit(at(9_000), true);
        assert_eq!(p.step(at(9_000), true), NOTHING);
        assert_eq!(p.step(latch, true), LATCH);
        assert_eq!(p.shown_at(latch), at(16_000));
        // What comes after that is for the next interval.
        p.commit(at(15_000), true);
        assert_eq!(p.step(at(15_000), true), NOTHING);
        assert_eq!(p.deadline(), Some(at(16_000)));
        assert!(p.step(at(16_000), true).callbacks);
        assert_eq!(p.deadline(), Some(at(32_000 - 4_590)));
    }

    #[test]
    fn an_idle_time_and_a_key_leave_the_grid_where_it_is() {
        let mut p = pacer();
        p.commit(at(0), true);
        p.input_edge();
        assert_eq!(p.step(at(2_000), true), NOTHING);
        assert!(p.step(at(12_000), true).latch);
        let later = 16_000 * 100 + 3_000;
        p.commit(at(later), true);
        p.step(at(later), true);
        assert_eq!(p.deadline(), Some(at(16_000 * 101 - 4_650)));
        assert_eq!(p.shown_at(at(later)), at(16_000 * 101));
    }

    #[test]
    fn a_busy_encoder_is_waited_for() {
        let mut p = pacer();
        p.commit(at(0), true);
        assert_eq!(p.step(at(12_000), false), NOTHING);
        // Only the tick is left to wake up for, and the encoder.
        assert_eq!(p.deadline(), Some(at(16_000)));
        assert_eq!(p.step(at(13_000), true), LATCH);
    }
}
