//! The client's end: turns what the devices do into batches, and repeats them until the server has them.

use super::after;
use super::batch::{Absolute, Ack, Batch, Edge, MAX_EDGES, Place, Vector};
use super::keys::{Keys, is_button};
use std::collections::VecDeque;

/// When the sender sends; all in µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Motion alone is sent at most this often, so that an 8 kHz mouse doesn't make 8000 datagrams a second.
    pub motion: u64,
    /// A change is repeated after this.
    pub repeat: u64,
    /// Then this often, while anything is held or not acknowledged.
    pub heartbeat: u64,
    /// After this long without an acknowledgement the server is taken for gone …
    pub patience: u64,
    /// … and the heartbeat slows to this.
    pub idle_heartbeat: u64,
}

impl Default for Timing {
    /// A change goes out at once, 4 ms and 12 ms later, and then at 125 Hz.
    fn default() -> Self {
        Self {
            motion: 1_000,
            repeat: 4_000,
            heartbeat: 8_000,
            patience: 1_000_000,
            idle_heartbeat: 100_000,
        }
    }
}

/// An edge not yet acknowledged.
#[derive(Clone, Copy, Debug)]
struct Pending {
    code: u16,
    pressed: bool,
    at: u64,
    place: Option<Place>,
}

/// When the last batch went, and why.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: u64,
    /// It was the first to carry a change.
    first: bool,
}

/// Makes an epoch's batches. Call [`poll`](Self::poll) after each change and at each [`deadline`](Self::deadline),
/// and send what it gives. `now` is the client's monotonic clock in µs and never runs backwards.
#[derive(Clone, Debug)]
pub struct Sender {
    timing: Timing,
    epoch: u32,
    seq: u32,
    edge_seq: u32,
    /// The newest edges up to `edge_seq`.
    edges: VecDeque<Pending>,
    held: Keys,
    place: Place,
    scroll: Vector,
    /// What of motion and scroll is less than 1/256, in that unit: x, y, scroll x, scroll y.
    carry: [f64; 4],
    frame: u64,
    /// A change waits to be sent since or until this time.
    due: Option<u64>,
    sent: Option<Sent>,
    /// The first batch with the newest change.
    changed_in: u32,
    /// The newest acknowledgement's batch, and when it came.
    acked: Option<(u32, u64)>,
    /// Since when the server owes an acknowledgement.
    waiting_since: Option<u64>,
}

impl Sender {
    /// A sender at the start of an epoch: any number will do for a new connection.
    pub fn new(epoch: u32) -> Self {
        Self::with_timing(epoch, Timing::default())
    }

    /// The same with another timing.
    pub fn with_timing(epoch: u32, timing: Timing) -> Self {
        Self {
            timing,
            epoch,
            seq: 0,
            edge_seq: 0,
            edges: VecDeque::with_capacity(MAX_EDGES + 1),
            held: Keys::default(),
            place: Place::default(),
            scroll: Vector::default(),
            carry: [0.0; 4],
            frame: 0,
            due: None,
            sent: None,
            changed_in: 0,
            acked: None,
            waiting_since: None,
        }
    }

    /// A key or button went down or up. Ignored if it already is so (auto-repeat) or the wire can't carry it.
    pub fn key(&mut self, now: u64, code: u16, pressed: bool) {
        if !self.held.set(code, pressed) {
            return;
        }
        self.edge_seq = self.edge_seq.wrapping_add(1);
        let place = is_button(code).then_some(self.place);
        self.edges.push_back(Pending {
            code,
            pressed,
            at: now,
            place,
        });
        if self.edges.len() > MAX_EDGES {
            // The state still carries what it did.
            self.edges.pop_front();
        }
        self.due = Some(now);
    }

    /// The pointer moved by so much, in output pixels.
    pub fn relative(&mut self, now: u64, dx: f64, dy: f64) {
        let right = add(&mut self.place.motion.x, &mut self.carry[0], dx);
        let down = add(&mut self.place.motion.y, &mut self.carry[1], dy);
        if right || down {
            self.motion_due(now);
        }
    }

    /// The wheel or pad scrolled by so much, in 120ths of a detent.
    pub fn scroll(&mut self, now: u64, dx: f64, dy: f64) {
        let right = add(&mut self.scroll.x, &mut self.carry[2], dx);
        let down = add(&mut self.scroll.y, &mut self.carry[3], dy);
        if right || down {
            self.motion_due(now);
        }
    }

    /// The pointer is here, as a fraction of the output; outside 0 to 1 is the nearest edge.
    pub fn absolute(&mut self, now: u64, x: f64, y: f64) {
        let part = |v: f64| (v.clamp(0.0, 1.0) * 65535.0 + 0.5).floor() as u16;
        let (x, y) = (part(x), part(y));
        let last = self.place.absolute;
        if last.seq != 0 && (last.x, last.y) == (x, y) {
            return;
        }
        // 0 stands for "none yet", so the count steps over it when it wraps.
        let seq = last.seq.checked_add(1).unwrap_or(1);
        self.place.absolute = Absolute { seq, x, y };
        self.motion_due(now);
    }

    /// The newest frame shown, named by the batches from now on.
    pub fn shown(&mut self, frame: u64) {
        self.frame = frame;
    }

    /// The page lost the keyboard: lets go of all that is held.
    pub fn blur(&mut self, now: u64) {
        for code in self.held.iter() {
            self.key(now, code, false);
        }
    }

    /// Starts a new epoch: nothing held, motion from zero. Needed on a new connection; what the old epoch had not
    /// brought over is lost. The server learns of it at once.
    pub fn reset(&mut self, now: u64) {
        let frame = self.frame;
        *self = Self::with_timing(self.epoch.wrapping_add(1), self.timing);
        self.frame = frame;
        self.due = Some(now);
    }

    /// The server's answer came.
    pub fn on_ack(&mut self, now: u64, ack: Ack) {
        // Beyond `seq` is what was never sent.
        let old = self.acked.is_some_and(|(batch, _)| !after(ack.batch, batch));
        if ack.epoch != self.epoch || old || after(ack.batch, self.seq) {
            return;
        }
        self.acked = Some((ack.batch, now));
        let unsettled = self.edge_seq.wrapping_sub(ack.edge) as usize;
        while self.edges.len() > unsettled {
            self.edges.pop_front();
        }
        self.waiting_since = Some(now).filter(|_| self.is_active());
    }

    /// When to call [`poll`](Self::poll) next; `None`: not before the next change.
    pub fn deadline(&self) -> Option<u64> {
        if self.due.is_some() {
            return self.due;
        }
        let sent = self.sent.filter(|_| self.is_active())?;
        let waited = self.waiting_since.map_or(0, |since| sent.at.saturating_sub(since));
        Some(match sent.first && self.is_unacked() {
            true => sent.at + self.timing.repeat,
            false if waited > self.timing.patience => sent.at + self.timing.idle_heartbeat,
            false => sent.at + self.timing.heartbeat,
        })
    }

    /// The batch to send now, if one is due.
    pub fn poll(&mut self, now: u64) -> Option<Batch> {
        if self.deadline()? > now {
            return None;
        }
        self.seq = self.seq.wrapping_add(1);
        let first = self.due.take().is_some();
        if first {
            self.changed_in = self.seq;
        }
        self.sent = Some(Sent { at: now, first });
        self.waiting_since.get_or_insert(now);
        let edge = |p: &Pending| Edge {
            code: p.code,
            pressed: p.pressed,
            age: age(now, p.at),
            place: p.place,
        };
        Some(Batch {
            epoch: self.epoch,
            seq: self.seq,
            time: now,
            last_ack: self.acked.map_or(0, |(batch, _)| batch),
            ack_age: self.acked.map_or(0, |(_, at)| age(now, at)),
            frame: self.frame,
            place: self.place,
            scroll: self.scroll,
            held: self.held,
            edge_seq: self.edge_seq,
            edges: self.edges.iter().map(edge).collect(),
        })
    }

    /// What is held.
    pub fn held(&self) -> &Keys {
        &self.held
    }

    fn motion_due(&mut self, now: u64) {
        let earliest = self.sent.map_or(now, |sent| sent.at + self.timing.motion).max(now);
        self.due = Some(self.due.map_or(earliest, |due| due.min(earliest)));
    }

    /// The newest change may not have arrived.
    fn is_unacked(&self) -> bool {
        !self.edges.is_empty() || self.acked.is_none_or(|(batch, _)| after(self.changed_in, batch))
    }

    fn is_active(&self) -> bool {
        self.due.is_some() || !self.held.is_empty() || self.is_unacked()
    }
}

/// µs from `at` to `now`, as far as the wire can say.
fn age(now: u64, at: u64) -> u32 {
    u32::try_from(now.saturating_sub(at)).unwrap_or(u32::MAX)
}

/// Adds `delta` units to a sum in 1/256 units, keeping the rest in `carry`. Whether the sum changed.
fn add(sum: &mut i32, carry: &mut f64, delta: f64) -> bool {
    /// More is a broken device; it also keeps every step far from a wrap.
    const MAX: f64 = 1_000_000.0;
    if !delta.is_finite() {
        return false;
    }
    *carry += delta.clamp(-MAX, MAX) * 256.0;
    let whole = carry.floor();
    *carry -= whole;
    *sum = sum.wrapping_add(whole as i32);
    whole != 0.0
}
