//! xdg-activation: a client that was given a token may ask for focus; in a game's session it gets it, once for each token.

use crate::state::State;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::wayland::xdg_activation::{
    XdgActivationHandler, XdgActivationState, XdgActivationToken, XdgActivationTokenData,
};
use std::time::Duration;

/// How long a token may be used: a game's start may take a while.
const VALID: Duration = Duration::from_secs(30);
/// So many tokens wait for their use at most; others are worth nothing. Their names may be 4 kB each.
const MOST: usize = 1024;
/// Of one client.
const MOST_OF_CLIENT: usize = 64;

impl XdgActivationHandler for State {
    fn activation_state(&mut self) -> &mut XdgActivationState {
        &mut self.scope.protocols.activation
    }

    fn token_created(&mut self, _token: XdgActivationToken, new: XdgActivationTokenData) -> bool {
        let tokens = &mut self.scope.protocols.activation;
        tokens.retain_tokens(|_, token| new.timestamp.saturating_duration_since(token.timestamp) < VALID);
        let (all, its) = tokens.tokens().fold((0, 0), |(all, its), (_, token)| {
            (all + 1, its + usize::from(token.client_id == new.client_id))
        });
        all < MOST && its < MOST_OF_CLIENT
    }

    fn request_activation(&mut self, token: XdgActivationToken, _data: XdgActivationTokenData, surface: WlSurface) {
        self.scope.protocols.activation.remove_token(&token);
        if let Some(id) = self.scope.windows.by_surface(&surface).map(|w| w.id) {
            self.scope.windows.raise(id);
            self.scope.clicked = Some(id);
            self.scene_changed();
        }
    }
}

smithay::delegate_xdg_activation!(State);
