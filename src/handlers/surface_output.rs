//! wl_surface.enter and leave: which surfaces are on the output. With them go the preferred scale and transform.

use crate::state::Scope;
use smithay::backend::renderer::utils::RendererSurfaceStateUserData;
use smithay::reexports::wayland_server::Resource;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::utils::Transform;
use smithay::wayland::compositor::{TraversalAction, send_surface_state, with_surface_tree_downward};
use std::collections::HashSet;

/// The surfaces that were told to be on the output.
#[derive(Debug, Default)]
pub struct OnOutput(HashSet<WlSurface>);

impl OnOutput {
    /// It was told that it is on the output.
    pub(crate) fn contains(&self, surface: &WlSurface) -> bool {
        self.0.contains(surface)
    }
}

impl Scope {
    /// Tells the surfaces that have come onto the output, or have left it, since the last layout.
    pub(crate) fn surfaces_enter_and_leave(&mut self) {
        let mut shown = HashSet::new();
        for placed in self.placed.iter().filter(|p| p.surface.is_alive()) {
            with_surface_tree_downward(
                &placed.surface,
                (),
                |_, states, ()| {
                    let state = states.data_map.get::<RendererSurfaceStateUserData>();
                    // What has no content hides what is in it.
                    match state.and_then(|s| s.lock().ok().map(|s| s.buffer().is_some())) {
                        Some(true) => TraversalAction::DoChildren(()),
                        _ => TraversalAction::SkipChildren,
                    }
                },
                |surface, states, ()| {
                    if shown.insert(surface.clone()) {
                        self.output.enter(surface);
                        send_surface_state(surface, states, 1, Transform::Normal);
                    }
                },
                |_, _, ()| true,
            );
        }
        let before = std::mem::replace(&mut self.extras.on_output.0, shown);
        for gone in before.into_iter().filter(Resource::is_alive) {
            if !self.is_seen(&gone) {
                self.output.leave(&gone);
                self.drawn_unseen(&gone);
            }
        }
    }
}
