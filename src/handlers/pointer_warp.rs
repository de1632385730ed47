//! pointer-warp: a client moves the pointer that is over one of its surfaces, as X11 programs do by XWarpPointer.
//!
//! Viewers see it where it went. A mouse that tells places moves it away again with its next motion.

use crate::scene::stack::origin_of;
use crate::state::State;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::input::pointer::PointerHandle;
use smithay::reexports::wayland_protocols::wp::pointer_warp::v1::server::wp_pointer_warp_v1::{
    Request, WpPointerWarpV1,
};
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};
use smithay::utils::{Logical, Point, Rectangle, Serial};

/// Makes the global.
pub(super) fn init(dh: &DisplayHandle) {
    dh.create_global::<State, WpPointerWarpV1, ()>(1, ());
}

impl GlobalDispatch<WpPointerWarpV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpPointerWarpV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }
}

impl Dispatch<WpPointerWarpV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &WpPointerWarpV1,
        request: Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        if let Request::WarpPointer {
            surface,
            pointer,
            x,
            y,
            serial,
        } = request
            && let Some(pointer) = PointerHandle::<Self>::from_resource(&pointer)
            && may_warp(&pointer, &surface, serial.into())
        {
            state.warp(&surface, (x, y).into());
        }
    }
}

/// Whether the surface's client has the pointer, and this is how it heard of it.
fn may_warp(pointer: &PointerHandle<State>, surface: &WlSurface, serial: Serial) -> bool {
    let focus = pointer.current_focus();
    focus.is_some_and(|focus| focus.id().same_client_as(&surface.id())) && pointer.last_enter() == Some(serial)
}

impl State {
    /// Moves the pointer to a place of the surface, if that is on it; constraints hold.
    fn warp(&mut self, surface: &WlSurface, at: Point<f64, Logical>) {
        let size = with_renderer_surface_state(surface, |s| s.surface_size()).flatten();
        let on_it = size.is_some_and(|size| Rectangle::from_size(size).to_f64().contains(at));
        if let Some(origin) = origin_of(&self.scope.placed, surface).filter(|_| on_it) {
            self.move_to(origin + at, None);
            self.pointer_frame();
        }
    }
}
