//! wl_region, wl_surface and wl_shm_pool: numbers that smithay takes for sizes as they come, though it asserts that none is
//! negative. Such a rectangle is nothing, as it is to wlroots; the protocol has no error for it. And regions, which it
//! takes at any length.

use super::compositor::ClientState;
use super::timing::no_memory;
use crate::clients::XWAYLAND;
use crate::state::State;
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::{
    wl_buffer::WlBuffer,
    wl_callback::WlCallback,
    wl_compositor::WlCompositor,
    wl_region::{self, WlRegion},
    wl_shm::{self, WlShm},
    wl_shm_pool::{self, WlShmPool},
    wl_subcompositor::WlSubcompositor,
    wl_subsurface::WlSubsurface,
    wl_surface::{self, WlSurface},
};
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, delegate_dispatch, delegate_global_dispatch,
};
use smithay::wayland::compositor::{CompositorState, RegionUserData, SubsurfaceUserData, SurfaceUserData};
use smithay::wayland::shm::{ShmBufferUserData, ShmPoolUserData, ShmState};

/// No screen is larger; sums of such numbers do not overflow.
pub(super) const FAR: i32 = 1 << 24;

/// So many rectangles make a region at most, where toolkits have a handful: it is copied into each surface that it is set on,
/// and looked through at each motion of the pointer.
const OF_REGION: usize = 1024;
/// An opaque region of more is none. It is a hint only; but smithay cuts each of its rectangles by all before it, so that
/// strips across one another become as many as their product, within one commit.
const OF_OPAQUE: usize = 64;

/// Counts one more rectangle of a region. Whether it may have it; or else its client is ended, unless it is an Xwayland, which
/// has it from one of many: there, the rest of the region is left out.
fn grows(state: &mut State, region: &WlRegion, client: &Client, dh: &DisplayHandle) -> bool {
    let ours = client.get_data::<ClientState>().is_some();
    let most = if ours { OF_REGION } else { OF_REGION * XWAYLAND };
    let fits = state.scope.extras.tally.add(region, 1, most);
    if !fits && ours {
        no_memory(client, dh, "a region has too many rectangles");
    }
    fits
}

/// What of a rectangle is not beyond any screen: x, y, width, height. `None`: its size is negative.
fn near(x: i32, y: i32, width: i32, height: i32) -> Option<[i32; 4]> {
    let along = |at: i32, length: i32| {
        let from = at.clamp(-FAR, FAR);
        (from, at.saturating_add(length).clamp(-FAR, FAR) - from)
    };
    let ((x, width), (y, height)) = (
        (width >= 0).then(|| along(x, width))?,
        (height >= 0).then(|| along(y, height))?,
    );
    Some([x, y, width, height])
}

impl Dispatch<WlRegion, RegionUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        region: &WlRegion,
        request: wl_region::Request,
        data: &RegionUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        use wl_region::Request;
        let request = match request {
            Request::Add { x, y, width, height } => {
                near(x, y, width, height).map(|[x, y, width, height]| Request::Add { x, y, width, height })
            }
            Request::Subtract { x, y, width, height } => {
                near(x, y, width, height).map(|[x, y, width, height]| Request::Subtract { x, y, width, height })
            }
            other => Some(other),
        };
        let Some(request) = request else { return };
        let one_more = matches!(request, Request::Add { .. } | Request::Subtract { .. });
        if one_more && !grows(state, region, client, dh) {
            return;
        }
        <CompositorState as Dispatch<_, _, Self>>::request(state, client, region, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, region: &WlRegion, data: &RegionUserData) {
        state.scope.extras.tally.forget(region);
        <CompositorState as Dispatch<_, _, Self>>::destroyed(state, client, region, data);
    }
}

impl Dispatch<WlSurface, SurfaceUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        surface: &WlSurface,
        request: wl_surface::Request,
        data: &SurfaceUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        use wl_surface::Request;
        let request = match request {
            Request::Damage { x, y, width, height } => {
                near(x, y, width, height).map(|[x, y, width, height]| Request::Damage { x, y, width, height })
            }
            Request::DamageBuffer { x, y, width, height } => {
                near(x, y, width, height).map(|[x, y, width, height]| Request::DamageBuffer { x, y, width, height })
            }
            Request::SetOpaqueRegion { region } => {
                let region = region.filter(|region| state.scope.extras.tally.of(region) <= OF_OPAQUE);
                Some(Request::SetOpaqueRegion { region })
            }
            other => Some(other),
        };
        if let Some(request) = request {
            <CompositorState as Dispatch<_, _, Self>>::request(state, client, surface, request, data, dh, init);
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, surface: &WlSurface, data: &SurfaceUserData) {
        <CompositorState as Dispatch<_, _, Self>>::destroyed(state, client, surface, data);
    }
}

impl Dispatch<WlShmPool, ShmPoolUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        pool: &WlShmPool,
        request: wl_shm_pool::Request,
        data: &ShmPoolUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        // smithay tells of the error, and panics all the same.
        if let wl_shm_pool::Request::Resize { size } = &request
            && *size <= 0
        {
            pool.post_error(wl_shm::Error::InvalidFd, "a pool of no size");
            return;
        }
        <ShmState as Dispatch<_, _, Self>>::request(state, client, pool, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, pool: &WlShmPool, data: &ShmPoolUserData) {
        <ShmState as Dispatch<_, _, Self>>::destroyed(state, client, pool, data);
    }
}

delegate_global_dispatch!(State: [WlCompositor: ()] => CompositorState);
delegate_global_dispatch!(State: [WlSubcompositor: ()] => CompositorState);
delegate_dispatch!(State: [WlCompositor: ()] => CompositorState);
delegate_dispatch!(State: [WlCallback: ()] => CompositorState);
delegate_dispatch!(State: [WlSubcompositor: ()] => CompositorState);
delegate_dispatch!(State: [WlSubsurface: SubsurfaceUserData] => CompositorState);
delegate_global_dispatch!(State: [WlShm: ()] => ShmState);
delegate_dispatch!(State: [WlShm: ()] => ShmState);
delegate_dispatch!(State: [WlBuffer: ShmBufferUserData] => ShmState);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_keep_what_any_screen_could_show() {
        assert_eq!(near(1, 2, 3, 4), Some([1, 2, 3, 4]));
        assert_eq!(near(0, 0, -1, 4), None);
        assert_eq!(near(0, 0, 4, i32::MIN), None);
        assert_eq!(near(-5, 0, i32::MAX, 0), Some([-5, 0, FAR + 5, 0]));
        assert_eq!(
            near(i32::MIN, i32::MAX, i32::MAX, i32::MAX),
            Some([-FAR, FAR, FAR - 1, 0])
        );
    }
}
