//! `--audio host`: the sink in the user's own PipeWire, with WirePlumber as its session manager, as desktops have it.

use anyhow::{Context, Result, ensure};
use goggles_protocols::audio::{Layout, RATE};
use nested_tests::beep::BEEP_HZ;
use nested_tests::ear::Ear;
use nested_tests::picture::Size;
use nested_tests::scope::{Setup, binary};
use nested_tests::tone::{find, wav_of};
use nested_tests::viewer::PATIENCE;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIZE: Size = Size { w: 640, h: 360 };
/// What is played through PulseAudio, in Hz; `beep-flash` plays natively.
const PULSE_HZ: f64 = 3000.0;

/// The user's instance, on a bus and in a runtime directory of its own; ended with its value.
struct User {
    session: Child,
    runtime: tempfile::TempDir,
}

impl User {
    fn new() -> Result<Self> {
        let runtime = tempfile::Builder::new().prefix("user-").tempdir()?;
        // It ends when its input does.
        let script = "pipewire & a=$!; wireplumber & b=$!; pipewire-pulse & c=$!; read _; kill $c $b $a; wait";
        let session = Command::new("dbus-run-session")
            .args(["--", "sh", "-c", script])
            .envs(["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"].map(|name| (name, runtime.path())))
            .env_remove("PIPEWIRE_REMOTE")
            .env_remove("DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("error starting dbus-run-session (Debian: dbus-daemon)")?;
        let user = Self { session, runtime };
        let give_up = Instant::now() + PATIENCE;
        for socket in ["pipewire-0", "pulse/native"] {
            // Nothing tells when it is there.
            while UnixStream::connect(user.runtime.path().join(socket)).is_err() {
                ensure!(Instant::now() < give_up, "the user's {socket} does not come up");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(user)
    }

    /// The sinks' names, as PulseAudio programs see them.
    fn sinks(&self) -> Result<String> {
        let mut pactl = Command::new("pactl");
        pactl
            .args(["list", "short", "sinks"])
            .env("XDG_RUNTIME_DIR", self.runtime.path());
        let output = pactl
            .env_remove("PULSE_SERVER")
            .output()
            .context("error running pactl")?;
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        drop(self.session.stdin.take());
        let _ = self.session.wait();
    }
}

#[test]
fn programs_play_to_our_sink_among_the_users() -> Result<()> {
    let user = User::new()?;
    let mut setup = Setup::new(SIZE)?;
    let file = setup.folder().join("tone.wav");
    wav_of(&file, Layout::Stereo, RATE, 60.0, |_| PULSE_HZ);
    let both = format!("paplay {} & exec {}", file.display(), binary("beep-flash")?.display());
    setup
        .args(["--audio", "host"])
        .env("XDG_RUNTIME_DIR", user.runtime.path())
        .program(["sh", "-c", &both]);
    let scope = setup.start()?;
    let sinks = user.sinks()?;
    ensure!(sinks.contains("goggles-scope-"), "{sinks}; log:\n{}", scope.log());
    let mut ear = Ear::new(&scope, Layout::Stereo)?;
    for (what, hertz) in [("the native program", f64::from(BEEP_HZ)), ("PulseAudio's", PULSE_HZ)] {
        ear.until(what, |newest| {
            newest[0]
                .chunks_exact(1200)
                .any(|piece| find(piece, hertz).level > 0.02)
        })?;
    }
    drop(ear);
    scope.stop()?;
    let sinks = user.sinks()?;
    ensure!(!sinks.contains("goggles-scope-"), "it is left behind: {sinks}");
    Ok(())
}

#[test]
fn without_an_instance_the_session_is_silent_and_says_so_once() -> Result<()> {
    let mut setup = Setup::new(SIZE)?;
    setup.args(["--audio", "host"]);
    let scope = setup.start()?;
    let (_, log) = scope.stop()?;
    let said = log
        .lines()
        .filter(|line| line.contains("the session is silent"))
        .count();
    ensure!(said == 1, "{said} times:\n{log}");
    Ok(())
}
