//! tearing-control: a game says that it would rather tear than wait.
//!
//! Recorded with the surface's hints. An encoded frame is always a whole one, and is latched as early as the encoder allows
//! but where even intervals are asked for: there such a game's frames are, too, if that is allowed (`--immediate-flips`).

use crate::state::State;
use smithay::reexports::wayland_protocols::wp::tearing_control::v1::server::{
    wp_tearing_control_manager_v1::{self as manager, Error, WpTearingControlManagerV1},
    wp_tearing_control_v1::{PresentationHint, Request, WpTearingControlV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum, Weak,
};
use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use std::sync::atomic::{AtomicBool, Ordering};

/// The surface's wish, as double-buffered state.
#[derive(Clone, Copy, Debug, Default)]
struct Tearing {
    wanted: bool,
}

impl Cacheable for Tearing {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        *self
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// The surface has its control; there may be one only.
#[derive(Debug, Default)]
struct Controlled(AtomicBool);

/// Whether the surface's present content may tear.
pub(super) fn wanted(states: &SurfaceData) -> bool {
    states.cached_state.has::<Tearing>() && states.cached_state.get::<Tearing>().current().wanted
}

/// Makes the global.
pub(super) fn init(dh: &DisplayHandle) {
    dh.create_global::<State, WpTearingControlManagerV1, ()>(1, ());
}

impl GlobalDispatch<WpTearingControlManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpTearingControlManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }
}

impl Dispatch<WpTearingControlManagerV1, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        resource: &WpTearingControlManagerV1,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let manager::Request::GetTearingControl { id, surface } = request else {
            return;
        };
        let taken = with_states(&surface, |states| {
            let one = states.data_map.get_or_insert_threadsafe(Controlled::default);
            one.0.swap(true, Ordering::Relaxed)
        });
        init.init(id, surface.downgrade());
        if taken {
            resource.post_error(Error::TearingControlExists, "the surface has one already");
        }
    }
}

impl Dispatch<WpTearingControlV1, Weak<WlSurface>> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &WpTearingControlV1,
        request: Request,
        surface: &Weak<WlSurface>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        if let (Request::SetPresentationHint { hint }, Ok(surface)) = (request, surface.upgrade()) {
            set(&surface, hint == WEnum::Value(PresentationHint::Async));
        }
    }

    fn destroyed(_: &mut Self, _: ClientId, _: &WpTearingControlV1, surface: &Weak<WlSurface>) {
        let Ok(surface) = surface.upgrade() else {
            return;
        };
        set(&surface, false);
        with_states(&surface, |states| {
            if let Some(one) = states.data_map.get::<Controlled>() {
                one.0.store(false, Ordering::Relaxed);
            }
        });
    }
}

fn set(surface: &WlSurface, wanted: bool) {
    with_states(surface, |states| {
        states.cached_state.get::<Tearing>().pending().wanted = wanted;
    });
}
