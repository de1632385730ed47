//! Programs that emulate input by libei: what a client of ours hears of it, what is released, and who is let go.

use crate::client::Client;
use crate::fixture::Fixture;
use crate::input::place;
use goggles_scope::link::{Refresh, Size};
use reis::PendingRequestResult;
use reis::ei::handshake::ContextType;
use reis::ei::keyboard::KeyState;
use reis::ei::{self, button::ButtonState};
use reis::event::{Device, DeviceCapability, EiEvent, EiEventConverter};
use reis::handshake::EiHandshaker;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use wayland_client::protocol::wl_pointer;

const KEY_A: u32 = 30;
const KEY_LEFTSHIFT: u32 = 42;
const BTN_LEFT: u32 = 0x110;

/// A program with all devices that it can have.
struct Program {
    context: ei::Context,
    handshaker: EiHandshaker<'static>,
    converter: Option<EiEventConverter>,
    devices: BTreeMap<String, Device>,
    /// Devices that went.
    removed: usize,
    /// It was told that it must go, or found itself gone.
    ended: bool,
}

impl Program {
    fn new(f: &mut Fixture, kind: ContextType) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        f.state
            .admit_eis(reis::eis::Context::new(ours).expect("a server's end"));
        let mut program = Self {
            context: ei::Context::new(theirs).expect("a client's end"),
            handshaker: EiHandshaker::new("test", kind),
            converter: None,
            devices: BTreeMap::new(),
            removed: 0,
            ended: false,
        };
        program.settle(f, &mut []);
        program
    }

    fn settle(&mut self, f: &mut Fixture, clients: &mut [&mut Client]) {
        for _ in 0..6 {
            let _ = self.context.flush();
            f.settle(clients);
            self.read();
        }
    }

    fn read(&mut self) {
        match self.context.read() {
            Err(e) if e.kind() != std::io::ErrorKind::WouldBlock => self.ended = true,
            _ => {}
        }
        while let Some(PendingRequestResult::Request(event)) = self.context.pending_event() {
            match &mut self.converter {
                None => {
                    if let Some(answer) = self.handshaker.handle_event(event).expect("a handshake") {
                        self.converter = Some(EiEventConverter::new(&self.context, answer));
                    }
                }
                Some(converter) => {
                    converter.handle_event(event).expect("an event as it should be");
                    while let Some(event) = converter.next_event() {
                        match event {
                            EiEvent::SeatAdded(added) => added.seat.bind_capabilities(
                                DeviceCapability::Keyboard
                                    | DeviceCapability::Pointer
                                    | DeviceCapability::PointerAbsolute
                                    | DeviceCapability::Button
                                    | DeviceCapability::Scroll
                                    | DeviceCapability::Touch,
                            ),
                            EiEvent::DeviceAdded(added) => {
                                let name = added.device.name().expect("a name").to_owned();
                                self.devices.insert(name, added.device);
                            }
                            EiEvent::DeviceRemoved(_) => self.removed += 1,
                            EiEvent::Disconnected(_) => self.ended = true,
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// Begins to emulate this device.
    fn device(&self, name: &str) -> &Device {
        let device = &self.devices[name];
        device.device().start_emulating(self.serial(), 1);
        device
    }

    fn serial(&self) -> u32 {
        self.converter.as_ref().map_or(0, |c| c.connection().serial())
    }

    fn frame(&self, device: &Device) {
        device.device().frame(self.serial(), 1);
    }
}

fn start() -> (Fixture, Client, Program) {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (64, 64), 0x808080);
    f.advance(20, &mut [&mut c]);
    let program = Program::new(&mut f, ContextType::Sender);
    (f, c, program)
}

#[test]
fn keys_are_pressed_and_what_is_held_at_the_end_is_released() {
    let (mut f, mut c, mut p) = start();
    let keyboard = p.device("keyboard").clone();
    let keys = keyboard.interface::<ei::Keyboard>().expect("keys");
    keys.key(KEY_LEFTSHIFT, KeyState::Press);
    keys.key(KEY_A, KeyState::Press);
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(c.heard.keys, [], "not before the frame");
    p.frame(&keyboard);
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(c.heard.keys, [(KEY_LEFTSHIFT, true), (KEY_A, true)]);
    // Twice the same is nothing, and a release is one.
    keys.key(KEY_A, KeyState::Press);
    keys.key(KEY_A, KeyState::Released);
    keys.key(u32::MAX, KeyState::Press);
    p.frame(&keyboard);
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(c.heard.keys[2..], [(KEY_A, false)]);
    drop(p);
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.keys[3..], [(KEY_LEFTSHIFT, false)]);
}

#[test]
fn nothing_is_done_by_who_does_not_say_that_it_emulates() {
    let (mut f, mut c, mut p) = start();
    let keyboard = p.devices["keyboard"].clone();
    let keys = keyboard.interface::<ei::Keyboard>().expect("keys");
    keys.key(KEY_A, KeyState::Press);
    p.frame(&keyboard);
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(c.heard.keys, []);
    p.device("keyboard");
    keys.key(KEY_A, KeyState::Press);
    p.frame(&keyboard);
    keyboard.device().stop_emulating(p.serial());
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(c.heard.keys, [(KEY_A, true), (KEY_A, false)], "released where it stops");
}

#[test]
fn pointers_move_press_and_scroll() {
    let (mut f, mut c, mut p) = start();
    let absolute = p.device("absolute pointer").clone();
    let region = &absolute.regions()[0];
    assert_eq!((region.width, region.height), (64, 64));
    let to = absolute.interface::<ei::PointerAbsolute>().expect("places");
    to.motion_absolute(16.0, 48.0);
    p.frame(&absolute);
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(place(&c), Some((16.0, 48.0)));
    // Outside of its region, or nowhere: nothing.
    to.motion_absolute(-1.0, 10.0);
    to.motion_absolute(65.0, 10.0);
    to.motion_absolute(f32::NAN, 10.0);
    p.frame(&absolute);
    let pointer = p.device("pointer").clone();
    let by = pointer.interface::<ei::Pointer>().expect("motion");
    by.motion_relative(f32::INFINITY, 0.0);
    by.motion_relative(4.0, -8.0);
    let buttons = pointer.interface::<ei::Button>().expect("buttons");
    buttons.button(BTN_LEFT, ButtonState::Press);
    p.frame(&pointer);
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(place(&c), Some((20.0, 40.0)));
    let pressed = |state| {
        let is = |e: &&wl_pointer::Event| matches!(e, wl_pointer::Event::Button { button: BTN_LEFT, state: s, .. } if s.into_result().ok() == Some(state));
        c.heard.pointer.iter().filter(is).count()
    };
    assert_eq!(pressed(wl_pointer::ButtonState::Pressed), 1);
    let wheel = pointer.interface::<ei::Scroll>().expect("scrolling");
    wheel.scroll_discrete(0, 120);
    p.frame(&pointer);
    wheel.scroll(0.0, 2.5);
    p.frame(&pointer);
    wheel.scroll_stop(0, 1, 0);
    p.frame(&pointer);
    p.settle(&mut f, &mut [&mut c]);
    drop(p);
    f.settle(&mut [&mut c]);
    let heard = &c.heard.pointer;
    let value = |v: f64| {
        heard
            .iter()
            .any(|e| matches!(e, wl_pointer::Event::Axis { value, .. } if *value == v))
    };
    assert!(value(15.0) && value(2.5), "{heard:?}");
    assert!(heard.iter().any(|e| matches!(e, wl_pointer::Event::AxisStop { .. })));
    let released = heard.iter().rev().find_map(|e| match e {
        wl_pointer::Event::Button { state, .. } => state.into_result().ok(),
        _ => None,
    });
    assert_eq!(
        released,
        Some(wl_pointer::ButtonState::Released),
        "its end lifts the button"
    );
}

#[test]
fn fingers_are_felt_from_the_first_on() {
    let (mut f, mut c, mut p) = start();
    let screen = p.device("touch screen").clone();
    p.settle(&mut f, &mut [&mut c]);
    c.globals().seat.get_touch(&c.qh(), ());
    p.settle(&mut f, &mut [&mut c]);
    let touch = screen.interface::<ei::Touchscreen>().expect("touch");
    touch.down(7, 32.0, 16.0);
    p.frame(&screen);
    touch.motion(7, 8.0, 16.0);
    p.frame(&screen);
    p.settle(&mut f, &mut [&mut c]);
    assert!(c.heard.said("wl_touch: Down", "x: 32.0, y: 16.0"), "{:?}", c.heard.log);
    assert!(c.heard.said("wl_touch: Motion", "x: 8.0, y: 16.0"));
    assert!(!c.heard.said("wl_touch: Up", ""));
    drop(p);
    f.settle(&mut [&mut c]);
    assert!(c.heard.said("wl_touch: Up", ""), "its end lifts the finger");
}

#[test]
fn another_size_makes_devices_of_that_size() {
    let (mut f, mut c, mut p) = start();
    assert_eq!(p.devices.len(), 4);
    assert!(p.devices["keyboard"].keymap().is_some_and(|k| k.size > 1000));
    f.state
        .set_output(Size { w: 96, h: 32 }, Refresh(60_000))
        .expect("a mode");
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(p.removed, 3, "a mouse has no size");
    let region = &p.devices["absolute pointer"].regions()[0];
    assert_eq!((region.width, region.height), (96, 32));
}

#[test]
fn who_would_hear_the_player_is_refused() {
    let mut f = Fixture::new(64, 64);
    let p = Program::new(&mut f, ContextType::Receiver);
    assert!(p.ended && p.devices.is_empty());
}

#[test]
fn nonsense_ends_its_connection_alone() {
    let (mut f, mut c, mut p) = start();
    for garbage in [&[0xff; 64][..], &[0; 64], b"GET / HTTP/1.1\r\n\r\n"] {
        let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
        f.state
            .admit_eis(reis::eis::Context::new(ours).expect("a server's end"));
        theirs.write_all(garbage).expect("it is sent");
        f.settle(&mut [&mut c]);
    }
    // Requests that are never framed are kept, so that there must be an end to them.
    let mut flood = Program::new(&mut f, ContextType::Sender);
    let keyboard = flood.device("keyboard").clone();
    let keys = keyboard.interface::<ei::Keyboard>().expect("keys");
    for n in 0..2000 {
        keys.key(n, KeyState::Press);
        if n % 64 == 0 {
            let _ = flood.context.flush();
            f.settle(&mut []);
        }
    }
    flood.settle(&mut f, &mut []);
    assert!(flood.ended);
    // Too many at once: the rest is refused.
    let many: Vec<_> = (0..40).map(|_| Program::new(&mut f, ContextType::Sender)).collect();
    assert_eq!(many.iter().filter(|p| !p.ended).count(), 15, "and the first one");
    drop(many);
    let keyboard = p.device("keyboard").clone();
    keyboard
        .interface::<ei::Keyboard>()
        .expect("keys")
        .key(KEY_A, KeyState::Press);
    p.frame(&keyboard);
    p.settle(&mut f, &mut [&mut c]);
    assert_eq!(c.heard.keys, [(KEY_A, true)], "who behaves goes on");
}
