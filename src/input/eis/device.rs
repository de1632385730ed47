//! One device that a program emulates: what it does with it, and what it holds down.

use crate::input::touch::Touch;
use crate::state::State;
use enumflags2::BitFlags;
use goggles_protocols::input::Event;
use reis::eis;
use reis::eis::button::ButtonState;
use reis::eis::device::DeviceType;
use reis::eis::keyboard::{KeyState, KeymapType};
use reis::request::{Device, DeviceCapability as Capability, EisRequest, Seat};
use rustix::fs::{MemfdFlags, memfd_create};
use smithay::backend::input::{Axis, AxisSource};
use smithay::input::pointer::AxisFrame;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};

/// No motion or scroll is further.
const FARTHEST: f32 = 100_000.0;
/// No wheel turns further at once, in 120ths.
const MOST_V120: i32 = 120_000;

/// What devices there are. Each has what it can do with what it is for, as far as the program wants that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    Keyboard,
    Pointer,
    Absolute,
    Touch,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Keyboard, Self::Pointer, Self::Absolute, Self::Touch];

    fn name(self) -> &'static str {
        match self {
            Self::Keyboard => "keyboard",
            Self::Pointer => "pointer",
            Self::Absolute => "absolute pointer",
            Self::Touch => "touch screen",
        }
    }

    /// What makes it.
    pub fn capability(self) -> Capability {
        match self {
            Self::Keyboard => Capability::Keyboard,
            Self::Pointer => Capability::Pointer,
            Self::Absolute => Capability::PointerAbsolute,
            Self::Touch => Capability::Touch,
        }
    }

    /// What it can do.
    pub fn capabilities(self) -> BitFlags<Capability> {
        match self {
            Self::Keyboard | Self::Touch => self.capability().into(),
            Self::Pointer | Self::Absolute => self.capability() | Capability::Button | Capability::Scroll,
        }
    }

    /// Places on it are of the output.
    fn has_region(self) -> bool {
        matches!(self, Self::Absolute | Self::Touch)
    }
}

/// One of its devices.
#[derive(Debug)]
pub struct Emulated {
    /// As reis has it.
    pub device: Device,
    /// Its region's size, which places are parts of.
    region: (u32, u32),
    /// The program says that it emulates.
    pub emulating: bool,
    keys: BTreeSet<u16>,
    buttons: BTreeSet<u16>,
    /// Its fingers, as they are called here.
    fingers: BTreeMap<u32, u32>,
}

impl Emulated {
    /// Gives the program a device that can do what it has `bound`.
    pub fn new(seat: &Seat, kind: Kind, bound: BitFlags<Capability>, state: &mut State) -> Self {
        let size = state.scope.settings.output;
        let keymap = (kind == Kind::Keyboard).then(|| keymap(state)).flatten();
        let device = seat.add_device(
            Some(kind.name()),
            DeviceType::Virtual,
            kind.capabilities() & bound,
            |device| {
                if kind.has_region() {
                    device.device().region(0, 0, size.w, size.h, 1.0);
                }
                if let (Some(keyboard), Some((file, len))) = (device.interface::<eis::Keyboard>(), &keymap) {
                    keyboard.keymap(KeymapType::Xkb, *len, file.as_fd());
                }
            },
        );
        device.resumed();
        Self {
            device,
            region: (size.w, size.h),
            emulating: false,
            keys: BTreeSet::new(),
            buttons: BTreeSet::new(),
            fingers: BTreeMap::new(),
        }
    }

    /// Nothing that is held with it is held any more.
    pub fn release(&mut self, state: &mut State) {
        for code in std::mem::take(&mut self.keys) {
            state.inject(Event::Key { code, pressed: false });
        }
        for code in std::mem::take(&mut self.buttons) {
            state.inject(Event::Button { code, pressed: false });
        }
        for finger in std::mem::take(&mut self.fingers).into_values() {
            state.touch(Touch::Up { finger });
        }
    }

    /// A place on its region as parts of the output.
    fn part(&self, x: f32, y: f32) -> Option<(f64, f64)> {
        let of = |v: f32, size: u32| {
            let part = f64::from(v) / f64::from(size.max(1));
            // Outside of all regions, which the protocol says means nothing; NaN is nowhere.
            (0.0..=1.0).contains(&part).then_some(part)
        };
        Some((of(x, self.region.0)?, of(y, self.region.1)?))
    }

    /// Does what the program does with it.
    pub fn act(&mut self, request: &EisRequest, state: &mut State) {
        match request {
            EisRequest::KeyboardKey(key) => {
                let pressed = key.state == KeyState::Press;
                if let Some(code) = changed(&mut self.keys, key.key, pressed) {
                    state.inject_part(Event::Key { code, pressed });
                }
            }
            EisRequest::Button(button) => {
                let pressed = button.state == ButtonState::Press;
                if let Some(code) = changed(&mut self.buttons, button.button, pressed) {
                    state.inject_part(Event::Button { code, pressed });
                }
            }
            EisRequest::PointerMotion(motion) => {
                if let (Some(dx), Some(dy)) = (near(motion.dx), near(motion.dy)) {
                    state.inject_part(Event::Relative { dx, dy });
                }
            }
            EisRequest::PointerMotionAbsolute(motion) => {
                if let Some((x, y)) = self.part(motion.dx_absolute, motion.dy_absolute) {
                    state.inject_part(Event::Absolute { x, y });
                }
            }
            EisRequest::ScrollDelta(scroll) => {
                let mut frame = AxisFrame::new(state.time_ms()).source(AxisSource::Continuous);
                for (axis, by) in [(Axis::Horizontal, scroll.dx), (Axis::Vertical, scroll.dy)] {
                    if let Some(by) = near(by).filter(|by| *by != 0.0) {
                        frame = frame.value(axis, by);
                    }
                }
                state.inject_axis(frame);
            }
            EisRequest::ScrollDiscrete(scroll) => {
                let far = |v: i32| f64::from(v.clamp(-MOST_V120, MOST_V120));
                state.inject_part(Event::Scroll {
                    dx: far(scroll.discrete_dx),
                    dy: far(scroll.discrete_dy),
                });
            }
            EisRequest::ScrollStop(stop) => state.inject_axis(stopped(state, stop.x, stop.y)),
            EisRequest::ScrollCancel(stop) => state.inject_axis(stopped(state, stop.x, stop.y)),
            EisRequest::TouchDown(down) => {
                if let Some((x, y)) = self.part(down.x, down.y) {
                    let finger = state.scope.eis.new_finger();
                    self.fingers.insert(down.touch_id, finger);
                    state.touch(Touch::Down { finger, x, y });
                }
            }
            EisRequest::TouchMotion(motion) => {
                let finger = self.fingers.get(&motion.touch_id).copied();
                if let (Some(finger), Some((x, y))) = (finger, self.part(motion.x, motion.y)) {
                    state.touch(Touch::Motion { finger, x, y });
                }
            }
            EisRequest::TouchUp(up) => self.lift(up.touch_id, state),
            EisRequest::TouchCancel(up) => self.lift(up.touch_id, state),
            _ => {}
        }
    }

    fn lift(&mut self, id: u32, state: &mut State) {
        if let Some(finger) = self.fingers.remove(&id) {
            state.touch(Touch::Up { finger });
        }
    }
}

/// The code, if this changes whether it is held. Linux has no codes beyond 0x2ff.
fn changed(held: &mut BTreeSet<u16>, code: u32, pressed: bool) -> Option<u16> {
    let code = u16::try_from(code).ok().filter(|code| *code <= 0x2ff)?;
    let changed = if pressed { held.insert(code) } else { held.remove(&code) };
    changed.then_some(code)
}

/// A number, and no further than makes sense.
fn near(v: f32) -> Option<f64> {
    v.is_finite().then(|| f64::from(v.clamp(-FARTHEST, FARTHEST)))
}

fn stopped(state: &State, x: bool, y: bool) -> AxisFrame {
    let mut frame = AxisFrame::new(state.time_ms()).source(AxisSource::Continuous);
    for (axis, stops) in [(Axis::Horizontal, x), (Axis::Vertical, y)] {
        if stops {
            frame = frame.stop(axis);
        }
    }
    frame
}

/// The keyboard's keymap in a file, and its length in bytes.
fn keymap(state: &mut State) -> Option<(OwnedFd, u32)> {
    let text = state.keymap_text()?;
    let file = memfd_create("keymap", MemfdFlags::CLOEXEC).ok()?;
    let bytes = text.as_bytes();
    let written = rustix::io::write(&file, bytes).ok()?;
    // As Wayland's: the NUL at its end is a part of it.
    let ended = rustix::io::write(&file, &[0]).ok()?;
    (written == bytes.len() && ended == 1).then_some((file, u32::try_from(written + 1).ok()?))
}
