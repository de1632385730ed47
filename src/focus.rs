//! Puts the focus policy's answer into effect: what is shown, who has the keyboard, what X clients hear of it.

use crate::handlers::KeyboardFocus;
use crate::scene::marks::STEAM;
use crate::scene::policy::{Choice, Info, Wants, WindowId, choose};
use crate::scene::window::Kind;
use crate::state::{Scope, State};
use crate::stats_fifo::Focus;
use smithay::utils::SERIAL_COUNTER;

impl State {
    /// A window came, went, or changed its role: choose and focus anew.
    pub fn scene_changed(&mut self) {
        let scope = &mut self.scope;
        let mut wants = scope.wants();
        wants.clicked = wants.clicked.map(|id| scope.windows.modal_above(id));
        let windows = scope.windows.infos(&|server| scope.area_of(server), wants.steam);
        let choice = if scope.free {
            scope.windows.all(wants.clicked)
        } else {
            choose(&windows, &wants)
        };
        scope.windows.note_covering(&windows);
        scope.note_focusable(&windows);
        if scope.settings.debug_focus && choice != scope.choice {
            scope.log_choice(&windows, &wants, &choice);
        }
        let focus = choice.keyboard;
        self.scope.choice = choice;
        self.scope.damage();
        self.scope.scene_info_dirty = true;
        let window = focus.and_then(|id| self.scope.windows.get(id)).and_then(|w| {
            let surface = w.surface.clone()?;
            Some(match &w.kind {
                Kind::X11(x11) => KeyboardFocus::X11(x11.clone(), surface),
                Kind::Xdg(_) => KeyboardFocus::Surface(surface),
            })
        });
        let target = self.scope.focus_above_windows(window);
        if let Some(keyboard) = self.scope.seat.get_keyboard()
            && keyboard.current_focus() != target
        {
            // A menu, or an X11 client that grabbed it, keeps it; an input method hears of the other window.
            keyboard.set_focus(self, target, SERIAL_COUNTER.next_serial());
        }
        self.x11_restack();
    }

    /// A window may have become a main one by its size alone, or have ceased to be: choose anew.
    pub fn look_at_sizes(&mut self) {
        let scope = &self.scope;
        if scope.windows.covers_otherwise(&|server| scope.area_of(server)) {
            self.scene_changed();
        }
    }

    /// Shows another main window in this one's place, if there is one.
    pub fn minimize(&mut self, id: WindowId) {
        self.scope.windows.lower(id);
        if self.scope.clicked == Some(id) {
            self.scope.clicked = None;
        }
        self.scene_changed();
    }
}

impl Scope {
    /// What player and Steam want of the windows.
    pub(crate) fn wants(&self) -> Wants {
        Wants {
            steam: self.settings.steam,
            clicked: self.clicked,
            apps: self.controls.base_apps.clone(),
            window: self.controls.base_window,
        }
    }

    /// In the form of tests/focus.
    fn log_choice(&self, windows: &[Info], wants: &Wants, choice: &Choice) {
        let record = serde_json::json!({ "windows": windows, "wants": wants, "choice": choice });
        tracing::info!("focus: {record}");
    }

    /// What `-T` calls the focused app: Steam's number of it with `-e`, else the window's own.
    pub fn focused_app(&self) -> Option<Focus> {
        self.choice.base?;
        Some(match self.choice.app {
            STEAM if self.settings.steam => Focus::Steam,
            app => Focus::App(app),
        })
    }
}
