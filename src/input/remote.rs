//! Input from the network: batches in, seat events out, releases when the viewer falls silent or goes.
//!
//! The receiver's rules (duplicates, stale presses, reconciliation, silence) are `goggles_protocols::input`'s; here
//! they meet the seat.

use crate::link::{FromScope, ViewerId};
use crate::state::State;
use crate::time::Mono;
use goggles_protocols::input::{Batch, Event, Limits, Receiver};

/// The holder of the input role, as the seat sees it.
#[derive(Debug)]
pub struct Remote {
    holder: Option<ViewerId>,
    receiver: Receiver,
    events: Vec<Event>,
}

impl Default for Remote {
    fn default() -> Self {
        Self {
            holder: None,
            receiver: Receiver::new(Limits::default()),
            events: Vec::new(),
        }
    }
}

impl Remote {
    /// Who has the input role.
    pub fn holder(&self) -> Option<ViewerId> {
        self.holder
    }

    /// When the receiver must look again.
    pub fn deadline(&self) -> Option<Mono> {
        self.receiver.deadline().map(|us| Mono(us * 1000))
    }
}

impl State {
    /// The input role went to another viewer, or to nobody: all that the last one held is released.
    pub fn input_holder(&mut self, holder: Option<ViewerId>) {
        let remote = &mut self.scope.remote;
        if remote.holder == holder {
            return;
        }
        remote.receiver.release_all(&mut remote.events);
        remote.holder = holder;
        remote.receiver = Receiver::new(Limits::default());
        self.scope.typing.stop();
        self.inject_all();
    }

    /// A batch from the network. One of a viewer who has just lost the role is late, and dropped.
    pub fn input_batch(&mut self, viewer: ViewerId, batch: &Batch, at: Mono) {
        let remote = &mut self.scope.remote;
        if remote.holder != Some(viewer) {
            return;
        }
        remote.receiver.receive(at.micros(), batch, &mut remote.events);
        let ack = remote.receiver.ack();
        self.inject_all();
        if let Some(ack) = ack {
            self.scope.tell(FromScope::InputAck { viewer, ack });
        }
    }

    /// Sees to silence.
    pub fn remote_tick(&mut self) {
        let now = self.scope.now.micros();
        let remote = &mut self.scope.remote;
        if remote.receiver.deadline().is_some_and(|d| d <= now) {
            remote.receiver.tick(now, &mut remote.events);
            self.inject_all();
        }
    }

    fn inject_all(&mut self) {
        let mut events = std::mem::take(&mut self.scope.remote.events);
        for event in events.drain(..) {
            self.inject(event);
        }
        // Nothing that an event sets off puts new events here, so the memory can be kept.
        self.scope.remote.events = events;
    }
}
