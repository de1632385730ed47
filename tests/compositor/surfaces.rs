//! Surfaces that come, go and move without drawing anew, and what their clients hear of it.

use crate::fixture::Fixture;
use goggles_protocols::input::Event as Input;
use wayland_client::protocol::wl_pointer::Event;
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime;

#[test]
fn a_surface_hears_that_it_is_on_the_output_and_that_it_is_not() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.entered, 0);
    c.fill(&w.surface, (32, 32), 0x808080);
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.entered, 1);
    c.fill(&w.surface, (32, 32), 0x818181);
    f.advance(20, &mut [&mut c]);
    assert_eq!((c.heard.entered, c.heard.left), (1, 0));
    w.surface.attach(None, 0, 0);
    w.surface.commit();
    f.advance(20, &mut [&mut c]);
    assert_eq!((c.heard.entered, c.heard.left), (1, 1));
}

#[test]
fn a_subsurface_that_is_moved_is_shown_there_and_feels_the_pointer_there() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    let above = c.surface();
    let sub = c
        .globals()
        .subcompositor
        .get_subsurface(&above, &w.surface, &c.qh(), ());
    c.fill(&above, (8, 8), 0x00ff00);
    c.fill(&w.surface, (32, 32), 0x808080);
    f.advance(20, &mut [&mut c]);
    assert_eq!(f.picture().at(2, 2), 0x00ff00);
    f.state.inject(Input::Absolute { x: 0.5, y: 0.5 });
    f.settle(&mut [&mut c]);
    c.heard.pointer.clear();
    sub.set_position(12, 12);
    f.advance(20, &mut [&mut c]);
    assert!(f.pictures().is_empty(), "it counts from the parent's commit on");
    w.surface.commit();
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert_eq!((p.at(2, 2), p.at(14, 14)), (0x808080, 0x00ff00));
    let entered =
        |e: &Event| matches!(e, Event::Enter { surface_x, surface_y, .. } if (*surface_x, *surface_y) == (4.0, 4.0));
    assert!(c.heard.pointer.iter().any(entered), "{:?}", c.heard.pointer);
    // Moved once more, it stays under the pointer, which is elsewhere on it now.
    sub.set_position(14, 10);
    w.surface.commit();
    f.advance(20, &mut [&mut c]);
    let moved =
        |e: &Event| matches!(e, Event::Motion { surface_x, surface_y, .. } if (*surface_x, *surface_y) == (2.0, 6.0));
    assert!(c.heard.pointer.iter().any(moved), "{:?}", c.heard.pointer);
    // And an input region of its own lets the pointer through.
    let region = c.globals().compositor.create_region(&c.qh(), ());
    above.set_input_region(Some(&region));
    above.commit();
    w.surface.commit();
    c.heard.pointer.clear();
    f.advance(20, &mut [&mut c]);
    let below =
        |e: &Event| matches!(e, Event::Enter { surface_x, surface_y, .. } if (*surface_x, *surface_y) == (16.0, 16.0));
    assert!(c.heard.pointer.iter().any(below), "{:?}", c.heard.pointer);
}

#[test]
fn a_dialog_above_a_game_frees_the_pointer_that_the_game_had_locked() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let game = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&game.surface, (64, 64), 0x101010);
    f.advance(20, &mut [&mut c]);
    f.state.inject(Input::Absolute { x: 0.1, y: 0.1 });
    let (pointer, qh) = (&c.globals().pointer, c.qh());
    c.globals()
        .constraints
        .lock_pointer(&game.surface, pointer, None, Lifetime::Persistent, &qh, ());
    f.settle(&mut [&mut c]);
    assert!(c.heard.locked);
    let dialog = c.toplevel();
    dialog.toplevel.set_parent(Some(&game.toplevel));
    f.settle(&mut [&mut c]);
    c.fill(&dialog.surface, (20, 20), 0xf0f0f0);
    f.advance(20, &mut [&mut c]);
    assert!(!c.heard.locked, "the dialog can be clicked");
    assert!(!f.state.scope.scene_info().pointer_locked);
    dialog.toplevel.destroy();
    dialog.xdg.destroy();
    dialog.surface.destroy();
    f.advance(20, &mut [&mut c]);
    assert!(c.heard.locked, "the game has it again");
}

#[test]
fn what_needs_a_device_is_offered_where_it_is() {
    let mut f = Fixture::new(32, 32);
    let c = f.client();
    let offered = |name: &str| c.heard.names.contains_key(name);
    let dmabufs = goggles_scope::dmabuf::device().is_ok();
    assert_eq!(offered("zwp_linux_dmabuf_v1"), dmabufs);
    let timelines = dmabufs && goggles_scope::syncobj::Device::find().is_ok();
    assert_eq!(offered("wp_linux_drm_syncobj_manager_v1"), timelines);
    // There is no connector to lend.
    assert!(!offered("wp_drm_lease_device_v1"));
}
