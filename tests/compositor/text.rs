//! text-input, input-method and virtual-keyboard.

use crate::client::{Client, Window};
use crate::fixture::Fixture;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use wayland_client::Proxy;
use wayland_client::protocol::wl_keyboard::KeymapFormat;
use wayland_protocols::wp::text_input::zv3::client::{
    zwp_text_input_manager_v3::ZwpTextInputManagerV3, zwp_text_input_v3::ZwpTextInputV3,
};
use wayland_protocols_misc::zwp_input_method_v2::client::{
    zwp_input_method_manager_v2::ZwpInputMethodManagerV2, zwp_input_method_v2::ZwpInputMethodV2,
};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::{
    zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1, zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1,
};

const FIELD: &str = "zwp_text_input_v3";
const METHOD: &str = "zwp_input_method_v2";

/// A game with a text field that has the focus, and an input method.
fn start(f: &mut Fixture) -> (Client, Window, ZwpTextInputV3, Client, ZwpInputMethodV2) {
    let (mut game, mut method) = (f.client(), f.client());
    let manager: ZwpInputMethodManagerV2 = method.global(1);
    let ime = manager.get_input_method(&method.globals().seat, &method.qh(), ());
    f.settle(&mut [&mut method]);
    let manager: ZwpTextInputManagerV3 = game.global(1);
    let field = manager.get_text_input(&game.globals().seat, &game.qh(), ());
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (64, 64), 0x808080);
    f.settle(&mut [&mut game]);
    assert!(game.heard.said(FIELD, "Enter"));
    field.enable();
    field.set_cursor_rectangle(8, 10, 2, 6);
    field.commit();
    f.settle(&mut [&mut game, &mut method]);
    (game, w, field, method, ime)
}

#[test]
fn an_input_method_writes_into_the_focused_field() {
    let mut f = Fixture::new(64, 64);
    let (mut game, _w, field, mut method, ime) = start(&mut f);
    assert!(method.heard.said(METHOD, "Activate"), "{:?}", method.heard.log);
    ime.set_preedit_string("ni".into(), 0, 2);
    ime.commit_string("你好".into());
    ime.commit(1);
    f.settle(&mut [&mut method, &mut game]);
    assert!(game.heard.said(FIELD, "PreeditString"), "{:?}", game.heard.log);
    assert!(game.heard.said(FIELD, "你好") && game.heard.said(FIELD, "Done"));
    field.disable();
    field.commit();
    f.settle(&mut [&mut game, &mut method]);
    assert!(method.heard.said(METHOD, "Deactivate"));
}

#[test]
fn its_popup_stands_below_the_text() {
    let mut f = Fixture::new(64, 64);
    let (mut game, _w, _field, mut method, ime) = start(&mut f);
    let surface = method.surface();
    ime.get_input_popup_surface(&surface, &method.qh(), ());
    method.fill(&surface, (20, 10), 0xffff00);
    f.advance(20, &mut [&mut game, &mut method]);
    let p = f.picture();
    // Below the cursor's rectangle, which ends at 16.
    assert_eq!((p.at(8, 15), p.at(8, 16), p.at(27, 25)), (0x808080, 0xffff00, 0xffff00));
    assert_eq!((p.at(7, 16), p.at(28, 25), p.at(8, 26)), (0x808080, 0x808080, 0x808080));
}

#[test]
fn an_input_method_can_take_the_keys() {
    let mut f = Fixture::new(64, 64);
    let (mut game, _w, _field, mut method, ime) = start(&mut f);
    ime.grab_keyboard(&method.qh(), ());
    f.settle(&mut [&mut method, &mut game]);
    for pressed in [true, false] {
        f.state
            .inject(goggles_protocols::input::Event::Key { code: 30, pressed });
    }
    f.settle(&mut [&mut method, &mut game]);
    assert!(game.heard.keys.is_empty());
    let grab = "zwp_input_method_keyboard_grab_v2";
    assert_eq!(method.heard.count(grab, "key: 30"), 2, "{:?}", method.heard.log);
}

#[test]
fn the_keyboard_follows_the_windows_while_an_input_method_has_the_keys() {
    let mut f = Fixture::new(64, 64);
    let (mut game, w, _field, mut method, ime) = start(&mut f);
    let grab = ime.grab_keyboard(&method.qh(), ());
    f.settle(&mut [&mut method, &mut game]);
    let focus = |c: &Client| c.heard.keyboard_focus;
    assert_eq!(focus(&game), Some(w.surface.id().protocol_id()));
    // Another window comes: the field hears that it has lost the keyboard, and so does the input method.
    let other = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&other.surface, (64, 64), 0x404040);
    f.settle(&mut [&mut game, &mut method]);
    assert_eq!(focus(&game), Some(other.surface.id().protocol_id()));
    assert_eq!(
        (game.heard.count(FIELD, "Leave"), game.heard.count(FIELD, "Enter")),
        (1, 2)
    );
    assert!(method.heard.said(METHOD, "Deactivate"));
    grab.release();
    f.settle(&mut [&mut method, &mut game]);
    f.state.inject(goggles_protocols::input::Event::edge(30, true));
    f.settle(&mut [&mut method, &mut game]);
    assert_eq!(game.heard.keys, [(30, true)]);
    other.toplevel.destroy();
    other.xdg.destroy();
    f.settle(&mut [&mut game, &mut method]);
    assert_eq!(focus(&game), Some(w.surface.id().protocol_id()));
}

#[test]
fn values_that_are_none_do_no_harm() {
    let mut f = Fixture::new(64, 64);
    let (mut game, w, field, mut method, ime) = start(&mut f);
    game.send_raw(&field, 4, &[99]);
    game.send_raw(&field, 5, &[u32::MAX, 77]);
    field.commit();
    ime.commit_string("still here".into());
    ime.commit(2);
    f.settle(&mut [&mut game, &mut method]);
    assert!(game.heard.said(FIELD, "still here"));
    game.fill(&w.surface, (64, 64), 0x445566);
    f.advance(20, &mut [&mut game, &mut method]);
    assert_eq!(f.picture().at(1, 1), 0x445566);
}

fn keyboard(f: &mut Fixture) -> (Client, ZwpVirtualKeyboardV1) {
    let mut typist = f.client();
    let manager: ZwpVirtualKeyboardManagerV1 = typist.global(1);
    let keyboard = manager.create_virtual_keyboard(&typist.globals().seat, &typist.qh(), ());
    f.settle(&mut [&mut typist]);
    (typist, keyboard)
}

fn file(bytes: &[u8]) -> OwnedFd {
    let fd = rustix::fs::memfd_create("keymap", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes).expect("it is written");
    file.into()
}

/// The least of a keymap, with this symbol on the only key.
fn keymap(symbol: &str) -> Vec<u8> {
    format!(
        "xkb_keymap {{ xkb_keycodes {{ <A> = 38; }}; xkb_types {{ include \"complete\" }};
        xkb_compat {{ include \"complete\" }}; xkb_symbols {{ key <A> {{ [ {symbol} ] }}; }}; }};\0"
    )
    .into_bytes()
}

/// A virtual keyboard with such a keymap.
fn keyboard_of(f: &mut Fixture, symbol: &str) -> (Client, ZwpVirtualKeyboardV1) {
    let (mut typist, keyboard) = keyboard(f);
    let text = keymap(symbol);
    keyboard.keymap(KeymapFormat::XkbV1.into(), file(&text).as_fd(), text.len() as u32);
    f.settle(&mut [&mut typist]);
    (typist, keyboard)
}

/// A game with the keyboard.
fn game(f: &mut Fixture) -> (Client, Window) {
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut game]);
    (game, w)
}

#[test]
fn a_virtual_keyboard_types_with_its_own_keymap() {
    let mut f = Fixture::new(32, 32);
    let (mut game, _w) = game(&mut f);
    let before = game.heard.keymaps;
    let (mut typist, keyboard) = keyboard_of(&mut f, "adiaeresis");
    keyboard.key(1, 30, 1);
    keyboard.key(2, 30, 0);
    f.settle(&mut [&mut typist, &mut game]);
    assert_eq!(game.heard.keys, [(30, true), (30, false)]);
    assert_eq!(
        game.heard.keymaps,
        before + 1,
        "the game hears of the other keymap first"
    );
}

#[test]
fn each_virtual_keyboard_has_its_own_keymap() {
    let mut f = Fixture::new(32, 32);
    let (mut game, _w) = game(&mut f);
    let (mut first, one) = keyboard_of(&mut f, "adiaeresis");
    let (mut second, other) = keyboard_of(&mut f, "odiaeresis");
    for keyboard in [&one, &other, &other, &one] {
        keyboard.key(1, 30, 1);
        keyboard.key(2, 30, 0);
        f.settle(&mut [&mut first, &mut second, &mut game]);
    }
    assert_eq!(game.heard.typed, "äööä");
    let (mut third, without) = keyboard(&mut f);
    without.key(1, 30, 1);
    f.settle(&mut [&mut third, &mut game]);
    assert!(third.error.is_some(), "it has no keymap");
}

#[test]
fn what_a_virtual_keyboard_held_is_let_go_with_it() {
    let mut f = Fixture::new(32, 32);
    let (mut game, _w) = game(&mut f);
    let (mut typist, keyboard) = keyboard_of(&mut f, "adiaeresis");
    keyboard.modifiers(1, 0, 0, 0);
    keyboard.key(1, 30, 1);
    f.settle(&mut [&mut typist, &mut game]);
    assert_eq!((&game.heard.keys[..], game.heard.modifiers), (&[(30, true)][..], 1));
    drop(typist);
    f.settle(&mut [&mut game]);
    assert_eq!(game.heard.keys, [(30, true), (30, false)]);
    assert_eq!(game.heard.modifiers, 0);
    // Nobody hears of the end of what it never saw.
    let (mut typist, keyboard) = keyboard_of(&mut f, "adiaeresis");
    keyboard.key(1, 30, 1);
    f.settle(&mut [&mut typist, &mut game]);
    let other = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&other.surface, (32, 32), 2);
    f.settle(&mut [&mut typist, &mut game]);
    keyboard.destroy();
    f.settle(&mut [&mut typist, &mut game]);
    assert_eq!(game.heard.keys.len(), 3);
}

#[test]
fn a_keymap_that_is_cut_short_or_no_file_ends_nobody() {
    let mut f = Fixture::new(32, 32);
    let (mut typist, keyboard) = keyboard(&mut f);
    let short = file(&keymap("adiaeresis"));
    keyboard.keymap(KeymapFormat::XkbV1.into(), short.as_fd(), 1 << 19);
    keyboard.keymap(KeymapFormat::XkbV1.into(), short.as_fd(), u32::MAX);
    let (read, _write) = std::os::unix::net::UnixStream::pair().expect("a pair");
    keyboard.keymap(KeymapFormat::XkbV1.into(), read.as_fd(), 100);
    f.settle(&mut [&mut typist]);
    assert!(typist.error.is_none(), "{:?}", typist.error);
    keyboard.key(1, 30, 1);
    f.settle(&mut [&mut typist]);
    assert!(typist.error.is_some(), "no keymap has been taken: a key is its error");
}
