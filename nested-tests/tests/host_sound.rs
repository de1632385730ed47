//! `--audio host`: the sink in the user's own PipeWire, with WirePlumber as its session manager, as desktops have it.

use anyhow::{Context, Result, ensure};
use goggles_protocols::audio::{Layout, RATE};
use goggles_protocols::control::{ToClient, ToServer};
use nested_tests::beep::BEEP_HZ;
use nested_tests::browser::Browser;
use nested_tests::ear::Ear;
use nested_tests::picture::Size;
use nested_tests::recorder::Recorder;
use nested_tests::scope::{Setup, binary};
use nested_tests::speaker::Speaker;
use nested_tests::tone::{find, wav_of};
use nested_tests::viewer::{PATIENCE, Viewer};
use std::os::unix::net::UnixStream;
use std::path::Path;
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
        // It ends when its input does. WirePlumber ends at once where there is no PipeWire yet.
        let script = "pipewire & a=$!; until [ -S $XDG_RUNTIME_DIR/pipewire-0 ]; do sleep 0.01; done; \
                      wireplumber & b=$!; pipewire-pulse & c=$!; read _; kill $c $b $a; wait";
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
        // Nothing tells when it is there.
        let until = |what: &str, is: &dyn Fn() -> Result<bool>| -> Result<()> {
            while !is()? {
                ensure!(Instant::now() < give_up, "the user's {what} does not come up");
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        };
        for socket in ["pipewire-0", "pulse/native"] {
            let path = user.runtime.path().join(socket);
            until(socket, &|| Ok(UnixStream::connect(&path).is_ok()))?;
        }
        // What WirePlumber brings.
        until("session manager", &|| {
            Ok(user.run("pw-dump", &[])?.contains("\"metadata.name\": \"default\""))
        })?;
        Ok(user)
    }

    /// The sinks' names, as PulseAudio programs see them.
    fn sinks(&self) -> Result<String> {
        self.run("pactl", &["list", "short", "sinks"])
    }

    /// What a program of the user's writes.
    fn run(&self, program: &str, args: &[&str]) -> Result<String> {
        let output = self.command(program).args(args).output();
        let output = output.with_context(|| format!("error running {program}"))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A program of the user's.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env_remove("PIPEWIRE_REMOTE")
            .env_remove("PULSE_SERVER");
        command
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
        ear.until(what, |newest| is_heard(newest, hertz))?;
    }
    drop(ear);
    scope.stop()?;
    let sinks = user.sinks()?;
    ensure!(!sinks.contains("goggles-scope-"), "it is left behind: {sinks}");
    Ok(())
}

#[test]
fn programs_record_a_viewer_by_the_users_instance() -> Result<()> {
    recorded(Recorder::pulse)
}

#[test]
fn native_programs_record_a_viewer_by_the_users_instance() -> Result<()> {
    recorded(Recorder::native)
}

fn recorded(recorder: impl Fn(&Path) -> Recorder) -> Result<()> {
    let user = User::new()?;
    let mut setup = Setup::new(SIZE)?;
    let recorder = recorder(setup.folder());
    setup
        .args(["--audio", "host", "--microphone"])
        .env("XDG_RUNTIME_DIR", user.runtime.path())
        .program(["sh", "-c", &recorder.script]);
    let scope = setup.start()?;
    let viewer = Viewer::connect(&scope.speaking_url()?).with_context(|| scope.log())?;
    viewer.tell(ToServer::Microphone(true));
    viewer.message("the microphone", |m| matches!(m, ToClient::Microphone { on: true, .. }))?;
    let speaker = Speaker::new(viewer.mouth());
    recorder.until_clean(&scope)?;
    drop(speaker);
    Ok(())
}

/// Nothing of it is heard by the user's own loudspeakers, before, while and after the sink is another.
#[test]
fn another_layout_leaves_programs_at_our_sink() -> Result<()> {
    let user = User::new()?;
    user.run("pactl", &["load-module", "module-null-sink", "sink_name=loudspeakers"])?;
    user.run("pactl", &["set-default-sink", "loudspeakers"])?;
    let mut setup = Setup::new(SIZE)?;
    let (tone, loud) = (setup.folder().join("tone.wav"), setup.folder().join("loud"));
    wav_of(&tone, Layout::Stereo, RATE, 60.0, |_| PULSE_HZ);
    let mut monitor = user
        .command("parec")
        .args(["--raw", "--format=float32le", "-d", "loudspeakers.monitor"])
        .stdout(std::fs::File::create(&loud)?)
        .spawn()?;
    let both = format!("paplay {} & exec {}", tone.display(), binary("beep-flash")?.display());
    setup
        .args(["--audio", "host"])
        .env("XDG_RUNTIME_DIR", user.runtime.path())
        .program(["sh", "-c", &both]);
    let scope = setup.start()?;
    let both = [("the native program", f64::from(BEEP_HZ)), ("PulseAudio's", PULSE_HZ)];
    let mut ear = Ear::new(&scope, Layout::Stereo)?;
    for layout in [Layout::Surround51, Layout::Stereo] {
        for (what, hertz) in both {
            ear.until(what, |newest| is_heard(newest, hertz))?;
        }
        ear.viewer.tell(ToServer::Loudspeakers(layout.channels()));
        ear = Ear::changed(&scope, ear.viewer, layout)?;
    }
    for (what, hertz) in both {
        ear.until(what, |newest| is_heard(newest, hertz))?;
    }
    monitor.kill()?;
    monitor.wait()?;
    let recorded = std::fs::read(&loud)?;
    ensure!(!recorded.is_empty(), "the user's loudspeakers were not listened at");
    ensure!(
        recorded.iter().all(|byte| *byte == 0),
        "the user's loudspeakers were heard; log:\n{}",
        scope.log()
    );
    Ok(())
}

fn is_heard(newest: &[&[f32]], hertz: f64) -> bool {
    newest[0]
        .chunks_exact(1200)
        .any(|piece| find(piece, hertz).level > 0.02)
}

#[test]
fn programs_record_chromiums_microphone_by_the_users_instance() -> Result<()> {
    let user = User::new()?;
    let mut setup = Setup::new(SIZE)?;
    let recorder = Recorder::pulse(setup.folder());
    // The page plays once there is a picture.
    let both = format!("{} & {}", binary("beep-flash")?.display(), recorder.script);
    setup
        .args(["--audio", "host", "--microphone"])
        .env("XDG_RUNTIME_DIR", user.runtime.path())
        .program(["sh", "-c", &both]);
    let scope = setup.start()?;
    let mut browser = Browser::start()?;
    browser.play(&scope.speaking_url()?)?;
    browser.speak().with_context(|| scope.log())?;
    recorder.until_beep(&scope)
}

#[test]
fn without_an_instance_the_stream_is_silent_and_says_so_once() -> Result<()> {
    let mut setup = Setup::new(SIZE)?;
    setup.args(["--audio", "host"]);
    let scope = setup.start()?;
    let (_, log) = scope.stop()?;
    let said = log.lines().filter(|line| line.contains("the stream is silent")).count();
    ensure!(said == 1, "{said} times:\n{log}");
    Ok(())
}
