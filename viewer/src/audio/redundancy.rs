//! Which of a rendition's tracks to read: the plain one, or the one that carries each packet with those before it once
//! more, which costs three times as much (protocols/stream.md).

use std::collections::VecDeque;

/// So many packets missing within the window ask for redundancy; µs.
const MISSING: usize = 3;
const WINDOW: f64 = 10_000_000.0;
/// It is kept until nothing would have been missing for so long, in µs.
const QUIET: f64 = 60_000_000.0;

/// Decides by what was missed.
#[derive(Clone, Debug, Default)]
pub struct Redundancy {
    missed: VecDeque<f64>,
    count: u64,
    since: Option<f64>,
}

impl Redundancy {
    /// Whether redundancy is wanted at `now` (µs), when `count` packets have been missing, lost or late, since the beginning
    /// ([`Metrics::missing`](super::player::Metrics::missing)).
    pub fn wanted(&mut self, now: f64, count: u64) -> bool {
        // A new player counts from zero.
        let new = count - if count < self.count { 0 } else { self.count };
        self.count = count;
        for _ in 0..new.min(MISSING as u64) {
            self.missed.push_back(now);
        }
        self.missed.retain(|at| now - at <= WINDOW);
        let surplus = self.missed.len().saturating_sub(MISSING);
        self.missed.drain(..surplus);
        if let (MISSING, Some(newest)) = (self.missed.len(), self.missed.back()) {
            self.since = Some(*newest);
        } else if self.since.is_some_and(|since| now - since > QUIET) {
            self.since = None;
        }
        self.since.is_some()
    }

    /// A packet was there only because it was repeated: what is repeated is still needed.
    pub fn helped(&mut self, now: f64) {
        if self.since.is_some() {
            self.since = Some(now);
        }
    }
}
