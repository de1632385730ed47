//! What clients hear of their frames: callbacks and presentation feedback.
//!
//! What is shown goes by the pacer. What is not (windows behind others and their popups, all of them while the session is
//! locked) draws on by a clock of its own, as slowly as `-o` says, so that a launcher does not hang behind its game; it
//! neither moves the pacer's nor takes a latch.

use super::{Scope, State, period};
use crate::time::Mono;
use smithay::desktop::utils::{
    OutputPresentationFeedback, send_frames_surface_tree, take_presentation_feedback_surface_tree,
};
use smithay::output::Output;
use smithay::reexports::wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind;
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};
use smithay::utils::{Monotonic, Time};
use smithay::wayland::compositor::{SurfaceData, with_states};
use smithay::wayland::presentation::Refresh;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The surfaces that draw though nothing of them is shown.
#[derive(Debug, Default)]
pub struct Unseen {
    /// Those that were committed, or went out of sight, since they were last told to draw; when they are to be told.
    due: HashMap<WlSurface, Mono>,
    /// When their new feedback is to be answered.
    answer: Option<Mono>,
}

/// When a hidden surface was last told to draw; 0: never.
#[derive(Debug, Default)]
struct Told(AtomicU64);

impl Scope {
    /// Something of the surface is shown, as of the last layout.
    pub fn is_seen(&self, surface: &WlSurface) -> bool {
        self.extras.on_output.contains(surface)
    }

    /// A surface that is not shown was committed, or is not shown any more.
    pub fn drawn_unseen(&mut self, surface: &WlSurface) {
        self.tell_unseen(surface);
        let due = self.now + self.pacer.period();
        self.unseen.answer.get_or_insert(due);
    }

    /// A hidden surface is to be told to draw, and its barrier to fall.
    pub fn tell_unseen(&mut self, surface: &WlSurface) {
        if self.unseen.due.contains_key(surface) {
            return;
        }
        let interval = period(self.settings.unfocused_refresh).max(self.pacer.period());
        let due = match with_states(surface, |states| told(states).load(Ordering::Relaxed)) {
            0 => self.now,
            last => Mono(last) + interval,
        };
        self.unseen.due.insert(surface.clone(), due);
    }

    pub(super) fn unseen_deadline(&self) -> Option<Mono> {
        let due = self.unseen.due.values().min();
        due.copied().into_iter().chain(self.unseen.answer).min()
    }

    /// Frames that nobody sees are never presented: whoever waits for that learns it after an interval.
    fn answer_unseen(&mut self) {
        if self.unseen.answer.take_if(|due| self.now >= *due).is_some() {
            let unseen = self.unseen.due.keys().filter(|s| s.is_alive() && !self.is_seen(s));
            // Its drop says that they were discarded.
            drop(take_feedback(&self.output, unseen));
        }
    }

    /// Takes the hidden surfaces that are to draw now.
    fn take_unseen(&mut self) -> Vec<WlSurface> {
        let now = self.now;
        let due = self.unseen.due.extract_if(|_, due| now >= *due);
        let due: Vec<_> = due.map(|(surface, _)| surface).collect();
        due.into_iter().filter(|s| s.is_alive() && !self.is_seen(s)).collect()
    }

    /// The roots of the trees that are shown.
    fn seen(&self) -> impl Iterator<Item = &WlSurface> {
        let placed = self.placed.iter().map(|p| &p.surface);
        placed.chain(self.cursor.surface()).filter(|s| s.is_alive())
    }

    /// A tick: what is shown is to draw.
    pub(super) fn send_frame_callbacks(&self) {
        let time = self.shown_at();
        for surface in self.seen() {
            tell_to_draw(surface, &self.output, time);
        }
    }

    /// What was committed is shown.
    pub(super) fn presented(&self) {
        let mut feedback = take_feedback(&self.output, self.seen());
        let period = self.pacer.period();
        let refresh = match self.is_vrr() {
            true => Refresh::variable(period),
            false => Refresh::fixed(period),
        };
        let time = Time::<Monotonic>::from(self.shown_at());
        // No flag: it is a timer that says when, not a display.
        feedback.presented(time, refresh, self.pacer.sequence(), Kind::empty());
    }

    fn shown_at(&self) -> Duration {
        Duration::from_nanos(self.pacer.shown_at(self.now).0)
    }
}

impl State {
    /// What is hidden draws on, if it is time to.
    pub(super) fn unseen_turn(&mut self) {
        let scope = &mut self.scope;
        scope.answer_unseen();
        let due = scope.take_unseen();
        for surface in &due {
            with_states(surface, |states| told(states).store(scope.now.0, Ordering::Relaxed));
            tell_to_draw(surface, &scope.output, Duration::from_nanos(scope.now.0));
        }
        drop(take_feedback(&scope.output, due.iter()));
        self.fifo_unseen(&due);
    }
}

fn told(states: &SurfaceData) -> &AtomicU64 {
    &states.data_map.get_or_insert_threadsafe(Told::default).0
}

fn tell_to_draw(root: &WlSurface, output: &Output, time: Duration) {
    send_frames_surface_tree(root, output, time, None, |_, _| Some(output.clone()));
}

fn take_feedback<'a>(output: &Output, roots: impl Iterator<Item = &'a WlSurface>) -> OutputPresentationFeedback {
    let mut feedback = OutputPresentationFeedback::new(output);
    for root in roots {
        let all = |_: &WlSurface, _: &_| Some(output.clone());
        take_presentation_feedback_surface_tree(root, &mut feedback, all, |_, _| Kind::empty());
    }
    feedback
}
