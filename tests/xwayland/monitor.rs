//! What X11 programs hear of the monitor.

use crate::desk::Desk;
use goggles_scope::edid;
use std::process::Command;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

#[test]
fn xrandr_shows_the_edid() {
    let desk = Desk::new();
    let output = Command::new("xrandr")
        .args(["--display", &format!(":{}", desk.display()), "--verbose"])
        .output()
        .expect("xrandr (tools/setup.sh check)");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().skip_while(|line| line.trim() != "EDID:").skip(1);
    let hex: String = lines
        .by_ref()
        .map(str::trim)
        .take_while(|line| line.len() == 32 && line.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..][..2], 16).expect("hexadecimal"))
        .collect();
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
