//! security-context: what a sandbox's client is not given.

use crate::client::Client;
use crate::fixture::Fixture;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use wayland_protocols::wp::security_context::v1::client::wp_security_context_manager_v1::WpSecurityContextManagerV1;

/// What a game is given, wherever it runs. Whatever else there is, a sandbox's client is not: by it, it could see or drive
/// others.
const FOR_ALL: [&str; 36] = [
    "ext_idle_notifier_v1",
    "wl_compositor",
    "wl_data_device_manager",
    "wl_output",
    "wl_seat",
    "wl_shm",
    "wl_subcompositor",
    "wp_alpha_modifier_v1",
    "wp_color_manager_v1",
    "wp_color_representation_manager_v1",
    "wp_commit_timing_manager_v1",
    "wp_content_type_manager_v1",
    "wp_cursor_shape_manager_v1",
    "wp_fifo_manager_v1",
    "wp_fractional_scale_manager_v1",
    "wp_pointer_warp_v1",
    "wp_presentation",
    "wp_single_pixel_buffer_manager_v1",
    "wp_tearing_control_manager_v1",
    "wp_viewporter",
    "xdg_activation_v1",
    "xdg_toplevel_icon_manager_v1",
    "xdg_wm_base",
    "xdg_wm_dialog_v1",
    "zwp_idle_inhibit_manager_v1",
    "zwp_keyboard_shortcuts_inhibit_manager_v1",
    "zwp_pointer_constraints_v1",
    "zwp_pointer_gestures_v1",
    "zwp_primary_selection_device_manager_v1",
    "zwp_relative_pointer_manager_v1",
    "zwp_tablet_manager_v2",
    "zwp_text_input_manager_v3",
    "zxdg_decoration_manager_v1",
    "zxdg_exporter_v2",
    "zxdg_importer_v2",
    "zxdg_output_manager_v1",
];

#[test]
fn a_sandboxed_client_plays_but_cannot_inject_capture_or_lock() {
    let mut f = Fixture::new(32, 32);
    let mut engine = f.client();
    let manager: WpSecurityContextManagerV1 = engine.global(1);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let context = manager.create_listener(listener.as_fd(), theirs.as_fd(), &engine.qh(), ());
    context.set_sandbox_engine("org.example.engine".into());
    context.set_app_id("org.example.game".into());
    context.commit();
    f.settle(&mut [&mut engine]);
    drop(theirs);
    let mut inside = Client::new(UnixStream::connect(&path).expect("a connection"));
    f.settle(&mut [&mut engine, &mut inside]);
    let mut given: Vec<&str> = inside.heard.names.keys().map(String::as_str).collect();
    given.sort_unstable();
    // These are where a device is.
    given.retain(|name| !["wp_linux_drm_syncobj_manager_v1", "zwp_linux_dmabuf_v1"].contains(name));
    assert_eq!(given, FOR_ALL);
    assert!(engine.heard.names.contains_key("zwlr_screencopy_manager_v1"));
    // What a game needs is there, and works.
    inside.bind();
    f.settle(&mut [&mut engine, &mut inside]);
    let w = inside.toplevel();
    f.settle(&mut [&mut engine, &mut inside]);
    inside.fill(&w.surface, (32, 32), 0x77aa77);
    f.advance(20, &mut [&mut engine, &mut inside]);
    assert_eq!(f.picture().at(1, 1), 0x77aa77);
    // Once the engine lets go, nobody else comes in by that door; who is in stays.
    drop(ours);
    f.settle(&mut [&mut engine, &mut inside]);
    drop(listener);
    assert!(UnixStream::connect(&path).is_err());
    inside.fill(&w.surface, (32, 32), 0x112211);
    f.advance(20, &mut [&mut engine, &mut inside]);
    assert_eq!(f.picture().at(1, 1), 0x112211);
}

#[test]
fn a_socket_that_is_none_ends_its_sandbox_and_not_the_session() {
    let mut f = Fixture::new(32, 32);
    let mut engine = f.client();
    let manager: WpSecurityContextManagerV1 = engine.global(1);
    let (_close, theirs) = UnixStream::pair().expect("a pair");
    // Nobody listens there, but there is something to be read.
    let (not_listening, mut other) = UnixStream::pair().expect("a pair");
    other.write_all(b"x").expect("it is written");
    let file = tempfile::tempfile().expect("a file");
    for fd in [not_listening.as_fd(), file.as_fd()] {
        let context = manager.create_listener(fd, theirs.as_fd(), &engine.qh(), ());
        context.commit();
        f.settle(&mut [&mut engine]);
    }
    let w = engine.toplevel();
    f.settle(&mut [&mut engine]);
    engine.fill(&w.surface, (32, 32), 0x102030);
    f.advance(20, &mut [&mut engine]);
    assert_eq!(f.picture().at(1, 1), 0x102030);
}

#[test]
fn sandboxes_without_end_end_their_maker() {
    let mut f = Fixture::new(32, 32);
    let folder = tempfile::tempdir().expect("a folder");
    let (_close, theirs) = UnixStream::pair().expect("a pair");
    let make = |f: &mut Fixture, engine: &mut Client, at: usize| {
        let manager: WpSecurityContextManagerV1 = engine.global(1);
        let listener = UnixListener::bind(folder.path().join(at.to_string())).expect("a socket");
        manager
            .create_listener(listener.as_fd(), theirs.as_fd(), &engine.qh(), ())
            .commit();
        f.settle(&mut [engine]);
    };
    let mut first = f.client();
    (0..64).for_each(|at| make(&mut f, &mut first, at));
    assert!(first.error.is_none(), "{:?}", first.error);
    // Another one has no more room.
    let mut second = f.client();
    make(&mut f, &mut second, 64);
    assert!(
        second.error.as_ref().is_some_and(|e| e.contains("sandboxes")),
        "{:?}",
        second.error
    );
    assert!(first.error.is_none(), "{:?}", first.error);
}
