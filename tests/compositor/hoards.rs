//! Clients that would have us keep more and more for them: what they name piece by piece is bounded.

use crate::bad::{flood, plays_on};
use crate::client::{Client, Heard};
use crate::fixture::Fixture;
use crate::log_events;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface as Ours;
use smithay::wayland::compositor::{SurfaceAttributes, with_states};
use wayland_client::protocol::{
    wl_data_device_manager::WlDataDeviceManager, wl_data_source::WlDataSource, wl_region::WlRegion, wl_shm::Format,
    wl_surface::WlSurface,
};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle};
use wayland_protocols::wp::primary_selection::zv1::client::{
    zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
    zwp_primary_selection_source_v1::ZwpPrimarySelectionSourceV1,
};
use wayland_protocols::xdg::activation::v1::client::{
    xdg_activation_token_v1::XdgActivationTokenV1, xdg_activation_v1::XdgActivationV1,
};
use wayland_protocols_wlr::layer_shell::v1::client::zwlr_layer_shell_v1::{Layer, ZwlrLayerShellV1};

log_events!(
    WlDataDeviceManager,
    WlDataSource,
    ZwpPrimarySelectionDeviceManagerV1,
    ZwpPrimarySelectionSourceV1,
    XdgActivationV1,
    XdgActivationTokenV1,
);

/// A region of so many rows, each one pixel high.
fn rows(c: &Client, count: i32) -> WlRegion {
    let region = c.globals().compositor.create_region(&c.qh(), ());
    (0..count).for_each(|i| region.add(0, 2 * i, 1000, 1));
    region
}

/// The only window's surface, as we know it.
fn ours(f: &Fixture) -> Ours {
    let surface = f.state.scope.windows.iter().find_map(|w| w.surface.clone());
    surface.expect("there is a window")
}

#[test]
fn strips_across_one_another_are_not_cut_by_one_another() {
    let mut f = Fixture::new(256, 256);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    let show = |c: &Client, strips: i32| {
        let region = rows(c, strips);
        (0..strips).for_each(|i| region.add(2 * i, 0, 1, 1000));
        w.surface.set_opaque_region(Some(&region));
        let buffer = c.buffer(256, 256, Format::Argb8888, |_, _| 0x80ff_ffff);
        c.show(&w.surface, &buffer, (256, 256));
    };
    let opaque = |f: &Fixture| {
        let count = with_renderer_surface_state(&ours(f), |s| s.opaque_regions().map(<[_]>::len));
        count.flatten().unwrap_or(0)
    };
    show(&c, 32);
    f.settle(&mut [&mut c]);
    assert!((32..=32 * 33).contains(&opaque(&f)), "{}", opaque(&f));
    show(&c, 128);
    f.settle(&mut [&mut c]);
    assert_eq!(opaque(&f), 0, "it is a hint, which is not taken");
    assert!(c.error.is_none(), "{:?}", c.error);
}

#[test]
fn regions_are_bounded_and_so_is_what_they_are_set_on() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    rows(&bad, 1024);
    f.settle(&mut [&mut bad]);
    assert!(bad.error.is_none(), "{:?}", bad.error);
    rows(&bad, 1025);
    f.settle(&mut [&mut bad]);
    assert!(
        bad.error.as_ref().is_some_and(|why| why.contains("region")),
        "{:?}",
        bad.error
    );
    let mut bad = f.client();
    let region = rows(&bad, 1000);
    let mut surfaces: Vec<WlSurface> = Vec::new();
    let (hundreds, why) = flood(&mut f, &mut bad, 20, |bad| {
        for _ in 0..100 {
            let surface = bad.surface();
            surface.set_input_region(Some(&region));
            surface.commit();
            surfaces.push(surface);
        }
    });
    assert!(
        hundreds < 10 && why.contains("rectangles"),
        "{hundreds} hundreds: {why}"
    );
    plays_on(&mut f, 0x336699);
}

/// A subsurface of a window, to be shown with it.
fn child(c: &Client, parent: &WlSurface) -> WlSurface {
    let surface = c.surface();
    c.globals().subcompositor.get_subsurface(&surface, parent, &c.qh(), ());
    surface
}

#[test]
fn commits_that_wait_for_a_parents_end_their_client_if_it_never_comes() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    let w = bad.toplevel();
    f.settle(&mut [&mut bad]);
    let surface = child(&bad, &w.surface);
    // A parent that takes them.
    for _ in 0..20 {
        (0..1000).for_each(|_| surface.commit());
        w.surface.commit();
        f.settle(&mut [&mut bad]);
    }
    assert!(bad.error.is_none(), "{:?}", bad.error);
    let (_, why) = flood(&mut f, &mut bad, 20, |_| (0..1000).for_each(|_| surface.commit()));
    assert!(why.contains("commits wait"), "{why}");
    // With much in each, there are fewer.
    let mut bad = f.client();
    let w = bad.toplevel();
    f.settle(&mut [&mut bad]);
    let surface = child(&bad, &w.surface);
    let (commits, why) = flood(&mut f, &mut bad, 200, |_| {
        (0..1000).for_each(|i| surface.damage(i, i, 1, 1));
        surface.commit();
    });
    assert!(commits < 70 && why.contains("rectangles"), "{commits}: {why}");
    plays_on(&mut f, 0x336699);
}

#[test]
fn damage_of_a_surface_without_a_new_buffer_is_not_kept() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    for _ in 0..10 {
        (0..100).for_each(|i| w.surface.damage(i, i, 1, 1));
        w.surface.commit();
        f.settle(&mut [&mut c]);
    }
    let kept = with_states(&ours(&f), |states| {
        states.cached_state.get::<SurfaceAttributes>().current().damage.len()
    });
    assert_eq!(kept, 0);
}

#[test]
fn selections_of_endless_types_end_their_client() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    let manager: WlDataDeviceManager = bad.global(3);
    let source = manager.create_data_source(&bad.qh(), ());
    (0..40).for_each(|i| source.offer(format!("text/x-{i}")));
    f.settle(&mut [&mut bad]);
    assert!(bad.error.is_none(), "{:?}", bad.error);
    let (_, why) = flood(&mut f, &mut bad, 10, |_| {
        (0..10).for_each(|_| source.offer("x".repeat(2000)))
    });
    assert!(why.contains("types"), "{why}");
    let mut bad = f.client();
    let manager: ZwpPrimarySelectionDeviceManagerV1 = bad.global(1);
    let source = manager.create_source(&bad.qh(), ());
    let (_, why) = flood(&mut f, &mut bad, 10, |_| {
        (0..1000).for_each(|_| source.offer("".into()))
    });
    assert!(why.contains("types"), "{why}");
    plays_on(&mut f, 0x336699);
}

#[test]
fn tokens_are_used_once_and_few_wait() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 1);
    let activation: XdgActivationV1 = c.global(1);
    let known = |f: &Fixture| f.state.scope.protocols.activation.tokens().count();
    let token = |c: &Client| {
        let token = activation.get_activation_token(&c.qh(), ());
        token.set_app_id("org.example.game".into());
        token.commit();
        token
    };
    token(&c);
    f.settle(&mut [&mut c]);
    assert_eq!(known(&f), 1);
    let text = c.heard.quoted("xdg_activation_token_v1");
    activation.activate(text, &w.surface);
    f.settle(&mut [&mut c]);
    assert_eq!(known(&f), 0);
    for _ in 0..10 {
        let tokens: Vec<_> = (0..100).map(|_| token(&c)).collect();
        f.settle(&mut [&mut c]);
        tokens.iter().for_each(XdgActivationTokenV1::destroy);
    }
    let told = c.heard.count("xdg_activation_token_v1", "Done");
    assert_eq!(told, 1001, "each is answered");
    assert!(known(&f) <= 64, "{}", known(&f));
}

#[test]
fn configures_that_are_never_acknowledged_end_their_client() {
    type Ask = fn(&crate::client::Window);
    let asks: [Ask; 2] = [
        |w| {
            w.toplevel.set_fullscreen(None);
            w.toplevel.unset_fullscreen();
        },
        |w| {
            w.toplevel.set_maximized();
            w.toplevel.unset_maximized();
        },
    ];
    for ask in asks {
        let mut f = Fixture::new(32, 32);
        let mut bad = f.client();
        let w = bad.toplevel();
        f.settle(&mut [&mut bad]);
        // One that answers may ask as often as it likes.
        for _ in 0..20 {
            (0..100).for_each(|_| ask(&w));
            f.settle(&mut [&mut bad]);
        }
        assert!(bad.error.is_none(), "{:?}", bad.error);
        bad.heard.acknowledges_nothing = true;
        let (_, why) = flood(&mut f, &mut bad, 20, |_| (0..100).for_each(|_| ask(&w)));
        assert!(why.contains("configures"), "{why}");
        plays_on(&mut f, 0x336699);
    }
}

#[test]
fn popups_and_layers_that_never_acknowledge_end_their_client() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    let w = bad.toplevel();
    f.settle(&mut [&mut bad]);
    bad.heard.acknowledges_nothing = true;
    let surface = bad.surface();
    let xdg = bad.globals().wm.get_xdg_surface(&surface, &bad.qh(), ());
    let positioner = bad.positioner((0, 0, 1, 1), (4, 4));
    let popup = xdg.get_popup(Some(&w.xdg), &positioner, &bad.qh(), ());
    surface.commit();
    f.settle(&mut [&mut bad]);
    let (_, why) = flood(&mut f, &mut bad, 20, |_| {
        (0..100).for_each(|i| popup.reposition(&positioner, i))
    });
    assert!(why.contains("configures"), "{why}");
    let mut bad = f.client();
    bad.heard.acknowledges_nothing = true;
    let shell: ZwlrLayerShellV1 = bad.global(4);
    let surface = bad.surface();
    let role = shell.get_layer_surface(&surface, None, Layer::Overlay, "test".into(), &bad.qh(), ());
    role.set_size(8, 8);
    surface.commit();
    f.settle(&mut [&mut bad]);
    let mut size = 8;
    let (_, why) = flood(&mut f, &mut bad, 1200, |_| {
        size ^= 1;
        role.set_size(size, size);
        surface.commit();
    });
    assert!(why.contains("configures"), "{why}");
    plays_on(&mut f, 0x336699);
}
