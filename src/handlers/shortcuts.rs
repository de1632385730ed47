//! keyboard-shortcuts-inhibit and xwayland-keyboard-grab: a client wants every key, ours included.
//!
//! The first is granted to the focused window only. The second is an X11 client's `XGrabKeyboard`, of which only
//! Xwayland can tell: as on any X server, it has the keys whoever has the focus, until it lets go of them.

use super::seat::KeyboardFocus;
use crate::state::{Scope, State};
use smithay::input::Seat;
use smithay::input::keyboard::KeyboardGrab;
use smithay::reexports::wayland_server::{DisplayHandle, Resource, protocol::wl_surface::WlSurface};
use smithay::utils::SERIAL_COUNTER;
use smithay::wayland::keyboard_shortcuts_inhibit::{
    KeyboardShortcutsInhibitHandler, KeyboardShortcutsInhibitState, KeyboardShortcutsInhibitor,
};
use smithay::wayland::seat::WaylandFocus;
use smithay::wayland::xwayland_keyboard_grab::{XWaylandKeyboardGrab, XWaylandKeyboardGrabHandler};

/// Who asked for every key.
#[derive(Debug)]
pub struct Shortcuts {
    state: KeyboardShortcutsInhibitState,
    inhibitors: Vec<KeyboardShortcutsInhibitor>,
    /// The X11 client's grab that holds the keyboard, or has until lately; while the session is locked, it waits.
    grab: Option<XWaylandKeyboardGrab<State>>,
}

impl Shortcuts {
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        Self {
            state: KeyboardShortcutsInhibitState::new::<State>(dh),
            inhibitors: Vec::new(),
            grab: None,
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
    /// Who has the keyboard wants the keys that would be our hotkeys.
    pub fn shortcuts_inhibited(&self) -> bool {
        let shortcuts = &self.extras.shortcuts;
        let grabbed = || shortcuts.grab.as_ref().is_some_and(|g| g.grab().is_alive());
        shortcuts.inhibitors.iter().any(|i| i.is_active()) || (!self.extras.lock.is_locked() && grabbed())
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

impl State {
    /// Gives the keyboard back to the focused window when the X11 client that had grabbed it has let go. smithay itself
    /// would notice at the next key, and give the client that one, too.
    pub(crate) fn end_dead_grab(&mut self) {
        let grab = &mut self.scope.extras.shortcuts.grab;
        if grab.as_ref().is_none_or(|g| g.grab().is_alive()) {
            return;
        }
        *grab = None;
        if self.scope.extras.lock.is_locked() {
            return;
        }
        if let Some(keyboard) = self.scope.seat.get_keyboard() {
            keyboard.unset_grab(self);
        }
        self.scene_changed();
    }

    /// The X11 client that grabbed the keyboard has it.
    pub(super) fn resume_grab(&mut self) {
        let grab = self.scope.extras.shortcuts.grab.clone();
        let (Some(grab), Some(keyboard)) = (grab, self.scope.seat.get_keyboard()) else {
            return;
        };
        if grab.grab().is_alive() {
            // The grab itself would focus at the first key, and that key, being down at the focus, would be no press.
            keyboard.set_focus(self, grab.start_data().focus.clone(), SERIAL_COUNTER.next_serial());
            keyboard.set_grab(self, grab, SERIAL_COUNTER.next_serial());
        }
    }
}

impl XWaylandKeyboardGrabHandler for State {
    fn grab(&mut self, _surface: WlSurface, _seat: Seat<Self>, grab: XWaylandKeyboardGrab<Self>) {
        self.scope.extras.shortcuts.grab = Some(grab);
        if !self.scope.extras.lock.is_locked() {
            self.resume_grab();
        }
    }

    fn keyboard_focus_for_xsurface(&self, surface: &WlSurface) -> Option<KeyboardFocus> {
        let x11 = self.scope.windows.by_surface(surface)?.x11()?;
        Some(KeyboardFocus::X11(x11.clone(), surface.clone()))
    }
}

smithay::delegate_keyboard_shortcuts_inhibit!(State);
smithay::delegate_xwayland_keyboard_grab!(State);
