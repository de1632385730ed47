//! Whose microphone is on.

use super::{Controller, Hub};
use crate::link::ViewerId;
use goggles_protocols::control;
use std::sync::atomic::Ordering;

/// As many may speak at once: each is decoded.
const MAX_SPEAKERS: usize = 4;

impl Hub {
    /// A viewer turns its microphone on or off.
    pub(super) fn microphone(&mut self, viewer: ViewerId, on: bool) {
        let (speakers, exists) = (self.speakers(), self.shared.voices.is_some());
        let (Some(controller), true) = (self.controllers.get(&viewer), exists) else {
            self.shared.counters.foreign_microphone.add();
            return;
        };
        let was = controller.speaks.load(Ordering::Relaxed);
        if on && !was && (!self.may_speak(controller) || speakers >= MAX_SPEAKERS) {
            self.shared.counters.foreign_microphone.add();
            tracing::info!(target: "viewer", "viewer {} may not turn a microphone on", viewer.0);
        } else if on != was {
            controller.speaks.store(on, Ordering::Relaxed);
            self.tell_microphones(viewer, on);
            return;
        }
        self.tell(viewer, self.microphone_message(viewer));
    }

    /// What a viewer that has just come is told.
    pub(super) fn greet_microphone(&self, viewer: ViewerId) {
        if self.shared.voices.is_some() {
            self.tell(viewer, self.microphone_message(viewer));
        }
    }

    /// A viewer is gone.
    pub(super) fn fell_silent(&self, viewer: ViewerId, controller: &Controller) {
        if controller.speaks.swap(false, Ordering::Relaxed) {
            self.tell_microphones(viewer, false);
        }
    }

    fn tell_microphones(&self, viewer: ViewerId, on: bool) {
        let what = if on { "live" } else { "off" };
        tracing::info!(target: "viewer", "viewer {}'s microphone is {what}; {} live", viewer.0, self.speakers());
        self.tell_all(|hub, viewer| hub.microphone_message(viewer));
    }

    fn microphone_message(&self, viewer: ViewerId) -> control::ToClient {
        let controller = self.controllers.get(&viewer);
        control::ToClient::Microphone {
            allowed: controller.is_some_and(|c| self.may_speak(c)),
            on: controller.is_some_and(|c| c.speaks.load(Ordering::Relaxed)),
            live: self.speakers() > 0,
        }
    }

    /// Whether its token lets it, and there is somewhere to be heard.
    fn may_speak(&self, controller: &Controller) -> bool {
        controller.rights.microphone && self.shared.voices.as_ref().is_some_and(|voices| !voices.is_closed())
    }

    fn speakers(&self) -> usize {
        let speaks = |c: &&Controller| c.speaks.load(Ordering::Relaxed);
        self.controllers.values().filter(speaks).count()
    }
}
