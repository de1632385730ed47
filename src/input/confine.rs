//! Where the pointer may go: constraints of clients, and what is shown.

use crate::handlers::KeyboardFocus;
use crate::scene::stack::surface_under;
use crate::state::{Scope, State};
use smithay::desktop::utils::bbox_from_surface_tree;
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};
use smithay::utils::{Logical, Point, Rectangle};
use smithay::wayland::compositor::{RegionAttributes, get_parent};
use smithay::wayland::pointer_constraints::{PointerConstraint, with_pointer_constraint};

/// What the surface under the pointer asks of it.
pub(super) enum Constraint {
    None,
    Locked,
    Confined(Option<RegionAttributes>),
}

/// The surface that the tree of this one grows from.
pub(crate) fn root_of(surface: &WlSurface) -> WlSurface {
    let mut root = surface.clone();
    while let Some(parent) = get_parent(&root) {
        root = parent;
    }
    root
}

impl State {
    pub(super) fn constraint(&self, surface: &WlSurface) -> Constraint {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return Constraint::None;
        };
        with_pointer_constraint(surface, &pointer, |c| match c {
            Some(c) if c.is_active() => match &*c {
                PointerConstraint::Locked(_) => Constraint::Locked,
                PointerConstraint::Confined(confined) => Constraint::Confined(confined.region().cloned()),
            },
            _ => Constraint::None,
        })
    }

    /// Activates the constraint of the surface under the pointer once the pointer is in its region.
    pub fn activate_constraint(&mut self) {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        let Some((surface, origin)) = self.scope.under_pointer(pointer.current_location()) else {
            return;
        };
        if !self.scope.may_hold_pointer(&surface) {
            return;
        }
        let local = (pointer.current_location() - origin).to_i32_floor();
        with_pointer_constraint(&surface, &pointer, |c| {
            if let Some(c) = c.filter(|c| !c.is_active())
                && c.region().is_none_or(|r| r.contains(local))
            {
                c.activate();
            }
        });
    }

    /// The keyboard went to another window: the one that holds the pointer lets go of it, so that a dialog above a game can
    /// be clicked; and one that waits for it has it.
    pub(super) fn keyboard_moved(&mut self) {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        let Some(surface) = pointer.current_focus() else {
            return;
        };
        if self.scope.may_hold_pointer(&surface) {
            self.activate_constraint();
            return;
        }
        with_pointer_constraint(&surface, &pointer, |c| {
            if let Some(c) = c.filter(|c| c.is_active()) {
                c.deactivate();
            }
        });
    }
}

impl Scope {
    /// Whether a surface may lock or confine the pointer: another window of its own client must not have the keyboard. (X
    /// windows are Xwayland's: who of them has the pointer is the X server's to say.)
    fn may_hold_pointer(&self, surface: &WlSurface) -> bool {
        let holds = |focus: &KeyboardFocus| match focus {
            KeyboardFocus::X11(_, window) => window.id().same_client_as(&surface.id()),
            KeyboardFocus::Surface(window) => root_of(window) == root_of(surface),
        };
        let keyboard = self.seat.get_keyboard().and_then(|k| k.current_focus());
        keyboard.as_ref().is_none_or(holds)
    }

    pub(super) fn under_pointer(&self, at: Point<f64, Logical>) -> Option<(WlSurface, Point<f64, Logical>)> {
        surface_under(&self.placed, at)
    }

    /// A surface that is shown holds the pointer. It keeps it, whatever comes above it: the player sees no pointer there.
    pub(super) fn pointer_locked(&self) -> bool {
        let focus = self.seat.get_pointer().and_then(|p| p.current_focus());
        let shown = focus.is_some_and(|s| {
            let root = root_of(&s);
            self.placed.iter().any(|p| p.surface == root)
        });
        shown && self.constrains(|c| matches!(c, PointerConstraint::Locked(_)))
    }

    /// Players are to send motion and no places: the game holds the pointer, or keeps it to itself and shows no cursor.
    pub fn wants_motion(&self) -> bool {
        self.settings.force_grab_cursor
            || self.constrains(|c| matches!(c, PointerConstraint::Locked(_)) || self.cursor.is_hidden())
    }

    /// Whether the surface with the pointer has an active constraint that `is` so.
    fn constrains(&self, is: impl Fn(&PointerConstraint) -> bool) -> bool {
        let Some(pointer) = self.seat.get_pointer() else {
            return false;
        };
        let Some(surface) = pointer.current_focus() else {
            return false;
        };
        with_pointer_constraint(&surface, &pointer, |c| c.is_some_and(|c| c.is_active() && is(&c)))
    }

    /// The pointer stays on what is shown of the windows, and not on the black beside it; on the output, where there are
    /// none.
    pub(super) fn keep_inside(&self, to: Point<f64, Logical>) -> Point<f64, Logical> {
        if self.free {
            return to;
        }
        let out = self.settings.output;
        let (left, top) = self.pointer_fit.to_game(0.0, 0.0);
        let (right, bottom) = self.pointer_fit.to_game(f64::from(out.w), f64::from(out.h));
        let output = Rectangle::from_extremities((left, top), (right, bottom));
        let boxes = self
            .placed
            .iter()
            .filter(|p| p.own.unwrap_or(self.fit) == self.pointer_fit)
            .map(|p| bbox_from_surface_tree(&p.surface, p.at).to_f64());
        let shown = boxes.reduce(|a, b| a.merge(b)).and_then(|all| all.intersection(output));
        let area = shown.filter(|r| !r.is_empty()).unwrap_or(output);
        // The last pixel, and not the first beyond it.
        let edge = |v: f64, lo: f64, length: f64| v.clamp(lo, (lo + length - 1.0 / 256.0).max(lo));
        let x = edge(to.x, area.loc.x, area.size.w);
        (x, edge(to.y, area.loc.y, area.size.h)).into()
    }

    /// As near to `to` as the confining surface and region let the pointer go, each axis for itself.
    pub(super) fn confine(
        &self,
        surface: Option<&WlSurface>,
        region: Option<&RegionAttributes>,
        from: Point<f64, Logical>,
        to: Point<f64, Logical>,
    ) -> Point<f64, Logical> {
        let allowed = |p: Point<f64, Logical>| {
            self.under_pointer(p).is_some_and(|(s, origin)| {
                Some(&s) == surface && region.is_none_or(|r| r.contains((p - origin).to_i32_floor()))
            })
        };
        let to = self.keep_inside(to);
        let along = |to: Point<f64, Logical>, from: Point<f64, Logical>| {
            if allowed(to) {
                return Some(to);
            }
            // Halving finds the border to 1/256 of a pixel on any screen.
            let (mut inside, mut outside) = (from, to);
            for _ in 0..24 {
                let middle: Point<f64, Logical> = ((inside.x + outside.x) / 2.0, (inside.y + outside.y) / 2.0).into();
                if allowed(middle) {
                    inside = middle
                } else {
                    outside = middle
                }
            }
            (inside != from).then_some(inside)
        };
        if allowed(to) {
            return to;
        }
        let x = along((to.x, from.y).into(), from).unwrap_or(from);
        along((x.x, to.y).into(), x).unwrap_or(x)
    }
}
