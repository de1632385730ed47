//! Clipboard and primary selection between X11 and Wayland clients, and between those of two X servers.
//!
//! The bytes go through pipes that smithay's window manager fills and empties; here it is only decided who offers what
//! to whom. X11 clients may read what others offer as long as a window of their server has the keyboard, which is Wayland's
//! own rule.

use super::Xwayland;
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
use smithay::xwayland::xwm::XwmId;
use std::os::fd::OwnedFd;

/// Who offers what as one selection.
#[derive(Debug, Default)]
enum Offer {
    /// Nobody does.
    #[default]
    Nothing,
    /// A Wayland client offers these MIME types.
    Wayland(Vec<String>),
    /// A client of the X server at this place does.
    X11(u32, Vec<String>),
}

impl Offer {
    fn mimes(&self) -> Option<&Vec<String>> {
        match self {
            Self::Nothing => None,
            Self::Wayland(mimes) | Self::X11(_, mimes) => Some(mimes),
        }
    }

    fn server(&self) -> Option<u32> {
        match self {
            Self::X11(server, _) => Some(*server),
            _ => None,
        }
    }
}

/// Who offers what.
#[derive(Debug, Default)]
pub struct Offered {
    clipboard: Offer,
    primary: Offer,
}

impl Offered {
    fn of(&mut self, target: SelectionTarget) -> &mut Offer {
        match target {
            SelectionTarget::Clipboard => &mut self.clipboard,
            SelectionTarget::Primary => &mut self.primary,
        }
    }
}

const BOTH: [SelectionTarget; 2] = [SelectionTarget::Clipboard, SelectionTarget::Primary];

impl State {
    /// A Wayland client owns a selection, or none does any more: X11 clients hear of it.
    pub fn selection_to_x11(&mut self, target: SelectionTarget, mimes: Option<Vec<String>>) {
        *self.scope.xwayland.offered.of(target) = mimes.map_or(Offer::Nothing, Offer::Wayland);
        self.tell_x11_of_selection(target);
    }

    /// All servers but the owner's own hear of the selection.
    fn tell_x11_of_selection(&mut self, target: SelectionTarget) {
        let owner = self.scope.xwayland.offered.of(target).server();
        for server in self.scope.xwayland.places() {
            if owner != Some(server) {
                self.scope.xwayland.offer_to(server, target);
            }
        }
    }

    /// A server is ready: it hears of what was offered before.
    pub(super) fn selections_to_new_server(&mut self, server: u32) {
        for target in BOTH {
            if self.scope.xwayland.offered.of(target).mimes().is_some() {
                self.scope.xwayland.offer_to(server, target);
            }
        }
    }

    /// A Wayland client wants a selection that an X11 client owns.
    pub fn selection_from_x11(&mut self, target: SelectionTarget, mime: String, fd: OwnedFd) {
        if let Some(server) = self.scope.xwayland.offered.of(target).server() {
            self.fetch_from_x11(server, target, mime, fd);
        }
    }

    /// Has the owner, a client of this server, write the selection into the pipe.
    fn fetch_from_x11(&mut self, server: u32, target: SelectionTarget, mime: String, fd: OwnedFd) {
        let events = self.scope.events.clone();
        let Some(run) = self.scope.xwayland.run(server) else {
            return;
        };
        let Some(wm) = &mut run.wm else { return };
        let is_text = mime == "text/plain" || mime == "text/plain;charset=utf-8";
        if let (Some(ewmh), false, SelectionTarget::Clipboard) = (&mut run.ewmh, is_text, target)
            && let Err(why) = ewmh.name_target(&mime)
        {
            tracing::debug!("error naming a target of the clipboard: {why:#}");
        }
        // On an error the pipe is closed, and the client reads nothing.
        if let Err(why) = wm.send_selection(target, mime, fd, events) {
            tracing::debug!("error getting a selection from X11: {why}");
        }
    }

    /// Whether the clients of this manager's server may read what others offer.
    pub(super) fn x11_may_read(&self, xwm: XwmId) -> bool {
        let focus = self.scope.seat.get_keyboard().and_then(|k| k.current_focus());
        matches!(focus, Some(KeyboardFocus::X11(window, _)) if window.xwm_id() == Some(xwm))
    }

    /// A client of this server wants what a Wayland client, or one of another server, offers.
    pub(super) fn x11_wants(&mut self, server: u32, target: SelectionTarget, mime: String, fd: OwnedFd) {
        if let Some(owner) = self.scope.xwayland.offered.of(target).server() {
            if owner != server {
                self.fetch_from_x11(owner, target, mime, fd);
            }
            return;
        }
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

    /// A client of this server owns a selection: Wayland clients and those of other servers hear of it.
    pub(super) fn x11_offers(&mut self, server: u32, target: SelectionTarget, mimes: Vec<String>) {
        *self.scope.xwayland.offered.of(target) = Offer::X11(server, mimes.clone());
        let (dh, seat) = (&self.scope.dh, &self.scope.seat);
        match target {
            SelectionTarget::Clipboard => set_data_device_selection::<Self>(dh, seat, mimes, ()),
            SelectionTarget::Primary => set_primary_selection::<Self>(dh, seat, mimes, ()),
        }
        self.tell_x11_of_selection(target);
    }

    /// No client of this server owns the selection any more.
    pub(super) fn x11_offers_nothing(&mut self, server: u32, target: SelectionTarget) {
        let offer = self.scope.xwayland.offered.of(target);
        // Another's own is not ours to take.
        if offer.server() != Some(server) {
            return;
        }
        *offer = Offer::Nothing;
        let (dh, seat) = (&self.scope.dh, &self.scope.seat);
        match target {
            SelectionTarget::Clipboard if current_data_device_selection_userdata::<Self>(seat).is_some() => {
                clear_data_device_selection::<Self>(dh, seat);
            }
            SelectionTarget::Primary if current_primary_selection_userdata::<Self>(seat).is_some() => {
                clear_primary_selection::<Self>(dh, seat);
            }
            _ => {}
        }
        self.tell_x11_of_selection(target);
    }

    /// The server is gone, and what its clients offered with it.
    pub(super) fn selections_of_gone_server(&mut self, server: u32) {
        for target in BOTH {
            self.x11_offers_nothing(server, target);
        }
    }
}

impl Xwayland {
    /// Tells the clients of this server what is offered by others.
    fn offer_to(&mut self, server: u32, target: SelectionTarget) {
        let mimes = self.offered.of(target).mimes().cloned();
        let Some(wm) = self.wm(server) else { return };
        if let Err(why) = wm.new_selection(target, mimes) {
            tracing::debug!("error offering a selection to X11 clients: {why}");
        }
        // An order of no windows: the manager's connection is its own, and this is what makes it send what it wrote.
        let nothing = std::iter::empty::<&smithay::xwayland::X11Surface>();
        if let Err(why) = wm.update_stacking_order_downwards(nothing) {
            tracing::debug!("error offering a selection to X11 clients: {why}");
        }
    }
}
