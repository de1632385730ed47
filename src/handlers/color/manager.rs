//! wp_color_manager_v1: what is offered, and how descriptions and their users are made.

use super::creator::Creator;
use super::description::{Description, PRIMARIES, TRANSFERS};
use super::image;
use super::surface::{self, Managed};
use crate::state::State;
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::{
    wp_color_management_output_v1::{Request as OutputRequest, WpColorManagementOutputV1},
    wp_color_manager_v1::{Error, Feature, RenderIntent, Request, WpColorManagerV1},
    wp_image_description_v1::Cause,
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

/// The protocol's version.
const VERSION: u32 = 2;

const FEATURES: [Feature; 7] = [
    Feature::Parametric,
    Feature::SetPrimaries,
    Feature::SetTfPower,
    Feature::SetLuminances,
    Feature::SetMasteringDisplayPrimaries,
    Feature::ExtendedTargetVolume,
    Feature::WindowsScrgb,
];

/// The intents that are taken. Whatever is converted is converted in one way, into sRGB, so that they are all the same.
pub const INTENTS: [RenderIntent; 2] = [RenderIntent::Perceptual, RenderIntent::Relative];

pub fn init(dh: &DisplayHandle) {
    dh.create_global::<State, WpColorManagerV1, ()>(VERSION, ());
}

impl GlobalDispatch<WpColorManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpColorManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        let manager = init.init(resource, ());
        let version = manager.version();
        INTENTS.iter().for_each(|intent| manager.supported_intent(*intent));
        FEATURES.iter().for_each(|feature| manager.supported_feature(*feature));
        for (name, first, last) in TRANSFERS {
            if (first..=last).contains(&version) {
                manager.supported_tf_named(name);
            }
        }
        PRIMARIES
            .iter()
            .for_each(|(name, _)| manager.supported_primaries_named(*name));
        manager.done();
    }
}

impl Dispatch<WpColorManagerV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        manager: &WpColorManagerV1,
        request: Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        match request {
            Request::GetOutput { id, .. } => {
                state.scope.extras.preferred.outputs.push(init.init(id, ()));
            }
            Request::GetSurface { id, surface } => {
                let taken = surface::take(&surface);
                init.init(id, Managed(surface.downgrade()));
                if taken {
                    manager.post_error(Error::SurfaceExists, "the surface has one already");
                }
            }
            Request::GetSurfaceFeedback { id, surface } => {
                let feedback = init.init(id, Managed(surface.downgrade()));
                state.scope.extras.preferred.surfaces.push(feedback);
            }
            Request::CreateParametricCreator { obj } => {
                init.init(obj, Creator::default());
            }
            Request::CreateWindowsScrgb { image_description } => {
                image::ready(image_description, Description::windows_scrgb(), false, init);
            }
            Request::GetImageDescription { image_description, .. } => {
                // There are no references, so that this one is of nothing.
                image::failed(image_description, Cause::Unsupported, "it refers to nothing", init);
            }
            Request::CreateIccCreator { .. } | Request::CreateWindowsBt2100 { .. } => {
                manager.post_error(Error::UnsupportedFeature, "this is not offered");
            }
            _ => {}
        }
    }
}

impl Dispatch<WpColorManagementOutputV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &WpColorManagementOutputV1,
        request: OutputRequest,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let OutputRequest::GetImageDescription { image_description } = request {
            image::ready(image_description, state.scope.preferred_description(), true, init);
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, output: &WpColorManagementOutputV1, (): &()) {
        state.scope.extras.preferred.outputs.retain(|o| o != output);
    }
}
