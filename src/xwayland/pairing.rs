//! Finds the surface of each X11 window.
//!
//! Xwayland from 23.1 on gives window and surface the same serial, and smithay brings them together. Xwayland before
//! that announces the surface's Wayland object id in an X event (`WL_SURFACE_ID`). The two connections are not
//! ordered: the event may come before the surface exists here, or after its first commit. So the announcement is kept
//! and the object looked for again whenever something has changed, until both are there. It is the X stream that says
//! when an announcement is over: the window is unmapped, and its surface is destroyed.

use super::stacking::outermost;
use crate::scene::policy::WindowId;
use crate::scene::window::Kind;
use crate::state::State;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};
use smithay::wayland::xwayland_shell::{XWaylandShellHandler, XWaylandShellState};
use smithay::xwayland::{X11Surface, XWaylandClientData, xwm::XwmId};
use std::collections::HashMap;

/// The surfaces' object ids by the outermost X11 window, as announced.
#[derive(Debug, Default)]
pub struct Announced(HashMap<u32, u32>);

impl Announced {
    /// A window was announced with this object id.
    pub fn surface(&mut self, window: u32, id: u32) {
        self.0.insert(window, id);
    }

    /// A window was unmapped or destroyed.
    pub fn gone(&mut self, window: u32) {
        self.0.remove(&window);
    }

    /// The object id a window was announced with.
    pub fn id_of(&self, window: u32) -> Option<u32> {
        self.0.get(&window).copied()
    }
}

/// The surface of a window: the one of its serial, else the one that was announced, unless it is another window's
/// (whose end has not arrived yet), else the one it has, if that is alive.
fn choose<S>(by_serial: Option<S>, announced: Option<S>, has: Option<S>, is_other: impl Fn(&S) -> bool) -> Option<S> {
    by_serial.or_else(|| announced.filter(|s| !is_other(s))).or(has)
}

/// What is to change about a window.
struct Change {
    id: WindowId,
    surface: Option<WlSurface>,
    mapped: bool,
    first: bool,
}

impl State {
    /// Sees to the events that came while we waited for replies, and to windows that got or lost their surface. Called
    /// once an iteration, since smithay has no hook for the old generation's announcement.
    pub fn x11_turn(&mut self) {
        // Telling the X server the order waits for a reply, behind which an event may come; only so many can follow
        // from one another.
        for _ in 0..8 {
            let Some(server) = &mut self.scope.xwayland.server else {
                return;
            };
            if server.ewmh.as_mut().is_some_and(|e| e.take_unread()) {
                self.x11_read_events();
            }
            if !self.x11_pair() {
                return;
            }
        }
    }

    /// Brings windows and surfaces together. Whether anything changed.
    fn x11_pair(&mut self) -> bool {
        let windows = &self.scope.windows;
        let lost = || {
            let surfaces = windows.iter().filter(|w| matches!(w.kind, Kind::X11(_)));
            surfaces.filter_map(|w| w.surface.as_ref()).any(|s| !s.is_alive())
        };
        if !std::mem::take(&mut self.scope.xwayland.look) && !lost() {
            return false;
        }
        let changes: Vec<Change> = windows
            .iter()
            .filter_map(|w| match &w.kind {
                Kind::X11(x11) => self.x11_change(w, x11),
                Kind::Xdg(_) => None,
            })
            .collect();
        let changed = !changes.is_empty();
        for change in changes {
            if change.first {
                self.scope.windows.raise(change.id);
                // What the player clicked before is no reason to keep the keyboard from a new window.
                self.scope.clicked = None;
            }
            if let Some(window) = self.scope.windows.get_mut(change.id) {
                window.surface = change.surface;
                window.mapped = change.mapped;
            }
        }
        if changed {
            self.scene_changed();
        }
        changed
    }

    fn x11_change(&self, window: &crate::scene::window::Window, x11: &X11Surface) -> Option<Change> {
        let managed = self.scope.xwayland.windows.get(&x11.window_id())?;
        let has = window.surface.clone().filter(|s| s.is_alive());
        let is_other = |s: &WlSurface| self.scope.windows.by_surface(s).is_some_and(|w| w.id != window.id);
        let announced = self.announced_surface(x11);
        let surface = choose(x11.wl_surface().filter(|s| s.is_alive()), announced, has, is_other);
        let has_buffer = |s: &WlSurface| with_renderer_surface_state(s, |s| s.buffer().is_some()).unwrap_or(false);
        // A window counts from its first picture on, so that the one below it is not taken away for nothing.
        let mapped = managed.mapped && surface.as_ref().is_some_and(has_buffer);
        (surface != window.surface || mapped != window.mapped).then(|| Change {
            id: window.id,
            first: mapped && !window.mapped,
            surface,
            mapped,
        })
    }

    fn announced_surface(&self, x11: &X11Surface) -> Option<WlSurface> {
        let server = self.scope.xwayland.server.as_ref()?;
        let id = server.ewmh.as_ref()?.announced.id_of(outermost(x11))?;
        // Not there yet, or the id is another kind of object by now: looked for again later.
        server.client().object_from_protocol_id(&self.scope.dh, id).ok()
    }

    /// The part of a commit that concerns X11 windows.
    pub fn x11_commit(&mut self, root: &WlSurface) {
        let by_xwayland = root
            .client()
            .is_some_and(|c| c.get_data::<XWaylandClientData>().is_some());
        if by_xwayland && self.scope.windows.by_surface(root).is_none_or(|w| !w.mapped) {
            self.scope.xwayland.look = true;
        }
    }
}

impl XWaylandShellHandler for State {
    fn xwayland_shell_state(&mut self) -> &mut XWaylandShellState {
        match &mut self.scope.xwayland.shell {
            Some(shell) => shell,
            // Called only by Xwayland's requests, and Xwayland is started after the state is made.
            None => unreachable!("Xwayland without its shell"),
        }
    }

    fn surface_associated(&mut self, _xwm: XwmId, _surface: WlSurface, _window: X11Surface) {
        self.scope.xwayland.look = true;
    }
}

smithay::delegate_xwayland_shell!(State);
