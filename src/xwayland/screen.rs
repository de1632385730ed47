//! What X11 clients hear of the screen: the default cursor, and of the monitor its EDID as a property of each RandR output, where xrandr and Wine read it, and
//! the path of its file as gamescope's property of the root window.

use crate::monitor::Monitor;
use crate::scene::cursor::to_argb;
use crate::state::State;
use anyhow::Result;
use goggles_protocols::cursor::Update;
use std::os::unix::ffi::OsStrExt;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, PropMode};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

impl State {
    /// Tells all servers that are ready.
    pub(crate) fn x11_show_monitors(&mut self) {
        for server in self.scope.xwayland.places() {
            self.x11_show_monitor(server);
        }
    }

    /// Tells the server at this place, if it is ready.
    pub(super) fn x11_show_monitor(&mut self, server: u32) {
        let monitor = &self.scope.monitor;
        let Some(ewmh) = self.scope.xwayland.ewmh(server) else {
            return;
        };
        let (conn, root) = ewmh.connection();
        if let Err(why) = show(conn, root, monitor) {
            tracing::warn!("Xwayland can't be told of the monitor: {why:#}");
        }
    }
}

impl State {
    /// Gives the server at this place, which has become ready, the user's default cursor, if there is one: X11 programs
    /// show it wherever they have none of their own.
    pub(super) fn x11_show_cursor(&mut self, server: u32) {
        let scope = &mut self.scope;
        let Some(Update::Image {
            width,
            height,
            hot_x,
            hot_y,
            rgba,
        }) = scope.cursor.own()
        else {
            return;
        };
        let (size, hotspot) = ((*width, *height).into(), (*hot_x, *hot_y).into());
        let shown = scope
            .xwayland
            .wm(server)
            .map(|wm| wm.set_cursor(&to_argb(rgba), size, hotspot));
        if let Some(Err(why)) = shown {
            tracing::warn!("Xwayland can't be given the cursor: {why}");
        }
    }
}

fn show(conn: &RustConnection, root: u32, monitor: &Monitor) -> Result<()> {
    let atom = |name: &str| conn.intern_atom(false, name.as_bytes());
    let (edid, path, utf8) = (
        atom("EDID")?,
        atom("GAMESCOPE_DISPLAY_EDID_PATH")?,
        atom("UTF8_STRING")?,
    );
    let (edid, path, utf8) = (edid.reply()?.atom, path.reply()?.atom, utf8.reply()?.atom);
    match monitor.path() {
        Some(file) => {
            let text = file.as_os_str().as_bytes();
            conn.change_property8(PropMode::REPLACE, root, path, utf8, text)?;
        }
        None => {
            conn.delete_property(root, path)?;
        }
    }
    let (data, length) = (monitor.edid(), monitor.edid().len() as u32);
    for output in conn.randr_get_screen_resources_current(root)?.reply()?.outputs {
        let integer = AtomEnum::INTEGER.into();
        conn.randr_change_output_property(output, edid, integer, 8, PropMode::REPLACE, length, data)?
            .check()?;
    }
    Ok(())
}
