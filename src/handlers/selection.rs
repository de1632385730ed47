//! wl_data_device and primary selection, and the bridge to X11's selections.

use crate::state::State;
use smithay::input::Seat;
use smithay::wayland::selection::data_device::{
    ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler,
};
use smithay::wayland::selection::primary_selection::{PrimarySelectionHandler, PrimarySelectionState};
use smithay::wayland::selection::{SelectionHandler, SelectionSource, SelectionTarget};
use std::os::fd::OwnedFd;

impl SelectionHandler for State {
    type SelectionUserData = ();

    fn new_selection(&mut self, target: SelectionTarget, source: Option<SelectionSource>, _seat: Seat<Self>) {
        self.selection_to_x11(target, source.map(|s| s.mime_types()));
    }

    fn send_selection(&mut self, target: SelectionTarget, mime: String, fd: OwnedFd, _seat: Seat<Self>, _data: &()) {
        self.selection_from_x11(target, mime, fd);
    }
}

impl DataDeviceHandler for State {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.scope.protocols.data_device
    }
}

impl ClientDndGrabHandler for State {}
impl ServerDndGrabHandler for State {}

impl PrimarySelectionHandler for State {
    fn primary_selection_state(&self) -> &PrimarySelectionState {
        &self.scope.protocols.primary_selection
    }
}

smithay::delegate_data_device!(State);
smithay::delegate_primary_selection!(State);
