//! Surfaces that are drawn apart before they are drawn, translucent or of another colour space: more of them than there is
//! memory and time for are not.

use crate::client::{Client, Window};
use crate::fixture::Fixture;
use crate::sizes::viewport;
use wayland_client::protocol::{wl_buffer::WlBuffer, wl_shm::Format, wl_surface::WlSurface};
use wayland_protocols::wp::alpha_modifier::v1::client::wp_alpha_modifier_v1::WpAlphaModifierV1;
use wayland_protocols::wp::color_management::v1::client::{
    wp_color_manager_v1::{Primaries, RenderIntent, TransferFunction, WpColorManagerV1},
    wp_image_description_v1::WpImageDescriptionV1,
};

/// The output is as large, and so is each surface; what is drawn apart is less than 200 of them.
const SIDE: i32 = 256;

fn begin() -> (Fixture, Client, Window) {
    let mut f = Fixture::new(SIDE as u32, SIDE as u32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    w.xdg.set_window_geometry(0, 0, SIDE, SIDE);
    c.fill(&w.surface, (SIDE, SIDE), 0x204060);
    f.settle(&mut [&mut c]);
    (f, c, w)
}

/// Surfaces one above the other, of which only the lowest is seen at the left.
fn pile(c: &Client, w: &Window, count: usize, buffer: &WlBuffer, each: impl Fn(usize, &WlSurface)) {
    for i in 0..count {
        let surface = c.surface();
        let subcompositor = &c.globals().subcompositor;
        let sub = subcompositor.get_subsurface(&surface, &w.surface, &c.qh(), ());
        sub.set_position(if i == 0 { 0 } else { 16 }, 0);
        each(i, &surface);
        c.show(&surface, buffer, (SIDE, SIDE));
    }
    w.surface.commit();
}

#[test]
fn more_translucent_surfaces_than_can_be_drawn_are_left_out() {
    for (count, wanted) in [(150, 0x8f9faf), (220, 0x204060)] {
        let (mut f, mut c, w) = begin();
        let manager: WpAlphaModifierV1 = c.global(1);
        let white = c.buffer(SIDE, SIDE, Format::Xrgb8888, |_, _| 0xffffff);
        pile(&c, &w, count, &white, |_, surface| {
            let modifier = manager.get_surface(surface, &c.qh(), ());
            modifier.set_multiplier(u32::MAX / 2);
        });
        f.advance(20, &mut [&mut c]);
        let seen = f.picture().at(4, 4);
        let near = (0..3).all(|i| (seen >> (8 * i) & 255).abs_diff(wanted >> (8 * i) & 255) <= 1);
        assert!(near, "{count}: {seen:06x}");
        assert!(c.error.is_none(), "{:?}", c.error);
    }
}

/// 800 cd/m².
const GREY: u32 = 745;

fn grey() -> u32 {
    GREY << 20 | GREY << 10 | GREY
}

fn pq(c: &Client, manager: &WpColorManagerV1, peak: u32) -> WpImageDescriptionV1 {
    let creator = manager.create_parametric_creator(&c.qh(), ());
    creator.set_tf_named(TransferFunction::St2084Pq);
    creator.set_primaries_named(Primaries::Bt2020);
    creator.set_mastering_luminance(50, peak);
    creator.create(&c.qh(), ())
}

#[test]
fn a_larger_picture_than_can_be_converted_is_shown_as_it_is() {
    for (side, wanted) in [(SIDE, 0xff), (4096, GREY * 255 / 1023)] {
        let (mut f, mut c, w) = begin();
        let manager: WpColorManagerV1 = c.global(1);
        let described = pq(&c, &manager, 800);
        let managed = manager.get_surface(&w.surface, &c.qh(), ());
        managed.set_image_description(&described, RenderIntent::Perceptual);
        viewport(&c, &w.surface).set_destination(SIDE, SIDE);
        let pixels = grey().to_le_bytes().repeat((side * side) as usize);
        let buffer = c.raw_buffer(&pixels, (0, side, side, side * 4), Format::Xrgb2101010);
        c.show(&w.surface, &buffer, (side, side));
        f.advance(20, &mut [&mut c]);
        let seen = f.picture().middle() & 255;
        assert!(seen.abs_diff(wanted) <= 1, "{side}: {seen}");
        assert!(c.error.is_none(), "{:?}", c.error);
    }
}

#[test]
fn more_colour_spaces_than_can_be_converted_are_shown_as_they_are() {
    for (count, wanted) in [(20, 0xff), (120, GREY * 255 / 1023)] {
        let (mut f, mut c, w) = begin();
        let manager: WpColorManagerV1 = c.global(1);
        let buffer = c.buffer(8, 8, Format::Xrgb2101010, |_, _| grey());
        pile(&c, &w, count, &buffer, |i, surface| {
            let described = pq(&c, &manager, 800 + i as u32);
            let managed = manager.get_surface(surface, &c.qh(), ());
            managed.set_image_description(&described, RenderIntent::Perceptual);
        });
        f.advance(20, &mut [&mut c]);
        let seen = f.picture().at(4, 4) & 255;
        assert!(seen.abs_diff(wanted) <= 1, "{count}: {seen}");
        assert!(c.error.is_none(), "{:?}", c.error);
    }
}
