//! xdg-shell's requests, as far as smithay looks at them with less, or more, care than the protocol asks for.

use super::core_requests::FAR;
use crate::state::State;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::reexports::wayland_protocols::xdg::shell::server::{
    xdg_popup::XdgPopup,
    xdg_positioner::{self, XdgPositioner},
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, Error, XdgWmBase},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, delegate_dispatch, delegate_global_dispatch,
};
use smithay::wayland::compositor::{BufferAssignment, SurfaceAttributes, get_role, with_states};
use smithay::wayland::shell::xdg::{
    XDG_POPUP_ROLE, XDG_TOPLEVEL_ROLE, XdgPositionerUserData, XdgShellState, XdgShellSurfaceUserData,
    XdgSurfaceUserData, XdgWmBaseUserData,
};

/// What keeps a surface from becoming an xdg_surface.
fn unfit(surface: &WlSurface) -> Option<(Error, &'static str)> {
    let role = get_role(surface);
    if role.is_some_and(|role| role != XDG_TOPLEVEL_ROLE && role != XDG_POPUP_ROLE) {
        return Some((Error::Role, "the surface has another role"));
    }
    let attached = with_states(surface, |states| {
        let mut guard = states.cached_state.get::<SurfaceAttributes>();
        matches!(guard.pending().buffer, Some(BufferAssignment::NewBuffer(_)))
    });
    let shown = with_renderer_surface_state(surface, |s| s.buffer().is_some()).unwrap_or(false);
    (attached || shown).then_some((Error::InvalidSurfaceState, "the surface has a buffer already"))
}

impl Dispatch<XdgWmBase, XdgWmBaseUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        base: &XdgWmBase,
        request: xdg_wm_base::Request,
        data: &XdgWmBaseUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let xdg_wm_base::Request::GetXdgSurface { surface, .. } = &request
            && let Some((error, what)) = unfit(surface)
        {
            base.post_error(error, what);
            return;
        }
        <XdgShellState as Dispatch<_, _, Self>>::request(state, client, base, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, base: &XdgWmBase, data: &XdgWmBaseUserData) {
        <XdgShellState as Dispatch<_, _, Self>>::destroyed(state, client, base, data);
    }
}

impl Dispatch<XdgPositioner, XdgPositionerUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        positioner: &XdgPositioner,
        request: xdg_positioner::Request,
        data: &XdgPositionerUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        use xdg_positioner::Request;
        let near = |v: i32| v.clamp(-FAR, FAR);
        let request = match request {
            // An anchor may be a line or a point, which smithay refuses; a pixel is the next best.
            Request::SetAnchorRect { x, y, width, height } => Request::SetAnchorRect {
                x: near(x),
                y: near(y),
                width: if width == 0 { 1 } else { near(width) },
                height: if height == 0 { 1 } else { near(height) },
            },
            Request::SetOffset { x, y } => Request::SetOffset { x: near(x), y: near(y) },
            Request::SetSize { width, height } => Request::SetSize {
                width: near(width),
                height: near(height),
            },
            Request::SetParentSize {
                parent_width,
                parent_height,
            } => Request::SetParentSize {
                parent_width: parent_width.clamp(0, FAR),
                parent_height: parent_height.clamp(0, FAR),
            },
            other => other,
        };
        <XdgShellState as Dispatch<_, _, Self>>::request(state, client, positioner, request, data, dh, init);
    }
}

impl Dispatch<XdgSurface, XdgSurfaceUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        surface: &XdgSurface,
        request: xdg_surface::Request,
        data: &XdgSurfaceUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let xdg_surface::Request::SetWindowGeometry { width, height, .. } = &request
            && (*width <= 0 || *height <= 0)
        {
            surface.post_error(xdg_surface::Error::InvalidSize, "a window's geometry of no size");
            return;
        }
        <XdgShellState as Dispatch<_, _, Self>>::request(state, client, surface, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, surface: &XdgSurface, data: &XdgSurfaceUserData) {
        <XdgShellState as Dispatch<_, _, Self>>::destroyed(state, client, surface, data);
    }
}

impl Dispatch<XdgToplevel, XdgShellSurfaceUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        toplevel: &XdgToplevel,
        request: xdg_toplevel::Request,
        data: &XdgShellSurfaceUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        use xdg_toplevel::Request;
        if let Request::SetMaxSize { width, height } | Request::SetMinSize { width, height } = &request
            && (*width < 0 || *height < 0)
        {
            toplevel.post_error(xdg_toplevel::Error::InvalidSize, "a negative size");
            return;
        }
        <XdgShellState as Dispatch<_, _, Self>>::request(state, client, toplevel, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, toplevel: &XdgToplevel, data: &XdgShellSurfaceUserData) {
        <XdgShellState as Dispatch<_, _, Self>>::destroyed(state, client, toplevel, data);
    }
}

delegate_global_dispatch!(State: [XdgWmBase: ()] => XdgShellState);
delegate_dispatch!(State: [XdgPopup: XdgShellSurfaceUserData] => XdgShellState);
