//! A pen on a tablet. Like touch, it is there from its first event on.

use crate::state::State;
use smithay::backend::input::{ButtonState, TabletToolCapabilities, TabletToolDescriptor, TabletToolType};
use smithay::utils::SERIAL_COUNTER;
use smithay::wayland::tablet_manager::{TabletDescriptor, TabletHandle, TabletSeatTrait, TabletToolHandle};

/// What the pen did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pen {
    /// It is at this part of the output, 0 to 1.
    Motion {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
        /// How hard it is pressed, 0 to 1.
        pressure: f64,
        /// How far it leans to the right and to the user, in degrees.
        tilt: (f64, f64),
    },
    /// Its tip touched the tablet.
    Down,
    /// Its tip left the tablet.
    Up,
    /// One of its buttons (evdev's code).
    Button {
        /// Which.
        code: u32,
        /// Whether it went down.
        pressed: bool,
    },
    /// It is out of reach.
    Away,
}

impl State {
    /// Applies one event of a pen.
    pub fn pen(&mut self, event: Pen) {
        self.player_is_active();
        let (tablet, tool) = self.pen_device();
        let (time, serial) = (self.time_ms(), SERIAL_COUNTER.next_serial());
        match event {
            Pen::Motion { x, y, pressure, tilt } => {
                let at = self.on_output(x, y);
                tool.pressure(pressure.clamp(0.0, 1.0));
                tool.tilt(tilt);
                let under = self.scope.under_pointer(at);
                tool.motion(at, under, &tablet, serial, time);
                self.scope.pointer_moved(at);
            }
            Pen::Down => {
                self.scope.pacer.input_edge();
                tool.tip_down(serial, time);
            }
            Pen::Up => {
                self.scope.pacer.input_edge();
                tool.tip_up(time);
            }
            Pen::Button { code, pressed } => {
                self.scope.pacer.input_edge();
                let state = if pressed {
                    ButtonState::Pressed
                } else {
                    ButtonState::Released
                };
                tool.button(code, state, serial, time);
            }
            Pen::Away => tool.proximity_out(time),
        }
    }

    fn pen_device(&mut self) -> (TabletHandle, TabletToolHandle) {
        let tablet = TabletDescriptor {
            name: "goggles-scope pen".into(),
            usb_id: None,
            syspath: None,
        };
        let tool = TabletToolDescriptor {
            tool_type: TabletToolType::Pen,
            hardware_serial: 0,
            hardware_id_wacom: 0,
            capabilities: TabletToolCapabilities::PRESSURE | TabletToolCapabilities::TILT,
        };
        let seat = self.scope.seat.tablet_seat();
        let dh = self.scope.dh.clone();
        let tablet = seat.add_tablet::<Self>(&dh, &tablet);
        let tool = seat.add_tool::<Self>(self, &dh, &tool);
        (tablet, tool)
    }
}
