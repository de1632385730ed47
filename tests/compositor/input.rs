//! Where input goes.

use crate::client::Client;
use crate::fixture::{Fixture, settings};
use goggles_protocols::input::Event;
use goggles_scope::link::{FromScope, Size};
use wayland_client::Proxy;
use wayland_client::protocol::wl_pointer;
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime;

const KEY_A: u16 = 30;
const BTN_LEFT: u16 = 0x110;

fn window(f: &mut Fixture, c: &mut Client, size: (i32, i32)) -> crate::client::Window {
    let w = c.toplevel();
    f.settle(&mut [c]);
    c.fill(&w.surface, size, 0x808080);
    f.advance(20, &mut [c]);
    w
}

/// Where the client heard that the pointer is, last.
pub fn place(c: &Client) -> Option<(f64, f64)> {
    c.heard.pointer.iter().rev().find_map(|e| match e {
        wl_pointer::Event::Motion {
            surface_x, surface_y, ..
        }
        | wl_pointer::Event::Enter {
            surface_x, surface_y, ..
        } => Some((*surface_x, *surface_y)),
        _ => None,
    })
}

#[test]
fn keys_go_to_the_focused_window_and_scan_codes_are_unchanged() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = window(&mut f, &mut c, (32, 32));
    assert_eq!(c.heard.keyboard_focus, Some(w.surface.id().protocol_id()));
    f.state.inject(Event::Key {
        code: KEY_A,
        pressed: true,
    });
    f.state.inject(Event::Key {
        code: KEY_A,
        pressed: false,
    });
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.keys, [(30, true), (30, false)]);
}

#[test]
fn a_dialog_has_the_keyboard_until_it_goes_and_a_click_gives_it_back() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let main = window(&mut f, &mut c, (64, 64));
    let dialog = c.toplevel();
    dialog.toplevel.set_parent(Some(&main.toplevel));
    f.settle(&mut [&mut c]);
    c.fill(&dialog.surface, (16, 16), 0xffffff);
    f.advance(20, &mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, Some(dialog.surface.id().protocol_id()));
    let p = f.picture();
    assert_eq!(
        (p.at(32, 32), p.at(8, 8)),
        (0xffffff, 0x808080),
        "centred above its parent"
    );
    f.state.inject(Event::Absolute { x: 0.1, y: 0.1 });
    f.state.inject(Event::Button {
        code: BTN_LEFT,
        pressed: true,
    });
    f.state.inject(Event::Button {
        code: BTN_LEFT,
        pressed: false,
    });
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, Some(main.surface.id().protocol_id()));
}

#[test]
fn pointer_places_follow_the_scaled_picture() {
    let mut s = settings(64, 48);
    s.nested = Some(Size { w: 32, h: 24 });
    let mut f = Fixture::with(s);
    let mut c = f.client();
    window(&mut f, &mut c, (32, 24));
    f.state.inject(Event::Absolute { x: 0.5, y: 0.25 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), Some((16.0, 6.0)));
    f.state.inject(Event::Relative { dx: 10.0, dy: -4.0 });
    f.settle(&mut [&mut c]);
    assert_eq!(
        place(&c),
        Some((21.0, 4.0)),
        "10 and 4 output pixels are 5 and 2 of the game's"
    );
    assert_eq!(c.heard.relative.last(), Some(&(10.0, -4.0)));
}

#[test]
fn a_wheel_scrolls() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    window(&mut f, &mut c, (32, 32));
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    f.state.inject(Event::Scroll { dx: 0.0, dy: 120.0 });
    f.settle(&mut [&mut c]);
    let axis = c.heard.pointer.iter().find_map(|e| match e {
        wl_pointer::Event::Axis { value, .. } => Some(*value),
        _ => None,
    });
    assert_eq!(axis, Some(15.0));
}

/// Whether players were asked for motion, each time they were told of the scene.
fn locks(f: &mut Fixture) -> Vec<bool> {
    let locked = |m: &FromScope| match m {
        FromScope::Scene(s) => Some(s.pointer_locked),
        _ => None,
    };
    f.told().iter().filter_map(locked).collect()
}

#[test]
fn a_locked_pointer_stays_and_hears_relative_motion() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = window(&mut f, &mut c, (32, 32));
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    f.settle(&mut [&mut c]);
    let g = c.globals();
    let lock = g
        .constraints
        .lock_pointer(&w.surface, &g.pointer, None, Lifetime::Persistent, &c.qh(), ());
    f.told();
    f.settle(&mut [&mut c]);
    assert!(c.heard.locked);
    assert_eq!(locks(&mut f), [true]);
    let at = place(&c);
    f.state.inject(Event::Relative { dx: 5.0, dy: 7.0 });
    f.state.inject(Event::Absolute { x: 0.9, y: 0.9 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), at);
    assert_eq!(c.heard.relative.last(), Some(&(5.0, 7.0)));
    assert!(locks(&mut f).is_empty());
    lock.destroy();
    f.settle(&mut [&mut c]);
    assert_eq!(locks(&mut f), [false], "without a motion");
    f.state.inject(Event::Absolute { x: 0.75, y: 0.75 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), Some((24.0, 24.0)));
    assert!(locks(&mut f).is_empty(), "said once");
}

#[test]
fn who_confines_the_pointer_and_hides_the_cursor_wants_motion() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = window(&mut f, &mut c, (32, 32));
    let g = c.globals();
    let confined = g
        .constraints
        .confine_pointer(&w.surface, &g.pointer, None, Lifetime::Persistent, &c.qh(), ());
    f.told();
    f.settle(&mut [&mut c]);
    assert!(c.heard.confined);
    assert!(locks(&mut f).is_empty(), "the player sees a cursor");
    let serial = c.heard.pointer.iter().find_map(|e| match e {
        wl_pointer::Event::Enter { serial, .. } => Some(*serial),
        _ => None,
    });
    let pointer = c.globals().pointer.clone();
    pointer.set_cursor(serial.expect("no enter"), None, 0, 0);
    f.settle(&mut [&mut c]);
    assert_eq!(locks(&mut f), [true]);
    confined.destroy();
    f.settle(&mut [&mut c]);
    assert_eq!(locks(&mut f), [false]);
}

#[test]
fn the_pointer_starts_in_the_middle_and_is_never_left_beside_the_picture() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let large = window(&mut f, &mut c, (32, 32));
    assert_eq!(place(&c), Some((16.0, 16.0)), "without a motion");
    f.state.inject(Event::Absolute { x: 0.0, y: 0.5 });
    let small = window(&mut f, &mut c, (8, 8));
    assert_eq!(place(&c), Some((0.0, 4.0)), "the small window's border");
    // Else its first motion would be spent on the way into the window.
    f.state.inject(Event::Relative { dx: 8.0, dy: 4.0 });
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.relative, [(8.0, 4.0)]);
    assert_eq!(place(&c), Some((2.0, 5.0)), "four times as large");
    drop((large, small));
}

#[test]
fn a_confined_pointer_stops_at_the_border_of_its_region() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let w = window(&mut f, &mut c, (64, 64));
    f.state.inject(Event::Absolute { x: 0.25, y: 0.25 });
    f.settle(&mut [&mut c]);
    let region = c.globals().compositor.create_region(&c.qh(), ());
    region.add(8, 8, 24, 24);
    let g = c.globals();
    g.constraints
        .confine_pointer(&w.surface, &g.pointer, Some(&region), Lifetime::Persistent, &c.qh(), ());
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert!(c.heard.confined);
    f.state.inject(Event::Relative { dx: 100.0, dy: 2.0 });
    f.settle(&mut [&mut c]);
    let (x, y) = place(&c).expect("a place");
    assert!((31.0..32.0).contains(&x) && y == 18.0, "{x} {y}");
    f.state.inject(Event::Relative { dx: -100.0, dy: -100.0 });
    f.settle(&mut [&mut c]);
    let (x, y) = place(&c).expect("a place");
    assert!((8.0..8.1).contains(&x) && (8.0..8.1).contains(&y), "{x} {y}");
}

#[test]
fn a_lock_within_the_whole_surface_holds_in_its_last_pixel() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let w = window(&mut f, &mut c, (64, 64));
    // Pushed beyond the corner, it stays in the last 256th of a pixel.
    f.state.inject(Event::Absolute { x: 0.999, y: 0.999 });
    f.state.inject(Event::Relative { dx: 9.0, dy: 9.0 });
    f.settle(&mut [&mut c]);
    let region = c.globals().compositor.create_region(&c.qh(), ());
    region.add(0, 0, 64, 64);
    let g = c.globals();
    g.constraints
        .lock_pointer(&w.surface, &g.pointer, Some(&region), Lifetime::Persistent, &c.qh(), ());
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert!(c.heard.locked);
}

#[test]
fn a_popup_with_a_grab_is_dismissed_by_a_click_beside_it() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    // Half as wide as the output.
    let w = window(&mut f, &mut c, (32, 64));
    f.state.inject(Event::Absolute { x: 0.3, y: 0.1 });
    f.state.inject(Event::Button {
        code: BTN_LEFT,
        pressed: true,
    });
    f.settle(&mut [&mut c]);
    let serial = c.heard.pointer.iter().find_map(|e| match e {
        wl_pointer::Event::Button { serial, .. } => Some(*serial),
        _ => None,
    });
    assert!(serial.is_some());
    // It hangs over the window's right border; beside the window is nobody.
    let surface = c.popup(&w, (28, 4, 4, 4), (16, 16), serial);
    f.settle(&mut [&mut c]);
    c.fill(&surface, (16, 16), 0xff0000);
    f.state.inject(Event::Button {
        code: BTN_LEFT,
        pressed: false,
    });
    f.advance(20, &mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, Some(surface.id().protocol_id()));
    // A click into its own window is the client's to judge.
    f.state.inject(Event::Absolute { x: 0.6, y: 0.9 });
    f.state.inject(Event::Button {
        code: BTN_LEFT,
        pressed: true,
    });
    f.state.inject(Event::Button {
        code: BTN_LEFT,
        pressed: false,
    });
    f.settle(&mut [&mut c]);
    assert!(!c.heard.popup_done);
    f.state.inject(Event::Absolute { x: 0.9, y: 0.9 });
    f.state.inject(Event::Button {
        code: BTN_LEFT,
        pressed: true,
    });
    f.settle(&mut [&mut c]);
    assert!(c.heard.popup_done);
    assert_eq!(c.heard.keyboard_focus, Some(w.surface.id().protocol_id()));
}

/// A menu is closed by a key, and the pointer jumps: a click there must not land where the menu was.
#[test]
fn the_first_motion_after_a_menu_counts() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let w = window(&mut f, &mut c, (64, 64));
    f.state.inject(Event::Absolute { x: 0.125, y: 0.125 });
    f.state.inject(Event::edge(BTN_LEFT, true));
    f.settle(&mut [&mut c]);
    let serial = c.heard.pointer.iter().find_map(|e| match e {
        wl_pointer::Event::Button { serial, .. } => Some(*serial),
        _ => None,
    });
    let surface = c.surface();
    let xdg = c.globals().wm.get_xdg_surface(&surface, &c.qh(), ());
    let popup = xdg.get_popup(Some(&w.xdg), &c.positioner((0, 0, 4, 4), (16, 16)), &c.qh(), ());
    popup.grab(&c.globals().seat, serial.unwrap_or_default());
    surface.commit();
    f.settle(&mut [&mut c]);
    c.fill(&surface, (16, 16), 0xff0000);
    f.state.inject(Event::edge(BTN_LEFT, false));
    f.advance(20, &mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, Some(surface.id().protocol_id()));
    popup.destroy();
    xdg.destroy();
    surface.destroy();
    f.settle(&mut [&mut c]);
    f.state.inject(Event::Absolute { x: 0.75, y: 0.5 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), Some((48.0, 32.0)));
}

#[test]
fn a_forced_grab_asks_for_relative_motion_and_moves_the_pointer_all_the_same() {
    let mut s = settings(32, 32);
    s.force_grab_cursor = true;
    let mut f = Fixture::with(s);
    let mut c = f.client();
    let _w = window(&mut f, &mut c, (32, 32));
    let told = locks(&mut f);
    assert!(!told.is_empty() && told.iter().all(|locked| *locked), "{told:?}");
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    f.state.inject(Event::Relative { dx: 3.0, dy: -4.0 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), Some((19.0, 12.0)));
}
