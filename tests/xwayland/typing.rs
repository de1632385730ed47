//! Text that a viewer sends reaches X11 programs, whether or not the keyboard's layout has its characters.

use crate::desk::{Desk, H, W};
use crate::x::{RED, X};
use goggles_scope::link::{ToScope, ViewerId};
use smithay::input::keyboard::xkb;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::ConnectionExt as _;

const VIEWER: ViewerId = ViewerId(1);

/// The character of the next key that is pressed, by the X server's keymap at that time.
fn next(desk: &mut Desk, x: &mut X) -> Option<char> {
    let keycode = desk.event(x, "a key is pressed", |e| match e {
        XEvent::KeyPress(e) => Some(e.detail),
        _ => None,
    });
    let mapping = x.conn.get_keyboard_mapping(keycode, 1).unwrap().reply().unwrap();
    char::from_u32(xkb::keysym_to_utf32(mapping.keysyms[0].into()))
}

#[test]
fn characters_beyond_the_layout() {
    let mut desk = Desk::new();
    let mut x = desk.x();
    let main = x.window((0, 0, W, H), RED);
    x.map(main);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&x, main);
    desk.f.state.from_network(ToScope::InputHolder(Some(VIEWER)));
    let text = "éaß😀ж日";
    desk.f.state.from_network(ToScope::Text {
        viewer: VIEWER,
        text: text.into(),
    });
    let typed: String = text.chars().filter_map(|_| next(&mut desk, &mut x)).collect();
    assert_eq!(typed, text);
    // A layout of another alphabet, and then characters that only spare keys have.
    let text: String = ('А'..='я').collect();
    desk.f.state.from_network(ToScope::Text {
        viewer: VIEWER,
        text: text.clone(),
    });
    let typed: String = text.chars().filter_map(|_| next(&mut desk, &mut x)).collect();
    assert_eq!(typed, text);
}
