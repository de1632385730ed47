//! What X11 programs hear of the monitor.

use crate::desk::{Desk, H, W};
use crate::steam::{set, until_told};
use goggles_scope::edid;
use goggles_scope::link::{Refresh, Size};
use std::process::Command;
use wayland_protocols::wp::color_management::v1::client::wp_color_manager_v1::{RenderIntent, WpColorManagerV1};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

/// What xrandr says, and the EDID in it.
fn xrandr(desk: &Desk) -> (String, Vec<u8>) {
    let output = Command::new("xrandr")
        .args(["--display", &format!(":{}", desk.display()), "--verbose"])
        .output()
        .expect("xrandr (tools/setup.sh check)");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines().skip_while(|line| line.trim() != "EDID:").skip(1);
    let hex: String = lines
        .by_ref()
        .map(str::trim)
        .take_while(|line| line.len() == 32 && line.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    let bytes = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..][..2], 16).expect("hexadecimal"));
    let bytes = bytes.collect();
    (text, bytes)
}

#[test]
fn xrandr_shows_the_edid() {
    let desk = Desk::new();
    let (text, bytes) = xrandr(&desk);
    assert_eq!(bytes, desk.f.state.scope.monitor.edid(), "{text}");
    let told = edid::read(&bytes).expect("an EDID");
    assert_eq!(
        (told.name.as_str(), told.millimetres),
        ("goggles-scope", Some((169, 127)))
    );
    assert!(
        text.contains("169mm x 127mm"),
        "the X server's own size is the same: {text}"
    );
}

#[test]
fn the_edid_follows_the_outputs_mode() {
    let mut desk = Desk::unstarted();
    let folder = tempfile::tempdir().expect("a folder");
    let env = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| folder.path().as_os_str().to_owned());
    let monitor = &mut desk.f.state.scope.monitor;
    monitor.publish("gamescope-6", &env).expect("the file is written");
    let before = monitor.edid().to_vec();
    desk.start();
    let changed = desk.f.state.set_output(Size { w: 800, h: 480 }, Refresh(120_000));
    changed.expect("it is changed");
    let after = desk.f.state.scope.monitor.edid().to_vec();
    assert_eq!(edid::read(&after).expect("an EDID").millimetres, Some((212, 127)));
    assert_ne!(before, after);
    assert_eq!(xrandr(&desk).1, after);
    let file = folder.path().join("gamescope-6.edid");
    assert_eq!(std::fs::read(file).expect("the file"), after);
}

#[test]
fn the_root_window_names_the_file() {
    let mut desk = Desk::unstarted();
    let folder = tempfile::tempdir().expect("a folder");
    let env = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| folder.path().as_os_str().to_owned());
    let monitor = &mut desk.f.state.scope.monitor;
    monitor.publish("gamescope-5", &env).expect("the file is written");
    desk.start();
    let x = desk.x();
    let property = x.atom("GAMESCOPE_DISPLAY_EDID_PATH");
    let cookie = x
        .conn
        .get_property(false, x.root, property, AtomEnum::ANY, 0, 1024)
        .expect("asked");
    let path = String::from_utf8(cookie.reply().expect("told").value).expect("text");
    assert_eq!(path, folder.path().join("gamescope-5.edid").to_str().expect("text"));
    assert_eq!(
        std::fs::read(path).expect("the file"),
        desk.f.state.scope.monitor.edid()
    );
}

#[test]
fn an_hdr_monitor_is_told_of() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.hdr = true;
    desk.start();
    let x = desk.x();
    for name in ["HDR_OUTPUT_FEEDBACK", "DISPLAY_SUPPORTS_HDR"] {
        until_told(&mut desk, &x, &format!("GAMESCOPE_{name}"), &[1]);
    }
    until_told(&mut desk, &x, "GAMESCOPE_COLOR_APP_WANTS_HDR_FEEDBACK", &[0]);
    // Steam's switch turns off what is offered, not what the monitor could.
    for on in [0, 1] {
        set(&x, x.root, "GAMESCOPE_DISPLAY_HDR_ENABLED", &[on]);
        until_told(&mut desk, &x, "GAMESCOPE_HDR_OUTPUT_FEEDBACK", &[on]);
        assert_eq!(x.words(x.root, "GAMESCOPE_DISPLAY_SUPPORTS_HDR"), [1]);
    }
    let mut game = desk.f.client();
    let w = game.toplevel();
    desk.f.settle(&mut [&mut game]);
    let manager: WpColorManagerV1 = game.global(1);
    let scrgb = manager.create_windows_scrgb(&game.qh(), ());
    let described = manager.get_surface(&w.surface, &game.qh(), ());
    described.set_image_description(&scrgb, RenderIntent::Perceptual);
    game.fill(&w.surface, (W.into(), H.into()), 0x808080);
    desk.f.settle(&mut [&mut game]);
    until_told(&mut desk, &x, "GAMESCOPE_COLOR_APP_WANTS_HDR_FEEDBACK", &[1]);
}
