//! How long to hold the sound back: as short as its packets' lateness of late allows.

use std::collections::VecDeque;

/// Lateness is counted in steps of this, in µs, and not above the last.
const STEP: f64 = 250.0;
const STEPS: usize = 4096;
/// What is looked back on, in µs, and at most so many packets.
const WINDOW: f64 = 10_000_000.0;
const KEPT: usize = 8192;
/// The sum is made this often, in µs.
const INTERVAL: f64 = 100_000.0;
/// One packet in so many may come later than what is sized for.
const LATER: usize = 100;
/// The latest packet is remembered for a minute, by parts of so many µs.
const PART: f64 = 5_000_000.0;
const PARTS: usize = 12;
/// The least delay, in µs.
pub const FLOOR: f64 = 5_000.0;
/// What is more than this above the least lateness is not waited for: two round trips, within these bounds (µs). Lost
/// packets are there again after one and a half.
const LEAST_CAP: f64 = 40_000.0;
const MOST_CAP: f64 = 250_000.0;
/// A packet that came too late raises the delay to what it would have needed and this, in µs; and more than this above
/// the latest packet of the last minute is not needed.
const MARGIN: f64 = 1_000.0;
/// But only if it is not alone: packets that are too late within so many µs are one event, and a delay for one that comes
/// once in [`WINDOW`] costs more than the few packets that are made up for.
const EVENT: f64 = 200_000.0;
/// So much more at the start, when nothing is known, in µs.
const CAUTION: f64 = 10_000.0;
/// What comes in the first so many µs may be left over from before we listened, and is forgotten then.
const PROBATION: f64 = 500_000.0;
/// The delay falls only after so much time of measuring, in µs.
const SETTLED: f64 = 2_000_000.0;
/// How fast the delay may change: µs per µs. It falls by what is too much in so many µs, but slowly and not too slowly.
const RISE: f64 = 4000e-6;
const FALL: f64 = 1000e-6;
const FALL_TIME: f64 = 10_000_000.0;
/// It stays where it is while it is too long by no more than this, in µs.
const SLACK: f64 = 500.0;
/// What is too long by more than this (µs) is cut off at once: the watchdog sees it and jumps.
const TOO_LONG: f64 = 40_000.0;

/// Sizes the delay from the game to the ear. All in µs.
#[derive(Clone, Debug)]
pub struct Depth {
    frame: f64,
    cap: f64,
    counts: Vec<u16>,
    recent: VecDeque<(f64, usize)>,
    /// The highest step of each part, the newest first, and when that began.
    worst: [usize; PARTS],
    part: Option<f64>,
    /// The highest lateness of a packet that came too late, and when it did.
    late: Option<(f64, f64)>,
    /// When the newest event began and went on last, and when the one before it was over.
    event: Option<(f64, f64)>,
    before: Option<f64>,
    first: Option<f64>,
    proven: bool,
    summed: Option<f64>,
    target: f64,
    current: Option<f64>,
    last: f64,
}

impl Depth {
    /// For packets of `frame` µs.
    pub fn new(frame: f64) -> Self {
        Self {
            frame,
            cap: LEAST_CAP,
            counts: vec![0; STEPS],
            recent: VecDeque::new(),
            worst: [0; PARTS],
            part: None,
            late: None,
            event: None,
            before: None,
            first: None,
            proven: false,
            summed: None,
            target: FLOOR,
            current: None,
            last: 0.0,
        }
    }

    /// The network's round trip, in µs.
    pub fn set_round_trip(&mut self, us: f64) {
        self.cap = (2.0 * us).clamp(LEAST_CAP, MOST_CAP);
    }

    /// A packet came that was not there yet, `lateness` µs after its time stamp. `missed`: too late to be played.
    pub fn arrived(&mut self, now: f64, lateness: f64, missed: bool) {
        if !self.proven && self.first.is_some_and(|first| now - first >= PROBATION) {
            self.clear();
            self.proven = true;
        }
        let step = ((lateness / STEP).ceil().max(0.0) as usize).min(STEPS - 1);
        while let Some((at, old)) = self.recent.front().copied() {
            if now - at <= WINDOW && self.recent.len() < KEPT {
                break;
            }
            self.counts[old] -= 1;
            self.recent.pop_front();
        }
        self.recent.push_back((now, step));
        self.counts[step] += 1;
        self.first.get_or_insert(now);
        if self.part.is_none_or(|began| now - began >= PART) {
            self.worst.rotate_right(1);
            self.worst[0] = 0;
            self.part = Some(now);
        }
        self.worst[0] = self.worst[0].max(step);
        let needed = step as f64 * STEP + MARGIN;
        if missed && self.again(now) && self.late.is_none_or(|(worst, at)| needed >= worst || now - at > WINDOW) {
            self.late = Some((needed, now));
            self.summed = None;
        }
        if self.summed.is_none_or(|at| now - at >= INTERVAL) {
            self.summed = Some(now);
            self.target = self.sum(now);
        }
    }

    /// A packet is too late at `now`; whether others were before, in another event, or are for long.
    fn again(&mut self, now: f64) -> bool {
        let began = match self.event {
            Some((began, last)) if now - last <= EVENT => began,
            other => {
                self.before = other.map(|(_, last)| last);
                now
            }
        };
        self.event = Some((began, now));
        now - began > EVENT || self.before.is_some_and(|before| now - before <= WINDOW)
    }

    /// What was measured is true no longer.
    pub fn forget(&mut self) {
        self.clear();
        self.first = None;
        self.proven = false;
    }

    fn clear(&mut self) {
        self.counts.fill(0);
        self.recent.clear();
        self.worst.fill(0);
        self.part = None;
        self.late = None;
        self.event = None;
        self.before = None;
        self.summed = None;
    }

    /// The delay that the packets of late ask for.
    fn sum(&self, now: f64) -> f64 {
        let allowed = self.recent.len() / LATER;
        let mut above = 0;
        let mut high = 0;
        for (step, count) in self.counts.iter().enumerate().rev() {
            above += usize::from(*count);
            if above > allowed {
                high = step;
                break;
            }
        }
        let least = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        let worst = self.worst.iter().max().map_or(0.0, |step| *step as f64 * STEP);
        let mut wanted = (high as f64 * STEP + self.frame).min(worst + MARGIN);
        if let Some((needed, _)) = self.late.filter(|(_, at)| now - at <= WINDOW) {
            wanted = wanted.max(needed);
        }
        wanted.min(least as f64 * STEP + self.frame + self.cap).max(FLOOR)
    }

    /// Playing begins, or begins again after nothing was heard: the delay may be anything now.
    pub fn start(&mut self, now: f64) -> f64 {
        let known = self.first.is_some_and(|first| now - first >= SETTLED);
        let current = self.target + if known { 0.0 } else { CAUTION };
        self.current = Some(current);
        self.last = now;
        current
    }

    /// Moves the delay a little towards what is asked for. Returns the delay and how fast it changes, in µs per µs.
    pub fn advance(&mut self, now: f64) -> (f64, f64) {
        let current = self.current.unwrap_or(self.target);
        let elapsed = (now - self.last).max(0.0);
        self.last = now;
        let settled = self.first.is_some_and(|first| now - first >= SETTLED);
        // As much has been measured as was forgotten.
        let known = self.proven && self.first.is_some_and(|first| now - first >= 2.0 * PROBATION);
        let over = current - self.target;
        let (change, slope) = if over < 0.0 {
            ((RISE * elapsed).min(-over), RISE)
        } else if known && over > TOO_LONG {
            (-over, 0.0)
        } else if settled && over > SLACK {
            let fall = (over / FALL_TIME).clamp(FALL, RISE);
            (-(fall * elapsed).min(over - SLACK), -fall)
        } else {
            (0.0, 0.0)
        };
        self.current = Some(current + change);
        (current + change, slope)
    }

    /// The delay that is wanted.
    pub fn target(&self) -> f64 {
        self.target
    }
}
