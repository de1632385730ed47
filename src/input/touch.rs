//! Fingers on a screen.
//!
//! The seat has no touch until the first finger comes down: many games show other controls as soon as a touch screen is
//! there, and a player with a mouse must not get them because a viewer's machine could have one.

use crate::state::State;
use smithay::backend::input::TouchSlot;
use smithay::input::touch::{DownEvent, MotionEvent, TouchHandle, UpEvent};
use smithay::reexports::wayland_server::Resource;
use smithay::utils::{Logical, Point, SERIAL_COUNTER};

/// What a finger did. Places are parts of the output, 0 to 1; `finger` names it from down to up. There is no cancelling:
/// smithay tells clients of it only within a frame of events, so that who falls silent has their fingers lifted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Touch {
    Down { finger: u32, x: f64, y: f64 },
    Motion { finger: u32, x: f64, y: f64 },
    Up { finger: u32 },
}

impl State {
    /// Applies one event of a touch screen.
    pub fn touch(&mut self, event: Touch) {
        self.player_is_active();
        let touch = self.touch_device();
        let (time, serial) = (self.time_ms(), SERIAL_COUNTER.next_serial());
        match event {
            Touch::Down { finger, x, y } => {
                self.scope.pacer.input_edge();
                let location = self.on_output(x, y);
                self.click_focus(location);
                let slot = TouchSlot::from(Some(finger));
                let under = self.scope.under_pointer(location);
                if let Some((surface, _)) = &under {
                    self.scope.over.touched.insert(finger, surface.clone());
                }
                let event = DownEvent {
                    slot,
                    location,
                    serial,
                    time,
                };
                touch.down(self, under, &event);
            }
            Touch::Motion { finger, x, y } => {
                let location = self.on_output(x, y);
                let slot = TouchSlot::from(Some(finger));
                let under = self.scope.under_pointer(location);
                touch.motion(self, under, &MotionEvent { slot, location, time });
            }
            Touch::Up { finger } => {
                self.scope.pacer.input_edge();
                self.scope.over.touched.remove(&finger);
                let slot = TouchSlot::from(Some(finger));
                touch.up(self, &UpEvent { slot, serial, time });
            }
        }
        touch.frame(self);
    }

    /// Fingers on a surface that is gone: its client, which would hear no more of them, is told that they are lifted.
    pub(crate) fn lift_lost_fingers(&mut self) {
        let touched = self.scope.over.touched.iter();
        let lost = touched
            .filter(|(_, surface)| !surface.is_alive())
            .map(|(finger, _)| *finger);
        for finger in lost.collect::<Vec<_>>() {
            self.scope.over.touched.remove(&finger);
            let touch = self.touch_device();
            let (time, serial) = (self.time_ms(), SERIAL_COUNTER.next_serial());
            let slot = TouchSlot::from(Some(finger));
            touch.up(self, &UpEvent { slot, serial, time });
            touch.frame(self);
        }
    }

    pub(super) fn touch_device(&mut self) -> TouchHandle<Self> {
        let seat = &mut self.scope.seat;
        seat.get_touch().unwrap_or_else(|| seat.add_touch())
    }

    /// A part of the output, 0 to 1, in the game's coordinates.
    pub(super) fn on_output(&self, x: f64, y: f64) -> Point<f64, Logical> {
        let out = self.scope.settings.output;
        let (x, y) = self
            .scope
            .pointer_fit
            .to_game(x * f64::from(out.w), y * f64::from(out.h));
        // As exact as clients are told, and the nearest such place: a fraction of the output is seldom a whole number.
        let told = |v: f64| (v * 256.0).round() / 256.0;
        (told(x), told(y)).into()
    }
}
