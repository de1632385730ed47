//! A surface's description, which counts from its commit on; and the object that tells what it had better be.

use super::description::{Color, Description};
use super::image::{self, Image};
use super::manager::INTENTS;
use crate::render::color::Space;
use crate::state::State;
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::{
    wp_color_management_surface_feedback_v1::{
        Error as FeedbackError, Request as FeedbackRequest, WpColorManagementSurfaceFeedbackV1,
    },
    wp_color_management_surface_v1::{Error, Request, WpColorManagementSurfaceV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum, Weak};
use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use std::sync::atomic::{AtomicBool, Ordering};

/// The surface that an object is of.
#[derive(Debug)]
pub struct Managed(pub Weak<WlSurface>);

/// The description as double-buffered state.
#[derive(Clone, Copy, Debug, Default)]
struct Described(Option<Description>);

impl Cacheable for Described {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        *self
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// The surface has its object; there may be one only.
#[derive(Debug, Default)]
struct Taken(AtomicBool);

/// Takes the surface's place for an object. Whether it was taken.
pub fn take(surface: &WlSurface) -> bool {
    with_states(surface, |states| {
        let taken = states.data_map.get_or_insert_threadsafe(Taken::default);
        taken.0.swap(true, Ordering::Relaxed)
    })
}

/// The description of the surface's present content.
fn description(states: &SurfaceData) -> Option<Description> {
    if !states.cached_state.has::<Described>() {
        return None;
    }
    states.cached_state.get::<Described>().current().0
}

/// What the surface's present content is said to be.
pub fn color(states: &SurfaceData) -> Color {
    description(states).map_or(Color::Unknown, |d| d.color())
}

/// The number of the description of the surface's present content.
pub fn identity(states: &SurfaceData) -> Option<u64> {
    description(states).map(|d| d.identity)
}

/// What the surface's present content is to be converted from; `None`: it is sRGB.
pub fn space(states: &SurfaceData) -> Option<Space> {
    description(states).and_then(|d| d.space())
}

fn set(surface: &WlSurface, description: Option<Description>) {
    with_states(surface, |states| {
        states.cached_state.get::<Described>().pending().0 = description;
    });
}

impl Dispatch<WpColorManagementSurfaceV1, Managed> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        object: &WpColorManagementSurfaceV1,
        request: Request,
        surface: &Managed,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        if matches!(request, Request::Destroy) {
            return;
        }
        let Ok(surface) = surface.0.upgrade() else {
            object.post_error(Error::Inert, "the surface is gone");
            return;
        };
        match request {
            Request::SetImageDescription {
                image_description,
                render_intent,
            } => {
                let ready = image_description.data::<Image>().and_then(|image| image.description);
                if ready.is_none() {
                    object.post_error(Error::ImageDescription, "the description is not ready");
                } else if !INTENTS.iter().any(|intent| render_intent == WEnum::Value(*intent)) {
                    object.post_error(Error::RenderIntent, "this intent is not offered");
                } else {
                    set(&surface, ready);
                }
            }
            Request::UnsetImageDescription => set(&surface, None),
            _ => {}
        }
    }

    fn destroyed(_: &mut Self, _: ClientId, _: &WpColorManagementSurfaceV1, surface: &Managed) {
        let Ok(surface) = surface.0.upgrade() else { return };
        set(&surface, None);
        with_states(&surface, |states| {
            if let Some(taken) = states.data_map.get::<Taken>() {
                taken.0.store(false, Ordering::Relaxed);
            }
        });
    }
}

impl Dispatch<WpColorManagementSurfaceFeedbackV1, Managed> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        object: &WpColorManagementSurfaceFeedbackV1,
        request: FeedbackRequest,
        surface: &Managed,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let (FeedbackRequest::GetPreferred { image_description }
        | FeedbackRequest::GetPreferredParametric { image_description }) = request
        else {
            return;
        };
        if surface.0.upgrade().is_err() {
            object.post_error(FeedbackError::Inert, "the surface is gone");
            return;
        }
        image::ready(image_description, state.scope.preferred_description(), true, init);
    }

    fn destroyed(state: &mut Self, _: ClientId, feedback: &WpColorManagementSurfaceFeedbackV1, _: &Managed) {
        state.scope.extras.preferred.surfaces.retain(|s| s != feedback);
    }
}
