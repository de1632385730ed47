//! What is drawn.

use crate::fixture::{Fixture, settings};
use goggles_protocols::cursor::Update;
use goggles_scope::config::{Edid, Settings};
use goggles_scope::link::{FromScope, Size};
use goggles_scope::xwayland::Control;
use wayland_client::protocol::wl_shm::Format;

#[test]
fn an_opaque_client_of_the_outputs_size_is_passed_through() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.toplevel.as_ref().map(|t| (t.0, t.1)), Some((64, 48)));
    assert_eq!(c.heard.mode, Some((64, 48, 62_500)));
    let buffer = c.buffer(64, 48, Format::Xrgb8888, |x, y| {
        ((x as u32) << 16) | ((y as u32) << 8) | 0x7f
    });
    c.show(&w.surface, &buffer, (64, 48));
    f.settle(&mut [&mut c]);
    let p = f.picture();
    assert!(p.direct);
    assert_eq!((p.at(0, 0), p.at(63, 0), p.at(10, 47)), (0x00007f, 0x3f007f, 0x0a2f7f));
}

#[test]
fn composition_can_be_forced_from_the_start_and_let_go() {
    let mut f = Fixture::with(Settings {
        force_composition: true,
        ..settings(64, 48)
    });
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (64, 48), 0x112233);
    f.settle(&mut [&mut c]);
    let p = f.picture();
    assert_eq!((p.direct, p.at(1, 1)), (false, 0x112233));
    f.state.control(Control::CompositeForce(false));
    f.advance(20, &mut [&mut c]);
    assert!(f.picture().direct);
}

#[test]
fn the_output_is_the_monitor_that_was_asked_for() {
    let mut s = settings(960, 480);
    s.edid = Edid::Made {
        name: "Attic".parse().expect("a name"),
        vendor: "ABC".parse().expect("a vendor"),
    };
    let mut f = Fixture::with(s);
    let c = f.client();
    assert_eq!(c.heard.monitor, Some(("ABC".into(), "Attic".into(), 254, 127)));
}

#[test]
fn alpha_without_an_opaque_region_is_composed_over_black() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    // Half-transparent, premultiplied green.
    let buffer = c.buffer(64, 48, Format::Argb8888, |_, _| 0x8000_8000);
    c.show(&w.surface, &buffer, (64, 48));
    f.settle(&mut [&mut c]);
    let p = f.picture();
    assert!(!p.direct);
    assert_eq!(p.at(30, 20), 0x008000);
    // Saying that it is opaque makes it so.
    f.advance(20, &mut [&mut c]);
    let region = c.globals().compositor.create_region(&c.qh(), ());
    region.add(0, 0, 64, 48);
    w.surface.set_opaque_region(Some(&region));
    c.show(&w.surface, &buffer, (64, 48));
    f.settle(&mut [&mut c]);
    assert!(f.picture().direct);
}

#[test]
fn a_small_window_is_scaled_to_fit_and_centred() {
    let mut f = Fixture::new(64, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    let buffer = c.buffer(16, 16, Format::Xrgb8888, |x, _| if x < 8 { 0xff0000 } else { 0x0000ff });
    c.show(&w.surface, &buffer, (16, 16));
    f.settle(&mut [&mut c]);
    let p = f.picture();
    assert!(!p.direct);
    // 32x32 in the middle of 64x32.
    let row: Vec<u32> = [0, 15, 16, 31, 32, 47, 48, 63].map(|x| p.at(x, 16)).to_vec();
    assert_eq!(row, [0, 0, 0xff0000, 0xff0000, 0x0000ff, 0x0000ff, 0, 0]);
}

#[test]
fn a_smaller_game_fills_a_larger_output() {
    let mut s = settings(64, 48);
    s.nested = Some(Size { w: 32, h: 24 });
    let mut f = Fixture::with(s);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.toplevel.as_ref().map(|t| (t.0, t.1)), Some((32, 24)));
    c.fill(&w.surface, (32, 24), 0x123456);
    f.settle(&mut [&mut c]);
    let p = f.picture();
    assert_eq!(p.size, Size { w: 64, h: 48 });
    assert_eq!((p.at(0, 0), p.at(63, 47)), (0x123456, 0x123456));
}

#[test]
fn popups_and_subsurfaces_stand_where_they_belong() {
    let mut f = Fixture::new(96, 64);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    let checks = c.buffer(96, 64, Format::Xrgb8888, |x, y| {
        if (x / 8 + y / 8) % 2 == 0 { 0x404040 } else { 0x606060 }
    });
    let child = c.surface();
    let sub = c
        .globals()
        .subcompositor
        .get_subsurface(&child, &w.surface, &c.qh(), ());
    sub.set_position(10, 20);
    sub.set_desync();
    c.fill(&child, (16, 8), 0x00ff00);
    c.show(&w.surface, &checks, (96, 64));
    f.settle(&mut [&mut c]);
    // Anchored at the window's lower right corner: it must slide back into the output.
    let popup = c.popup(&w, (80, 50, 10, 10), (24, 20), None);
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.popup, Some((72, 44, 24, 20)));
    let blend = c.buffer(
        24,
        20,
        Format::Argb8888,
        |_, y| if y < 10 { 0xffff_0000 } else { 0x8080_0000 },
    );
    c.show(&popup, &blend, (24, 20));
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert_eq!(
        (p.at(9, 20), p.at(10, 20), p.at(25, 27), p.at(26, 27)),
        (0x606060, 0x00ff00, 0x00ff00, 0x404040)
    );
    assert_eq!(
        (p.at(71, 44), p.at(72, 44), p.at(95, 53)),
        (0x606060, 0xff0000, 0xff0000)
    );
    p.golden("popup-and-subsurface");
}

#[test]
fn a_window_that_goes_uncovers_the_one_below() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let first = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&first.surface, (32, 32), 0xaa0000);
    f.settle(&mut [&mut c]);
    let second = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&second.surface, (32, 32), 0x00bb00);
    f.advance(20, &mut [&mut c]);
    assert_eq!(f.picture().at(5, 5), 0x00bb00);
    second.toplevel.destroy();
    second.xdg.destroy();
    second.surface.destroy();
    f.advance(20, &mut [&mut c]);
    assert_eq!(f.picture().at(5, 5), 0xaa0000);
    // And nothing at all is black.
    drop(c);
    f.advance(20, &mut []);
    assert_eq!(f.picture().at(5, 5), 0);
}

#[test]
fn the_cursor_is_told_and_never_drawn() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 0x335577);
    f.settle(&mut [&mut c]);
    f.state
        .inject(goggles_protocols::input::Event::Absolute { x: 0.5, y: 0.25 });
    f.settle(&mut [&mut c]);
    let cursor = c.surface();
    let image = c.buffer(
        2,
        1,
        Format::Argb8888,
        |x, _| if x == 0 { 0xff11_2233 } else { 0x8040_0000 },
    );
    c.show(&cursor, &image, (2, 1));
    // The compositor checks that the serial is one it gave; the enter's.
    let serial = c.heard.pointer.iter().find_map(|e| match e {
        wayland_client::protocol::wl_pointer::Event::Enter { serial, .. } => Some(*serial),
        _ => None,
    });
    c.globals()
        .pointer
        .set_cursor(serial.expect("the pointer entered"), Some(&cursor), 1, 0);
    f.told();
    f.advance(20, &mut [&mut c]);
    let told = f.told();
    let want = Update::Image {
        width: 2,
        height: 1,
        hot_x: 1,
        hot_y: 0,
        rgba: vec![0x11, 0x22, 0x33, 0xff, 0x80, 0, 0, 0x80],
    };
    assert!(
        told.iter().any(|m| matches!(m, FromScope::Cursor(u) if *u == want)),
        "{told:?}"
    );
    assert!(f.pictures().iter().all(|p| p.at(16, 8) == 0x335577));
}

#[test]
fn a_client_that_breaks_the_protocol_loses_only_its_own_connection() {
    let mut f = Fixture::new(32, 32);
    let mut good = f.client();
    let mut bad = f.client();
    let w = good.toplevel();
    f.settle(&mut [&mut good, &mut bad]);
    // A buffer before the first configure's acknowledgement is an error of xdg-shell.
    let surface = bad.surface();
    let xdg = bad.globals().wm.get_xdg_surface(&surface, &bad.qh(), ());
    let _toplevel = xdg.get_toplevel(&bad.qh(), ());
    bad.fill(&surface, (32, 32), 0xff);
    f.settle(&mut [&mut good, &mut bad]);
    assert!(bad.error.is_some());
    good.fill(&w.surface, (32, 32), 0x00ff00);
    f.advance(20, &mut [&mut good]);
    assert!(good.error.is_none(), "{:?}", good.error);
    assert_eq!(f.picture().at(1, 1), 0x00ff00);
}

#[test]
fn a_buffer_beyond_its_pool_ends_its_client_and_nobody_else() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    let w = bad.toplevel();
    f.settle(&mut [&mut bad]);
    let buffer = bad.raw_buffer(&[0; 4096], (0, 32, 32 * 1024, 128), Format::Xrgb8888);
    bad.show(&w.surface, &buffer, (32, 32));
    f.settle(&mut [&mut bad]);
    assert!(bad.error.is_some());
    let mut good = f.client();
    let w = good.toplevel();
    f.settle(&mut [&mut good]);
    good.fill(&w.surface, (32, 32), 0x0000ff);
    f.advance(20, &mut [&mut good]);
    assert_eq!(f.picture().at(1, 1), 0x0000ff);
}
