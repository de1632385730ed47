//! security-context: clients of a sandbox are told apart, and get no global by which they could see or drive others.

use super::compositor::ClientState;
use crate::state::State;
use smithay::reexports::calloop::{self, EventSource, Poll, PostAction, Readiness, Token, TokenFactory};
use smithay::reexports::wayland_server::Client;
use smithay::wayland::security_context::{SecurityContext, SecurityContextHandler, SecurityContextListenerSource};
use smithay::xwayland::XWaylandClientData;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// So many sandboxes at once, whoever made them: each holds two files for as long as its maker likes.
const MOST: usize = 64;

/// Whether a client may inject input, capture the picture, lock the session or configure the output: all but those of a
/// sandbox.
pub fn trusted(client: &Client) -> bool {
    match client.get_data::<ClientState>() {
        Some(ours) => ours.sandbox.is_none(),
        None => client.get_data::<XWaylandClientData>().is_some(),
    }
}

/// Where a sandbox's clients come in. What is no listening socket, which is found out late, ends the sandbox and not the
/// loop.
struct Door {
    source: SecurityContextListenerSource,
    /// Counts the doors.
    _place: Arc<()>,
}

impl EventSource for Door {
    type Event = UnixStream;
    type Metadata = ();
    type Ret = ();
    type Error = io::Error;

    fn process_events<F>(&mut self, readiness: Readiness, token: Token, callback: F) -> io::Result<PostAction>
    where
        F: FnMut(UnixStream, &mut ()),
    {
        self.source.process_events(readiness, token, callback).or_else(|why| {
            if why.kind() == io::ErrorKind::ConnectionAborted {
                return Ok(PostAction::Continue);
            }
            tracing::warn!("a sandbox is closed, since its socket can't be listened at: {why}");
            Ok(PostAction::Remove)
        })
    }

    fn register(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.source.register(poll, tokens)
    }

    fn reregister(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.source.reregister(poll, tokens)
    }

    fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.source.unregister(poll)
    }
}

impl SecurityContextHandler for State {
    fn context_created(&mut self, source: SecurityContextListenerSource, context: SecurityContext) {
        let place = Arc::clone(&self.scope.extras.sandboxes);
        // One is the list's own, one is this.
        if Arc::strong_count(&place) > MOST + 1 {
            self.let_go(&context.creator_client_id, &format!("more than {MOST} sandboxes"));
            return;
        }
        let source = Door { source, _place: place };
        if let Some(left_out) = self.scope.clients.lines.one(self.scope.now) {
            tracing::info!(engine = ?context.sandbox_engine, app = ?context.app_id, "a sandbox was made{left_out}");
        }
        let inserted = self.scope.events.insert_source(source, move |stream, (), state| {
            let data = ClientState {
                sandbox: Some(context.clone()),
                ..ClientState::default()
            };
            state.let_in(stream, data);
        });
        if let Err(why) = inserted {
            tracing::warn!("a sandbox's socket can't be listened at: {why}");
        }
    }
}

smithay::delegate_security_context!(State);
