//! color-representation: alpha mode, and matrix and range of a surface's pixels.
//!
//! All buffers that are taken are of red, green and blue in full range, with alpha multiplied in: nothing else is offered, so
//! that there is nothing to record but that a client said it.

use super::surface::Managed;
use crate::state::State;
use smithay::reexports::wayland_protocols::wp::color_representation::v1::server::{
    wp_color_representation_manager_v1::{
        Error as ManagerError, Request as ManagerRequest, WpColorRepresentationManagerV1,
    },
    wp_color_representation_surface_v1::{
        AlphaMode, Coefficients, Error, Range, Request, WpColorRepresentationSurfaceV1,
    },
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum,
};
use smithay::wayland::compositor::with_states;
use std::sync::atomic::{AtomicBool, Ordering};

/// The surface has its object; there may be one only.
#[derive(Debug, Default)]
struct Represented(AtomicBool);

pub fn init(dh: &DisplayHandle) {
    dh.create_global::<State, WpColorRepresentationManagerV1, ()>(1, ());
}

impl GlobalDispatch<WpColorRepresentationManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpColorRepresentationManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        let manager = init.init(resource, ());
        manager.supported_alpha_mode(AlphaMode::PremultipliedElectrical);
        manager.supported_coefficients_and_ranges(Coefficients::Identity, Range::Full);
        manager.done();
    }
}

impl Dispatch<WpColorRepresentationManagerV1, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        manager: &WpColorRepresentationManagerV1,
        request: ManagerRequest,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let ManagerRequest::GetSurface { id, surface } = request else {
            return;
        };
        let taken = with_states(&surface, |states| {
            let one = states.data_map.get_or_insert_threadsafe(Represented::default);
            one.0.swap(true, Ordering::Relaxed)
        });
        init.init(id, Managed(surface.downgrade()));
        if taken {
            manager.post_error(ManagerError::SurfaceExists, "the surface has one already");
        }
    }
}

impl Dispatch<WpColorRepresentationSurfaceV1, Managed> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        object: &WpColorRepresentationSurfaceV1,
        request: Request,
        surface: &Managed,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        if !matches!(request, Request::Destroy) && surface.0.upgrade().is_err() {
            object.post_error(Error::Inert, "the surface is gone");
            return;
        }
        match request {
            Request::SetAlphaMode { alpha_mode } if alpha_mode != WEnum::Value(AlphaMode::PremultipliedElectrical) => {
                object.post_error(Error::AlphaMode, "this alpha mode is not offered");
            }
            Request::SetCoefficientsAndRange { coefficients, range }
                if (coefficients, range) != (WEnum::Value(Coefficients::Identity), WEnum::Value(Range::Full)) =>
            {
                object.post_error(Error::Coefficients, "this matrix and range are not offered");
            }
            Request::SetChromaLocation { chroma_location } if chroma_location.into_result().is_err() => {
                object.post_error(Error::ChromaLocation, "no such place");
            }
            _ => {}
        }
    }

    fn destroyed(_: &mut Self, _: ClientId, _: &WpColorRepresentationSurfaceV1, surface: &Managed) {
        let Ok(surface) = surface.0.upgrade() else { return };
        with_states(&surface, |states| {
            if let Some(one) = states.data_map.get::<Represented>() {
                one.0.store(false, Ordering::Relaxed);
            }
        });
    }
}
