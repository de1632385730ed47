//! zwp_linux_dmabuf_v1: buffers of a GPU or of other devices, where Pixman can read them ([`crate::dmabuf`]).
//!
//! Owns the count of each client's buffers. A commit waits until its buffer is drawn (implicit synchronisation), so that
//! composition never does.

use super::syncobj::is_explicit;
use crate::dmabuf::{FORMATS, check, device};
use crate::state::State;
use smithay::backend::allocator::dmabuf::{Dmabuf, WeakDmabuf};
use smithay::backend::allocator::{Format, Modifier};
use smithay::reexports::calloop::Interest;
use smithay::reexports::wayland_protocols::wp::linux_dmabuf::zv1::server::{
    zwp_linux_buffer_params_v1::{Error, Request, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_feedback_v1::ZwpLinuxDmabufFeedbackV1,
    zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface};
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, delegate_dispatch, delegate_global_dispatch,
};
use smithay::wayland::compositor::{
    BufferAssignment, CompositorHandler, SurfaceAttributes, add_blocker, add_pre_commit_hook, with_states,
};
use smithay::wayland::dmabuf::{
    DmabufData, DmabufFeedbackBuilder, DmabufFeedbackData, DmabufGlobal, DmabufGlobalData, DmabufHandler,
    DmabufParamsData, DmabufState, ImportNotifier, get_dmabuf,
};

/// So many buffers may a client have; each is an open file of ours.
const MOST: usize = 128;

/// What clients have imported.
#[derive(Debug)]
pub struct Dmabufs {
    state: DmabufState,
    live: Vec<(ClientId, WeakDmabuf)>,
    advertised: bool,
}

impl Dmabufs {
    /// Makes the global, where buffers can be read.
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        let mut state = DmabufState::new();
        let mut advertised = false;
        let formats = FORMATS.map(|code| Format {
            code,
            modifier: Modifier::Linear,
        });
        match device() {
            Err(why) => tracing::debug!("no linux-dmabuf: {why}"),
            Ok(device) => match DmabufFeedbackBuilder::new(device.dev, formats).build() {
                Ok(feedback) => {
                    tracing::debug!("linux-dmabuf: {}", device.path.display());
                    state.create_global_with_default_feedback::<State>(dh, &feedback);
                    advertised = true;
                }
                Err(why) => tracing::warn!("no linux-dmabuf: error making its table of formats: {why}"),
            },
        }
        Self {
            state,
            live: Vec::new(),
            advertised,
        }
    }

    /// Whether there is the global.
    pub(super) fn advertised(&self) -> bool {
        self.advertised
    }

    /// Lets the surface's commits wait for their buffers.
    pub(super) fn watch(surface: &WlSurface) {
        add_pre_commit_hook::<State, _>(surface, |state, _, surface| {
            let buffer = with_states(surface, |states| {
                if is_explicit(states) {
                    return None;
                }
                let mut attributes = states.cached_state.get::<SurfaceAttributes>();
                match &attributes.pending().buffer {
                    Some(BufferAssignment::NewBuffer(buffer)) => get_dmabuf(buffer).cloned().ok(),
                    _ => None,
                }
            });
            let (Some(buffer), Some(client)) = (buffer, surface.client()) else {
                return;
            };
            // An error: it is drawn already.
            let Ok((blocker, source)) = buffer.generate_blocker(Interest::READ) else {
                return;
            };
            let drawn = state.scope.events.insert_source(source, move |(), _, state| {
                let dh = state.scope.dh.clone();
                state.client_compositor_state(&client).blocker_cleared(state, &dh);
                Ok(())
            });
            match drawn {
                Ok(_) => add_blocker(surface, blocker),
                Err(why) => tracing::warn!("error waiting for a client's buffer: {why}"),
            }
        });
    }
}

impl DmabufHandler for State {
    fn dmabuf_state(&mut self) -> &mut DmabufState {
        &mut self.scope.extras.dmabufs.state
    }

    fn dmabuf_imported(&mut self, _: &DmabufGlobal, buffer: Dmabuf, notifier: ImportNotifier) {
        let Some(client) = notifier.client().map(|client| client.id()) else {
            return;
        };
        let live = &mut self.scope.extras.dmabufs.live;
        live.retain(|(_, buffer)| !buffer.is_gone());
        let many = live.iter().filter(|(of, _)| *of == client).count() >= MOST;
        let taken = match check(&buffer) {
            _ if many => Err("too many buffers".to_owned()),
            Err(why) => Err(why.to_owned()),
            Ok(()) => self.backend.import(&buffer).map_err(|e| format!("{e:#}")),
        };
        if let Err(why) = taken {
            tracing::debug!(?client, "a client's DMA-BUF is not taken: {why}");
            notifier.failed();
            return;
        }
        // An error: the client is gone.
        if notifier.successful::<Self>().is_ok() {
            self.scope.extras.dmabufs.live.push((client, buffer.weak()));
        }
    }
}

/// As smithay's own, but for sizes of nothing or less, of which it would go on to make a buffer.
impl Dispatch<ZwpLinuxBufferParamsV1, DmabufParamsData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        resource: &ZwpLinuxBufferParamsV1,
        request: Request,
        data: &DmabufParamsData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let (Request::Create { width, height, .. } | Request::CreateImmed { width, height, .. }) = &request else {
            return <DmabufState as Dispatch<_, _, Self>>::request(state, client, resource, request, data, dh, init);
        };
        if *width < 1 || *height < 1 {
            // It ends the client, so that its buffer needs no making.
            return resource.post_error(Error::InvalidDimensions, "a size that is none");
        }
        <DmabufState as Dispatch<_, _, Self>>::request(state, client, resource, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, resource: &ZwpLinuxBufferParamsV1, data: &DmabufParamsData) {
        <DmabufState as Dispatch<_, _, Self>>::destroyed(state, client, resource, data);
    }
}

delegate_global_dispatch!(State: [ZwpLinuxDmabufV1: DmabufGlobalData] => DmabufState);
delegate_dispatch!(State: [ZwpLinuxDmabufV1: DmabufData] => DmabufState);
delegate_dispatch!(State: [WlBuffer: Dmabuf] => DmabufState);
delegate_dispatch!(State: [ZwpLinuxDmabufFeedbackV1: DmabufFeedbackData] => DmabufState);
