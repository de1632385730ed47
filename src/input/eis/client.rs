//! One program that emulates input: the handshake, its devices, and what it does with them.
//!
//! Owns what it holds down, which is released when it stops emulating, when the device goes, or at its end.

use super::super::touch::Touch;
use crate::state::State;
use enumflags2::BitFlags;
use goggles_protocols::input::Event;
use reis::PendingRequestResult;
use reis::eis::connection::DisconnectReason;
use reis::eis::device::DeviceType;
use reis::eis::handshake::ContextType;
use reis::eis::keyboard::{KeyState, KeymapType};
use reis::eis::{self, button::ButtonState};
use reis::handshake::EisHandshaker;
use reis::request::{Connection, Device, DeviceCapability as Capability, EisRequest, EisRequestConverter, Seat};
use rustix::fs::{MemfdFlags, memfd_create};
use smithay::backend::input::{Axis, AxisSource};
use smithay::input::pointer::AxisFrame;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};

/// So many requests make a frame at most.
const MOST: usize = 1024;
/// No motion or scroll is further.
const FARTHEST: f32 = 100_000.0;
/// No wheel turns further at once, in 120ths.
const MOST_V120: i32 = 120_000;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It does.
    Go,
    /// It has ended, or must.
    End,
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    phase: Phase,
    seat: Option<Seat>,
    /// What it wants to emulate.
    bound: BitFlags<Capability>,
    devices: BTreeMap<Kind, Emulated>,
    /// Requests since the last frame: reis keeps them.
    unframed: usize,
}

enum Phase {
    Greeting(EisHandshaker),
    Open(EisRequestConverter),
}

impl std::fmt::Debug for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Greeting(_) => "Greeting",
            Self::Open(_) => "Open",
        })
    }
}

/// What devices there are. Each has what it can do with what it is for, as far as the program wants that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Keyboard,
    Pointer,
    Absolute,
    Touch,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Keyboard, Self::Pointer, Self::Absolute, Self::Touch];

    fn name(self) -> &'static str {
        match self {
            Self::Keyboard => "keyboard",
            Self::Pointer => "pointer",
            Self::Absolute => "absolute pointer",
            Self::Touch => "touch screen",
        }
    }

    /// What makes it.
    fn capability(self) -> Capability {
        match self {
            Self::Keyboard => Capability::Keyboard,
            Self::Pointer => Capability::Pointer,
            Self::Absolute => Capability::PointerAbsolute,
            Self::Touch => Capability::Touch,
        }
    }

    fn capabilities(self) -> BitFlags<Capability> {
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
struct Emulated {
    device: Device,
    /// Its region's size, which places are parts of.
    region: (u32, u32),
    emulating: bool,
    keys: BTreeSet<u16>,
    buttons: BTreeSet<u16>,
    /// Its fingers, as they are called here.
    fingers: BTreeMap<u32, u32>,
}

impl Client {
    /// A connection that has just come.
    pub fn new(context: &eis::Context) -> Self {
        Self {
            phase: Phase::Greeting(EisHandshaker::new(context, 1)),
            seat: None,
            bound: BitFlags::empty(),
            devices: BTreeMap::new(),
            unframed: 0,
        }
    }

    /// Does what was read.
    pub fn take(&mut self, context: &eis::Context, state: &mut State) -> Step {
        while let Some(result) = context.pending_request() {
            let request = match result {
                PendingRequestResult::Request(request) => request,
                PendingRequestResult::ParseError(why) => {
                    return self.refuse(DisconnectReason::Protocol, &why.to_string());
                }
                // It names what has gone meanwhile; the request means nothing then.
                PendingRequestResult::InvalidObject(id) => {
                    if let Phase::Open(converter) = &self.phase {
                        let connection = converter.handle();
                        connection.connection().invalid_object(connection.last_serial(), id);
                    }
                    continue;
                }
            };
            let step = match &mut self.phase {
                Phase::Greeting(handshaker) => match handshaker.handle_request(request) {
                    Ok(None) => Step::Go,
                    Ok(Some(answer)) => {
                        self.phase = Phase::Open(EisRequestConverter::new(context, answer, 1));
                        self.open()
                    }
                    Err(why) => {
                        tracing::debug!("a program that would emulate input does not greet as it should: {why:?}");
                        Step::End
                    }
                },
                Phase::Open(converter) => {
                    self.unframed += 1;
                    match converter.handle_request(request) {
                        Ok(()) => self.go_on(state),
                        Err(why) => self.refuse(DisconnectReason::Value, &why.to_string()),
                    }
                }
            };
            if step == Step::End {
                return step;
            }
        }
        // One whose answers fill its socket does not read them, and is no program that goes on.
        match context.flush() {
            Ok(()) => Step::Go,
            Err(why) => {
                tracing::debug!("a program that emulates input does not read: {why}");
                Step::End
            }
        }
    }

    fn connection(&self) -> Option<&Connection> {
        match &self.phase {
            Phase::Open(converter) => Some(converter.handle()),
            Phase::Greeting(_) => None,
        }
    }

    /// Says why it must go.
    fn refuse(&self, reason: DisconnectReason, why: &str) -> Step {
        tracing::warn!("a program that emulates input is let go: {why}");
        if let Some(connection) = self.connection() {
            connection.disconnected(reason, Some(why));
        }
        Step::End
    }

    /// The handshake is done.
    fn open(&mut self) -> Step {
        let Some(connection) = self.connection() else {
            return Step::End;
        };
        if connection.context_type() != ContextType::Sender {
            return self.refuse(DisconnectReason::Mode, "input is not captured here, only emulated");
        }
        if !connection.has_interface("ei_seat") || !connection.has_interface("ei_device") {
            return self.refuse(DisconnectReason::Protocol, "ei_seat and ei_device are needed");
        }
        let all = Kind::ALL
            .iter()
            .fold(BitFlags::empty(), |all, kind| all | kind.capabilities());
        let seat = connection.add_seat(Some("seat0"), all);
        tracing::info!("{:?} may emulate input", connection.name().unwrap_or("a program"));
        self.seat = Some(seat);
        Step::Go
    }

    /// Does what reis has made of requests.
    fn go_on(&mut self, state: &mut State) -> Step {
        while let Phase::Open(converter) = &mut self.phase
            && let Some(request) = converter.next_request()
        {
            if let EisRequest::Disconnect = request {
                return Step::End;
            }
            self.request(request, state);
        }
        if self.unframed > MOST {
            return self.refuse(DisconnectReason::Value, "too many requests without a frame");
        }
        Step::Go
    }

    fn request(&mut self, request: EisRequest, state: &mut State) {
        if let EisRequest::Bind(bind) = &request {
            self.unframed = 0;
            self.bound = bind.capabilities;
            return self.arrange(state);
        }
        let Some((kind, emulated)) = request
            .device()
            .and_then(|device| self.devices.iter_mut().find(|(_, e)| e.device == *device))
        else {
            return;
        };
        match request {
            EisRequest::Frame(_) => {
                self.unframed = 0;
                if emulated.emulating && *kind != Kind::Keyboard && *kind != Kind::Touch {
                    state.pointer_frame();
                }
            }
            EisRequest::DeviceStartEmulating(_) => {
                emulated.emulating = true;
                if *kind == Kind::Touch {
                    // So that the first finger is felt, too.
                    state.touch_device();
                }
            }
            EisRequest::DeviceStopEmulating(_) => {
                emulated.emulating = false;
                emulated.release(state);
            }
            EisRequest::DeviceClosed(_) => {
                let kind = *kind;
                self.remove(kind, state);
            }
            // Before it has said that it emulates, or after that, nothing it does is meant.
            request if emulated.emulating => emulated.act(&request, state),
            _ => {}
        }
    }

    /// Makes the devices that are wanted and not there, and takes away those that aren't wanted any more.
    fn arrange(&mut self, state: &mut State) {
        for kind in Kind::ALL {
            let wanted = self.bound.contains(kind.capability());
            match (wanted, self.devices.contains_key(&kind)) {
                (true, false) => self.add(kind, state),
                (false, true) => self.remove(kind, state),
                _ => {}
            }
        }
    }

    fn add(&mut self, kind: Kind, state: &mut State) {
        let Some(seat) = &self.seat else { return };
        let size = state.scope.settings.output;
        let keymap = (kind == Kind::Keyboard).then(|| keymap(state)).flatten();
        let device = seat.add_device(
            Some(kind.name()),
            DeviceType::Virtual,
            kind.capabilities() & self.bound,
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
        let emulated = Emulated {
            device,
            region: (size.w, size.h),
            emulating: false,
            keys: BTreeSet::new(),
            buttons: BTreeSet::new(),
            fingers: BTreeMap::new(),
        };
        self.devices.insert(kind, emulated);
    }

    fn remove(&mut self, kind: Kind, state: &mut State) {
        if let Some(mut emulated) = self.devices.remove(&kind) {
            emulated.release(state);
            emulated.device.remove();
        }
    }

    /// Its devices are made anew, of what the keymap and the output are now.
    pub fn renew(&mut self, state: &mut State) {
        for kind in Kind::ALL {
            if self.devices.contains_key(&kind) && kind != Kind::Pointer {
                self.remove(kind, state);
            }
        }
        self.arrange(state);
        if let Some(connection) = self.connection()
            && let Err(why) = connection.flush()
        {
            tracing::debug!("a program that emulates input is not told of its new devices: {why}");
        }
    }

    /// Nothing that it held is held any more.
    pub fn release(&mut self, state: &mut State) {
        for emulated in self.devices.values_mut() {
            emulated.release(state);
        }
    }
}

impl Emulated {
    fn release(&mut self, state: &mut State) {
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

    fn act(&mut self, request: &EisRequest, state: &mut State) {
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
