//! Sizes and places that no screen has: what the protocols allow is borne, the rest ends its client, and a client that plays
//! fair goes on being shown.

use crate::bad::plays_on;
use crate::client::{Client, Heard, Window};
use crate::fixture::{Fixture, settings};
use goggles_protocols::input::Event;
use goggles_scope::config::{Filter, Settings};
use wayland_client::delegate_noop;
use wayland_client::protocol::{wl_output::Transform, wl_shm::Format, wl_surface::WlSurface};
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime;
use wayland_protocols::wp::viewporter::client::{wp_viewport::WpViewport, wp_viewporter::WpViewporter};
use wayland_protocols::xdg::shell::client::xdg_positioner::{Anchor, ConstraintAdjustment, Gravity};
use wayland_protocols_wlr::layer_shell::v1::client::{
    zwlr_layer_shell_v1::{Layer, ZwlrLayerShellV1},
    zwlr_layer_surface_v1 as layer_surface,
};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

delegate_noop!(Heard: WpViewporter);
delegate_noop!(Heard: WpViewport);

const MOST: i32 = i32::MAX;
const LEAST: i32 = i32::MIN;
/// Those that sums, differences and signs trip over.
const TELLING: [i32; 8] = [0, 1, -1, 1 << 24, MOST, MOST - 1, LEAST, LEAST + 1];

/// What a client with a shown window does before its next commit.
type Wish = fn(&Client, &Window, [i32; 4]);

/// Each of them on a connection of its own, with each pair of telling numbers as place and size. Gives how many were ended.
fn all(wish: Wish) -> usize {
    let mut ended = 0;
    for (place, size) in TELLING.iter().flat_map(|p| TELLING.map(|s| (*p, s))) {
        let mut f = Fixture::new(32, 32);
        let mut bad = f.client();
        let w = shown(&mut f, &mut bad);
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wish(&bad, &w, [place, place, size, size]);
            bad.fill(&w.surface, (32, 32), 0);
            f.advance(40, &mut [&mut bad]);
            // Whatever it was is looked at by all that comes later, too.
            f.state.inject(Event::Absolute { x: 0.4, y: 0.6 });
            f.state.inject(Event::Relative { dx: 5.0, dy: -5.0 });
            bad.fill(&w.surface, (32, 32), 0x111111);
            f.advance(40, &mut [&mut bad]);
        }));
        assert!(said.is_ok(), "place {place}, size {size}");
        ended += usize::from(bad.error.is_some());
        drop(bad);
        f.settle(&mut []);
        plays_on(&mut f, 0x2468ac);
    }
    ended
}

fn shown(f: &mut Fixture, c: &mut Client) -> Window {
    let w = c.toplevel();
    f.settle(&mut [c]);
    c.fill(&w.surface, (32, 32), 0x808080);
    f.advance(20, &mut [c]);
    w
}

/// How the surface's picture is cut and stretched.
pub fn viewport(c: &Client, surface: &WlSurface) -> WpViewport {
    let viewporter: WpViewporter = c.global(1);
    viewporter.get_viewport(surface, &c.qh(), ())
}

/// The numbers, of 64 pairs, that leave neither size below 1.
const POSITIVE: usize = 4 * 8;

#[test]
fn regions_and_damage_are_borne() {
    let regions: Wish = |c, w, [x, y, width, height]| {
        let region = c.globals().compositor.create_region(&c.qh(), ());
        region.add(0, 0, 32, 32);
        region.subtract(x, y, width, height);
        region.add(x, y, width, height);
        w.surface.set_input_region(Some(&region));
        w.surface.set_opaque_region(Some(&region));
    };
    assert_eq!(all(regions), 0);
    let damage: Wish = |_, w, [x, y, width, height]| {
        w.surface.damage(x, y, width, height);
        w.surface.damage_buffer(x, y, width, height);
        w.surface.set_buffer_transform(Transform::Flipped270);
    };
    assert_eq!(all(damage), 0);
}

#[test]
fn a_pointer_may_be_confined_to_any_region() {
    let confined: Wish = |c, w, [x, y, width, height]| {
        let region = c.globals().compositor.create_region(&c.qh(), ());
        region.add(x, y, width, height);
        let (constraints, pointer) = (&c.globals().constraints, &c.globals().pointer);
        constraints.confine_pointer(&w.surface, pointer, Some(&region), Lifetime::Persistent, &c.qh(), ());
    };
    assert_eq!(all(confined), 0);
}

#[test]
fn any_place_and_size_of_what_belongs_to_a_window_is_borne() {
    let children: Wish = |c, w, [x, y, width, height]| {
        let child = c.surface();
        let role = c
            .globals()
            .subcompositor
            .get_subsurface(&child, &w.surface, &c.qh(), ());
        role.set_position(x, y);
        role.set_desync();
        let buffer = c.buffer(8, 8, Format::Argb8888, |_, _| 0x80ff_0000);
        child.attach(Some(&buffer), height, width);
        child.commit();
        let other = c.surface();
        let role = c.globals().subcompositor.get_subsurface(&other, &child, &c.qh(), ());
        role.set_position(width, height);
        role.set_desync();
        c.fill(&other, (8, 8), 0x00ff00);
    };
    assert_eq!(all(children), 0);
    let limits: Wish = |_, w, [_, _, width, height]| {
        w.toplevel.set_max_size(width, height);
    };
    assert_eq!(all(limits), 3 * 8);
    let geometry: Wish = |_, w, [x, y, width, height]| w.xdg.set_window_geometry(x, y, width, height);
    assert_eq!(all(geometry), 64 - POSITIVE);
}

#[test]
fn any_popup_is_borne() {
    let popup: Wish = |c, w, [x, y, width, height]| {
        let positioner = c.globals().wm.create_positioner(&c.qh(), ());
        positioner.set_size(width.max(1), height.max(1));
        positioner.set_anchor_rect(x, y, width.max(0), height.max(0));
        positioner.set_anchor(Anchor::BottomRight);
        positioner.set_gravity(Gravity::TopLeft);
        positioner.set_offset(x, height);
        positioner.set_constraint_adjustment(ConstraintAdjustment::all());
        positioner.set_parent_size(width, height);
        let surface = c.surface();
        let xdg = c.globals().wm.get_xdg_surface(&surface, &c.qh(), ());
        let popup = xdg.get_popup(Some(&w.xdg), &positioner, &c.qh(), ());
        surface.commit();
        popup.reposition(&positioner, 7);
    };
    assert_eq!(all(popup), 0);
}

#[test]
fn any_layer_is_borne() {
    let layer: Wish = |c, _, [x, y, width, height]| {
        let shell: ZwlrLayerShellV1 = c.global(4);
        let surface = c.surface();
        let role = shell.get_layer_surface(&surface, None, Layer::Overlay, "huge".into(), &c.qh(), ());
        role.set_anchor(layer_surface::Anchor::all());
        role.set_size(width as u32, height as u32);
        role.set_margin(x, y, height, width);
        role.set_exclusive_zone(x);
        surface.commit();
    };
    assert_eq!(all(layer), 0);
}

#[test]
fn views_of_any_size_are_borne_and_those_of_none_end_their_client() {
    let destination: Wish = |c, w, [x, y, width, height]| {
        viewport(c, &w.surface).set_destination(width, height);
        w.surface.damage(x, y, MOST, MOST);
        w.surface.set_buffer_transform(Transform::_180);
    };
    // Both -1 take it back.
    assert_eq!(all(destination), 64 - POSITIVE - 8);
    let source: Wish = |c, w, [x, y, width, height]| {
        let viewport = viewport(c, &w.surface);
        let [x, y, width, height] = [x, y, width, height].map(|n| f64::from(n) / 256.0);
        viewport.set_source(x, y, width, height);
        viewport.set_destination(1, MOST);
        w.surface.damage(0, 0, MOST, MOST);
        w.surface.set_buffer_transform(Transform::_90);
    };
    // The buffer has 32x32 pixels, of which a 256th at (0, 0) is a part.
    assert!(all(source) >= 64 - POSITIVE);
}

#[test]
fn lines_as_long_as_can_be_are_borne_on_outputs_of_any_shape() {
    for (output, (w, h)) in [((96, 32), (1, MOST)), ((32, 96), (MOST, 1))] {
        for filter in [Filter::Linear, Filter::Fsr] {
            let mut f = Fixture::with(Settings {
                filter,
                ..settings(output.0, output.1)
            });
            let mut c = f.client();
            let window = shown(&mut f, &mut c);
            viewport(&c, &window.surface).set_destination(w, h);
            c.fill(&window.surface, (32, 32), 0);
            f.advance(40, &mut [&mut c]);
            assert!(c.error.is_none(), "{:?}", c.error);
            drop(c);
            f.settle(&mut []);
            plays_on(&mut f, 0x2468ac);
        }
    }
}

#[test]
fn scales_of_any_size_are_borne_and_those_of_none_end_their_client() {
    let scale: Wish = |_, w, [x, y, width, _]| {
        w.surface.set_buffer_scale(width);
        w.surface.damage(x, y, MOST, MOST);
        w.surface.set_buffer_transform(Transform::Flipped90);
    };
    assert!(all(scale) >= 64 - POSITIVE);
}

#[test]
fn pictures_of_any_region_are_taken() {
    let shot: Wish = |c, _, [x, y, width, height]| {
        let manager: ZwlrScreencopyManagerV1 = c.global(3);
        manager.capture_output_region(0, &c.globals().output, x, y, width, height, &c.qh(), ());
    };
    assert_eq!(all(shot), 0);
}

#[test]
fn cursors_may_be_held_anywhere() {
    let cursor: Wish = |c, _, [x, y, width, height]| {
        let surface = c.surface();
        c.globals().pointer.set_cursor(c.heard.serial, Some(&surface), x, y);
        let buffer = c.buffer(8, 8, Format::Argb8888, |_, _| 0xffff_ffff);
        surface.attach(Some(&buffer), width, height);
        surface.commit();
    };
    assert_eq!(all(cursor), 0);
}

#[test]
fn pools_of_no_size_end_their_client() {
    for size in TELLING.into_iter().filter(|size| *size != MOST && *size != MOST - 1) {
        let mut f = Fixture::new(32, 32);
        let mut bad = f.client();
        let w = shown(&mut f, &mut bad);
        let file = rustix::fs::memfd_create("bad", rustix::fs::MemfdFlags::CLOEXEC).expect("a file");
        rustix::fs::ftruncate(&file, 4096).expect("it has a size");
        let fd = std::os::fd::AsFd::as_fd(&file);
        let pool = bad.globals().shm.create_pool(fd, 4096, &bad.qh(), ());
        f.settle(&mut [&mut bad]);
        pool.resize(size);
        let buffer = pool.create_buffer(0, 32, 32, 128, Format::Xrgb8888, &bad.qh(), ());
        bad.show(&w.surface, &buffer, (32, 32));
        f.settle(&mut [&mut bad]);
        assert_eq!(bad.error.is_some(), size < 4096, "{size}");
        plays_on(&mut f, 0x13579b);
    }
}
