//! Notices when the sound is not where it should be, and when it is so far off that only a jump helps.

/// The sound is further than this (µs) from where it should be …
pub const DRIFTING: f64 = 2_000.0;
/// … for this long: an event. A listener begins to notice at ten times as much.
pub const PATIENCE: f64 = 200_000.0;
/// More than this is not played away at half a per cent, it is jumped over.
pub const LOST: f64 = 30_000.0;

/// What the watchdog has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// The drift (µs) has been over [`DRIFTING`] for [`PATIENCE`]; said once until it is under it again.
    Drifting(f64),
    /// The drift (µs) was over [`LOST`], or the device had slipped by it: the sound has jumped to where it should be.
    Resync(f64),
    /// Packets came, all too late: the sound has been put back.
    Starved,
}

/// Looks at each measured drift.
#[derive(Clone, Debug, Default)]
pub struct Watchdog {
    since: Option<f64>,
    barked: bool,
}

impl Watchdog {
    /// The drift (µs) at `at` (µs).
    pub fn step(&mut self, at: f64, drift: f64) -> Option<Event> {
        if drift.abs() > LOST {
            self.since = None;
            self.barked = false;
            return Some(Event::Resync(drift));
        }
        if drift.abs() <= DRIFTING {
            self.since = None;
            self.barked = false;
            return None;
        }
        let since = *self.since.get_or_insert(at);
        if self.barked || at - since < PATIENCE {
            return None;
        }
        self.barked = true;
        Some(Event::Drifting(drift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of so many looks at a drift, 1 ms apart.
    fn said(drift: f64, looks: u32) -> Vec<Event> {
        let mut watchdog = Watchdog::default();
        (0..looks)
            .filter_map(|n| watchdog.step(f64::from(n) * 1_000.0, drift))
            .collect()
    }

    #[test]
    fn over_2_ms_for_200_is_an_event_and_over_30_a_jump() {
        let (over, far) = (Event::Drifting(2_100.0), Event::Resync(-30_100.0));
        assert_eq!(said(1_900.0, 1_000), []);
        assert_eq!((said(2_100.0, 200), said(2_100.0, 201)), (vec![], vec![over]));
        assert_eq!(said(-2_100.0, 1_000), [Event::Drifting(-2_100.0)]);
        assert_eq!(said(29_900.0, 200), []);
        assert_eq!(said(-30_100.0, 1), [far]);
        // What was short of 200 ms, and came again, begins anew.
        let mut watchdog = Watchdog::default();
        let drift = |n| if n == 150 { 1_900.0 } else { 2_100.0 };
        let mut looks = (0..400).filter(|n| watchdog.step(f64::from(*n) * 1_000.0, drift(*n)).is_some());
        assert_eq!((looks.next(), looks.next()), (Some(351), None));
    }
}
