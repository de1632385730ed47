//! Overlays of wlr-layer-shell.

use crate::client::{Client, Window};
use crate::fixture::Fixture;
use goggles_protocols::input::Event;
use wayland_client::Proxy;
use wayland_client::protocol::{wl_pointer, wl_shm::Format, wl_surface::WlSurface};
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime;
use wayland_protocols_wlr::layer_shell::v1::client::{
    zwlr_layer_shell_v1::{Layer, ZwlrLayerShellV1},
    zwlr_layer_surface_v1::{Anchor, KeyboardInteractivity, ZwlrLayerSurfaceV1},
};

const NAME: &str = "zwlr_layer_surface_v1";

fn game(f: &mut Fixture, c: &mut Client) -> Window {
    let w = c.toplevel();
    f.settle(&mut [c]);
    c.fill(&w.surface, (64, 48), 0x204060);
    f.advance(20, &mut [c]);
    w
}

fn layer(c: &Client, layer: Layer, anchor: Anchor, size: (u32, u32)) -> (WlSurface, ZwlrLayerSurfaceV1) {
    let shell: ZwlrLayerShellV1 = c.global(4);
    let surface = c.surface();
    let role = shell.get_layer_surface(&surface, None, layer, "test".into(), &c.qh(), ());
    role.set_anchor(anchor);
    role.set_size(size.0, size.1);
    (surface, role)
}

fn click(f: &mut Fixture, c: &mut Client, x: f64, y: f64) {
    f.state.inject(Event::Absolute { x, y });
    for pressed in [true, false] {
        f.state.inject(Event::Button { code: 0x110, pressed });
    }
    f.settle(&mut [c]);
}

#[test]
fn an_overlay_is_drawn_above_the_game_and_blends() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let w = game(&mut f, &mut c);
    let (surface, role) = layer(&c, Layer::Overlay, Anchor::Top | Anchor::Left | Anchor::Right, (0, 8));
    role.set_margin(2, 4, 0, 4);
    // The game keeps its size.
    role.set_exclusive_zone(8);
    surface.commit();
    f.settle(&mut [&mut c]);
    assert!(c.heard.said(NAME, "width: 56, height: 8"), "{:?}", c.heard.log);
    let buffer = c.buffer(56, 8, Format::Argb8888, |x, _| if x < 28 { 0xffff_0000 } else { 0 });
    c.show(&surface, &buffer, (56, 8));
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert!(!p.direct);
    let row: Vec<u32> = [3, 4, 31, 32, 60].map(|x| p.at(x, 5)).to_vec();
    assert_eq!(row, [0x204060, 0xff0000, 0xff0000, 0x204060, 0x204060]);
    assert_eq!((p.at(10, 1), p.at(10, 10)), (0x204060, 0x204060));
    assert_eq!(c.heard.toplevel.as_ref().map(|t| (t.0, t.1)), Some((64, 48)));
    assert_eq!(
        c.heard.keyboard_focus,
        Some(w.surface.id().protocol_id()),
        "it did not ask for the keyboard"
    );
    role.destroy();
    surface.destroy();
    c.fill(&w.surface, (64, 48), 0x204060);
    f.advance(20, &mut [&mut c]);
    assert!(f.picture().direct, "without it the game is passed through again");
}

#[test]
fn a_note_over_a_locked_pointer_does_not_get_it() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let w = game(&mut f, &mut c);
    let (pointer, qh) = (c.globals().pointer.clone(), c.qh());
    let lock = c
        .globals()
        .constraints
        .lock_pointer(&w.surface, &pointer, None, Lifetime::Persistent, &qh, ());
    f.settle(&mut [&mut c]);
    assert!(c.heard.locked);
    let (surface, role) = layer(&c, Layer::Overlay, Anchor::empty(), (32, 32));
    surface.commit();
    f.settle(&mut [&mut c]);
    c.heard.pointer.clear();
    c.fill(&surface, (32, 32), 0xff0000);
    f.advance(20, &mut [&mut c]);
    assert_eq!(f.picture().at(32, 24), 0xff0000);
    f.state.inject(Event::Relative { dx: 3.0, dy: -4.0 });
    f.advance(20, &mut [&mut c]);
    assert!(c.heard.locked);
    assert_eq!(c.heard.relative, [(3.0, -4.0)]);
    let moved = |e: &wl_pointer::Event| matches!(e, wl_pointer::Event::Enter { .. } | wl_pointer::Event::Leave { .. });
    assert!(!c.heard.pointer.iter().any(moved), "{:?}", c.heard.pointer);
    lock.destroy();
    f.settle(&mut [&mut c]);
    f.state.inject(Event::Relative { dx: 1.0, dy: 0.0 });
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.pointer.iter().filter(|e| moved(e)).count(), 2, "now it does");
    drop((role, w));
}

#[test]
fn a_background_is_seen_only_without_a_game() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let (surface, _role) = layer(&c, Layer::Background, Anchor::all(), (0, 0));
    surface.commit();
    f.settle(&mut [&mut c]);
    c.fill(&surface, (64, 48), 0x335533);
    f.advance(20, &mut [&mut c]);
    assert_eq!(f.picture().at(9, 9), 0x335533);
    game(&mut f, &mut c);
    assert_eq!(f.picture().at(9, 9), 0x204060);
}

#[test]
fn the_keyboard_goes_to_an_overlay_that_asks_for_it() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let w = game(&mut f, &mut c);
    let window = Some(w.surface.id().protocol_id());
    let (surface, role) = layer(&c, Layer::Top, Anchor::Top | Anchor::Left, (16, 16));
    role.set_keyboard_interactivity(KeyboardInteractivity::OnDemand);
    surface.commit();
    f.settle(&mut [&mut c]);
    c.fill(&surface, (16, 16), 0xffffff);
    f.advance(20, &mut [&mut c]);
    let overlay = Some(surface.id().protocol_id());
    assert_eq!(c.heard.keyboard_focus, window);
    click(&mut f, &mut c, 0.1, 0.1);
    assert_eq!(c.heard.keyboard_focus, overlay);
    click(&mut f, &mut c, 0.9, 0.9);
    assert_eq!(c.heard.keyboard_focus, window);
    role.set_keyboard_interactivity(KeyboardInteractivity::Exclusive);
    surface.commit();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, overlay);
    click(&mut f, &mut c, 0.9, 0.9);
    assert_eq!(c.heard.keyboard_focus, overlay, "it is exclusive");
    role.destroy();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, window);
}

#[test]
fn popups_of_an_overlay_stand_on_it() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    game(&mut f, &mut c);
    let (surface, role) = layer(&c, Layer::Overlay, Anchor::Bottom | Anchor::Right, (16, 16));
    surface.commit();
    f.settle(&mut [&mut c]);
    c.fill(&surface, (16, 16), 0xffffff);
    f.settle(&mut [&mut c]);
    let popup = c.surface();
    let xdg = c.globals().wm.get_xdg_surface(&popup, &c.qh(), ());
    let positioner = c.positioner((0, 0, 4, 4), (12, 12));
    role.get_popup(&xdg.get_popup(None, &positioner, &c.qh(), ()));
    popup.commit();
    f.settle(&mut [&mut c]);
    // It slides back into the output: 48 + 4 + 12 is the right border, 32 + 4 + 12 the lower one.
    assert_eq!(c.heard.popup, Some((4, 4, 12, 12)));
    c.fill(&popup, (12, 12), 0xff0000);
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert_eq!(
        (p.at(49, 33), p.at(53, 37), p.at(63, 47)),
        (0xffffff, 0xff0000, 0xff0000)
    );
}

#[test]
fn a_size_that_nothing_gives_ends_its_client() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let (surface, _role) = layer(&c, Layer::Overlay, Anchor::Top, (0, 0));
    // No width although not anchored to both sides.
    surface.commit();
    f.settle(&mut [&mut c]);
    assert!(c.error.is_some());
}

#[test]
fn content_before_the_first_configure_is_acknowledged_ends_its_client() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    c.heard.acknowledges_nothing = true;
    let (surface, _role) = layer(&c, Layer::Overlay, Anchor::Top, (8, 8));
    surface.commit();
    f.settle(&mut [&mut c]);
    assert!(c.heard.said(NAME, "Configure") && c.error.is_none(), "{:?}", c.error);
    c.fill(&surface, (8, 8), 0xff0000);
    f.settle(&mut [&mut c]);
    assert!(
        c.error.as_ref().is_some_and(|e| e.contains("configured")),
        "{:?}",
        c.error
    );
}
