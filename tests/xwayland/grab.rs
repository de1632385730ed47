//! An X11 client that grabs the keyboard (`XGrabKeyboard`) has all keys, whoever has the focus.

use crate::client::Client;
use crate::desk::{Desk, H, W};
use crate::x::{BLUE, GREEN, RED, X};
use goggles_protocols::input::Event;
use goggles_scope::config::Filter;
use std::time::Duration;
use wayland_protocols::ext::session_lock::v1::client::ext_session_lock_manager_v1::ExtSessionLockManagerV1;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::{ConnectionExt as _, GrabMode, GrabStatus};

const WHOLE: (i16, i16, u16, u16) = (0, 0, W, H);
const KEY_A: u16 = 30;
const SUPER: u16 = 125;
const KEY_U: u16 = 22;

fn window(desk: &mut Desk, x: &X, colour: u32) -> u32 {
    let window = x.window(WHOLE, colour);
    x.map(window);
    desk.until_seen(&[(1, 1, colour)]);
    desk.until_focused(x, window);
    window
}

/// The client grabs the keyboard for this window, and the compositor knows.
fn grab(desk: &mut Desk, x: &X, window: u32) {
    let asked = x
        .conn
        .grab_keyboard(false, window, x11rb::CURRENT_TIME, GrabMode::ASYNC, GrabMode::ASYNC);
    assert_eq!(asked.unwrap().reply().unwrap().status, GrabStatus::SUCCESS);
    desk.until("the keyboard is grabbed", is_grabbed);
}

fn ungrab(desk: &mut Desk, x: &X) {
    x.conn.ungrab_keyboard(x11rb::CURRENT_TIME).unwrap();
    x.flush();
    desk.until("the keyboard is free", |d| !is_grabbed(d));
}

fn is_grabbed(desk: &mut Desk) -> bool {
    desk.f.state.scope.seat.get_keyboard().is_some_and(|k| k.is_grabbed())
}

fn press_key(desk: &mut Desk) {
    for pressed in [true, false] {
        desk.f.state.inject(Event::Key { code: KEY_A, pressed });
    }
}

fn our_hotkey(desk: &mut Desk) {
    for (code, pressed) in [(SUPER, true), (KEY_U, true), (KEY_U, false), (SUPER, false)] {
        desk.f.state.inject(Event::Key { code, pressed });
    }
}

/// The window that the next press is for.
fn press(desk: &mut Desk, x: &mut X) -> u32 {
    desk.event(x, "the key is pressed", |e| match e {
        XEvent::KeyPress(e) => Some(e.event),
        _ => None,
    })
}

/// Whether the client has had a key since the last look; what came before the answer to its request has been read.
fn had_keys(x: &mut X) -> bool {
    x.focus();
    let had = x.read().iter().any(|e| matches!(e, XEvent::KeyPress(_)));
    x.events.clear();
    had
}

/// Lives until the Wayland client has heard of something.
fn until(desk: &mut Desk, client: &mut Client, what: &str, done: &dyn Fn(&Client) -> bool) {
    desk.until(what, |desk| {
        client.flush();
        desk.f.live(Duration::from_millis(1));
        client.read();
        done(client)
    });
}

#[test]
fn it_has_the_keys_of_another_servers_window() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.xwayland_count = 2;
    desk.start();
    let (mut first, mut second) = (desk.x(), desk.x_at(1));
    let hidden = window(&mut desk, &second, GREEN);
    let seen = window(&mut desk, &first, RED);
    grab(&mut desk, &second, hidden);
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut second), hidden);
    assert!(!had_keys(&mut first));
    desk.until_seen(&[(1, 1, RED)]);
    ungrab(&mut desk, &second);
    desk.until_focused(&first, seen);
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut first), seen);
    assert!(!had_keys(&mut second), "not even the first key after it");
    // A client that ends lets go, too.
    grab(&mut desk, &second, hidden);
    drop(second);
    desk.until("the keyboard is free", |d| !is_grabbed(d));
    // The X server hears of its focus by another connection than of the key.
    desk.until_focused(&first, seen);
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut first), seen);
}

#[test]
fn it_has_the_keys_of_another_window_of_its_server() {
    let mut desk = Desk::new();
    let (mut one, mut other) = (desk.x(), desk.x());
    let hidden = window(&mut desk, &one, GREEN);
    let seen = window(&mut desk, &other, BLUE);
    grab(&mut desk, &one, hidden);
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut one), hidden);
    assert!(!had_keys(&mut other));
    our_hotkey(&mut desk);
    assert_eq!(desk.f.state.scope.settings.filter, Filter::Nearest, "the chord is its");
    for key in [SUPER, KEY_U] {
        let code = u32::from(key) + 8;
        desk.event(&mut one, "it has the chord's keys", |e| match e {
            XEvent::KeyPress(e) if u32::from(e.detail) == code => Some(()),
            _ => None,
        });
    }
    ungrab(&mut desk, &one);
    desk.until_focused(&other, seen);
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut other), seen);
    our_hotkey(&mut desk);
    assert_eq!(
        desk.f.state.scope.settings.filter,
        Filter::Fsr,
        "the chord is ours again"
    );
}

#[test]
fn it_has_the_keys_of_a_wayland_window() {
    let mut desk = Desk::new();
    let mut x = desk.x();
    let hidden = window(&mut desk, &x, GREEN);
    let mut client = desk.f.client();
    let toplevel = client.toplevel();
    desk.f.settle(&mut [&mut client]);
    client.fill(&toplevel.surface, (W.into(), H.into()), RED);
    until(&mut desk, &mut client, "it has the keyboard", &|c| {
        c.heard.keyboard_focus.is_some()
    });
    grab(&mut desk, &x, hidden);
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut x), hidden);
    until(&mut desk, &mut client, "it has lost it", &|c| {
        c.heard.keyboard_focus.is_none()
    });
    assert!(client.heard.keys.is_empty());
    ungrab(&mut desk, &x);
    until(&mut desk, &mut client, "it has it again", &|c| {
        c.heard.keyboard_focus.is_some()
    });
    press_key(&mut desk);
    until(&mut desk, &mut client, "it has the key", &|c| !c.heard.keys.is_empty());
}

#[test]
fn it_has_no_keys_while_the_session_is_locked() {
    let mut desk = Desk::new();
    let mut x = desk.x();
    let game = window(&mut desk, &x, GREEN);
    grab(&mut desk, &x, game);
    let mut locker = desk.f.client();
    let manager: ExtSessionLockManagerV1 = locker.global(1);
    let lock = manager.lock(&locker.qh(), ());
    until(&mut desk, &mut locker, "it is locked", &|c| {
        c.heard.said("ext_session_lock_v1", "Locked")
    });
    assert!(!is_grabbed(&mut desk));
    our_hotkey(&mut desk);
    assert_eq!(desk.f.state.scope.settings.filter, Filter::Fsr, "nobody has the chord");
    press_key(&mut desk);
    lock.unlock_and_destroy();
    locker.flush();
    desk.until("the keyboard is grabbed again", is_grabbed);
    desk.until_focused(&x, game);
    desk.f.state.inject(Event::edge(KEY_U, true));
    let first = desk.event(&mut x, "the key is pressed", |e| match e {
        XEvent::KeyPress(e) => Some(e.detail),
        _ => None,
    });
    assert_eq!(u32::from(first), u32::from(KEY_U) + 8, "those before were not its");
}
