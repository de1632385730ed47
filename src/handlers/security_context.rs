//! security-context: clients of a sandbox are told apart, and get no global by which they could see or drive others.

use super::compositor::ClientState;
use crate::state::State;
use smithay::reexports::wayland_server::Client;
use smithay::wayland::security_context::{SecurityContext, SecurityContextHandler, SecurityContextListenerSource};
use smithay::xwayland::XWaylandClientData;

/// Whether a client may inject input, capture the picture, lock the session or configure the output: all but those of a
/// sandbox.
pub fn trusted(client: &Client) -> bool {
    match client.get_data::<ClientState>() {
        Some(ours) => ours.sandbox.is_none(),
        None => client.get_data::<XWaylandClientData>().is_some(),
    }
}

impl SecurityContextHandler for State {
    fn context_created(&mut self, source: SecurityContextListenerSource, context: SecurityContext) {
        tracing::info!(engine = ?context.sandbox_engine, app = ?context.app_id, "a sandbox was made");
        let inserted = self.scope.events.insert_source(source, move |stream, (), state| {
            let data = ClientState {
                sandbox: Some(context.clone()),
                ..ClientState::default()
            };
            if let Err(why) = state.admit(stream, data) {
                tracing::warn!("a sandbox's client could not connect: {why}");
            }
        });
        if let Err(why) = inserted {
            tracing::warn!("a sandbox's socket can't be listened at: {why}");
        }
    }
}

smithay::delegate_security_context!(State);
