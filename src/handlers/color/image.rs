//! An image description as an object: ready or failed, and what it tells of itself.

use super::description::{Content, Description, Transfer};
use crate::state::{Scope, State};
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::{
    wp_image_description_info_v1::WpImageDescriptionInfoV1,
    wp_image_description_reference_v1::WpImageDescriptionReferenceV1,
    wp_image_description_v1::{self as image, Cause, Error, Request, WpImageDescriptionV1},
};
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, New, Resource};

/// What the object stands for.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// None: it failed.
    pub(super) description: Option<Description>,
    /// Its maker lets it be asked.
    tells: bool,
}

/// Makes an object that is ready.
pub fn ready(new: New<WpImageDescriptionV1>, description: Description, tells: bool, init: &mut DataInit<'_, State>) {
    let description_ = Some(description);
    let object = init.init(
        new,
        Image {
            description: description_,
            tells,
        },
    );
    let (high, low) = ((description.identity >> 32) as u32, description.identity as u32);
    if object.version() >= image::EVT_READY2_SINCE {
        object.ready2(high, low);
    } else {
        object.ready(low);
    }
}

/// Makes an object that is not.
pub fn failed(new: New<WpImageDescriptionV1>, cause: Cause, why: &str, init: &mut DataInit<'_, State>) {
    let object = init.init(
        new,
        Image {
            description: None,
            tells: false,
        },
    );
    object.failed(cause, why.into());
}

impl Dispatch<WpImageDescriptionV1, Image> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        object: &WpImageDescriptionV1,
        request: Request,
        data: &Image,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let Request::GetInformation { information } = request else {
            return;
        };
        match (&data.description, data.tells) {
            (Some(description), true) => {
                let information = init.init(information, ());
                tell(&information, description);
                // Its last event ends it, which it can't before this request has.
                state.scope.extras.told.push(information);
            }
            (Some(_), false) => object.post_error(Error::NoInformation, "it does not tell what it is"),
            (None, _) => object.post_error(Error::NotReady, "it has failed"),
        }
    }
}

fn tell(to: &WpImageDescriptionInfoV1, description: &Description) {
    if let Content::Parameters(p) = &description.content {
        let [rx, ry, gx, gy, bx, by, wx, wy] = p.primaries;
        to.primaries(rx, ry, gx, gy, bx, by, wx, wy);
        if let Some(named) = p.named {
            to.primaries_named(named);
        }
        match p.transfer {
            Transfer::Named(name) => to.tf_named(name),
            Transfer::Power(exponent) => to.tf_power(exponent),
        }
        to.luminances(p.luminance.0, p.luminance.1, p.white);
        let [rx, ry, gx, gy, bx, by, wx, wy] = p.target;
        to.target_primaries(rx, ry, gx, gy, bx, by, wx, wy);
        to.target_luminance(p.target_luminance.0, p.target_luminance.1);
        if let Some(cll) = p.max_cll {
            to.target_max_cll(cll);
        }
        if let Some(fall) = p.max_fall {
            to.target_max_fall(fall);
        }
    }
}

impl Scope {
    /// Ends what was told of descriptions.
    pub(crate) fn descriptions_told(&mut self) {
        for information in self.extras.told.drain(..) {
            information.done();
        }
    }
}

impl Dispatch<WpImageDescriptionInfoV1, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &WpImageDescriptionInfoV1,
        _: <WpImageDescriptionInfoV1 as Resource>::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        // It has none.
    }
}

// Other protocols would make these; none that is offered does.
impl Dispatch<WpImageDescriptionReferenceV1, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &WpImageDescriptionReferenceV1,
        _: <WpImageDescriptionReferenceV1 as Resource>::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        // Its only request destroys it.
    }
}
