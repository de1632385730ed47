//! ext-foreign-toplevel-list: the windows, for task lists and for capture.

use super::trusted;
use crate::scene::policy::WindowId;
use crate::state::State;
use smithay::reexports::wayland_server::DisplayHandle;
use smithay::wayland::foreign_toplevel_list::{
    ForeignToplevelHandle, ForeignToplevelListHandler, ForeignToplevelListState,
};

/// The windows as the list's clients know them.
#[derive(Debug)]
pub struct Toplevels {
    list: ForeignToplevelListState,
    told: Vec<(WindowId, ForeignToplevelHandle)>,
}

impl Toplevels {
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        Self {
            list: ForeignToplevelListState::new_with_filter::<State>(dh, trusted),
            told: Vec::new(),
        }
    }
}

impl State {
    /// Tells of windows that came, went, or changed their names.
    pub(crate) fn toplevels_turn(&mut self) {
        if !self.scope.scene_info_dirty {
            return;
        }
        let windows = self.scope.windows.iter().filter(|w| w.is_visible());
        let present: Vec<(WindowId, String, String)> = windows.map(|w| (w.id, w.title(), w.app_id())).collect();
        let Toplevels { list, told } = &mut self.scope.extras.toplevels;
        told.retain(|(id, handle)| {
            let stays = present.iter().any(|(other, ..)| other == id);
            if !stays {
                list.remove_toplevel(handle);
            }
            stays
        });
        for (id, title, app_id) in present {
            let Some((_, handle)) = told.iter().find(|(other, _)| *other == id) else {
                told.push((id, list.new_toplevel::<Self>(title, app_id)));
                continue;
            };
            if handle.title() != title || handle.app_id() != app_id {
                handle.send_title(&title);
                handle.send_app_id(&app_id);
                handle.send_done();
            }
        }
    }
}

impl ForeignToplevelListHandler for State {
    fn foreign_toplevel_list_state(&mut self) -> &mut ForeignToplevelListState {
        &mut self.scope.extras.toplevels.list
    }
}

smithay::delegate_foreign_toplevel_list!(State);
