//! How late a batch is. Owns the least one-way delay seen lately, which is the yardstick, and the round trip
//! that the echoes of acknowledgements show.

use super::batch::Batch;

/// How long one half of the window of the least delay is, in µs. Clocks that drift by 100 ppm drift by 2 ms in it.
const HALF_WINDOW: u64 = 10_000_000;
/// Round trips above this say that somebody slept, in µs.
const MAX_RTT: u64 = 1_000_000;
/// Batches whose time of arrival is remembered; at 125 Hz half a second.
const RECENT: usize = 64;

/// The delay of one client's batches.
#[derive(Clone, Debug, Default)]
pub(super) struct Delay {
    /// The least of (arrival − time) of this half of the window and of the one before. The clocks have nothing in
    /// common, so only differences mean something.
    least: Option<(i64, i64)>,
    half_since: u64,
    /// Sequence and arrival of the last batches: each was acknowledged as it came.
    recent: Vec<(u32, u64)>,
    /// Where in `recent` the next one goes.
    next: usize,
    /// Smoothed as in RFC 9002, section 5.3.
    rtt: Option<u64>,
}

impl Delay {
    /// By how much, in µs, the batch was later than the fastest of late.
    pub fn sample(&mut self, now: u64, batch: &Batch) -> u64 {
        let trip = self.round_trip(now, batch);
        if let Some(trip) = trip.filter(|t| *t <= MAX_RTT) {
            self.rtt = Some(self.rtt.map_or(trip, |rtt| (7 * rtt + trip) / 8));
        }
        self.remember(now, batch.seq);

        let delay = now.wrapping_sub(batch.time) as i64;
        let (old, new) = match self.least {
            Some((old, new)) if now.saturating_sub(self.half_since) < HALF_WINDOW => (old, new.min(delay)),
            Some((_, new)) if now.saturating_sub(self.half_since) < 2 * HALF_WINDOW => {
                self.half_since = now;
                (new, delay)
            }
            _ => {
                self.half_since = now;
                (delay, delay)
            }
        };
        self.least = Some((old, new));
        let excess = delay.wrapping_sub(old.min(new)).max(0) as u64;
        // One way can't be longer than there and back; without this a client whose clock stopped in its sleep
        // would seem late until the window forgets.
        trip.map_or(excess, |trip| excess.min(trip))
    }

    /// The smoothed round trip; 0: unknown.
    pub fn rtt(&self) -> u64 {
        self.rtt.unwrap_or(0)
    }

    /// Sequence numbers begin again.
    pub fn new_epoch(&mut self) {
        self.recent.clear();
        self.next = 0;
    }

    /// From the acknowledgement that the batch echoes to the batch, less what the client waited between.
    fn round_trip(&self, now: u64, batch: &Batch) -> Option<u64> {
        if batch.last_ack == 0 || batch.ack_age == u32::MAX {
            return None;
        }
        let (_, acked) = self.recent.iter().find(|(seq, _)| *seq == batch.last_ack)?;
        // The client's clock may run a little faster.
        Some(now.saturating_sub(*acked).saturating_sub(batch.ack_age.into()))
    }

    fn remember(&mut self, now: u64, seq: u32) {
        if self.recent.len() < RECENT {
            self.recent.push((seq, now));
        } else {
            self.recent[self.next] = (seq, now);
        }
        self.next = (self.next + 1) % RECENT;
    }
}
