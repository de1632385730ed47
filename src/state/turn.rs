//! One iteration of the loop, after its events: what is due, and when something is due next.

use super::State;
use crate::time::Mono;

impl State {
    /// Sees to everything that is due; called once after the events of an iteration.
    pub fn turn(&mut self, now: Mono) {
        self.scope.now = now;
        self.remote_tick();
        self.typing_turn();
        self.scope.stats.roll(now);
        self.x11_turn();
        self.end_dead_grab();
        self.scope.popups.cleanup();
        self.apply_timed();
        self.unseen_turn();
        if self.latch(now) {
            self.fifo_tick();
            if self.scope.fifo_waits() {
                self.scope.pacer.no_hold();
            }
            self.latch(now);
        }
        self.scope.fifo_keeps_ticking();
        self.screencopy_turn();
        self.scope.idle_turn();
        self.lift_lost_fingers();
        self.scope.descriptions_told();
        self.scope.heads_turn();
        self.toplevels_turn();
        self.tuning_turn();
        self.scope.tell_viewers();
        if let Err(why) = self.scope.dh.flush_clients() {
            tracing::debug!("error flushing clients: {why}");
        }
        self.x11_asked();
    }

    /// Latches a frame and sends the callbacks, as far as they are due. Gives whether this is a tick.
    fn latch(&mut self, now: Mono) -> bool {
        if self.scope.scene_dirty {
            self.relayout();
        } else if self.scope.over.is_stale() {
            self.refresh_pointer_focus(self.scope.pointer_fit);
        }
        let due = self.scope.pacer.step(now, self.backend.is_free());
        if due.latch || (self.backend.wants_frame() && self.backend.is_free()) {
            let result = self.backend.submit(&mut self.scope);
            if due.latch {
                tracing::trace!(?result, "latched");
                self.scope.presented();
                self.scope.fifo_latched();
                self.scope.lock_latched();
                self.scope.screencopy_latched();
            }
        }
        if due.callbacks {
            if !self.scope.pacer.is_dirty() {
                // What was committed without anything new to show is shown already.
                self.scope.presented();
            }
            self.scope.send_frame_callbacks();
        }
        due.callbacks
    }

    /// Makes the layout anew, and tells whoever is under the pointer then.
    pub fn relayout(&mut self) {
        self.look_at_sizes();
        let before = self.scope.pointer_fit;
        self.scope.relayout();
        self.refresh_pointer_focus(before);
    }

    /// When [`Self::turn`] must run again, if nothing else happens.
    pub fn deadline(&self) -> Option<Mono> {
        let timed = self.scope.extras.timing.deadline(self.scope.now);
        [
            self.scope.pacer.deadline(),
            self.scope.cursor.deadline(),
            self.scope.remote.deadline(),
            self.scope.typing.deadline(),
            self.scope.stats.deadline(),
            timed.map(|time| self.scope.pacer.due_for(time)),
            self.scope.unseen_deadline(),
            self.scope.feedback_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
