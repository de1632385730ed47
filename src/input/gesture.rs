//! Gestures on a touch pad, for pointer-gestures.

use crate::state::State;
use smithay::input::pointer::{
    GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent, GesturePinchEndEvent, GesturePinchUpdateEvent,
    GestureSwipeBeginEvent, GestureSwipeEndEvent, GestureSwipeUpdateEvent,
};
use smithay::utils::SERIAL_COUNTER;

/// What several fingers did together. Lengths are in the game's pixels, angles in degrees clockwise; scales count from
/// the gesture's begin, the rest from the last event.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Gesture {
    SwipeBegin {
        fingers: u32,
    },
    Swipe {
        dx: f64,
        dy: f64,
    },
    SwipeEnd {
        cancelled: bool,
    },
    PinchBegin {
        fingers: u32,
    },
    Pinch {
        dx: f64,
        dy: f64,
        scale: f64,
        rotation: f64,
    },
    PinchEnd {
        cancelled: bool,
    },
    HoldBegin {
        fingers: u32,
    },
    HoldEnd {
        cancelled: bool,
    },
}

impl State {
    /// Applies one gesture's event to the surface under the pointer.
    pub fn gesture(&mut self, event: Gesture) {
        self.player_is_active();
        let Some(pointer) = self.scope.seat.get_pointer() else {
            return;
        };
        let (time, serial) = (self.time_ms(), SERIAL_COUNTER.next_serial());
        match event {
            Gesture::SwipeBegin { fingers } => {
                pointer.gesture_swipe_begin(self, &GestureSwipeBeginEvent { serial, time, fingers });
            }
            Gesture::Swipe { dx, dy } => {
                let delta = (dx, dy).into();
                pointer.gesture_swipe_update(self, &GestureSwipeUpdateEvent { time, delta });
            }
            Gesture::SwipeEnd { cancelled } => {
                pointer.gesture_swipe_end(
                    self,
                    &GestureSwipeEndEvent {
                        serial,
                        time,
                        cancelled,
                    },
                );
            }
            Gesture::PinchBegin { fingers } => {
                pointer.gesture_pinch_begin(self, &GesturePinchBeginEvent { serial, time, fingers });
            }
            Gesture::Pinch {
                dx,
                dy,
                scale,
                rotation,
            } => {
                let delta = (dx, dy).into();
                let event = GesturePinchUpdateEvent {
                    time,
                    delta,
                    scale,
                    rotation,
                };
                pointer.gesture_pinch_update(self, &event);
            }
            Gesture::PinchEnd { cancelled } => {
                pointer.gesture_pinch_end(
                    self,
                    &GesturePinchEndEvent {
                        serial,
                        time,
                        cancelled,
                    },
                );
            }
            Gesture::HoldBegin { fingers } => {
                pointer.gesture_hold_begin(self, &GestureHoldBeginEvent { serial, time, fingers });
            }
            Gesture::HoldEnd { cancelled } => {
                pointer.gesture_hold_end(
                    self,
                    &GestureHoldEndEvent {
                        serial,
                        time,
                        cancelled,
                    },
                );
            }
        }
    }
}
