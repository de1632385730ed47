//! The frame clock of an output without a display: one latch an interval of the virtual refresh, as early in it as
//! the game allows.
//!
//! Intervals form a grid of ticks. Frame callbacks go out at ticks, so that a game that waits for them runs at the
//! refresh. The first commit in an interval is latched at once; later ones wait for the next tick, where the newest
//! wins. After an idle time the grid starts anew at the commit, so that an answer to a rare input never waits.
//!
//! What is drawn beside the main window waits for its frame, if one is to be expected ([`super::usual`]).
//!
//! A client that waits for no callbacks has a raster of its own, which the grid follows ([`super::follow`]).
//!
//! A key or button edge may pull the next tick forward, so that a game that draws all the time answers in its next
//! frame *now* instead of half an interval later. What was borrowed is paid back by stretching the following intervals by an eighth
//! at most, and no more than one interval is ever borrowed: the mean rate stays at the refresh.
//!
//! What comes through Xwayland mostly follows the program's own timer, not the callbacks: pulling a tick forward for an
//! input gains nothing there, and the stretched intervals would only beat against that timer. But a frame that comes in
//! the middle of an interval which has had its latch would wait for the tick, and so would all after it: then the grid
//! moves to the frame, once in a while.

use super::fixed::Fixed;
use super::follow::Follow;
use super::rhythm::Rhythm;
use super::usual::Usual;
use crate::time::Mono;
use std::time::Duration;

/// In so many intervals the grid moves to an X11 client once at most: one frame more than the refresh allows.
const MOVE_EVERY: u32 = 60;

/// What to do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Choose the scene's content for a frame.
    pub latch: bool,
    /// Tell clients to draw.
    pub callbacks: bool,
}

/// The clock's state.
#[derive(Clone, Debug)]
pub struct Pacer {
    period: Duration,
    /// Where the present interval began.
    tick: Mono,
    /// A frame was latched in this interval.
    latched: bool,
    /// There is something new to show.
    dirty: bool,
    /// It is all beside the main window.
    beside: bool,
    /// When that one's frames come.
    usual: Usual,
    /// A client waits for its frame callback.
    waiting: bool,
    /// A tick has passed since then: the callbacks are due.
    owed: bool,
    /// Content from an earlier interval is not latched before this time: its client has just been told to draw, and
    /// would always be one interval late if the old content took the place of the new.
    hold: Option<Mono>,
    /// The next tick goes to an input's answer.
    boost: bool,
    /// The newest content came through Xwayland.
    x11: bool,
    /// When the grid was last moved to such content.
    moved: Mono,
    /// Whether such content waits inside Xwayland.
    rhythm: Rhythm,
    /// Whether the client draws by a raster of its own, which the grid then follows.
    follow: Follow,
    /// How much later the grid would be without borrowed time.
    debt: Duration,
    /// The encoder could take no frame at the last step.
    encoder_busy: bool,
    /// The newest content would rather be shown at once than at its tick.
    tears: bool,
    /// Frames are shown at the grid's ticks; else as soon as they are there.
    fixed: Option<Fixed>,
    /// Intervals since the start.
    sequence: u64,
}

impl Pacer {
    /// A clock with this period (the larger of the refresh's and the limit's).
    pub fn new(period: Duration) -> Self {
        Self {
            period,
            tick: Mono(0),
            latched: false,
            dirty: false,
            beside: false,
            usual: Usual::default(),
            waiting: false,
            owed: false,
            hold: None,
            boost: false,
            x11: false,
            moved: Mono(0),
            rhythm: Rhythm::default(),
            follow: Follow::default(),
            debt: Duration::ZERO,
            encoder_busy: false,
            tears: false,
            fixed: None,
            sequence: 0,
        }
    }

    /// The period of the grid.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Changes the period from the next tick on.
    pub fn set_period(&mut self, period: Duration) {
        self.period = period;
        self.debt = Duration::ZERO;
    }

    /// Shows frames at even intervals, latched as late as can be, or as soon as they are there.
    pub fn set_fixed(&mut self, fixed: bool) {
        self.fixed = fixed.then(Fixed::default);
    }

    /// Fixed pacing's red zone.
    pub fn set_red_zone(&mut self, red_zone: Duration) {
        if let Some(fixed) = &mut self.fixed {
            fixed.set_red_zone(red_zone);
        }
    }

    /// Whether the newest content may be shown at once, one frame an interval still, and not at its tick.
    pub fn may_tear(&mut self, may: bool) {
        self.tears = may;
    }

    /// A frame took so long from its latch to its packet.
    pub fn took(&mut self, time: Duration) {
        if let Some(fixed) = &mut self.fixed {
            fixed.took(time);
        }
    }

    /// When what is latched now is shown.
    pub fn shown_at(&self, now: Mono) -> Mono {
        let fixed = self.fixed.filter(|_| !self.tears);
        fixed.map_or(now, |_| self.tick + self.period)
    }

    /// When content is to be there that is to be shown at this time or soon after it, never before.
    pub fn due_for(&self, time: Mono) -> Mono {
        let Some(fixed) = self.fixed else { return time };
        let intervals = time.since(self.tick).as_nanos().div_ceil(self.period.as_nanos().max(1));
        self.after_tick(intervals) - fixed.lead(self.period)
    }

    /// For which times content is due now: up to this one.
    pub fn reach(&self, now: Mono) -> Mono {
        let Some(fixed) = self.fixed else { return now };
        let intervals = now.since(self.tick).as_nanos() / self.period.as_nanos().max(1);
        let (begin, end) = (self.after_tick(intervals), self.after_tick(intervals + 1));
        if now >= end - fixed.lead(self.period) {
            end
        } else {
            begin
        }
    }

    fn after_tick(&self, intervals: u128) -> Mono {
        let later = self.period.as_nanos().saturating_mul(intervals);
        Mono(self.tick.0.saturating_add(u64::try_from(later).unwrap_or(u64::MAX)))
    }

    /// How many intervals have begun.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Something was committed (or mapped, moved, unmapped); `damage`: it changed the picture.
    pub fn commit(&mut self, now: Mono, damage: bool) {
        self.roll(now);
        self.waiting = true;
        self.dirty |= damage;
        if damage {
            self.beside = false;
            self.usual.committed(now, self.tick);
            self.follow.committed(now);
            self.hold = None;
            if let Some(fixed) = &mut self.fixed {
                fixed.committed(now);
            }
        }
    }

    /// Something beside the main window was committed that changed the picture: an overlay, a dialog.
    pub fn commit_beside(&mut self, now: Mono) {
        self.roll(now);
        self.waiting = true;
        if !self.dirty {
            self.beside = true;
            self.hold = self.usual.until(now, self.tick, self.period);
        }
        self.dirty = true;
    }

    /// Where the new content comes from; to be told before [`Self::commit`].
    pub fn content_is_x11(&mut self, now: Mono, is: bool) {
        self.x11 = is;
        if is {
            self.rhythm.committed(now, self.period);
        } else {
            self.rhythm = Rhythm::default();
        }
    }

    /// Something new waits to be latched.
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Something new could be latched, had the encoder room for it.
    pub fn waits_for_encoder(&self) -> bool {
        self.dirty && !self.latched && self.encoder_busy
    }

    /// What waits is latched although its client has just been told to draw: its next frame comes after it, not in its
    /// place (FIFO).
    pub fn no_hold(&mut self) {
        if !self.beside {
            self.hold = None;
        }
    }

    /// A key or button went down or up.
    pub fn input_edge(&mut self) {
        self.boost = true;
    }

    /// Says what is due. `encoder_free`: a job would not displace one that waits; while it is false, latching waits for
    /// it, so that the frame is as fresh as can be.
    pub fn step(&mut self, now: Mono, encoder_free: bool) -> Due {
        self.roll(now);
        self.encoder_busy = !encoder_free;
        let mut callbacks = std::mem::take(&mut self.owed);
        if let Some(from) = self.latch_from() {
            let latch = self.dirty && !self.latched && encoder_free && (self.tears || now >= from);
            self.latched |= latch;
            self.dirty &= !latch;
            return Due {
                latch,
                callbacks: self.tell(now),
            };
        }
        // What has been drawn and waits for nothing may be the answer already.
        let drawn = self.dirty && !self.latched && !self.beside;
        if !callbacks && self.boost && self.waiting && !drawn && !self.x11 {
            let debt = (self.debt + self.period).saturating_sub(now.since(self.tick));
            if debt <= self.period {
                self.debt = debt;
                self.begin(now);
                callbacks = true;
            }
        }
        if self.x11 && self.is_out_of_step(now) {
            self.moved = now;
            self.debt = Duration::ZERO;
            self.begin(now);
            callbacks |= self.waiting;
        }
        if callbacks {
            self.called_back(now, false);
            self.hold = self.hold_from(now);
        }
        let held = self.hold.is_some_and(|until| now < until);
        let latch = self.dirty && !self.latched && encoder_free && !held;
        if latch {
            self.hold = None;
            self.dirty = false;
            self.latched = true;
            if self.x11 && self.waiting && self.rhythm.wants_early() && self.may_move(now) {
                self.called_back(now, true);
                callbacks = true;
            }
        }
        Due { latch, callbacks }
    }

    /// Until when what is left of an earlier interval is not latched, now that its client has just been told to draw.
    fn hold_from(&self, now: Mono) -> Option<Mono> {
        let replaced = self.beside || !(self.x11 || self.follow.is_fresh(self.tick));
        let soon = now + self.period / 4;
        let main = self.usual.until(now, self.tick, self.period);
        (self.dirty && replaced).then(|| main.map_or(soon, |main| main.max(soon)))
    }

    /// Fixed pacing: tells clients to draw if it is time to.
    fn tell(&mut self, now: Mono) -> bool {
        let due = self.waiting && self.tell_from().is_some_and(|from| now >= from);
        let interval = self.interval_to_tell();
        if let (true, Some(fixed)) = (due, &mut self.fixed) {
            fixed.told(now, interval);
            self.called_back(now, false);
        }
        due
    }

    fn called_back(&mut self, now: Mono, early: bool) {
        self.waiting = false;
        self.boost = false;
        self.rhythm.told(now, early);
    }

    /// When `step` must be called again, if nothing else happens.
    pub fn deadline(&self) -> Option<Mono> {
        let told = self.tell_from().filter(|_| self.waiting);
        let wanted = (self.waiting && told.is_none()) || (self.dirty && self.latched);
        let tick = wanted.then(|| self.tick + self.interval());
        // The encoder's news call it, too; a time that has passed would only make the loop spin until then.
        let to_latch = self.dirty && !self.latched && !self.encoder_busy;
        let held = self.latch_from().or(self.hold).filter(|_| to_latch);
        tick.into_iter().chain(held).chain(told).min()
    }

    /// From when on fixed pacing latches in this interval.
    fn latch_from(&self) -> Option<Mono> {
        let lead = self.fixed?.lead(self.period);
        Some(self.tick + (self.period - lead))
    }

    /// From when on fixed pacing tells clients to draw, for a frame that has not been chosen and that they have not been
    /// told of.
    fn tell_from(&self) -> Option<Mono> {
        let fixed = self.fixed?;
        let later = u32::try_from(self.interval_to_tell() - self.sequence).unwrap_or(u32::MAX);
        let lead = fixed.lead(self.period) + fixed.ahead(self.period);
        Some(self.tick + (self.period.saturating_mul(later) + self.period).saturating_sub(lead))
    }

    fn interval_to_tell(&self) -> u64 {
        let open = self.sequence + u64::from(self.latched);
        self.fixed.map_or(open, |fixed| fixed.next(open))
    }

    /// Whether new content would wait for longer than a timer is inexact, and the grid hasn't been moved lately.
    fn is_out_of_step(&self, now: Mono) -> bool {
        let wait = (self.tick + self.interval()).since(now);
        self.dirty && self.latched && !self.beside && wait > self.period / 32 && self.may_move(now)
    }

    fn may_move(&self, now: Mono) -> bool {
        now.since(self.moved) > self.period * MOVE_EVERY
    }

    fn interval(&self) -> Duration {
        let longer = match (self.x11, self.fixed) {
            (false, None) => self.follow.stretch(),
            _ => Duration::ZERO,
        };
        self.period + longer + self.debt.min(self.period / 8)
    }

    /// Moves the grid up to `now`.
    fn roll(&mut self, now: Mono) {
        let interval = self.interval();
        if now < self.tick + interval {
            return;
        }
        self.owed |= self.waiting && self.fixed.is_none();
        if now.since(self.tick) >= interval * 2 {
            // Idle, or stalled: nobody has seen the grid, so it may start here, and nothing is to be pulled forward.
            self.debt = Duration::ZERO;
            self.boost = false;
            let begin = match self.fixed {
                Some(_) => {
                    let (past, period) = (now.since(self.tick).as_nanos(), self.period.as_nanos().max(1));
                    // One more begins below.
                    self.sequence += (past / period) as u64 - 1;
                    Mono(now.0 - (past % period) as u64)
                }
                None => now,
            };
            self.begin(begin);
        } else {
            self.debt -= self.debt.min(self.period / 8);
            let tick = self.tick + interval;
            self.begin(tick);
        }
    }

    fn begin(&mut self, tick: Mono) {
        self.tick = tick;
        self.follow.begin(tick, self.period);
        self.latched = false;
        self.sequence += 1;
    }
}

#[cfg(test)]
mod tests;
