//! `--audio host`: the sink in the user's own PipeWire, with WirePlumber as its session manager, as desktops have it.

use anyhow::{Context, Result, ensure};
use nested_tests::beep::BEEP_HZ;
use nested_tests::picture::Size;
use nested_tests::scope::{Setup, binary};
use nested_tests::viewer::PATIENCE;
use std::f32::consts::TAU;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIZE: Size = Size { w: 640, h: 360 };
const RATE: f32 = 48_000.0;
/// What is played through PulseAudio, in Hz; `beep-flash` plays natively.
const PULSE_HZ: f32 = 3000.0;

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

/// A tone of 16 bits and one channel that lasts a minute.
fn tone(path: &Path) -> Result<()> {
    let samples = (0..60 * RATE as u32).map(|n| (3000.0 * (TAU * PULSE_HZ * n as f32 / RATE).sin()) as i16);
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let rate = RATE as u32;
    let mut out = [&b"RIFF"[..], &(36 + data.len() as u32).to_le_bytes(), b"WAVEfmt "].concat();
    out.extend(16u32.to_le_bytes());
    out.extend([1, 0, 1, 0]);
    out.extend(rate.to_le_bytes());
    out.extend((rate * 2).to_le_bytes());
    out.extend([2, 0, 16, 0]);
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    Ok(std::fs::write(path, out)?)
}

/// How strong a frequency is in samples (Goertzel's sum, as an amplitude).
fn level(samples: &[f32], hertz: f32) -> f32 {
    let sum = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, s)| {
        let (sin, cos) = (TAU * hertz * (n as f32) / RATE).sin_cos();
        (re + s * cos, im + s * sin)
    });
    2.0 * f32::hypot(sum.0, sum.1) / samples.len() as f32
}

#[test]
fn programs_play_to_our_sink_among_the_users() -> Result<()> {
    let user = User::new()?;
    let mut setup = Setup::new(SIZE)?;
    let file = setup.folder().join("tone.wav");
    tone(&file)?;
    let both = format!("paplay {} & exec {}", file.display(), binary("beep-flash")?.display());
    setup
        .args(["--audio", "host"])
        .env("XDG_RUNTIME_DIR", user.runtime.path())
        .program(["sh", "-c", &both]);
    let scope = setup.start()?;
    let sinks = user.sinks()?;
    ensure!(sinks.contains("goggles-scope-"), "{sinks}; log:\n{}", scope.log());
    let viewer = scope.viewer()?;
    viewer.listen(&viewer.audio_track()?);
    let mut decoder = opus::Decoder::new(RATE as u32, opus::Channels::Stereo)?;
    let (mut left, mut buffer) = (Vec::new(), vec![0.0; 2 * 960]);
    let give_up = Instant::now() + PATIENCE;
    loop {
        ensure!(Instant::now() < give_up, "not heard; log:\n{}", scope.log());
        viewer.next(Duration::from_millis(100))?;
        for packet in viewer.packets() {
            let count = decoder.decode_float(&packet.data, &mut buffer, false)?;
            left.extend(buffer[..2 * count].chunks_exact(2).map(|pair| pair[0]));
        }
        let heard = |hertz| left.chunks_exact(4800).any(|piece| level(piece, hertz) > 0.02);
        if heard(BEEP_HZ) && heard(PULSE_HZ) {
            break;
        }
    }
    drop(viewer);
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
