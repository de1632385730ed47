//! What of the scene is where on the output, and what clients and viewers are told of it.

use super::Scope;
use crate::config::Scaler;
use crate::link::{FromScope, SceneInfo};
use crate::render::look::Look;
use crate::scene::layout::Fit;
use crate::scene::window::Window;
use smithay::utils::{Logical, Point, Rectangle};

impl Scope {
    /// The picture has changed without a commit.
    pub fn damage(&mut self) {
        self.scene_dirty = true;
        self.last_commit = self.now;
        self.pacer.commit(self.now, true);
    }

    /// Makes `fit` and `placed` anew.
    pub(super) fn relayout(&mut self) {
        self.scene_dirty = false;
        let out = self.settings.output;
        let base = self.choice.base.and_then(|id| self.windows.get(id));
        let before = self.look();
        if let Some(w) = base {
            let r = self.content(w);
            self.density = w.detail();
            self.fit = Fit::dense(
                (r.loc.x, r.loc.y, r.size.w, r.size.h),
                w.density(),
                (out.w as i32, out.h as i32),
                self.settings.scaler,
                self.settings.max_scale,
            );
            self.fit = self.zoomed(self.fit);
        }
        if self.look() != before {
            self.facts_changed();
        }
        let own = |w: &Window| self.own_fit(w);
        let windows = self.windows.placed(&self.choice, &|server| self.area_of(server), &own);
        let reached = self.choice.pointer.iter().find_map(|id| self.windows.get(*id));
        let pointer_fit = reached.and_then(own).unwrap_or(self.fit);
        self.placed = self.with_layers(windows);
        self.surfaces_enter_and_leave();
        self.pointer_fit = pointer_fit;
        // One pointer has one place in the coordinates of one fit.
        for p in &mut self.placed {
            p.pointer &= p.own.unwrap_or(self.fit) == pointer_fit;
        }
    }

    /// What fills the output: the base, and what of its dialogs lies beside it, which would be cut off.
    fn content(&self, base: &Window) -> Rectangle<i32, Logical> {
        let area = self.area_of(base.server);
        let shown = self.choice.shown.iter().filter_map(|id| self.windows.get(*id));
        shown
            .filter(|w| w.id != base.id && w.server == base.server && w.is_dialog())
            .filter_map(|w| w.rect(area).intersection(Rectangle::from_size(area)))
            .fold(base.rect(area), Rectangle::merge)
    }

    fn zoomed(&self, fit: Fit) -> Fit {
        let (share, factor) = self.controls.zoom;
        let out = self.settings.output;
        fit.zoomed(share * factor, (out.w as i32, out.h as i32))
    }

    /// An overlay's fit, where it is not the base's, or the base has fewer pixels than the output: that of its server's
    /// whole screen, of which nothing is cut off.
    fn own_fit(&self, window: &Window) -> Option<Fit> {
        let (area, out) = (self.area_of(window.server), self.settings.output);
        let whole = Fit::new((0, 0, area.w, area.h), (out.w as i32, out.h as i32), Scaler::Fit);
        let whole = self.zoomed(whole);
        let other = whole != self.fit || self.density != (1.0, 1.0);
        (window.marks.is_overlay() && other).then_some(whole)
    }

    /// How the picture is shown.
    pub fn look(&self) -> Look {
        Look {
            fit: self.fit,
            density: self.density,
            filter: self.settings.filter,
            sharpness: self.settings.sharpness,
        }
    }

    /// The pointer is at this place of the game's coordinates.
    pub fn pointer_moved(&mut self, at: Point<f64, Logical>) {
        let (x, y) = self.pointer_fit.to_output(at.x, at.y);
        self.cursor.moved(self.now, x, y);
    }

    /// Sends a message to the network, if there is one.
    pub fn tell(&self, message: FromScope) {
        if let Some(outlet) = &self.to_network {
            (outlet.0)(message);
        }
    }

    pub(super) fn tell_viewers(&mut self) {
        for update in self.cursor.updates(self.now) {
            self.tell(FromScope::Cursor(update));
        }
        let told = self.told_scene.as_ref();
        // A client's lock ends without a word to us.
        let dirty = std::mem::take(&mut self.scene_info_dirty)
            || told.is_none_or(|told| told.pointer_locked != self.wants_motion());
        if dirty {
            let info = self.scene_info();
            if told != Some(&info) {
                self.tell(FromScope::Scene(info.clone()));
                self.told_scene = Some(info);
            }
        }
    }

    /// What viewers are told.
    pub fn scene_info(&self) -> SceneInfo {
        let focused = self
            .choice
            .keyboard
            .or(self.choice.base)
            .and_then(|id| self.windows.get(id));
        SceneInfo {
            size: self.settings.output,
            refresh: self.settings.refresh,
            pointer_locked: self.wants_motion(),
            title: focused.map(|w| w.title()).unwrap_or_default(),
            hints: self.base_hints(),
        }
    }
}
