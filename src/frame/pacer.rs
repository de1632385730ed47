//! The frame clock of an output without a display: one latch an interval of the virtual refresh, as early in it as
//! the game allows.
//!
//! Intervals form a grid of ticks. Frame callbacks go out at ticks, so that a game that waits for them runs at the
//! refresh. The first commit in an interval is latched at once; later ones wait for the next tick, where the newest
//! wins. After an idle time the grid starts anew at the commit, so that an answer to a rare input never waits.
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
use super::rhythm::Rhythm;
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
    /// How much later the grid would be without borrowed time.
    debt: Duration,
    /// The encoder could take no frame at the last step.
    encoder_busy: bool,
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
            waiting: false,
            owed: false,
            hold: None,
            boost: false,
            x11: false,
            moved: Mono(0),
            rhythm: Rhythm::default(),
            debt: Duration::ZERO,
            encoder_busy: false,
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

    /// A frame took so long from its latch to its packet.
    pub fn took(&mut self, time: Duration) {
        if let Some(fixed) = &mut self.fixed {
            fixed.took(time);
        }
    }

    /// When what is latched now is shown.
    pub fn shown_at(&self, now: Mono) -> Mono {
        self.fixed.map_or(now, |_| self.tick + self.period)
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
            self.hold = None;
        }
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

    /// What waits is latched although its client has just been told to draw: its next frame comes after it, not in its
    /// place (FIFO).
    pub fn no_hold(&mut self) {
        self.hold = None;
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
            if callbacks {
                self.called_back(now, false);
            }
            let latch = self.dirty && !self.latched && encoder_free && now >= from;
            self.latched |= latch;
            self.dirty &= !latch;
            return Due { latch, callbacks };
        }
        // What has been drawn and waits for nothing may be the answer already.
        let drawn = self.dirty && !self.latched;
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
            self.hold = (self.dirty && !self.x11).then(|| now + self.period / 4);
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

    fn called_back(&mut self, now: Mono, early: bool) {
        self.waiting = false;
        self.boost = false;
        self.rhythm.told(now, early);
    }

    /// When `step` must be called again, if nothing else happens.
    pub fn deadline(&self) -> Option<Mono> {
        let wanted = self.waiting || (self.dirty && self.latched);
        let tick = wanted.then(|| self.tick + self.interval());
        // The encoder's news call it, too; a time that has passed would only make the loop spin until then.
        let to_latch = self.dirty && !self.latched && !self.encoder_busy;
        let held = self.latch_from().or(self.hold).filter(|_| to_latch);
        tick.into_iter().chain(held).min()
    }

    /// From when on fixed pacing latches in this interval.
    fn latch_from(&self) -> Option<Mono> {
        let lead = self.fixed?.lead(self.period);
        Some(self.tick + (self.period - lead))
    }

    /// Whether new content would wait for longer than a timer is inexact, and the grid hasn't been moved lately.
    fn is_out_of_step(&self, now: Mono) -> bool {
        let wait = (self.tick + self.interval()).since(now);
        self.dirty && self.latched && wait > self.period / 32 && self.may_move(now)
    }

    fn may_move(&self, now: Mono) -> bool {
        now.since(self.moved) > self.period * MOVE_EVERY
    }

    fn interval(&self) -> Duration {
        self.period + self.debt.min(self.period / 8)
    }

    /// Moves the grid up to `now`.
    fn roll(&mut self, now: Mono) {
        let interval = self.interval();
        if now < self.tick + interval {
            return;
        }
        self.owed |= self.waiting;
        if now.since(self.tick) >= interval * 2 {
            // Idle, or stalled: nobody has seen the grid, so it may start here, and nothing is to be pulled forward.
            self.debt = Duration::ZERO;
            self.boost = false;
            let begin = match self.fixed {
                Some(_) => {
                    let past = now.since(self.tick).as_nanos() % self.period.as_nanos().max(1);
                    Mono(now.0 - past as u64)
                }
                None => now,
            };
            self.begin(begin);
        } else {
            self.debt -= interval - self.period;
            let tick = self.tick + interval;
            self.begin(tick);
        }
    }

    fn begin(&mut self, tick: Mono) {
        self.tick = tick;
        self.latched = false;
        self.sequence += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn at(ms: u64) -> Mono {
        Mono(1_000_000_000 + ms * MS)
    }

    fn pacer() -> Pacer {
        Pacer::new(Duration::from_millis(16))
    }

    #[test]
    fn a_commit_after_idle_is_latched_at_once() {
        let mut p = pacer();
        p.commit(at(5), true);
        assert_eq!(
            p.step(at(5), true),
            Due {
                latch: true,
                callbacks: false
            }
        );
        assert_eq!(p.deadline(), Some(at(21)));
        assert_eq!(
            p.step(at(21), true),
            Due {
                latch: false,
                callbacks: true
            }
        );
        assert_eq!(p.deadline(), None);
    }

    #[test]
    fn a_second_commit_waits_for_the_tick() {
        let mut p = pacer();
        p.commit(at(0), true);
        assert!(p.step(at(0), true).latch);
        p.commit(at(3), true);
        assert!(!p.step(at(3), true).latch);
        p.commit(at(9), true);
        assert!(!p.step(at(9), true).latch);
        // Its client is told to draw; what it draws takes the place of what waited.
        let callbacks = Due {
            latch: false,
            callbacks: true,
        };
        assert_eq!(p.step(at(16), true), callbacks);
        p.commit(at(17), true);
        assert!(p.step(at(17), true).latch);
    }

    #[test]
    fn what_waited_is_shown_if_nothing_newer_comes() {
        let mut p = pacer();
        p.commit(at(0), true);
        assert!(p.step(at(0), true).latch);
        p.commit(at(3), true);
        assert!(!p.step(at(3), true).latch);
        assert!(!p.step(at(16), true).latch);
        assert_eq!(p.deadline(), Some(at(20)));
        assert!(p.step(at(20), true).latch);
        assert_eq!(p.deadline(), None);
    }

    #[test]
    fn a_game_that_waits_for_callbacks_runs_at_the_refresh() {
        let mut p = pacer();
        let mut now = at(0);
        let mut latches = 0;
        p.commit(now, true);
        for _ in 0..60 {
            latches += u32::from(p.step(now, true).latch);
            now = p.deadline().expect("a callback is owed");
            assert!(p.step(now, true).callbacks);
            now = now + Duration::from_millis(3);
            p.commit(now, true);
        }
        assert_eq!(latches, 60);
        assert_eq!(now.since(at(0)), Duration::from_millis(60 * 16 + 3));
    }

    #[test]
    fn latching_waits_for_the_encoder() {
        let mut p = pacer();
        p.commit(at(0), true);
        assert!(!p.step(at(0), false).latch);
        assert!(p.step(at(2), true).latch);
    }

    #[test]
    fn a_key_pulls_the_tick_forward_and_the_time_is_paid_back() {
        let mut p = pacer();
        p.commit(at(0), true);
        p.step(at(0), true);
        p.input_edge();
        assert_eq!(
            p.step(at(4), true),
            Due {
                latch: false,
                callbacks: true
            }
        );
        p.commit(at(5), true);
        assert!(p.step(at(5), true).latch, "the answer is not held back");
        // 12 ms were borrowed; the following intervals are 18 ms until they are paid back.
        let mut now = at(5);
        let mut ticks = vec![4];
        for _ in 0..8 {
            now = p.deadline().expect("a callback is owed");
            assert!(p.step(now, true).callbacks);
            ticks.push(now.since(at(0)).as_millis() as u64);
            p.commit(now, true);
            p.step(now, true);
        }
        assert_eq!(ticks, [4, 22, 40, 58, 76, 94, 112, 128, 144]);
        let _ = now;
    }

    #[test]
    fn the_answer_to_a_key_after_idle_is_latched_at_once() {
        let mut p = pacer();
        p.commit(at(0), true);
        p.step(at(0), true);
        p.step(at(16), true);
        p.input_edge();
        p.step(at(500), true);
        p.commit(at(501), true);
        assert!(p.step(at(501), true).latch);
    }

    #[test]
    fn the_answer_to_a_key_is_latched_at_once_when_the_client_is_not_waited_for() {
        let mut p = pacer();
        p.commit(at(0), true);
        p.step(at(0), true);
        p.step(at(16), true);
        // The key comes, and the answer before anybody looks.
        p.input_edge();
        p.commit(at(30), true);
        let due = p.step(at(30), true);
        assert!(due.latch && !due.callbacks, "{due:?}");
    }

    /// How long each frame of an X11 game waits that draws every 16 ms, from `first` ms on: first inside Xwayland, for
    /// the callback to the commit at 0, then for its latch. Keys are pressed meanwhile.
    fn x11_waits(first: u64) -> Vec<Duration> {
        let mut p = pacer();
        let mut waits = Vec::new();
        p.content_is_x11(at(0), true);
        p.commit(at(0), true);
        let (mut may_commit, mut drawn, mut committed) = (false, None, None);
        for us in (0..3_200_000).step_by(250) {
            let now = at(0) + Duration::from_micros(us);
            if us % 16_000 == first * 1000 {
                drawn = Some(now);
            }
            if us % 90_000 == 0 {
                p.input_edge();
            }
            if may_commit && drawn.is_some() {
                may_commit = false;
                committed = drawn.take();
                p.content_is_x11(now, true);
                p.commit(now, true);
            }
            let due = p.step(now, true);
            may_commit |= due.callbacks;
            if due.latch {
                waits.extend(committed.take().map(|drawn| now.since(drawn)));
            }
        }
        waits
    }

    #[test]
    fn an_x11_game_with_its_own_timer_is_latched_when_it_draws_whatever_is_pressed() {
        for first in 0..16 {
            let waits = x11_waits(first);
            assert!(waits.len() > 190, "{first}: {}", waits.len());
            let settled = waits.iter().skip(100);
            // A step of the test's time at the border.
            assert!(settled.max() <= Some(&Duration::from_micros(500)), "{first}: {waits:?}");
        }
    }

    #[test]
    fn an_x11_game_out_of_step_is_soon_latched_when_it_draws() {
        let mut p = pacer();
        p.content_is_x11(at(1000), true);
        p.commit(at(1000), true);
        assert!(p.step(at(1000), true).latch);
        let mut waits = Vec::new();
        for frame in 0..100 {
            // Every 16 ms, in the middle of the grid's intervals, of which the first has had its latch.
            let now = at(1008 + 16 * frame);
            p.commit(now, true);
            let mut then = now;
            while !p.step(then, true).latch {
                then = p.deadline().expect("the content is due");
            }
            waits.push(then.since(now));
        }
        assert!(waits.iter().skip(1).all(|wait| wait.is_zero()), "{waits:?}");
    }

    #[test]
    fn no_more_than_an_interval_is_borrowed() {
        let mut p = pacer();
        let mut now = at(0);
        let mut frames = 0;
        for ms in 0..1600 {
            now = at(ms);
            p.commit(now, true);
            p.input_edge();
            frames += u32::from(p.step(now, true).latch);
        }
        let _ = now;
        assert!(frames <= 101, "{frames} frames in 100 intervals");
    }

    #[test]
    fn without_damage_nothing_is_latched() {
        let mut p = pacer();
        p.commit(at(0), false);
        assert_eq!(p.step(at(0), true), Due::default());
        assert_eq!(
            p.step(at(16), true),
            Due {
                latch: false,
                callbacks: true
            }
        );
    }
}
