//! How deep surfaces may lie in one another. smithay walks their trees by recursion, on the loop's stack; and popups may be
//! each other's parents, which it would follow for ever.

use super::timing::no_memory;
use crate::state::State;
use smithay::reexports::wayland_server::Resource;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::wayland::compositor::{get_children, get_parent, with_states};
use smithay::wayland::shell::xdg::{PopupSurface, XdgPopupSurfaceData};
use std::iter::successors;

/// Far more than any toolkit's.
const DEEPEST: usize = 64;

/// How many surfaces lie in one another below it, itself included.
fn height(surface: &WlSurface) -> usize {
    let levels = successors(Some(vec![surface.clone()]), |level| {
        let below: Vec<_> = level.iter().flat_map(get_children).collect();
        (!below.is_empty()).then_some(below)
    });
    levels.take(DEEPEST + 1).count()
}

/// What the popup of this surface belongs to, if it has one.
fn popup_parent(surface: &WlSurface) -> Option<WlSurface> {
    with_states(surface, |states| {
        let popup = states.data_map.get::<XdgPopupSurfaceData>()?;
        popup.lock().ok()?.parent.clone()
    })
}

impl State {
    /// Ends the client of a subsurface that lies too deep, or below which something does.
    pub(super) fn nested(&self, child: &WlSurface) {
        let above = successors(get_parent(child), get_parent);
        if above.take(DEEPEST).count() + height(child) > DEEPEST {
            self.end_of(child, "subsurfaces lie too deep");
        }
    }

    /// Whether a new popup may be; or else its client is ended, and it belongs to nothing.
    pub(super) fn may_pop_up(&self, popup: &PopupSurface) -> bool {
        let surface = popup.wl_surface();
        let above = successors(popup_parent(surface), popup_parent);
        // One that is its own parent, or its parent's, is above itself without end.
        if above.take(DEEPEST).count() < DEEPEST {
            return true;
        }
        with_states(surface, |states| {
            let popup = states.data_map.get::<XdgPopupSurfaceData>();
            if let Some(mut popup) = popup.and_then(|popup| popup.lock().ok()) {
                popup.parent = None;
            }
        });
        self.end_of(surface, "popups lie too deep");
        false
    }

    /// Ends a surface's client.
    pub(super) fn end_of(&self, surface: &WlSurface, why: &str) {
        if let Some(client) = surface.client() {
            no_memory(&client, &self.scope.dh, why);
        }
    }
}
