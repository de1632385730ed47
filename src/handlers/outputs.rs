//! wl_output and xdg-output: each X server sees the one output that is its own, Wayland clients see the first server's.

use crate::state::State;
use smithay::output::Output;
use smithay::reexports::wayland_protocols::xdg::xdg_output::zv1::server::{
    zxdg_output_manager_v1::ZxdgOutputManagerV1, zxdg_output_v1::ZxdgOutputV1,
};
use smithay::reexports::wayland_server::backend::{
    ClientData, ClientId, GlobalHandler, GlobalId, Handle, ObjectData, ObjectId,
};
use smithay::reexports::wayland_server::protocol::wl_output::WlOutput;
use smithay::reexports::wayland_server::{
    Client, DataInit, DisplayHandle, GlobalDispatch, New, Resource, delegate_dispatch, delegate_global_dispatch,
};
use smithay::wayland::output::{OutputHandler, OutputManagerState, OutputUserData, WlOutputData, XdgOutputUserData};
use smithay::xwayland::XWaylandClientData;
use std::sync::Arc;

/// Kept with Xwayland as a client: its place among the servers.
#[derive(Debug)]
pub struct Place(pub u32);

/// The version that smithay serves.
const VERSION: u32 = 4;

/// smithay's global, shown to some clients only: smithay's own cannot tell whose it is.
struct Seen {
    server: u32,
    inner: Arc<dyn GlobalHandler<State>>,
}

impl GlobalHandler<State> for Seen {
    fn can_view(&self, _client: ClientId, data: &Arc<dyn ClientData>, _global: GlobalId) -> bool {
        let xwayland = data.downcast_ref::<XWaylandClientData>();
        let place = xwayland.and_then(|data| data.user_data().get::<Place>());
        place.map_or(0, |place| place.0) == self.server
    }

    fn bind(
        self: Arc<Self>,
        handle: &Handle,
        state: &mut State,
        client: ClientId,
        global: GlobalId,
        object: ObjectId,
    ) -> Arc<dyn ObjectData<State>> {
        Arc::clone(&self.inner).bind(handle, state, client, global, object)
    }
}

/// Shows this output to the X server at this place, the first one's to Wayland clients, too.
pub fn publish(dh: &DisplayHandle, output: &Output, server: u32) -> GlobalId {
    let hidden = output.create_global::<State>(dh);
    let backend = dh.backend_handle();
    let Ok(inner) = backend.get_global_handler::<State>(hidden.clone()) else {
        unreachable!("the global was made in the line before");
    };
    dh.remove_global::<State>(hidden);
    backend.create_global::<State>(WlOutput::interface(), VERSION, Arc::new(Seen { server, inner }))
}

impl GlobalDispatch<WlOutput, WlOutputData> for State {
    fn bind(
        state: &mut Self,
        dh: &DisplayHandle,
        client: &Client,
        resource: New<WlOutput>,
        data: &WlOutputData,
        init: &mut DataInit<'_, Self>,
    ) {
        <OutputManagerState as GlobalDispatch<WlOutput, WlOutputData, Self>>::bind(
            state, dh, client, resource, data, init,
        );
    }

    // Seen through `Seen` only.
    fn can_view(_client: Client, _data: &WlOutputData) -> bool {
        false
    }
}

impl OutputHandler for State {}

delegate_global_dispatch!(State: [ZxdgOutputManagerV1: ()] => OutputManagerState);
delegate_dispatch!(State: [ZxdgOutputManagerV1: ()] => OutputManagerState);
delegate_dispatch!(State: [ZxdgOutputV1: XdgOutputUserData] => OutputManagerState);
delegate_dispatch!(State: [WlOutput: OutputUserData] => OutputManagerState);
