//! Protocols whose state is read elsewhere and that need no more than their delegation here.

use crate::state::State;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::wayland::compositor::with_states;
use smithay::wayland::fractional_scale::{FractionalScaleHandler, with_fractional_scale};

impl FractionalScaleHandler for State {
    fn new_fractional_scale(&mut self, surface: WlSurface) {
        // One output at scale 1: games get their pixels.
        with_states(&surface, |states| {
            with_fractional_scale(states, |f| f.set_preferred_scale(1.0))
        });
    }
}

smithay::delegate_viewporter!(State);
smithay::delegate_presentation!(State);
smithay::delegate_relative_pointer!(State);
smithay::delegate_single_pixel_buffer!(State);
smithay::delegate_fractional_scale!(State);
smithay::delegate_pointer_gestures!(State);
smithay::delegate_tablet_manager!(State);
