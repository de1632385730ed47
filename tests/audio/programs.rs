//! Programs and surroundings that make it hard to be heard.

use crate::rig::{Player, Rig};
use crate::tone::wav;
use goggles_protocols::audio::{Layout, RATE};
use goggles_scope::stream::audio::Config;
use std::process::Command;

/// What PipeWire says of a program in Flatpak's sandbox, said by the program itself: the server keeps both waiting until a
/// session manager lets them in.
const SANDBOXED: &str = r#"
context.properties = { pipewire.client.access = "flatpak" }
context.spa-libs = {
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-adapter }
]
"#;

#[test]
fn a_program_in_a_sandbox_is_heard() {
    let mut rig = Rig::new(Config::default());
    let file = rig.path("tone.wav");
    wav(&file, Layout::Stereo, RATE, 20.0);
    for name in ["client.conf", "client-rt.conf"] {
        std::fs::write(rig.path(name), SANDBOXED).unwrap();
    }
    let file = file.to_str().unwrap();
    let mut program = rig.command("pw-cat", &["--playback", "--latency", "10ms", file]);
    program.env("PIPEWIRE_CONFIG_DIR", rig.folder.path());
    let _playing = crate::rig::Playing(program.spawn().unwrap());
    rig.packet();
}

/// As in a program of a goggles-scope around this one.
#[test]
fn the_session_has_its_own_server_whatever_the_environment_names() {
    const INNER: &str = "programs::what_is_played_is_heard";
    let inner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", INNER])
        .env("PIPEWIRE_REMOTE", "/nowhere/pipewire-0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inner.stdout);
    assert!(inner.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn what_is_played_is_heard() {
    let mut rig = Rig::new(Config::default());
    let file = rig.path("tone.wav");
    wav(&file, Layout::Stereo, RATE, 20.0);
    let _playing = rig.play(Player::Native, &file);
    rig.packet();
}
