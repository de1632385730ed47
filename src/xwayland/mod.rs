//! Xwayland: the server, its window manager, and the pairing of windows with surfaces.

use crate::state::State;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::wayland::selection::SelectionTarget;
use std::os::fd::OwnedFd;

/// Xwayland's state.
#[derive(Debug, Default)]
pub struct Xwayland {}

impl Xwayland {
    /// The display's number, once the server is ready.
    pub fn display(&self) -> Option<u32> {
        None
    }
}

impl State {
    /// Starts the server.
    pub fn start_xwayland(&mut self) -> anyhow::Result<()> {
        anyhow::bail!("not yet")
    }

    /// Ends the server.
    pub fn stop_xwayland(&mut self) {}

    /// The part of a commit that concerns X11 windows.
    pub fn x11_commit(&mut self, _root: &WlSurface) {}

    /// Tells the X server the stacking order and the focused window.
    pub fn x11_restack(&mut self) {}

    /// A Wayland client owns a selection: X11 clients may take it.
    pub fn selection_to_x11(&mut self, _target: SelectionTarget, _mimes: Option<Vec<String>>) {}

    /// A Wayland client wants a selection that an X11 client owns.
    pub fn selection_from_x11(&mut self, _target: SelectionTarget, _mime: String, _fd: OwnedFd) {}
}
