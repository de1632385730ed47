//! wl_seat and cursor-shape: who gets input, and what the cursor looks like.

use crate::state::State;
use smithay::backend::input::KeyState;
use smithay::desktop::PopupKind;
use smithay::input::keyboard::{KeyboardTarget, KeysymHandle, ModifiersState};
use smithay::input::pointer::CursorImageStatus;
use smithay::input::{Seat, SeatHandler, SeatState};
use smithay::reexports::wayland_server::{Resource, backend::ObjectId, protocol::wl_surface::WlSurface};
use smithay::utils::{IsAlive, Serial};
use smithay::wayland::seat::WaylandFocus;
use smithay::wayland::selection::{data_device::set_data_device_focus, primary_selection::set_primary_focus};
use smithay::wayland::tablet_manager::TabletSeatHandler;
use smithay::xwayland::X11Surface;
use std::borrow::Cow;

/// What can have the keyboard.
// Held once or twice at a time, and cloned at a change of focus only: its size does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq)]
pub enum KeyboardFocus {
    /// A Wayland surface.
    Surface(WlSurface),
    /// An X11 window: the X server's focus and its surface's both follow.
    X11(X11Surface, WlSurface),
}

impl KeyboardFocus {
    fn surface(&self) -> &WlSurface {
        match self {
            Self::Surface(s) | Self::X11(_, s) => s,
        }
    }

    /// The X11 window, if smithay itself does not know its surface (Xwayland before 23.1).
    fn unpaired(&self) -> bool {
        matches!(self, Self::X11(x, _) if x.wl_surface().is_none())
    }
}

impl IsAlive for KeyboardFocus {
    fn alive(&self) -> bool {
        self.surface().is_alive()
    }
}

impl WaylandFocus for KeyboardFocus {
    fn wl_surface(&self) -> Option<Cow<'_, WlSurface>> {
        Some(Cow::Borrowed(self.surface()))
    }
    fn same_client_as(&self, id: &ObjectId) -> bool {
        self.surface().id().same_client_as(id)
    }
}

impl From<PopupKind> for KeyboardFocus {
    fn from(popup: PopupKind) -> Self {
        Self::Surface(popup.wl_surface().clone())
    }
}

impl From<KeyboardFocus> for WlSurface {
    fn from(focus: KeyboardFocus) -> Self {
        focus.surface().clone()
    }
}

impl KeyboardTarget<State> for KeyboardFocus {
    fn enter(&self, seat: &Seat<State>, state: &mut State, keys: Vec<KeysymHandle<'_>>, serial: Serial) {
        match self {
            Self::X11(x11, _) if !self.unpaired() => KeyboardTarget::enter(x11, seat, state, keys, serial),
            Self::X11(x11, surface) => {
                KeyboardTarget::enter(x11, seat, state, Vec::new(), serial);
                KeyboardTarget::enter(surface, seat, state, keys, serial);
            }
            Self::Surface(surface) => KeyboardTarget::enter(surface, seat, state, keys, serial),
        }
    }

    fn leave(&self, seat: &Seat<State>, state: &mut State, serial: Serial) {
        if let Self::X11(x11, _) = self {
            KeyboardTarget::leave(x11, seat, state, serial);
        }
        if !matches!(self, Self::X11(..)) || self.unpaired() {
            KeyboardTarget::leave(self.surface(), seat, state, serial);
        }
    }

    fn key(
        &self,
        seat: &Seat<State>,
        state: &mut State,
        key: KeysymHandle<'_>,
        pressed: KeyState,
        serial: Serial,
        time: u32,
    ) {
        KeyboardTarget::key(self.surface(), seat, state, key, pressed, serial, time);
    }

    fn modifiers(&self, seat: &Seat<State>, state: &mut State, modifiers: ModifiersState, serial: Serial) {
        KeyboardTarget::modifiers(self.surface(), seat, state, modifiers, serial);
    }
}

impl SeatHandler for State {
    type KeyboardFocus = KeyboardFocus;
    type PointerFocus = WlSurface;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.scope.protocols.seat
    }

    fn focus_changed(&mut self, seat: &Seat<Self>, focused: Option<&KeyboardFocus>) {
        let dh = &self.scope.dh;
        self.scope.extras.shortcuts.focus_changed(focused.map(|f| f.surface()));
        let client = focused.and_then(|f| f.surface().client());
        set_data_device_focus(dh, seat, client.clone());
        set_primary_focus(dh, seat, client);
        // smithay tells us from within the keyboard, which can't be asked before it is done.
        self.scope.over.keyboard_moved = true;
    }

    fn cursor_image(&mut self, _seat: &Seat<Self>, image: CursorImageStatus) {
        self.scope.cursor.set(image);
    }
}

// A pen's cursor is the pointer's: viewers show one.
impl TabletSeatHandler for State {}

smithay::delegate_seat!(State);
smithay::delegate_cursor_shape!(State);
