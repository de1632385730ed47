//! Which process an X11 window is of, and with it which app.

use crate::scene::window::Owner;
use crate::state::Scope;
use anyhow::Result;
use smithay::xwayland::X11Surface;
use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

impl Scope {
    /// Whose this window of the server at this place is. Its own word counts only where the X server does not know better:
    /// many say nothing, and in a container the numbers are others.
    pub(super) fn x11_owner(&mut self, server: u32, window: &X11Surface) -> Owner {
        let ewmh = self.xwayland.ewmh(server).filter(|_| self.settings.xres);
        let known = ewmh.and_then(|ewmh| process(ewmh.connection().0, window.window_id()).ok()?);
        Owner::of(known.or_else(|| window.pid()).unwrap_or(0))
    }
}

/// The process of the window's client, as the X server sees it (the X-Resource extension).
fn process(conn: &RustConnection, window: u32) -> Result<Option<u32>> {
    let (client, mask) = (window, ClientIdMask::LOCAL_CLIENT_PID);
    let asked = conn.res_query_client_ids(&[ClientIdSpec { client, mask }])?;
    let ids = asked.reply_unchecked()?.map(|reply| reply.ids).unwrap_or_default();
    Ok(ids.first().and_then(|id| id.value.first()).copied())
}
