//! Keeps true what the X servers' root windows say of the session: gathers the facts, and tells what has changed.

use super::feedback::{Facts, Focusable, feedback};
use crate::config::Filter;
use crate::handlers::Color;
use crate::link::Size;
use crate::scene::policy::{Info, WindowId};
use crate::state::{Scope, State};
use crate::time::Mono;
use std::time::Duration;

/// How often the counter of input events is told at most.
const COUNTER: Duration = Duration::from_millis(100);

/// What of the facts was last told, and when.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The windows or the controls have changed.
    pub dirty: bool,
    focusable: Vec<Focusable>,
    cursor: bool,
    inputs: u32,
    at: Mono,
    /// What was last said of a server that a property asked for.
    pub created: Option<String>,
}

impl State {
    /// The X servers' root windows are told what they do not know yet.
    pub(super) fn x11_feedback(&mut self) {
        let scope = &mut self.scope;
        let cursor = scope.cursor.is_visible();
        let told = &scope.xwayland.told;
        let counts = told.inputs != scope.inputs && scope.now.since(told.at) >= COUNTER;
        if !(told.dirty || counts || told.cursor != cursor) {
            return;
        }
        let facts = scope.x11_facts(cursor);
        let told = &mut scope.xwayland.told;
        told.cursor = cursor;
        told.inputs = scope.inputs;
        told.at = scope.now;
        told.dirty = false;
        for server in scope.xwayland.places() {
            let Some(run) = scope.xwayland.run(server) else {
                continue;
            };
            let (Some(ewmh), Some(steam)) = (&mut run.ewmh, &mut run.steam) else {
                continue;
            };
            let (conn, root) = ewmh.connection();
            if let Err(why) = steam.write(conn, root, feedback(&facts, server)) {
                tracing::debug!("error telling Steam: {why:#}");
            }
        }
    }
}

impl Scope {
    /// A property has changed: if it is one that we keep and another changed it, it is to be told anew.
    pub(super) fn x11_look_at_told(&mut self, server: u32, window: u32, atom: u32) {
        let Some(run) = self.xwayland.run(server) else { return };
        let (Some(ewmh), Some(steam)) = (&run.ewmh, &mut run.steam) else {
            return;
        };
        if ewmh.root() == window && steam.is_overwritten(atom) {
            self.xwayland.told.dirty = true;
        }
    }

    /// The X servers' root windows are to be told anew.
    pub(crate) fn facts_changed(&mut self) {
        self.xwayland.told.dirty = true;
    }

    /// The windows, as the policy saw them: Steam is told of those that it may choose.
    pub fn note_focusable(&mut self, windows: &[Info]) {
        let choosable = windows.iter().filter(|w| w.is_choosable());
        self.xwayland.told.focusable = choosable
            .filter_map(|w| {
                let (_, window) = w.x11?;
                let (app, pid) = (w.app, w.pid);
                Some(Focusable { window, app, pid })
            })
            .collect();
        self.xwayland.told.dirty = true;
    }

    /// When X servers are to be seen to again: at once, where events wait or the cursor has come or gone since they were told,
    /// or when the counter of input events is to be told.
    pub fn feedback_deadline(&self) -> Option<Mono> {
        let told = &self.xwayland.told;
        let ready = self.xwayland.display().is_some();
        if self.xwayland.has_unread() || (ready && told.cursor != self.cursor.is_visible()) {
            return Some(self.now);
        }
        let due = ready && told.inputs != self.inputs;
        due.then(|| told.at + COUNTER)
    }

    fn x11_facts(&self, cursor: bool) -> Facts {
        let window = |id: Option<WindowId>| id.and_then(|id| self.windows.get(id));
        let first = self.xwayland.display().map_or_else(String::new, |n| format!(":{n}"));
        let display = |id| match window(id) {
            Some(w) if w.x11().is_none() => self.wayland.clone(),
            Some(w) => {
                let number = self.xwayland.display_of(w.server);
                number.map_or_else(|| first.clone(), |n| format!(":{n}"))
            }
            None => first.clone(),
        };
        let (x, y) = self.look().enlargement();
        let area = Size {
            w: self.area.w as u32,
            h: self.area.h as u32,
        };
        let mut modes = vec![self.settings.output];
        modes.extend((area != self.settings.output).then_some(area));
        Facts {
            focusable: self.xwayland.told.focusable.clone(),
            app: self.choice.app,
            app_gfx: self.choice.app_gfx,
            window: window(self.choice.base).map_or(0, |w| w.number()),
            shown: display(self.choice.base),
            keyboard: display(self.choice.keyboard),
            pointer: display(self.choice.pointer.first().copied()),
            inputs: self.inputs,
            cursor,
            vrr: self.is_vrr(),
            hdr_monitor: self.settings.hdr,
            hdr: self.is_hdr(),
            hdr_wanted: matches!(self.base_hints().color, Color::Bt2020Pq | Color::Scrgb),
            fsr: self.settings.filter == Filter::Fsr && x >= 1.0 && y >= 1.0 && (x, y) != (1.0, 1.0),
            refresh: self.refresh(),
            modes,
            created: self.xwayland.told.created.clone(),
        }
    }
}
