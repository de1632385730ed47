//! Decides what is heard when. Owns the packets' time stamps, not their contents.

use super::control::Control;
use super::depth::Depth;
use super::watchdog::{Event, Watchdog};
use std::collections::VecDeque;

/// Packets whose time stamps are remembered, so that a copy is known to be one.
const REMEMBERED: usize = 64;
/// More that wait than this: the oldest go.
pub(super) const MAX_WAITING: usize = 256;
/// A packet this far (in frames) from where the last ended follows it all the same: clocks are stamped, not counted.
const JOIN: f64 = 0.25;
/// A gap is filled for so long (µs); a longer one is silence, or all that came was too late.
pub const MAX_CONCEAL: f64 = 60_000.0;
/// What a device has slipped by is jumped over if it is more than this (µs): it was heard anyway.
const SLIP: f64 = 500.0;
/// A time stamp this far (µs) from what is played belongs to another story.
const FAR: f64 = 2_000_000.0;

/// What becomes of a packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits for its turn: keep its contents.
    Kept,
    /// Its time is over. What it would have filled was concealed.
    Late,
    /// It was here before.
    Duplicate,
}

/// What to play next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sound {
    /// The packet with this time stamp (µs) from `skip` µs on.
    Packet {
        /// Its time stamp.
        pts: u64,
        /// What is left out at its beginning.
        skip: f64,
    },
    /// Something that goes on from what was heard last.
    Conceal,
    /// Nothing.
    Silence,
}

/// A piece of what is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// What it is.
    pub sound: Sound,
    /// How much media time it covers, in µs.
    pub us: f64,
    /// It doesn't go on where the last block ended: fade over.
    pub fade: bool,
    /// So many samples are to be taken for each that is played.
    pub speed: f64,
    /// What the watchdog says.
    pub event: Option<Event>,
}

/// What the overlay shows, and a dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The delay from the game to the ear that is held, in µs.
    pub delay: f64,
    /// What is there to be played, in µs.
    pub depth: f64,
    /// How far the sound is behind (above zero) where it should be, in µs.
    pub drift: f64,
    /// The speed it is played at; 1: as recorded.
    pub speed: f64,
    /// Packets that were played.
    pub played: u64,
    /// Frames that were made up because their packet was not there.
    pub concealed: u64,
    /// Packets that were not there at their time, by their numbers: lost or late, made up for or not.
    pub missing: u64,
    /// Packets that came too late, and that were there already.
    pub late: u64,
    /// Packets that had come before.
    pub duplicates: u64,
    /// Jumps.
    pub resyncs: u64,
    /// Times that the drift stayed over 2 ms.
    pub excursions: u64,
}

/// What is kept of a packet.
#[derive(Clone, Copy, Debug)]
struct Packet {
    pts: u64,
    number: u64,
}

/// One stream's playing. Times are those of the server's clock at the ear (see the module above), in µs.
#[derive(Clone, Debug)]
pub struct Player {
    frame: f64,
    depth: Depth,
    control: Control,
    watchdog: Watchdog,
    /// Rising.
    waiting: VecDeque<Packet>,
    remembered: VecDeque<u64>,
    /// The media time that is heard next; `None`: nothing is being played.
    next: Option<f64>,
    /// How long it has been since a packet was played, in media time (infinite: none was since the start), and the
    /// frames made up in it.
    gap: f64,
    made_up: u64,
    /// The packet that was played last, and how many have been jumped over since that were there.
    last: Option<Packet>,
    passed: u64,
    /// Packets that came too late since one was played.
    late_run: u32,
    fade: bool,
    slipped: bool,
    /// Packets with time stamps (µs) up to this were late for a reason of our own.
    excused: f64,
    metrics: Metrics,
}

impl Player {
    /// For packets of `frame` µs.
    pub fn new(frame: f64) -> Self {
        Self {
            frame,
            depth: Depth::new(frame),
            control: Control::default(),
            watchdog: Watchdog::default(),
            waiting: VecDeque::new(),
            remembered: VecDeque::new(),
            next: None,
            gap: f64::INFINITY,
            made_up: 0,
            last: None,
            passed: 0,
            late_run: 0,
            fade: true,
            slipped: false,
            excused: f64::NEG_INFINITY,
            metrics: Metrics {
                speed: 1.0,
                ..Metrics::default()
            },
        }
    }

    /// The network's round trip (µs), which bounds what is worth waiting for.
    pub fn set_round_trip(&mut self, us: f64) {
        self.depth.set_round_trip(us);
    }

    /// The device's clock has stepped ([`Device::steps`](super::clock::Device::steps)): what the sound is off by now is
    /// no drift, and is not to be played away slowly.
    pub fn slipped(&mut self) {
        self.slipped = true;
    }

    /// Our own thread stood still until `now` ([`Stalls`](super::stalls::Stalls)): how late packets from before that come
    /// says nothing of the way here.
    pub fn stood_still(&mut self, now: f64) {
        self.excused = now;
    }

    /// A packet came; it could be heard at `now` at the earliest. Packets are numbered without a gap as they are sent:
    /// silence skips none, loss does.
    pub fn arrived(&mut self, now: f64, pts: u64, number: u64) -> Fate {
        if self.remembered.contains(&pts) {
            self.metrics.duplicates += 1;
            return Fate::Duplicate;
        }
        if self.remembered.len() == REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back(pts);
        let start = pts as f64;
        if self.next.is_some_and(|next| (start - next).abs() > FAR) {
            self.stop();
            self.made_up = 0;
            self.last = None;
            self.passed = 0;
        }
        let missed = self.next.is_some_and(|next| start + self.frame * (1.0 - JOIN) <= next);
        if start > self.excused {
            self.depth.arrived(now, now - start, missed);
        }
        if missed {
            self.metrics.late += 1;
            self.late_run += 1;
            return Fate::Late;
        }
        let place = self.waiting.partition_point(|other| other.pts < pts);
        self.waiting.insert(place, Packet { pts, number });
        if self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
        Fate::Kept
    }

    /// The next block, whose first sample will be heard at `at`. Contents of packets with smaller time stamps than that
    /// of a block's packet aren't needed any more.
    pub fn pull(&mut self, at: f64) -> Block {
        let mut slope = 0.0;
        if self.next.is_some() {
            (self.metrics.delay, slope) = self.depth.advance(at);
        }
        let Some(next) = self.next.or_else(|| self.begin(at)) else {
            self.metrics.depth = 0.0;
            return self.block(Sound::Silence, self.frame, 1.0, None);
        };
        let mut next = next;
        let mut drift = at - self.metrics.delay - next;
        let slipped = std::mem::take(&mut self.slipped) && drift.abs() > SLIP;
        let event = if slipped {
            Some(Event::Resync(drift))
        } else {
            self.watchdog.step(at, drift)
        };
        match event {
            Some(Event::Resync(_)) => {
                next += drift;
                drift = 0.0;
                self.metrics.resyncs += 1;
                self.fade = true;
            }
            Some(Event::Drifting(_)) => self.metrics.excursions += 1,
            _ => {}
        }
        self.metrics.drift = drift;
        // A delay that grows by 4 ms in a second is one that is played 0.4 % slower.
        let speed = self.control.step(at, drift, -slope);
        self.take(next, speed, event)
    }

    /// What was measured.
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    /// What waits is to be heard at its time and the delay.
    fn begin(&mut self, at: f64) -> Option<f64> {
        let age = at - self.waiting.back()?.pts as f64;
        if age > self.depth.target() {
            // Even the newest would be late: what was known of the way here is true no longer.
            self.depth.forget();
            self.depth.arrived(at, age, true);
        }
        self.metrics.delay = self.depth.start(at);
        self.fade = true;
        self.next = Some(at - self.metrics.delay);
        self.next
    }

    /// Nothing is being played any more. Whether it was silence or loss, the next packet's number tells.
    fn stop(&mut self) {
        self.next = None;
        // What comes before the first packet is no gap to be concealed.
        self.gap = f64::INFINITY;
        self.late_run = 0;
    }

    fn take(&mut self, next: f64, speed: f64, event: Option<Event>) -> Block {
        let tolerance = self.frame * JOIN;
        let jumped = matches!(event, Some(Event::Resync(_)));
        while let Some(first) = self.waiting.front().map(|packet| packet.pts as f64) {
            if first + self.frame > next + tolerance {
                break;
            }
            self.waiting.pop_front();
            // It is no fault of the way here.
            self.passed += u64::from(jumped);
        }
        let last = self
            .waiting
            .back()
            .map_or(next, |packet| packet.pts as f64 + self.frame);
        self.metrics.depth = (last - next).max(0.0);
        let Some(packet) = self.waiting.front().copied() else {
            return self.fill(next, self.frame, speed, event);
        };
        let ahead = packet.pts as f64 - next;
        if ahead > tolerance {
            return self.fill(next, ahead.min(self.frame), speed, event);
        }
        self.waiting.pop_front();
        let skip = if ahead < -tolerance { -ahead } else { 0.0 };
        self.next = Some(packet.pts as f64 + self.frame);
        self.account(packet);
        self.late_run = 0;
        self.gap = 0.0;
        let pts = packet.pts;
        self.block(Sound::Packet { pts, skip }, self.frame - skip, speed, event)
    }

    /// A packet is played: only now is it known whether something was missing before it, or nothing was sent.
    fn account(&mut self, packet: Packet) {
        let (made_up, passed) = (std::mem::take(&mut self.made_up), std::mem::take(&mut self.passed));
        self.metrics.played += 1;
        let Some(last) = self.last.replace(packet) else { return };
        let frames = packet.pts.saturating_sub(last.pts) as f64 / self.frame;
        let skipped = packet.number.saturating_sub(last.number).saturating_sub(1);
        if skipped > 0 || frames <= 1.0 + JOIN {
            self.metrics.concealed += made_up;
        }
        // Numbers that skip more than fits into the time are nonsense.
        let skipped = skipped.min((frames.round() as u64).saturating_sub(1));
        self.metrics.missing += skipped.saturating_sub(passed);
    }

    /// Nothing is there for `us` from `next` on. The media clock goes on all the same, so that what comes too late is
    /// dropped and not played behind its time.
    fn fill(&mut self, next: f64, us: f64, speed: f64, event: Option<Event>) -> Block {
        self.next = Some(next + us);
        self.gap += us;
        if self.gap <= MAX_CONCEAL {
            self.made_up += 1;
            return self.block(Sound::Conceal, us, speed, event);
        }
        let mut event = event;
        if self.waiting.is_empty() {
            if self.late_run > 0 {
                // No silence: the delay is too short by far. It is set anew with the next packet.
                self.metrics.concealed += std::mem::take(&mut self.made_up);
                self.metrics.resyncs += 1;
                event = Some(Event::Starved);
            }
            self.stop();
        }
        self.fade = true;
        self.block(Sound::Silence, us, speed, event)
    }

    fn block(&mut self, sound: Sound, us: f64, speed: f64, event: Option<Event>) -> Block {
        self.metrics.speed = speed;
        let fade = self.fade;
        self.fade = !matches!(sound, Sound::Packet { .. });
        Block {
            sound,
            us,
            fade,
            speed,
            event,
        }
    }
}
