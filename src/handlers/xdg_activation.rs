//! xdg-activation: a client that was given a token may ask for focus; in a game's session it gets it.

use crate::state::State;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::wayland::xdg_activation::{
    XdgActivationHandler, XdgActivationState, XdgActivationToken, XdgActivationTokenData,
};

impl XdgActivationHandler for State {
    fn activation_state(&mut self) -> &mut XdgActivationState {
        &mut self.scope.protocols.activation
    }

    fn request_activation(&mut self, _token: XdgActivationToken, _data: XdgActivationTokenData, surface: WlSurface) {
        if let Some(id) = self.scope.windows.by_surface(&surface).map(|w| w.id) {
            self.scope.windows.raise(id);
            self.scope.clicked = Some(id);
            self.scene_changed();
        }
    }
}

smithay::delegate_xdg_activation!(State);
