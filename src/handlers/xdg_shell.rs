//! xdg_wm_base and xdg-decoration: toplevels fill the output, popups are kept inside it, grabs work.

use super::ClientState;
use super::seat::KeyboardFocus;
use crate::scene::window::Kind;
use crate::state::{Scope, State};
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::desktop::{
    PopupKeyboardGrab, PopupKind, PopupPointerGrab, PopupUngrabStrategy, find_popup_root_surface,
    get_popup_toplevel_coords,
};
use smithay::input::{Seat, pointer::Focus};
use smithay::reexports::wayland_protocols::xdg::decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode;
use smithay::reexports::wayland_protocols::xdg::shell::server::xdg_toplevel;
use smithay::reexports::wayland_server::Resource;
use smithay::reexports::wayland_server::protocol::{wl_output, wl_seat, wl_surface::WlSurface};
use smithay::utils::{Logical, Rectangle, Serial};
use smithay::wayland::compositor::{SurfaceData, with_states};
use smithay::wayland::shell::xdg::decoration::XdgDecorationHandler;
use smithay::wayland::shell::xdg::{
    PopupSurface, PositionerState, SurfaceCachedState, ToplevelSurface, XdgPopupSurfaceData, XdgShellHandler,
    XdgShellState, XdgToplevelSurfaceData,
};

/// smithay keeps each configure until it is acknowledged. A game that loads may answer late, but none asks so often meanwhile.
pub(super) const MOST_UNANSWERED: usize = 1024;
pub(super) const TOO_MANY_UNANSWERED: &str = "too many configures are not acknowledged";

impl XdgShellHandler for State {
    fn xdg_shell_state(&mut self) -> &mut XdgShellState {
        &mut self.scope.protocols.xdg_shell
    }

    fn new_toplevel(&mut self, toplevel: ToplevelSurface) {
        let surface = toplevel.wl_surface().clone();
        let client = surface.client();
        let data = client.as_ref().and_then(|client| client.get_data::<ClientState>());
        let owner = data.map(|data| data.owner).unwrap_or_default();
        self.scope.windows.add(0, Kind::Xdg(toplevel), Some(surface), owner);
    }

    fn new_popup(&mut self, popup: PopupSurface, positioner: PositionerState) {
        if !self.may_pop_up(&popup) {
            return;
        }
        self.scope.place_popup(&popup, positioner);
        if let Err(why) = self.scope.popups.track_popup(PopupKind::Xdg(popup)) {
            tracing::warn!("a popup's surface is gone: {why}");
        }
    }

    fn reposition_request(&mut self, popup: PopupSurface, positioner: PositionerState, token: u32) {
        self.scope.place_popup(&popup, positioner);
        popup.send_repositioned(token);
        self.end_if_unanswered(popup.wl_surface(), unanswered_by_popup);
    }

    fn grab(&mut self, popup: PopupSurface, seat: wl_seat::WlSeat, serial: Serial) {
        let Some(seat) = Seat::<Self>::from_resource(&seat) else {
            return;
        };
        if self.scope.extras.lock.is_locked() {
            popup.send_popup_done();
            return;
        }
        let kind = PopupKind::Xdg(popup);
        let Ok(root) = find_popup_root_surface(&kind) else {
            return;
        };
        let Ok(mut grab) = self
            .scope
            .popups
            .grab_popup(KeyboardFocus::Surface(root), kind, &seat, serial)
        else {
            return;
        };
        let taken = |grabbed: bool, ours: bool, before: bool| grabbed && !(ours || before);
        let previous = grab.previous_serial().unwrap_or(serial);
        if let Some(keyboard) = seat.get_keyboard() {
            if taken(
                keyboard.is_grabbed(),
                keyboard.has_grab(serial),
                keyboard.has_grab(previous),
            ) {
                grab.ungrab(PopupUngrabStrategy::All);
                return;
            }
            keyboard.set_focus(self, grab.current_grab(), serial);
            keyboard.set_grab(self, PopupKeyboardGrab::new(&grab), serial);
        }
        if let Some(pointer) = seat.get_pointer() {
            if taken(
                pointer.is_grabbed(),
                pointer.has_grab(serial),
                pointer.has_grab(previous),
            ) {
                grab.ungrab(PopupUngrabStrategy::All);
                return;
            }
            pointer.set_grab(self, PopupPointerGrab::new(&grab), serial, Focus::Keep);
        }
        self.scope.extras.menu = Some(grab);
    }

    fn maximize_request(&mut self, toplevel: ToplevelSurface) {
        self.fill_output(&toplevel, xdg_toplevel::State::Maximized, true);
    }

    fn unmaximize_request(&mut self, toplevel: ToplevelSurface) {
        self.fill_output(&toplevel, xdg_toplevel::State::Maximized, false);
    }

    fn fullscreen_request(&mut self, toplevel: ToplevelSurface, _output: Option<wl_output::WlOutput>) {
        self.fill_output(&toplevel, xdg_toplevel::State::Fullscreen, true);
    }

    fn unfullscreen_request(&mut self, toplevel: ToplevelSurface) {
        self.fill_output(&toplevel, xdg_toplevel::State::Fullscreen, false);
    }

    fn minimize_request(&mut self, toplevel: ToplevelSurface) {
        // There is nowhere to minimise to: another main window is shown, if there is one.
        if let Some(id) = self.scope.windows.by_surface(toplevel.wl_surface()).map(|w| w.id) {
            self.minimize(id);
        }
    }

    fn toplevel_destroyed(&mut self, toplevel: ToplevelSurface) {
        self.revoke_window(toplevel.wl_surface());
        let id = self.scope.windows.by_surface(toplevel.wl_surface()).map(|w| w.id);
        if let Some(id) = id {
            self.scope.windows.remove(id);
            self.scene_changed();
        }
    }

    fn popup_destroyed(&mut self, _popup: PopupSurface) {
        self.scope.damage();
    }

    fn parent_changed(&mut self, _toplevel: ToplevelSurface) {
        self.scene_changed();
    }

    fn title_changed(&mut self, _toplevel: ToplevelSurface) {
        self.scope.scene_info_dirty = true;
    }

    fn app_id_changed(&mut self, _toplevel: ToplevelSurface) {
        self.scope.scene_info_dirty = true;
    }
}

impl XdgDecorationHandler for State {
    fn new_decoration(&mut self, toplevel: ToplevelSurface) {
        server_side(&toplevel);
    }
    fn request_mode(&mut self, toplevel: ToplevelSurface, _mode: Mode) {
        server_side(&toplevel);
    }
    fn unset_mode(&mut self, toplevel: ToplevelSurface) {
        server_side(&toplevel);
    }
}

/// How many configures the client has not acknowledged.
fn unanswered_by_toplevel(states: &SurfaceData) -> Option<usize> {
    let toplevel = states.data_map.get::<XdgToplevelSurfaceData>()?.lock().ok()?;
    Some(toplevel.pending_configures().len())
}

/// Likewise.
fn unanswered_by_popup(states: &SurfaceData) -> Option<usize> {
    let popup = states.data_map.get::<XdgPopupSurfaceData>()?.lock().ok()?;
    Some(popup.pending_configures().len())
}

/// Decorations are the server's, which draws none: a game's picture is the picture.
fn server_side(toplevel: &ToplevelSurface) {
    toplevel.with_pending_state(|s| s.decoration_mode = Some(Mode::ServerSide));
    if toplevel.is_initial_configure_sent() {
        toplevel.send_pending_configure();
    }
}

impl State {
    /// Grants or takes a state and tells the size again: there is only one output to fill.
    fn fill_output(&mut self, toplevel: &ToplevelSurface, state: xdg_toplevel::State, set: bool) {
        toplevel.with_pending_state(|s| {
            if set {
                s.states.set(state);
            } else {
                s.states.unset(state);
            }
            s.size = Some(self.scope.area);
        });
        if toplevel.is_initial_configure_sent() {
            toplevel.send_configure();
            self.end_if_unanswered(toplevel.wl_surface(), unanswered_by_toplevel);
        }
    }

    /// Ends a client that makes us ask and never answers.
    fn end_if_unanswered(&self, surface: &WlSurface, unanswered: fn(&SurfaceData) -> Option<usize>) {
        if with_states(surface, unanswered).is_some_and(|count| count > MOST_UNANSWERED) {
            self.end_of(surface, TOO_MANY_UNANSWERED);
        }
    }

    /// The part of a commit that concerns xdg roles: first configures, mapping and unmapping.
    pub(super) fn xdg_commit(&mut self, root: &WlSurface) {
        if let Some(PopupKind::Xdg(popup)) = self.scope.popups.find_popup(root)
            && !popup.is_initial_configure_sent()
            && let Err(why) = popup.send_configure()
        {
            tracing::warn!("a popup can't be configured: {why}");
        }
        let Some(window) = self.scope.windows.by_surface(root) else {
            return;
        };
        let Kind::Xdg(toplevel) = &window.kind else { return };
        let (id, mapped, toplevel) = (window.id, window.mapped, toplevel.clone());
        let has_buffer = with_renderer_surface_state(root, |s| s.buffer().is_some()).unwrap_or(false);
        // Content before the first configure was acknowledged is the client's error, and ends it. (The conformance suite
        // itself makes this error in every test.)
        if has_buffer && !self.scope.free && !toplevel.ensure_configured() {
            return;
        }
        if !toplevel.is_initial_configure_sent() {
            self.scope.first_configure(&toplevel);
            if !self.scope.free || !has_buffer {
                return;
            }
        }
        if has_buffer != mapped {
            if let Some(window) = self.scope.windows.get_mut(id) {
                window.mapped = has_buffer;
            }
            if has_buffer {
                self.scope.windows.raise(id);
                // What the player clicked before is no reason to keep the keyboard from a new window.
                self.scope.clicked = None;
            }
            self.scene_changed();
        } else if has_buffer {
            self.relayout();
        }
    }
}

impl Scope {
    /// Main windows are told the output's size, unless their size is fixed; dialogs choose their own.
    fn first_configure(&self, toplevel: &ToplevelSurface) {
        let (min, max) = with_states(toplevel.wl_surface(), |s| {
            let mut guard = s.cached_state.get::<SurfaceCachedState>();
            let current = guard.current();
            (current.min_size, current.max_size)
        });
        let fixed = min == max && min.w > 0 && min.h > 0;
        let own_size = fixed || toplevel.parent().is_some() || self.free;
        toplevel.with_pending_state(|s| {
            s.bounds = Some(self.area);
            s.states.set(xdg_toplevel::State::Activated);
            if !own_size {
                s.size = Some(self.area);
                // A game that asked for full screen before its first commit already has that state.
                if !s.states.contains(xdg_toplevel::State::Fullscreen) {
                    s.states.set(xdg_toplevel::State::Maximized);
                }
            }
        });
        toplevel.send_configure();
    }

    /// Keeps a popup inside the output, as its positioner's rules allow.
    pub(super) fn place_popup(&self, popup: &PopupSurface, positioner: PositionerState) {
        let kind = PopupKind::Xdg(popup.clone());
        let geometry = match find_popup_root_surface(&kind)
            .ok()
            .and_then(|root| self.root_rect(&root))
        {
            Some(rect) => {
                let mut target = Rectangle::from_size(self.area);
                target.loc -= get_popup_toplevel_coords(&kind) + rect.loc;
                positioner.get_unconstrained_geometry(target)
            }
            None => positioner.get_geometry(),
        };
        popup.with_pending_state(|s| {
            s.geometry = geometry;
            s.positioner = positioner;
        });
    }

    /// Where the window or layer surface of this root is.
    fn root_rect(&self, root: &WlSurface) -> Option<Rectangle<i32, Logical>> {
        let window = self.windows.by_surface(root).map(|w| w.rect(self.area));
        window.or_else(|| self.extras.layers.rect(root, self.visible()))
    }
}

smithay::delegate_xdg_decoration!(State);
