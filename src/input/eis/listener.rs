//! The socket where programs emulate input, and their connections as sources of the loop.
//!
//! A sandboxed program (security-context) is not told of it, and does not see the runtime directory that it lies in.

use super::client::{Client, Step};
use crate::state::State;
use anyhow::{Context as _, Result};
use calloop::generic::Generic;
use calloop::{Interest, Mode, PostAction};
use reis::eis::{Context, Listener};
use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::{Rc, Weak};
use std::sync::Arc;

/// More connections at once are refused.
const MOST: usize = 16;

/// Who is connected.
#[derive(Debug, Default)]
pub struct Eis {
    clients: Vec<Weak<RefCell<Client>>>,
    /// The last refusal has been told.
    full: bool,
    /// Counts the fingers, so that two programs' are two.
    fingers: u32,
}

impl Eis {
    /// What a finger that comes down is called.
    pub(super) fn new_finger(&mut self) -> u32 {
        self.fingers = self.fingers.wrapping_add(1);
        self.fingers
    }
}

impl State {
    /// Takes connections at `name` in the runtime directory `runtime`. What another session left there is taken away: the
    /// name is a Wayland socket's, which is ours, with something after it.
    ///
    /// Error: the socket can't be made.
    pub fn listen_eis(&mut self, runtime: &Path, name: &str) -> Result<()> {
        let path = runtime.join(name);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e).context("error removing an old socket"),
            _ => {}
        }
        let listener = Listener::bind(&path).with_context(|| format!("error listening at {}", path.display()))?;
        let source = Generic::new(listener, Interest::READ, Mode::Level);
        let inserted = self.scope.events.insert_source(source, |_, listener, state| {
            match listener.accept() {
                Ok(Some(context)) => state.admit_eis(context),
                Ok(None) => {}
                Err(why) => tracing::debug!("a connection for emulated input failed: {why}"),
            }
            Ok(PostAction::Continue)
        });
        inserted.map_err(|e| anyhow::anyhow!("error listening for emulated input: {e}"))?;
        Ok(())
    }

    /// Takes one connection.
    pub fn admit_eis(&mut self, context: Context) {
        let eis = &mut self.scope.eis;
        eis.clients.retain(|client| client.strong_count() > 0);
        if eis.clients.len() >= MOST {
            if !std::mem::replace(&mut eis.full, true) {
                tracing::warn!("{MOST} programs emulate input: more are refused");
            }
            return;
        }
        eis.full = false;
        let socket = match context.as_fd().try_clone_to_owned() {
            Ok(socket) => Arc::new(socket),
            Err(why) => return tracing::warn!("a connection for emulated input can't be watched: {why}"),
        };
        let client = Rc::new(RefCell::new(Client::new(&context)));
        eis.clients.push(Rc::downgrade(&client));
        let source = Generic::new(context, Interest::READ, Mode::Level);
        let inserted = self
            .scope
            .events
            .insert_source(source, move |_, context, state: &mut Self| {
                // reis reads for as long as there is something to read.
                let (read, stuck) = state
                    .scope
                    .clients
                    .watched(Some(Arc::clone(&socket)), || context.read());
                if stuck {
                    tracing::warn!("a program that emulates input never stopped sending: it is let go");
                }
                let mut client = client.borrow_mut();
                let step = if read.is_ok() {
                    client.take(context, state)
                } else {
                    Step::End
                };
                Ok(match step {
                    Step::Go => PostAction::Continue,
                    Step::End => {
                        client.release(state);
                        PostAction::Remove
                    }
                })
            });
        if let Err(why) = inserted {
            tracing::warn!("a connection for emulated input can't be read: {why}");
        }
    }

    /// The layout or the output's size is another: who emulates devices of them gets new ones.
    pub fn eis_devices_changed(&mut self) {
        let clients: Vec<_> = self.scope.eis.clients.iter().filter_map(Weak::upgrade).collect();
        for client in clients {
            // A client that is being read from now set this off itself, and hears of it with its next device.
            if let Ok(mut client) = client.try_borrow_mut() {
                client.renew(self);
            }
        }
    }
}
