//! Clipboard and primary selection between X11 and Wayland clients.
//!
//! The bytes go through pipes that smithay's window manager fills and empties; here it is only decided who offers what
//! to whom. X11 clients see what Wayland clients offer as long as an X11 window has the keyboard, which is Wayland's
//! own rule.

use crate::handlers::KeyboardFocus;
use crate::state::State;
use smithay::wayland::selection::SelectionTarget;
use smithay::wayland::selection::data_device::{
    clear_data_device_selection, current_data_device_selection_userdata, request_data_device_client_selection,
    set_data_device_selection,
};
use smithay::wayland::selection::primary_selection::{
    clear_primary_selection, current_primary_selection_userdata, request_primary_client_selection,
    set_primary_selection,
};
use std::os::fd::OwnedFd;

/// The MIME types that Wayland clients offer.
#[derive(Debug, Default)]
pub struct Offered {
    clipboard: Option<Vec<String>>,
    primary: Option<Vec<String>>,
}

impl Offered {
    fn set(&mut self, target: SelectionTarget, mimes: Option<Vec<String>>) {
        match target {
            SelectionTarget::Clipboard => self.clipboard = mimes,
            SelectionTarget::Primary => self.primary = mimes,
        }
    }
}

const BOTH: [SelectionTarget; 2] = [SelectionTarget::Clipboard, SelectionTarget::Primary];

impl State {
    /// A Wayland client owns a selection, or none does any more: X11 clients hear of it.
    pub fn selection_to_x11(&mut self, target: SelectionTarget, mimes: Option<Vec<String>>) {
        self.scope.xwayland.offered.set(target, mimes.clone());
        let Some(wm) = self.scope.xwayland.server.as_mut().and_then(|s| s.wm.as_mut()) else {
            return;
        };
        if let Err(why) = wm.new_selection(target, mimes) {
            tracing::debug!("error offering a selection to X11 clients: {why}");
        }
        // An order of no windows: the manager's connection is its own, and this is what makes it send what it wrote.
        let nothing = std::iter::empty::<&smithay::xwayland::X11Surface>();
        if let Err(why) = wm.update_stacking_order_downwards(nothing) {
            tracing::debug!("error offering a selection to X11 clients: {why}");
        }
    }

    /// A server is ready: it hears of what was offered before.
    pub(super) fn selections_to_new_server(&mut self) {
        let offered = std::mem::take(&mut self.scope.xwayland.offered);
        for (target, mimes) in [
            (SelectionTarget::Clipboard, offered.clipboard),
            (SelectionTarget::Primary, offered.primary),
        ] {
            if mimes.is_some() {
                self.selection_to_x11(target, mimes);
            }
        }
    }

    /// A Wayland client wants a selection that an X11 client owns.
    pub fn selection_from_x11(&mut self, target: SelectionTarget, mime: String, fd: OwnedFd) {
        let Some(server) = &mut self.scope.xwayland.server else {
            return;
        };
        let Some(wm) = &mut server.wm else { return };
        let is_text = mime == "text/plain" || mime == "text/plain;charset=utf-8";
        if let (Some(ewmh), false, SelectionTarget::Clipboard) = (&mut server.ewmh, is_text, target)
            && let Err(why) = ewmh.name_target(&mime)
        {
            tracing::debug!("error naming a target of the clipboard: {why:#}");
        }
        // On an error the pipe is closed, and the client reads nothing.
        if let Err(why) = wm.send_selection(target, mime, fd, self.scope.events.clone()) {
            tracing::debug!("error getting a selection from X11: {why}");
        }
    }

    /// Whether X11 clients may read what Wayland clients offer.
    pub(super) fn x11_may_read(&self) -> bool {
        let focus = self.scope.seat.get_keyboard().and_then(|k| k.current_focus());
        matches!(focus, Some(KeyboardFocus::X11(..)))
    }

    /// An X11 client wants what a Wayland client offers.
    pub(super) fn x11_wants(&mut self, target: SelectionTarget, mime: String, fd: OwnedFd) {
        // smithay's end of the pipe must not block, and neither does the other, which is the client's: many would give up
        // when it is full.
        if let Err(why) = rustix::fs::fcntl_setfl(&fd, rustix::fs::OFlags::empty()) {
            tracing::debug!("error preparing a selection's pipe: {why}");
        }
        let seat = &self.scope.seat;
        let asked = match target {
            SelectionTarget::Clipboard => {
                request_data_device_client_selection(seat, mime, fd).map_err(|e| e.to_string())
            }
            SelectionTarget::Primary => request_primary_client_selection(seat, mime, fd).map_err(|e| e.to_string()),
        };
        if let Err(why) = asked {
            tracing::debug!("error getting a selection for X11: {why}");
        }
    }

    /// An X11 client owns a selection: Wayland clients hear of it.
    pub(super) fn x11_offers(&mut self, target: SelectionTarget, mimes: Vec<String>) {
        self.scope.xwayland.offered.set(target, None);
        let (dh, seat) = (&self.scope.dh, &self.scope.seat);
        match target {
            SelectionTarget::Clipboard => set_data_device_selection::<Self>(dh, seat, mimes, ()),
            SelectionTarget::Primary => set_primary_selection::<Self>(dh, seat, mimes, ()),
        }
    }

    /// No X11 client owns the selection any more.
    pub(super) fn x11_offers_nothing(&mut self, target: SelectionTarget) {
        let (dh, seat) = (&self.scope.dh, &self.scope.seat);
        // A Wayland client's own is not ours to take.
        match target {
            SelectionTarget::Clipboard if current_data_device_selection_userdata::<Self>(seat).is_some() => {
                clear_data_device_selection::<Self>(dh, seat);
            }
            SelectionTarget::Primary if current_primary_selection_userdata::<Self>(seat).is_some() => {
                clear_primary_selection::<Self>(dh, seat);
            }
            _ => {}
        }
    }

    /// The server is gone, and what its clients offered with it.
    pub(super) fn selections_of_gone_server(&mut self) {
        for target in BOTH {
            self.x11_offers_nothing(target);
        }
    }
}
