//! Notices when the sound is not where it should be, and when it is so far off that only a jump helps.

/// The picture and the sound are apart by more than this (µs) …
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
