//! The parametric creator: each request is checked, and the last makes the description.

use super::description::{Draft, Wrong};
use super::image;
use crate::state::State;
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::{
    wp_image_description_creator_params_v1::{Request, WpImageDescriptionCreatorParamsV1},
    wp_image_description_v1::Cause,
};
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource};
use std::sync::Mutex;

/// What a client is putting together.
#[derive(Debug, Default)]
pub struct Creator(Mutex<Draft>);

impl Dispatch<WpImageDescriptionCreatorParamsV1, Creator> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        creator: &WpImageDescriptionCreatorParamsV1,
        request: Request,
        data: &Creator,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let Ok(mut draft) = data.0.lock() else { return };
        let version = creator.version();
        let done = match request {
            Request::Create { image_description: new } => draft.finish(version).map(|description| {
                if description.space().is_none_or(|space| space.spans_colours()) {
                    image::ready(new, description, false, init);
                } else {
                    image::failed(new, Cause::Unsupported, "the primaries span no colours", init);
                }
            }),
            other => take(&mut draft, other, version),
        };
        if let Err((error, what)) = done {
            creator.post_error(error, what);
        }
    }
}

fn take(draft: &mut Draft, request: Request, version: u32) -> Result<(), Wrong> {
    match request {
        Request::SetTfNamed { tf } => draft.transfer(tf.into_result().ok(), version),
        Request::SetTfPower { eexp } => draft.power(eexp),
        Request::SetPrimariesNamed { primaries } => draft.named(primaries.into_result().ok()),
        Request::SetPrimaries {
            r_x,
            r_y,
            g_x,
            g_y,
            b_x,
            b_y,
            w_x,
            w_y,
        } => draft.primaries([r_x, r_y, g_x, g_y, b_x, b_y, w_x, w_y]),
        Request::SetLuminances {
            min_lum,
            max_lum,
            reference_lum,
        } => draft.luminances((min_lum, max_lum), reference_lum),
        Request::SetMasteringDisplayPrimaries {
            r_x,
            r_y,
            g_x,
            g_y,
            b_x,
            b_y,
            w_x,
            w_y,
        } => draft.target([r_x, r_y, g_x, g_y, b_x, b_y, w_x, w_y]),
        Request::SetMasteringLuminance { min_lum, max_lum } => draft.target_luminance((min_lum, max_lum)),
        Request::SetMaxCll { max_cll } => {
            draft.max_cll(max_cll);
            Ok(())
        }
        Request::SetMaxFall { max_fall } => {
            draft.max_fall(max_fall);
            Ok(())
        }
        _ => Ok(()),
    }
}
