//! What clients had better draw, and who is told when that changes: HDR can be switched off and on while the session runs.

use super::description::Description;
use crate::state::Scope;
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::{
    wp_color_management_output_v1::WpColorManagementOutputV1,
    wp_color_management_surface_feedback_v1::{self as feedback, WpColorManagementSurfaceFeedbackV1},
};
use smithay::reexports::wayland_server::Resource;

/// The objects that hear of a change.
#[derive(Debug, Default)]
pub struct Preferred {
    pub(super) outputs: Vec<WpColorManagementOutputV1>,
    pub(super) surfaces: Vec<WpColorManagementSurfaceFeedbackV1>,
}

impl Scope {
    /// Programs are offered HDR, now.
    pub fn is_hdr(&self) -> bool {
        self.settings.hdr && self.controls.hdr.unwrap_or(true)
    }

    /// Offers HDR, or no longer; `None`: as the settings say. There is nothing to switch on where the monitor has none.
    pub fn set_hdr(&mut self, on: Option<bool>) {
        let before = self.is_hdr();
        self.controls.hdr = on;
        if self.is_hdr() == before {
            return;
        }
        let identity = self.preferred_description().identity;
        let (high, low) = ((identity >> 32) as u32, identity as u32);
        let preferred = &self.extras.preferred;
        preferred.outputs.iter().for_each(|o| o.image_description_changed());
        for surface in &preferred.surfaces {
            if surface.version() >= feedback::EVT_PREFERRED_CHANGED2_SINCE {
                surface.preferred_changed2(high, low);
            } else {
                surface.preferred_changed(low);
            }
        }
    }

    /// What is best drawn, for the output and for every surface.
    pub(super) fn preferred_description(&self) -> Description {
        Description::output(self.is_hdr())
    }
}
