//! xdg-foreign and xdg-dialog: whose child a window is, and whether its parent must wait.

use crate::state::State;
use smithay::wayland::shell::xdg::{ToplevelSurface, dialog::XdgDialogHandler};
use smithay::wayland::xdg_foreign::{XdgForeignHandler, XdgForeignState};

impl XdgForeignHandler for State {
    fn xdg_foreign_state(&mut self) -> &mut XdgForeignState {
        &mut self.scope.extras.foreign
    }
}

impl XdgDialogHandler for State {
    fn modal_changed(&mut self, _toplevel: ToplevelSurface, _is_modal: bool) {
        self.scene_changed();
    }
}

smithay::delegate_xdg_foreign!(State);
smithay::delegate_xdg_dialog!(State);
