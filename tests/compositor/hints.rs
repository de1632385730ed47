//! What surfaces say of their content.

use crate::fixture::{Fixture, settings};
use goggles_scope::config::Settings;
use goggles_scope::handlers::Content;
use goggles_scope::link::FromScope;
use goggles_scope::xwayland::Control;
use wayland_client::protocol::wl_shm::Format;
use wayland_protocols::wp::alpha_modifier::v1::client::wp_alpha_modifier_v1::WpAlphaModifierV1;
use wayland_protocols::wp::content_type::v1::client::{
    wp_content_type_manager_v1::WpContentTypeManagerV1, wp_content_type_v1::Type,
};
use wayland_protocols::wp::tearing_control::v1::client::{
    wp_tearing_control_manager_v1::WpTearingControlManagerV1, wp_tearing_control_v1::PresentationHint,
};
use wayland_protocols::xdg::toplevel_icon::v1::client::xdg_toplevel_icon_manager_v1::XdgToplevelIconManagerV1;

#[test]
fn an_alpha_modifier_dims_the_picture_and_ends_pass_through() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 0x804020);
    f.settle(&mut [&mut c]);
    assert!(f.picture().direct);
    let manager: WpAlphaModifierV1 = c.global(1);
    let modifier = manager.get_surface(&w.surface, &c.qh(), ());
    modifier.set_multiplier(u32::MAX / 2);
    c.fill(&w.surface, (32, 32), 0x804020);
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert!(!p.direct);
    let near = |a: u32, b: u32| (0..3).all(|i| (a >> (8 * i) & 255).abs_diff(b >> (8 * i) & 255) <= 1);
    assert!(near(p.at(5, 5), 0x402010), "{:06x}", p.at(5, 5));
    modifier.destroy();
    c.fill(&w.surface, (32, 32), 0x804020);
    f.advance(20, &mut [&mut c]);
    assert!(f.picture().direct);
}

#[test]
fn an_opaque_surface_that_is_dimmed_shows_what_is_below() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    let above = c.surface();
    let sub = c
        .globals()
        .subcompositor
        .get_subsurface(&above, &w.surface, &c.qh(), ());
    sub.set_position(8, 8);
    sub.set_desync();
    let manager: WpAlphaModifierV1 = c.global(1);
    let modifier = manager.get_surface(&above, &c.qh(), ());
    modifier.set_multiplier(u32::MAX / 2);
    c.fill(&above, (16, 16), 0x0000fe);
    c.fill(&w.surface, (32, 32), 0xfe8000);
    f.advance(20, &mut [&mut c]);
    let near = |a: u32, b: u32| (0..3).all(|i| (a >> (8 * i) & 255).abs_diff(b >> (8 * i) & 255) <= 1);
    let p = f.picture();
    assert_eq!(p.at(2, 2), 0xfe8000);
    assert!(near(p.at(16, 16), 0x7f407f), "{:06x}", p.at(16, 16));
    // A change of the modifier alone is a change of the picture.
    modifier.set_multiplier(u32::MAX / 4);
    above.commit();
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert!(near(p.at(16, 16), 0xbe603f), "{:06x}", p.at(16, 16));
    modifier.set_multiplier(u32::MAX);
    above.commit();
    f.advance(20, &mut [&mut c]);
    assert_eq!(f.picture().at(16, 16), 0x0000fe);
}

#[test]
fn viewers_are_told_the_content_type() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut c]);
    let manager: WpContentTypeManagerV1 = c.global(1);
    let kind = manager.get_surface_content_type(&w.surface, &c.qh(), ());
    kind.set_content_type(Type::Game);
    f.told();
    f.settle(&mut [&mut c]);
    let content = |f: &mut Fixture| {
        let told = f.told();
        told.iter().rev().find_map(|m| match m {
            FromScope::Scene(s) => Some(s.hints.content),
            _ => None,
        })
    };
    assert_eq!(content(&mut f), None, "it counts from the commit on");
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert_eq!(content(&mut f), Some(Content::Game));
    kind.destroy();
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert_eq!(content(&mut f), Some(Content::Unknown));
}

#[test]
fn a_toplevels_icon_is_taken_and_no_size_of_it_is_asked_for() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    let manager: XdgToplevelIconManagerV1 = c.global(1);
    f.settle(&mut [&mut c]);
    let name = "xdg_toplevel_icon_manager_v1";
    assert!(c.heard.said(name, "Done") && !c.heard.said(name, "IconSize"));
    let icon = manager.create_icon(&c.qh(), ());
    icon.set_name("input-gaming".into());
    let pixels = c.buffer(64, 64, Format::Argb8888, |_, _| 0xff00_ff00);
    icon.add_buffer(&pixels, 1);
    manager.set_icon(&w.toplevel, Some(&icon));
    c.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut c]);
    // Chromium destroys both at once.
    icon.destroy();
    pixels.destroy();
    f.settle(&mut [&mut c]);
    assert!(c.error.is_none(), "{:?}", c.error);
    let oblong = c.buffer(64, 32, Format::Argb8888, |_, _| 0xff00_ff00);
    manager.create_icon(&c.qh(), ()).add_buffer(&oblong, 1);
    f.settle(&mut [&mut c]);
    assert!(c.error.is_some());
}

#[test]
fn a_surface_may_wish_to_tear_from_its_commit_on() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 1);
    let manager: WpTearingControlManagerV1 = c.global(1);
    let control = manager.get_tearing_control(&w.surface, &c.qh(), ());
    control.set_presentation_hint(PresentationHint::Async);
    f.settle(&mut [&mut c]);
    assert!(!f.state.scope.scene_info().hints.tearing);
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert!(f.state.scope.scene_info().hints.tearing);
    control.destroy();
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert!(!f.state.scope.scene_info().hints.tearing);
    // After it is gone there may be another, but no two.
    manager.get_tearing_control(&w.surface, &c.qh(), ());
    f.settle(&mut [&mut c]);
    assert!(c.error.is_none(), "{:?}", c.error);
    manager.get_tearing_control(&w.surface, &c.qh(), ());
    f.settle(&mut [&mut c]);
    assert!(c.error.is_some());
}

#[test]
fn at_even_intervals_a_game_that_may_tear_need_not_wait() {
    let mut f = Fixture::with(Settings {
        adaptive_sync: false,
        tearing: true,
        ..settings(32, 32)
    });
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut c]);
    let at_once = |f: &Fixture| f.state.scope.pacer.shown_at(f.now()) == f.now();
    assert!(!at_once(&f));
    let manager: WpTearingControlManagerV1 = c.global(1);
    let control = manager.get_tearing_control(&w.surface, &c.qh(), ());
    control.set_presentation_hint(PresentationHint::Async);
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert!(at_once(&f));
    for (may, then) in [
        (Some(false), false),
        (Some(true), true),
        (Some(false), false),
        (None, true),
    ] {
        f.state.control(Control::Tearing(may));
        assert_eq!(at_once(&f), then);
    }
}

#[test]
fn an_icon_that_a_window_has_is_not_changed() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    let manager: XdgToplevelIconManagerV1 = c.global(1);
    let icon = manager.create_icon(&c.qh(), ());
    manager.set_icon(&w.toplevel, Some(&icon));
    icon.set_name("too-late".into());
    f.settle(&mut [&mut c]);
    let error = c.error.unwrap_or_default();
    assert!(error.contains("a window's already"), "{error}");
}
