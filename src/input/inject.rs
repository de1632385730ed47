//! Puts one event into the seat: sensitivity, focus by click; `confine` says where the pointer may go.

use super::confine::{Constraint, root_of};
use super::hotkeys::Verdict;
use crate::scene::layout::Fit;
use crate::scene::stack::surface_under;
use crate::state::State;
use goggles_protocols::input::Event;
use smithay::backend::input::{Axis, AxisSource, ButtonState, KeyState, Keycode};
use smithay::input::keyboard::FilterResult;
use smithay::input::pointer::{AxisFrame, ButtonEvent, MotionEvent, RelativeMotionEvent};
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::utils::{Logical, Point, SERIAL_COUNTER};
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

/// X11 and Wayland keycodes are evdev's plus eight.
pub(super) const XKB_OFFSET: u32 = 8;

/// How far one detent of a wheel scrolls, in the unit of `wl_pointer.axis` (libinput's 15 degrees).
const DETENT: f64 = 15.0;

/// No wheel turns a thousand times at once; and the sum of two is still a number.
const MOST_V120: f64 = 120_000.0;

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
        self.scope.hotkeys.inhibited = self.scope.shortcuts_inhibited();
        match self.scope.hotkeys.key(code, pressed) {
            Verdict::Forward => {}
            Verdict::Swallow => return,
            Verdict::Do(action) => return self.hotkey(action),
        }
        self.seat_key(code, pressed);
    }

    /// A key that no hotkey looks at.
    pub(super) fn seat_key(&mut self, code: u16, pressed: bool) {
        let Some(keyboard) = self.scope.seat.get_keyboard() else {
            return;
        };
        let (time, serial) = (self.time_ms(), SERIAL_COUNTER.next_serial());
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        let code = Keycode::new(u32::from(code) + XKB_OFFSET);
        keyboard.input::<(), _>(self, code, state, serial, time, |_, _, _| FilterResult::Forward);
    }

    fn button(&mut self, code: u16, pressed: bool) {
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        if pressed && !pointer.is_grabbed() && !self.scope.pointer_locked() {
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
    pub(crate) fn move_to(&mut self, to: Point<f64, Logical>, relative: Option<RelativeMotionEvent>) {
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
        if self.scope.pointer_locked() {
            return;
        }
        let was = pointer.current_location();
        let now = self.scope.pointer_fit;
        let mut at = was;
        if now != before {
            let (x, y) = before.to_output(at.x, at.y);
            at = now.to_game(x, y).into();
        }
        at = self.scope.keep_inside(at);
        let under = self.scope.under_pointer(at);
        let same = at == was && under.as_ref().map(|u| &u.0) == pointer.current_focus().as_ref();
        if same && under == self.scope.over.under {
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
