//! The server's end: turns batches that may come late, twice, out of order or never into events, each once and in
//! order.

use super::batch::{Absolute, Ack, Batch, Edge, Place, Vector};
use super::delay::Delay;
use super::keys::Keys;
use super::{Event, after};

/// What the receiver tolerates; all in µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A press that comes later than this plus the round trip is not made any more.
    pub stale: u64,
    /// All is let go after this long without a new batch.
    pub silence: u64,
}

impl Default for Limits {
    /// 150 ms and 400 ms.
    fn default() -> Self {
        Self {
            stale: 150_000,
            silence: 400_000,
        }
    }
}

/// What happened, for statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Batches taken in.
    pub batches: u64,
    /// Batches that came twice.
    pub duplicates: u64,
    /// Batches overtaken by a newer one, or of an epoch that has ended.
    pub late: u64,
    /// Press edges that came too late.
    pub stale: u64,
    /// Edges that no batch brought.
    pub lost_edges: u64,
    /// Presses and releases made because the state said so.
    pub reconciled: u64,
    /// Times that silence let all go.
    pub silences: u64,
}

/// What is known of the current epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Epoch {
    number: u32,
    /// The newest batch.
    batch: u32,
    /// All edges up to this one are settled.
    edge: u32,
    /// What motion has been given out.
    place: Place,
    scroll: Vector,
}

/// Applies one client's batches. `now` is the server's monotonic clock in µs and never runs backwards.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    limits: Limits,
    epoch: Option<Epoch>,
    /// What the seat holds because of this client.
    held: Keys,
    /// When the newest batch came.
    heard: u64,
    delay: Delay,
    counters: Counters,
}

impl Receiver {
    /// A receiver that has heard nothing yet; make one for each holder of the input role.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes a batch in and appends what it brings: motion up to a button's edge before the edge, then what the
    /// state says beyond the edges, then the rest of the motion.
    pub fn receive(&mut self, now: u64, batch: &Batch, out: &mut Vec<Event>) {
        let Some(mut epoch) = self.admit(batch, out) else {
            return;
        };
        self.heard = now;
        self.counters.batches += 1;
        let excess = self.delay.sample(now, batch);
        let limit = self.limits.stale + self.delay.rtt();

        let news = batch.edge_seq.wrapping_sub(epoch.edge) as usize;
        let edges = &batch.edges[batch.edges.len().saturating_sub(news)..];
        if edges.len() < news {
            self.counters.lost_edges += (news - edges.len()) as u64;
            // The oldest are lost for ever: begin from what was held before the first that isn't.
            let mut before = batch.held;
            for edge in edges.iter().rev() {
                before.set(edge.code, !edge.pressed);
            }
            self.reconcile(&before, excess <= limit, out);
        }
        for edge in edges {
            self.apply(edge, excess, limit, &mut epoch, out);
        }
        self.reconcile(&batch.held, excess <= limit, out);
        epoch.move_to(&batch.place, out);
        let (dx, dy) = batch.scroll.since(epoch.scroll);
        if (dx, dy) != (0.0, 0.0) {
            out.push(Event::Scroll { dx, dy });
        }
        epoch.scroll = batch.scroll;
        epoch.batch = batch.seq;
        epoch.edge = batch.edge_seq;
        self.epoch = Some(epoch);
    }

    /// Whether the batch is newer than all before, and the epoch it belongs to.
    fn admit(&mut self, batch: &Batch, out: &mut Vec<Event>) -> Option<Epoch> {
        match self.epoch {
            Some(epoch) if epoch.number == batch.epoch => {
                if batch.seq == epoch.batch {
                    self.counters.duplicates += 1;
                    return None;
                }
                if !after(batch.seq, epoch.batch) || after(epoch.edge, batch.edge_seq) {
                    // A newer batch has brought all that this one can.
                    self.counters.late += 1;
                    return None;
                }
                Some(epoch)
            }
            Some(epoch) if !after(batch.epoch, epoch.number) => {
                self.counters.late += 1;
                None
            }
            _ => {
                self.release_all(out);
                self.delay.new_epoch();
                Some(Epoch {
                    number: batch.epoch,
                    ..Epoch::default()
                })
            }
        }
    }

    fn apply(&mut self, edge: &Edge, excess: u64, limit: u64, epoch: &mut Epoch, out: &mut Vec<Event>) {
        if edge.pressed && u64::from(edge.age) + excess > limit {
            self.counters.stale += 1;
            return;
        }
        // A release of what is not held is that of a dropped press, or silence came before it.
        if self.held.set(edge.code, edge.pressed) {
            if let Some(place) = &edge.place {
                epoch.move_to(place, out);
            }
            out.push(Event::edge(edge.code, edge.pressed));
        }
    }

    /// Makes the seat hold what the client holds. Presses only if the batch is fresh: what an old one says of the
    /// present is a guess, and while anything is held another comes within milliseconds.
    fn reconcile(&mut self, target: &Keys, fresh: bool, out: &mut Vec<Event>) {
        let releases = self.held.minus(target);
        let presses = if fresh {
            target.minus(&self.held)
        } else {
            Keys::default()
        };
        for (set, pressed) in [(releases, false), (presses, true)] {
            if set.is_empty() {
                continue;
            }
            for code in set.iter() {
                self.held.set(code, pressed);
                self.counters.reconciled += 1;
                out.push(Event::edge(code, pressed));
            }
        }
    }

    /// When to call [`tick`](Self::tick) next; `None`: not before the next batch.
    pub fn deadline(&self) -> Option<u64> {
        (!self.held.is_empty()).then(|| self.heard + self.limits.silence)
    }

    /// Lets all go if the client has been silent for too long.
    pub fn tick(&mut self, now: u64, out: &mut Vec<Event>) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.counters.silences += 1;
            self.release_all(out);
        }
    }

    /// Lets all go, at once: the role changed hands, or the client is gone. What the client still holds is pressed
    /// again by its next batch.
    pub fn release_all(&mut self, out: &mut Vec<Event>) {
        for code in std::mem::take(&mut self.held).iter() {
            out.push(Event::edge(code, false));
        }
    }

    /// What to answer to the batch just received; `None` before the first.
    pub fn ack(&self) -> Option<Ack> {
        self.epoch.map(|e| Ack {
            epoch: e.number,
            batch: e.batch,
            edge: e.edge,
        })
    }

    /// What the seat holds because of this client.
    pub fn held(&self) -> &Keys {
        &self.held
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The smoothed round trip in µs; 0: not measured yet.
    pub fn rtt(&self) -> u64 {
        self.delay.rtt()
    }
}

impl Epoch {
    /// Gives out the motion up to `place`.
    fn move_to(&mut self, place: &Place, out: &mut Vec<Event>) {
        let (dx, dy) = place.motion.since(self.place.motion);
        if (dx, dy) != (0.0, 0.0) {
            out.push(Event::Relative { dx, dy });
        }
        self.place.motion = place.motion;
        let Absolute { seq, x, y } = place.absolute;
        if seq != 0 && after(seq, self.place.absolute.seq) {
            out.push(Event::Absolute {
                x: f64::from(x) / 65535.0,
                y: f64::from(y) / 65535.0,
            });
            self.place.absolute = place.absolute;
        }
    }
}
