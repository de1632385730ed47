//! Puts one event into the seat: confinement, sensitivity, focus by click.

use super::hotkeys::Verdict;
use crate::handlers::KeyboardFocus;
use crate::scene::layout::Fit;
use crate::scene::window::surface_under;
use crate::state::{Scope, State};
use goggles_protocols::input::Event;
use smithay::backend::input::{Axis, AxisSource, ButtonState, KeyState, Keycode};
use smithay::desktop::utils::bbox_from_surface_tree;
use smithay::input::keyboard::FilterResult;
use smithay::input::pointer::{AxisFrame, ButtonEvent, MotionEvent, RelativeMotionEvent};
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};
use smithay::utils::{Logical, Point, Rectangle, SERIAL_COUNTER};
use smithay::wayland::compositor::{RegionAttributes, get_parent};
use smithay::wayland::pointer_constraints::{PointerConstraint, with_pointer_constraint};
use std::collections::HashMap;

/// What the pointer is over, as its client was told last.
#[derive(Debug, Default)]
pub struct Over {
    under: Option<(WlSurface, Point<f64, Logical>)>,
    /// Something may have come, gone or moved there.
    pub stale: bool,
    /// What each finger came down on.
    pub touched: HashMap<u32, WlSurface>,
    /// The keyboard went to another surface.
    pub keyboard_moved: bool,
}

impl Over {
    /// Whether it is to be looked at again.
    pub fn is_stale(&self) -> bool {
        self.stale || self.keyboard_moved
    }
}

/// What the surface under the pointer asks of it.
enum Constraint {
    None,
    Locked,
    Confined(Option<RegionAttributes>),
}

/// X11 and Wayland keycodes are evdev's plus eight.
const XKB_OFFSET: u32 = 8;

/// How far one detent of a wheel scrolls, in the unit of `wl_pointer.axis` (libinput's 15 degrees).
const DETENT: f64 = 15.0;

/// No wheel turns a thousand times at once; and the sum of two is still a number.
const MOST_V120: f64 = 120_000.0;

fn root_of(surface: &WlSurface) -> WlSurface {
    let mut root = surface.clone();
    while let Some(parent) = get_parent(&root) {
        root = parent;
    }
    root
}

impl State {
    /// Applies one event. Returns nothing: an event that means nothing now (a lock, no focus) has no effect.
    pub fn inject(&mut self, event: Event) {
        self.inject_part(event);
        if !matches!(event, Event::Key { .. }) {
            self.pointer_frame();
        }
    }

    /// Applies one event of several that clients see as one: [`Self::pointer_frame`] ends them.
    pub(crate) fn inject_part(&mut self, event: Event) {
        self.player_is_active();
        self.scope.inputs = self.scope.inputs.wrapping_add(1);
        match event {
            Event::Key { code, pressed } => {
                self.scope.pacer.input_edge();
                self.key(code, pressed);
            }
            Event::Button { code, pressed } => {
                self.scope.pacer.input_edge();
                self.button(code, pressed);
            }
            Event::Relative { dx, dy } => self.relative((dx, dy).into()),
            Event::Absolute { x, y } => {
                let to = self.on_output(x, y);
                self.move_to(to, None);
            }
            Event::Scroll { dx, dy } => self.scroll(dx, dy),
        }
    }

    /// Ends a group of pointer events.
    pub(crate) fn pointer_frame(&mut self) {
        if let Some(pointer) = self.scope.seat.get_pointer() {
            pointer.frame(self);
        }
    }

    /// Scrolls as a device says that it does; [`Self::pointer_frame`] is to follow.
    pub(crate) fn inject_axis(&mut self, frame: AxisFrame) {
        self.player_is_active();
        self.scope.inputs = self.scope.inputs.wrapping_add(1);
        if let Some(pointer) = self.scope.seat.get_pointer() {
            pointer.axis(self, frame);
        }
    }

    pub(crate) fn time_ms(&self) -> u32 {
        // wl_pointer's and wl_keyboard's times are milliseconds that wrap.
        (self.scope.now.0 / 1_000_000) as u32
    }

    fn key(&mut self, code: u16, pressed: bool) {
        let Some(keyboard) = self.scope.seat.get_keyboard() else {
            return;
        };
        match self.scope.hotkeys.key(code, pressed) {
            Verdict::Forward => {}
            Verdict::Swallow => return,
            Verdict::Do(action) => return self.hotkey(action),
        }
        let (time, serial) = (self.time_ms(), SERIAL_COUNTER.next_serial());
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        let code = Keycode::new(u32::from(code) + XKB_OFFSET);
        keyboard.input::<(), _>(self, code, state, serial, time, |_, _, _| FilterResult::Forward);
    }

    fn button(&mut self, code: u16, pressed: bool) {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        if pressed && !pointer.is_grabbed() {
            self.click_focus(pointer.current_location());
        }
        let state = if pressed {
            ButtonState::Pressed
        } else {
            ButtonState::Released
        };
        let event = ButtonEvent {
            serial: SERIAL_COUNTER.next_serial(),
            time: self.time_ms(),
            button: u32::from(code),
            state,
        };
        pointer.button(self, &event);
    }

    pub(super) fn click_focus(&mut self, at: Point<f64, Logical>) {
        let Some((surface, _)) = surface_under(&self.scope.placed, at) else {
            return;
        };
        let root = root_of(&surface);
        let layer = self.scope.extras.layers.click(&root);
        let id = self.scope.windows.by_surface(&root).map(|w| w.id);
        if id.is_some() && self.scope.clicked != id {
            self.scope.clicked = id;
            self.scene_changed();
        } else if layer {
            self.scene_changed();
        }
    }

    fn scroll(&mut self, dx: f64, dy: f64) {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        let mut frame = AxisFrame::new(self.time_ms()).source(AxisSource::Wheel);
        for (axis, v120) in [(Axis::Horizontal, dx), (Axis::Vertical, dy)] {
            if v120 != 0.0 {
                frame = frame
                    .value(axis, v120 / 120.0 * DETENT)
                    .v120(axis, v120.clamp(-MOST_V120, MOST_V120) as i32);
            }
        }
        pointer.axis(self, frame);
    }

    fn relative(&mut self, delta: Point<f64, Logical>) {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        let s = self.scope.settings.mouse_sensitivity;
        let accelerated: Point<f64, Logical> = (delta.x * s, delta.y * s).into();
        let at = pointer.current_location();
        let event = RelativeMotionEvent {
            delta: accelerated,
            delta_unaccel: delta,
            utime: self.scope.now.micros(),
        };
        let to = (
            at.x + accelerated.x / self.scope.pointer_fit.scale.0,
            at.y + accelerated.y / self.scope.pointer_fit.scale.1,
        );
        self.move_to(to.into(), Some(event));
    }

    /// Moves the pointer, as far as a constraint lets it, and tells the surface under it.
    fn move_to(&mut self, to: Point<f64, Logical>, relative: Option<RelativeMotionEvent>) {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        let focus = pointer.current_focus();
        let constraint = focus.as_ref().map_or(Constraint::None, |s| self.constraint(s));
        let under = self.scope.under_pointer(pointer.current_location());
        if let Some(event) = &relative {
            pointer.relative_motion(self, under.clone(), event);
        }
        let to = match constraint {
            Constraint::Locked => return,
            Constraint::Confined(region) => {
                self.scope
                    .confine(focus.as_ref(), region.as_ref(), pointer.current_location(), to)
            }
            Constraint::None => self.scope.keep_inside(to),
        };
        let under = self.scope.under_pointer(to);
        self.scope.over.under.clone_from(&under);
        let event = MotionEvent {
            location: to,
            serial: SERIAL_COUNTER.next_serial(),
            time: self.time_ms(),
        };
        let grabbed = pointer.is_grabbed();
        pointer.motion(self, under.clone(), &event);
        if grabbed && !pointer.is_grabbed() {
            // smithay ends the grab of a menu that has gone at the first motion, and tells of the last place only.
            pointer.motion(self, under, &event);
        }
        self.scope.pointer_moved(to);
        self.activate_constraint();
    }

    fn constraint(&self, surface: &WlSurface) -> Constraint {
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
        let local = (pointer.current_location() - origin).to_i32_round();
        with_pointer_constraint(&surface, &pointer, |c| {
            if let Some(c) = c.filter(|c| !c.is_active())
                && c.region().is_none_or(|r| r.contains(local))
            {
                c.activate();
            }
        });
        self.scope.scene_info_dirty = true;
    }

    /// The scene changed under a still pointer: it stays where the player sees it, which was a place of `before`, and
    /// whoever is under it now gets it. If that is beside all that is shown now, it goes to its border, as it would at the
    /// next motion; else that motion, a game's first, would be lost.
    pub fn refresh_pointer_focus(&mut self, before: Fit) {
        if std::mem::take(&mut self.scope.over.keyboard_moved) {
            self.keyboard_moved();
        }
        self.scope.over.stale = false;
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        if pointer.is_grabbed() {
            // The grab's end makes it right.
            return;
        }
        let was = pointer.current_location();
        let now = self.scope.pointer_fit;
        let mut at = was;
        if !self.scope.pointer_locked() {
            if now != before {
                let (x, y) = before.to_output(at.x, at.y);
                at = now.to_game(x, y).into();
            }
            at = self.scope.keep_inside(at);
        }
        let under = self.scope.under_pointer(at);
        let focus = pointer.current_focus();
        let same = at == was && under.as_ref().map(|u| &u.0) == focus.as_ref();
        let locked = focus.is_some_and(|s| matches!(self.constraint(&s), Constraint::Locked));
        if same && (under == self.scope.over.under || locked) {
            return;
        }
        self.scope.over.under.clone_from(&under);
        if at != was {
            self.scope.pointer_moved(at);
        }
        let event = MotionEvent {
            location: at,
            serial: SERIAL_COUNTER.next_serial(),
            time: self.time_ms(),
        };
        pointer.motion(self, under, &event);
        pointer.frame(self);
        self.activate_constraint();
    }
}

impl State {
    /// The keyboard went to another window: the one that holds the pointer lets go of it, so that a dialog above a game can
    /// be clicked; and one that waits for it has it.
    fn keyboard_moved(&mut self) {
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
        self.scope.scene_info_dirty = true;
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

    /// The game holds the pointer.
    pub fn pointer_locked(&self) -> bool {
        let Some(pointer) = self.seat.get_pointer() else {
            return false;
        };
        let Some(surface) = pointer.current_focus() else {
            return false;
        };
        with_pointer_constraint(&surface, &pointer, |c| {
            c.is_some_and(|c| c.is_active() && matches!(&*c, PointerConstraint::Locked(_)))
        })
    }

    /// The pointer stays on what is shown of the windows, and not on the black beside it; on the output, where there are
    /// none.
    fn keep_inside(&self, to: Point<f64, Logical>) -> Point<f64, Logical> {
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
    fn confine(
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
