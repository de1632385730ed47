//! The client's end: when to ping, which answers to trust, and the line through them.

use super::{Ping, Pong};
use std::collections::VecDeque;

/// The most samples kept, and for how long, in µs.
const MAX_SAMPLES: usize = 64;
const WINDOW: u64 = 60_000_000;
/// Pings whose answer may still come.
const MAX_OUTSTANDING: usize = 8;
/// An answer later than this says nothing of use, in µs.
const MAX_RTT: u64 = 10_000_000;
/// A sample's weight is 1 / (its round trip − the least + a slack, in µs)²: an offset can be wrong by half the excess. The slack
/// is this and a part of the mean excess: the more the network jitters, the further is the least itself from the best there is,
/// and no one sample must outweigh all others.
const SLACK: u64 = 200;
const SLACK_PART: u64 = 8;
/// A line needs this many samples whose times have, by weight, this standard deviation in µs; before, the best
/// sample stands for all.
const LINE_SAMPLES: usize = 8;
const LINE_DEVIATION: f64 = 3_000_000.0;
/// Crystals that differ by more than this don't exist; 1 is 10⁶ ppm.
const MAX_SKEW: f64 = 500e-6;
/// By how much a sample's offset is expected to age: 1 µs in so many (50 ppm).
const AGEING: u64 = 20_000;

/// When to ping; in µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many pings go first, fast.
    pub burst: u32,
    /// Between those.
    pub burst_interval: u64,
    /// Between all later ones.
    pub interval: u64,
}

impl Default for Schedule {
    /// Five at 50 ms, then one a second.
    fn default() -> Self {
        Self {
            burst: 5,
            burst_interval: 50_000,
            interval: 1_000_000,
        }
    }
}

/// One ping's four time stamps, digested.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// The middle of the exchange, client's clock.
    at: u64,
    /// Server's clock − client's; wrong by at most half of `rtt`.
    offset: i64,
    rtt: u64,
}

/// What the trusted samples say: offset = `offset` + `skew` × (t − `at`).
#[derive(Clone, Copy, Debug)]
struct Line {
    at: u64,
    offset: i64,
    skew: f64,
    rtt: u64,
}

/// Estimates the server's clock. `now` is the client's monotonic clock in µs and never runs backwards.
#[derive(Clone, Debug, Default)]
pub struct Estimator {
    schedule: Schedule,
    /// Pings since the start or the last step of a clock.
    pings: u32,
    last_ping: Option<u64>,
    outstanding: VecDeque<u64>,
    samples: VecDeque<Sample>,
    line: Option<Line>,
}

impl Estimator {
    /// An estimator that knows nothing yet and pings at once.
    pub fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            ..Self::default()
        }
    }

    /// When to call [`poll`](Self::poll) next; zero: at once.
    pub fn deadline(&self) -> u64 {
        let fast = self.pings < self.schedule.burst;
        let interval = if fast {
            self.schedule.burst_interval
        } else {
            self.schedule.interval
        };
        self.last_ping.map_or(0, |last| last.saturating_add(interval))
    }

    /// The ping to send now, if one is due.
    pub fn poll(&mut self, now: u64) -> Option<Ping> {
        if now < self.deadline() {
            return None;
        }
        self.last_ping = Some(now);
        self.pings = self.pings.saturating_add(1);
        if self.outstanding.len() == MAX_OUTSTANDING {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back(now);
        Some(Ping { t0: now })
    }

    /// The answer came. Whether it was one to a ping of ours and made sense.
    pub fn on_pong(&mut self, now: u64, pong: Pong) -> bool {
        let Some(index) = self.outstanding.iter().position(|t0| *t0 == pong.t0) else {
            return false;
        };
        self.outstanding.remove(index);
        let (Some(there_and_back), Some(inside)) = (now.checked_sub(pong.t0), pong.t2.checked_sub(pong.t1)) else {
            return false;
        };
        let Some(rtt) = there_and_back.checked_sub(inside).filter(|rtt| *rtt <= MAX_RTT) else {
            return false;
        };
        let (forth, back) = (difference(pong.t1, pong.t0), difference(pong.t2, now));
        // Both are the offset give or take the way; the halves are added so that nothing overflows.
        let sample = Sample {
            at: pong.t0 + there_and_back / 2,
            offset: forth.wrapping_add(back.wrapping_sub(forth) / 2),
            rtt,
        };
        self.add(now, sample);
        true
    }

    fn add(&mut self, now: u64, sample: Sample) {
        if let Some(line) = self.line {
            // Both are right to within half their round trips, so if they can't both be, a clock was stepped or
            // slept, and what was before says nothing any more. The rest allows for skew since the best sample.
            let apart = line.at(sample.at).wrapping_sub(sample.offset).unsigned_abs();
            let elapsed = sample.at.saturating_sub(line.at) as f64 * MAX_SKEW;
            if apart > (line.rtt + sample.rtt) / 2 + 1_000 + elapsed as u64 {
                self.samples.clear();
                self.pings = 0;
                self.line = None;
            }
        }
        self.samples.retain(|s| now.saturating_sub(s.at) <= WINDOW);
        if self.samples.len() == MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        self.line = self.fit();
    }

    /// Least squares through the samples, by weight.
    fn fit(&self) -> Option<Line> {
        let newest = self.samples.back()?.at;
        let known = self.line.map_or(0.0, |line| line.skew);
        let doubt = |s: &&Sample| s.rtt / 2 + newest.saturating_sub(s.at) / AGEING;
        let best = *self.samples.iter().min_by_key(doubt)?;
        let least = self.samples.iter().map(|s| s.rtt).min()?;
        // Few samples are good where the network jitters: then the best one stands for all, and the skew is what it was.
        let through_best = Line {
            at: best.at,
            offset: best.offset,
            skew: known,
            rtt: least,
        };
        // Relative to the best sample, so that f64 has digits to spare.
        let excesses = self.samples.iter().map(|s| s.rtt - least).sum::<u64>();
        let slack = SLACK + excesses / self.samples.len() as u64 / SLACK_PART;
        let points = self.samples.iter().map(|s| {
            let excess = (s.rtt - least + slack) as f64;
            let offset = s.offset.wrapping_sub(best.offset) as f64;
            (1.0 / (excess * excess), difference(s.at, best.at) as f64, offset)
        });
        let [w, wt, wo] = points
            .clone()
            .fold([0.0; 3], |[w, wt, wo], (p, t, o)| [w + p, wt + p * t, wo + p * o]);
        let (mean_t, mean_o) = (wt / w, wo / w);
        let [wtt, wto] = points.fold([0.0; 2], |[tt, to], (p, t, o)| {
            [
                tt + p * (t - mean_t) * (t - mean_t),
                to + p * (t - mean_t) * (o - mean_o),
            ]
        });
        if self.samples.len() < LINE_SAMPLES || wtt / w < LINE_DEVIATION * LINE_DEVIATION {
            return Some(through_best);
        }
        let skew = (wto / wtt).clamp(-MAX_SKEW, MAX_SKEW);
        Some(Line {
            offset: best.offset.wrapping_add((mean_o - skew * mean_t).round() as i64),
            skew,
            ..through_best
        })
    }

    /// Server's clock − client's, in µs, at `now` of the client's clock; `None`: no answer yet.
    pub fn offset(&self, now: u64) -> Option<i64> {
        self.line.map(|line| line.at(now))
    }

    /// A time of the client's clock in the server's.
    pub fn to_server(&self, client: u64) -> Option<u64> {
        Some(client.saturating_add_signed(self.offset(client)?))
    }

    /// A time of the server's clock in the client's.
    pub fn to_client(&self, server: u64) -> Option<u64> {
        let line = self.line?;
        // The skew over one offset's error is far below 1 µs, so one step is enough.
        let about = server.saturating_add_signed(line.offset.saturating_neg());
        Some(server.saturating_add_signed(line.at(about).saturating_neg()))
    }

    /// The least round trip of the window in µs.
    pub fn rtt(&self) -> Option<u64> {
        self.line.map(|line| line.rtt)
    }

    /// By how much the server's clock is faster than the client's; 1e-6 is one ppm.
    pub fn skew(&self) -> f64 {
        self.line.map_or(0.0, |line| line.skew)
    }
}

impl Line {
    fn at(&self, client: u64) -> i64 {
        self.offset
            .saturating_add((self.skew * difference(client, self.at) as f64).round() as i64)
    }
}

/// `a` − `b`; clocks are never 2⁶³ µs apart, and if a peer says so, it wraps.
fn difference(a: u64, b: u64) -> i64 {
    a.wrapping_sub(b) as i64
}
