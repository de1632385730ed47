//! wl_data_device and primary selection, and the bridge to X11's selections.

use super::timing::no_memory;
use crate::state::State;
use smithay::input::Seat;
use smithay::reexports::wayland_protocols::wp::primary_selection::zv1::server::{
    zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
    zwp_primary_selection_device_v1::ZwpPrimarySelectionDeviceV1,
    zwp_primary_selection_source_v1::{self, ZwpPrimarySelectionSourceV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::{
    wl_data_device::WlDataDevice,
    wl_data_device_manager::WlDataDeviceManager,
    wl_data_source::{self, WlDataSource},
};
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, delegate_dispatch, delegate_global_dispatch,
};
use smithay::wayland::selection::data_device::{
    ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, DataDeviceUserData, DataSourceUserData,
    ServerDndGrabHandler,
};
use smithay::wayland::selection::primary_selection::{
    PrimaryDeviceManagerGlobalData, PrimaryDeviceUserData, PrimarySelectionHandler, PrimarySelectionState,
    PrimarySourceUserData,
};
use smithay::wayland::selection::{SelectionHandler, SelectionSource, SelectionTarget};
use std::os::fd::OwnedFd;

/// The types of a source take so many bytes at most; an office's text has 40 types.
const OF_SOURCE: usize = 1 << 16;

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

/// Counts a type that a source offers. Whether it may; or else its client is ended.
fn offers(state: &mut State, source: &impl Resource, mime: &str, client: &Client, dh: &DisplayHandle) -> bool {
    let size = size_of::<String>() + mime.len();
    let fits = state.scope.extras.tally.add(source, size, OF_SOURCE);
    if !fits {
        no_memory(client, dh, "a selection has too many types");
    }
    fits
}

impl Dispatch<WlDataSource, DataSourceUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        source: &WlDataSource,
        request: wl_data_source::Request,
        data: &DataSourceUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let wl_data_source::Request::Offer { mime_type } = &request
            && !offers(state, source, mime_type, client, dh)
        {
            return;
        }
        <DataDeviceState as Dispatch<_, _, Self>>::request(state, client, source, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, source: &WlDataSource, data: &DataSourceUserData) {
        state.scope.extras.tally.forget(source);
        <DataDeviceState as Dispatch<_, _, Self>>::destroyed(state, client, source, data);
    }
}

impl Dispatch<ZwpPrimarySelectionSourceV1, PrimarySourceUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        source: &ZwpPrimarySelectionSourceV1,
        request: zwp_primary_selection_source_v1::Request,
        data: &PrimarySourceUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let zwp_primary_selection_source_v1::Request::Offer { mime_type } = &request
            && !offers(state, source, mime_type, client, dh)
        {
            return;
        }
        <PrimarySelectionState as Dispatch<_, _, Self>>::request(state, client, source, request, data, dh, init);
    }

    fn destroyed(
        state: &mut Self,
        client: ClientId,
        source: &ZwpPrimarySelectionSourceV1,
        data: &PrimarySourceUserData,
    ) {
        state.scope.extras.tally.forget(source);
        <PrimarySelectionState as Dispatch<_, _, Self>>::destroyed(state, client, source, data);
    }
}

delegate_global_dispatch!(State: [WlDataDeviceManager: ()] => DataDeviceState);
delegate_dispatch!(State: [WlDataDeviceManager: ()] => DataDeviceState);
delegate_dispatch!(State: [WlDataDevice: DataDeviceUserData] => DataDeviceState);
delegate_global_dispatch!(
    State: [ZwpPrimarySelectionDeviceManagerV1: PrimaryDeviceManagerGlobalData] => PrimarySelectionState
);
delegate_dispatch!(State: [ZwpPrimarySelectionDeviceManagerV1: ()] => PrimarySelectionState);
delegate_dispatch!(State: [ZwpPrimarySelectionDeviceV1: PrimaryDeviceUserData] => PrimarySelectionState);
