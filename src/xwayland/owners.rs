//! How many windows each X11 program has: far more than any has use for, and so few that the window manager, which looks
//! through all of them again and again, is not held up.

use crate::state::Scope;
use std::collections::HashMap;
use x11rb::connection::Connection as _;
use x11rb::cookie::VoidCookie;
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// So many at the same time.
const MOST: usize = 4096;

/// The windows of a server's programs, by the bits that all names of a program have in common.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<u32, usize>);

impl Owners {
    /// A window of this owner is there. Whether its program has just got one too many.
    fn made(&mut self, owner: u32) -> bool {
        let count = self.0.entry(owner).or_default();
        *count += 1;
        *count == MOST + 1
    }

    /// One is gone.
    fn gone(&mut self, owner: u32) {
        if let Some(count) = self.0.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&owner);
            }
        }
    }
}

impl Scope {
    /// A window of the server at this place is there, mapped or not. Its program is ended if it has too many.
    pub(super) fn x11_window_made(&mut self, server: u32, window: u32) {
        let Some(slot) = self.xwayland.slots.get_mut(&server) else {
            return;
        };
        let Some(ewmh) = slot.run.as_mut().and_then(|run| run.ewmh.as_mut()) else {
            return;
        };
        let (conn, _) = ewmh.connection();
        if !slot.owners.made(owner(conn, window)) {
            return;
        }
        tracing::warn!("an X11 program had more than {MOST} windows, and is ended");
        let killed = conn.kill_client(window).map(VoidCookie::ignore_error);
        if let Err(why) = killed.and_then(|()| conn.flush()) {
            tracing::debug!("error ending an X11 program: {why:#}");
        }
    }

    /// One is gone.
    pub(super) fn x11_window_gone(&mut self, server: u32, window: u32) {
        let Some(slot) = self.xwayland.slots.get_mut(&server) else {
            return;
        };
        if let Some(ewmh) = slot.run.as_mut().and_then(|run| run.ewmh.as_mut()) {
            slot.owners.gone(owner(ewmh.connection().0, window));
        }
    }
}

/// What the names of all windows of a window's program begin with.
fn owner(conn: &RustConnection, window: u32) -> u32 {
    window & !conn.setup().resource_id_mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_may_have_so_many_and_is_told_of_once() {
        let mut owners = Owners::default();
        assert!((0..MOST).all(|_| !owners.made(1)));
        assert!((0..MOST).all(|_| !owners.made(2)));
        assert!(owners.made(1) && !owners.made(1));
        (0..MOST + 2).for_each(|_| owners.gone(1));
        assert!(!owners.made(1) && owners.0.len() == 2);
    }
}
