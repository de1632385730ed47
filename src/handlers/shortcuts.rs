//! keyboard-shortcuts-inhibit and xwayland-keyboard-grab: a client wants every key, ours included.
//!
//! Both are granted, to the focused window only: there is nothing else in a game's session that a key could be for, and
//! the viewer's own client keeps a way out.

use super::seat::KeyboardFocus;
use crate::scene::window::Kind;
use crate::state::{Scope, State};
use smithay::reexports::wayland_server::{DisplayHandle, protocol::wl_surface::WlSurface};
use smithay::wayland::keyboard_shortcuts_inhibit::{
    KeyboardShortcutsInhibitHandler, KeyboardShortcutsInhibitState, KeyboardShortcutsInhibitor,
};
use smithay::wayland::seat::WaylandFocus;
use smithay::wayland::xwayland_keyboard_grab::XWaylandKeyboardGrabHandler;

/// Who asked for every key.
#[derive(Debug)]
pub struct Shortcuts {
    state: KeyboardShortcutsInhibitState,
    inhibitors: Vec<KeyboardShortcutsInhibitor>,
}

impl Shortcuts {
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        Self {
            state: KeyboardShortcutsInhibitState::new::<State>(dh),
            inhibitors: Vec::new(),
        }
    }

    /// The keyboard went to another surface: the requests of the others rest.
    pub(super) fn focus_changed(&self, focused: Option<&WlSurface>) {
        for inhibitor in &self.inhibitors {
            match (focused == Some(inhibitor.wl_surface()), inhibitor.is_active()) {
                (true, false) => inhibitor.activate(),
                (false, true) => inhibitor.inactivate(),
                _ => {}
            }
        }
    }
}

impl Scope {
    /// The focused window wants the keys that would be our hotkeys.
    pub fn shortcuts_inhibited(&self) -> bool {
        self.extras.shortcuts.inhibitors.iter().any(|i| i.is_active())
    }
}

impl KeyboardShortcutsInhibitHandler for State {
    fn keyboard_shortcuts_inhibit_state(&mut self) -> &mut KeyboardShortcutsInhibitState {
        &mut self.scope.extras.shortcuts.state
    }

    fn new_inhibitor(&mut self, inhibitor: KeyboardShortcutsInhibitor) {
        let focus = self.scope.seat.get_keyboard().and_then(|k| k.current_focus());
        let surface = focus.as_ref().and_then(|f| f.wl_surface());
        self.scope.extras.shortcuts.inhibitors.push(inhibitor);
        self.scope.extras.shortcuts.focus_changed(surface.as_deref());
    }

    fn inhibitor_destroyed(&mut self, inhibitor: KeyboardShortcutsInhibitor) {
        self.scope.extras.shortcuts.inhibitors.retain(|i| *i != inhibitor);
    }
}

impl XWaylandKeyboardGrabHandler for State {
    fn keyboard_focus_for_xsurface(&self, surface: &WlSurface) -> Option<KeyboardFocus> {
        let window = self.scope.windows.by_surface(surface)?;
        match &window.kind {
            Kind::X11(x11) => Some(KeyboardFocus::X11(x11.clone(), surface.clone())),
            Kind::Xdg(_) => None,
        }
    }
}

smithay::delegate_keyboard_shortcuts_inhibit!(State);
smithay::delegate_xwayland_keyboard_grab!(State);
