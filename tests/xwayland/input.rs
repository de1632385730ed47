//! Input reaches X11 windows.

use crate::desk::{Desk, H, W};
use crate::x::{BLUE, GREEN, RED, X};
use goggles_protocols::input::Event;
use x11rb::connection::RequestConnection as _;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xinput::{self, ConnectionExt as _};
use x11rb::protocol::xproto::KeyPressEvent;

const KEY_A: u16 = 30;
const BTN_LEFT: u16 = 0x110;

fn main_window(size: (u16, u16)) -> (Desk, X, u32) {
    let mut desk = Desk::new();
    let x = desk.x();
    let main = x.window((0, 0, size.0, size.1), RED);
    x.map(main);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&x, main);
    (desk, x, main)
}

fn move_to(desk: &mut Desk, x: u16, y: u16) {
    // The middle of the pixel.
    desk.f.state.inject(Event::Absolute {
        x: (f64::from(x) + 0.5) / f64::from(W),
        y: (f64::from(y) + 0.5) / f64::from(H),
    });
}

fn click(desk: &mut Desk) {
    for pressed in [true, false] {
        desk.f.state.inject(Event::Button {
            code: BTN_LEFT,
            pressed,
        });
    }
}

/// Lives until the pointer is at this place of this window.
fn until_at(desk: &mut Desk, x: &mut X, place: (u32, i16, i16)) {
    desk.event(x, "the pointer is there", |e| match e {
        XEvent::MotionNotify(e) => ((e.event, e.event_x, e.event_y) == place).then_some(()),
        _ => None,
    });
}

/// The next press of a button: the window, the button, the place.
fn press(desk: &mut Desk, x: &mut X) -> (u32, u8, i16, i16) {
    desk.event(x, "a button is pressed", |e| match e {
        XEvent::ButtonPress(e) => Some((e.event, e.detail, e.event_x, e.event_y)),
        _ => None,
    })
}

#[test]
fn keys() {
    let (mut desk, mut x, main) = main_window((W, H));
    for pressed in [true, false] {
        desk.f.state.inject(Event::Key { code: KEY_A, pressed });
    }
    let key = |e: &KeyPressEvent| (e.event, e.detail);
    let pressed = desk.event(&mut x, "the key is pressed", |e| match e {
        XEvent::KeyPress(e) => Some(key(e)),
        _ => None,
    });
    // X11's keycodes are evdev's plus eight.
    assert_eq!(pressed, (main, 38));
    let released = desk.event(&mut x, "the key is released", |e| match e {
        XEvent::KeyRelease(e) => Some(key(e)),
        _ => None,
    });
    assert_eq!(released, (main, 38));
}

#[test]
fn motion_buttons_and_wheel() {
    let (mut desk, mut x, main) = main_window((W, H));
    move_to(&mut desk, 200, 100);
    until_at(&mut desk, &mut x, (main, 200, 100));
    click(&mut desk);
    assert_eq!(press(&mut desk, &mut x), (main, 1, 200, 100));
    // One detent down is a press of button 5.
    desk.f.state.inject(Event::Scroll { dx: 0.0, dy: 120.0 });
    assert_eq!(press(&mut desk, &mut x), (main, 5, 200, 100));
}

#[test]
fn a_place_in_a_fitted_window_is_the_windows_own() {
    let (mut desk, mut x, main) = main_window((320, 240));
    move_to(&mut desk, 201, 101);
    click(&mut desk);
    assert_eq!(press(&mut desk, &mut x), (main, 1, 100, 50));
}

#[test]
fn clicks_go_to_what_is_seen() {
    let (mut desk, mut x, main) = main_window((W, H));
    let menu = x.menu((100, 50, 40, 30), GREEN);
    x.map(menu);
    let dialog = x.window((0, 0, 100, 80), BLUE);
    x.belongs_to(dialog, main);
    x.map(dialog);
    desk.until_seen(&[(110, 60, GREEN), (320, 240, BLUE)]);
    desk.until_focused(&x, dialog);
    move_to(&mut desk, 110, 60);
    click(&mut desk);
    assert_eq!(press(&mut desk, &mut x), (menu, 1, 10, 10));
    move_to(&mut desk, 320, 240);
    click(&mut desk);
    assert_eq!(press(&mut desk, &mut x), (dialog, 1, 50, 40));
    move_to(&mut desk, 10, 10);
    click(&mut desk);
    assert_eq!(press(&mut desk, &mut x), (main, 1, 10, 10));
    desk.until_focused(&x, main);
    // A dialog that comes later has the focus all the same.
    let later = x.window((0, 0, 60, 60), GREEN);
    x.belongs_to(later, main);
    x.map(later);
    desk.until_focused(&x, later);
}

#[test]
fn relative_motion_is_raw_motion() {
    let (mut desk, mut x, main) = main_window((W, H));
    assert!(
        x.conn
            .extension_information(xinput::X11_EXTENSION_NAME)
            .unwrap()
            .is_some()
    );
    x.conn.xinput_xi_query_version(2, 2).unwrap().reply().unwrap();
    let mask = xinput::EventMask {
        // XIAllMasterDevices.
        deviceid: 1,
        mask: vec![xinput::XIEventMask::RAW_MOTION],
    };
    x.conn
        .xinput_xi_select_events(x.root, &[mask])
        .unwrap()
        .check()
        .unwrap();
    move_to(&mut desk, 200, 100);
    until_at(&mut desk, &mut x, (main, 200, 100));
    x.events.clear();
    desk.f.state.inject(Event::Relative { dx: 7.0, dy: -3.0 });
    let raw = desk.event(&mut x, "the pointer moves", |e| match e {
        XEvent::XinputRawMotion(e) => Some(e.axisvalues_raw.iter().map(|v| v.integral).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(raw, [7, -3]);
}

#[test]
fn a_game_that_is_a_menu_to_x11_has_the_keyboard() {
    let mut desk = Desk::new();
    let mut x = desk.x();
    let game = x.menu((0, 0, W, H), RED);
    x.map(game);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&x, game);
    desk.f.state.inject(Event::Key {
        code: KEY_A,
        pressed: true,
    });
    let pressed = desk.event(&mut x, "the key is pressed", |e| match e {
        XEvent::KeyPress(e) => Some(e.event),
        _ => None,
    });
    assert_eq!(pressed, game);
}
