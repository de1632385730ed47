//! Whose microphone is on.

use super::{Controller, Hub};
use crate::link::ViewerId;
use crate::time::Mono;
use goggles_protocols::control;
use std::sync::atomic::Ordering;

/// As many may speak at once: each is decoded.
const MAX_SPEAKERS: usize = 4;

impl Hub {
    /// A viewer turns its microphone on or off.
    pub(super) fn microphone(&mut self, viewer: ViewerId, on: bool, now: Mono) {
        let exists = self.shared.voices.is_some();
        let (Some(controller), true) = (self.controllers.get(&viewer), exists) else {
            self.shared.counters.foreign_microphone.add();
            return;
        };
        let was = controller.speaks.load(Ordering::Relaxed);
        if on && !was && !self.may_speak(controller) {
            self.shared.counters.foreign_microphone.add();
            if let Some(left_out) = self.microphones.one(now) {
                tracing::info!(target: "viewer", "viewer {} may not turn a microphone on{left_out}", viewer.0);
            }
        } else if on != was {
            controller.speaks.store(on, Ordering::Relaxed);
            self.microphones_changed(viewer, on, now);
        }
        self.owe(viewer, |behind| behind.microphone = true);
    }

    /// What a viewer that has just come is told.
    pub(super) fn greet_microphone(&mut self, viewer: ViewerId) {
        if self.shared.voices.is_some() {
            self.owe(viewer, |behind| behind.microphone = true);
        }
    }

    /// A viewer is gone.
    pub(super) fn fell_silent(&mut self, viewer: ViewerId, controller: &Controller, now: Mono) {
        if controller.speaks.swap(false, Ordering::Relaxed) {
            self.microphones_changed(viewer, false, now);
        }
    }

    fn microphones_changed(&mut self, viewer: ViewerId, on: bool, now: Mono) {
        let what = if on { "live" } else { "off" };
        if let Some(left_out) = self.microphones.one(now) {
            let live = self.speakers();
            tracing::info!(target: "viewer", "viewer {}'s microphone is {what}; {live} live{left_out}", viewer.0);
        }
        self.owe_all(|behind| behind.microphone = true);
    }

    pub(super) fn microphone_message(&self, viewer: ViewerId) -> control::ToClient {
        let controller = self.controllers.get(&viewer);
        control::ToClient::Microphone {
            allowed: controller.is_some_and(|c| self.may_speak(c)),
            on: controller.is_some_and(|c| c.speaks.load(Ordering::Relaxed)),
            live: self.speakers() > 0,
        }
    }

    /// Whether its token lets it, there is somewhere to be heard, and not too many speak already.
    fn may_speak(&self, controller: &Controller) -> bool {
        let place = controller.speaks.load(Ordering::Relaxed) || self.speakers() < MAX_SPEAKERS;
        let heard = self.shared.voices.as_ref().is_some_and(|voices| !voices.is_closed());
        controller.rights.microphone && heard && place
    }

    fn speakers(&self) -> usize {
        let speaks = |c: &&Controller| c.speaks.load(Ordering::Relaxed);
        self.controllers.values().filter(speaks).count()
    }
}
