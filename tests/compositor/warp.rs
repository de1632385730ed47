//! Clients that put the pointer somewhere: by pointer-warp, and by the hint of a lock that they end.

use crate::client::{Client, Heard, Window};
use crate::fixture::Fixture;
use crate::input::place;
use goggles_protocols::cursor::Update;
use goggles_protocols::input::Event;
use goggles_scope::link::FromScope;
use wayland_client::delegate_noop;
use wayland_client::protocol::{wl_pointer, wl_surface::WlSurface};
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime;
use wayland_protocols::wp::pointer_warp::v1::client::wp_pointer_warp_v1::WpPointerWarpV1;

delegate_noop!(Heard: WpPointerWarpV1);

/// A window of 32 x 32 with a subsurface of 16 x 16 at 10, 5.
fn start() -> (Fixture, Client, Window, WlSurface) {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 0x808080);
    let sub = c.surface();
    let placed = c.globals().subcompositor.get_subsurface(&sub, &w.surface, &c.qh(), ());
    placed.set_position(10, 5);
    placed.set_desync();
    c.fill(&sub, (16, 16), 0x404040);
    w.surface.commit();
    f.advance(20, &mut [&mut c]);
    (f, c, w, sub)
}

fn to(f: &mut Fixture, c: &mut Client, x: f64, y: f64) {
    f.state.inject(Event::Absolute {
        x: x / 32.0,
        y: y / 32.0,
    });
    f.settle(&mut [c]);
    f.told();
}

/// Where viewers were told that the pointer is.
fn told(f: &mut Fixture) -> Option<(i32, i32)> {
    f.told().into_iter().rev().find_map(|message| match message {
        FromScope::Cursor(Update::Position { x, y }) => Some((x, y)),
        _ => None,
    })
}

#[test]
fn after_a_lock_the_pointer_is_where_its_holder_says() {
    let (mut f, mut c, w, sub) = start();
    for (surface, from, shown) in [(&w.surface, (2.0, 2.0), (4, 3)), (&sub, (20.0, 15.0), (14, 8))] {
        to(&mut f, &mut c, from.0, from.1);
        let g = c.globals();
        let lock = g
            .constraints
            .lock_pointer(surface, &g.pointer, None, Lifetime::Persistent, &c.qh(), ());
        f.settle(&mut [&mut c]);
        assert!(c.heard.locked);
        lock.set_cursor_position_hint(4.0, 3.0);
        surface.commit();
        lock.destroy();
        f.settle(&mut [&mut c]);
        assert_eq!(told(&mut f), Some(shown));
        f.state.inject(Event::Relative { dx: 1.0, dy: 0.0 });
        f.settle(&mut [&mut c]);
        assert_eq!(place(&c), Some((5.0, 3.0)), "in the coordinates of its surface");
    }
}

#[test]
fn a_client_that_has_the_pointer_may_move_it_on_its_surfaces() {
    let (mut f, mut c, w, sub) = start();
    let mut other = f.client();
    to(&mut f, &mut c, 2.0, 2.0);
    let serial = c.heard.pointer.iter().rev().find_map(|e| match e {
        wl_pointer::Event::Enter { serial, .. } => Some(*serial),
        _ => None,
    });
    let serial = serial.expect("the pointer entered");
    let (warp, foreign): (WpPointerWarpV1, WpPointerWarpV1) = (c.global(1), other.global(1));
    let pointer = c.globals().pointer.clone();
    let warped = |f: &mut Fixture, c: &mut Client, surface: &WlSurface, at: (f64, f64), serial: u32| {
        warp.warp_pointer(surface, &pointer, at.0, at.1, serial);
        f.settle(&mut [c]);
        told(f)
    };
    assert_eq!(warped(&mut f, &mut c, &w.surface, (7.0, 6.5), serial), Some((7, 6)));
    assert_eq!(place(&c), Some((7.0, 6.5)));
    // Nothing happens by another serial, beside the surface, or for whoever has not the pointer.
    assert_eq!(warped(&mut f, &mut c, &w.surface, (1.0, 1.0), serial + 1), None);
    for beside in [(32.0, 1.0), (-0.5, 1.0)] {
        assert_eq!(warped(&mut f, &mut c, &w.surface, beside, serial), None);
    }
    let theirs = other.toplevel();
    foreign.warp_pointer(&theirs.surface, &other.globals().pointer, 0.0, 0.0, serial);
    f.settle(&mut [&mut c, &mut other]);
    assert_eq!(told(&mut f), None);
    // A lock holds.
    let g = c.globals();
    let lock = g
        .constraints
        .lock_pointer(&w.surface, &g.pointer, None, Lifetime::Persistent, &c.qh(), ());
    f.settle(&mut [&mut c]);
    assert_eq!(warped(&mut f, &mut c, &w.surface, (1.0, 1.0), serial), None);
    lock.destroy();
    assert_eq!(warped(&mut f, &mut c, &sub, (2.0, 3.0), serial), Some((12, 8)));
    assert_eq!(place(&c), Some((2.0, 3.0)));
    assert!(c.error.is_none() && other.error.is_none());
}
