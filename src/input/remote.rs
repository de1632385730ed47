//! Input from the network: batches in, seat events out, releases when the viewer falls silent or goes.

use crate::state::State;
use crate::time::Mono;

/// The holder's receiver.
#[derive(Debug, Default)]
pub struct Remote {}

impl Remote {
    /// When the receiver must look again.
    pub fn deadline(&self) -> Option<Mono> {
        None
    }
}

impl State {
    /// Sees to silence.
    pub fn remote_tick(&mut self) {}
}
