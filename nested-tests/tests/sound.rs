//! What real programs play is heard by a viewer, and what a viewer says is recorded by them.

use anyhow::{Context, Result, ensure};
use goggles_protocols::audio::{Layout, Place, RATE};
use goggles_protocols::control::{ToClient, ToServer};
use nested_tests::bench::process::descendant;
use nested_tests::bench::sound;
use nested_tests::ear::Ear;
use nested_tests::picture::Size;
use nested_tests::recorder::Recorder;
use nested_tests::scope::{Scope, Setup};
use nested_tests::speaker::Speaker;
use nested_tests::tone::{LEVEL, find, frequency, wav_of};
use nested_tests::viewer::Viewer;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

const SIZE: Size = Size { w: 640, h: 360 };
/// Natively, through PulseAudio, and through ALSA's default device.
const NATIVE: &str = "pw-cat --playback --latency 10ms";
const PULSE: &str = "paplay";
const ALSA: &str = "aplay --quiet";

/// How much higher the tones of the file of this number are.
fn higher(number: usize) -> impl Fn(Place) -> f64 {
    move |place| frequency(place) + 60.0 * number as f64
}

/// The session has these loudspeakers and runs a shell with `script`, in whose folder are `files` of tones, `0.wav` and so
/// on, of so many samples a second.
fn session(layout: Layout, files: &[u32], script: &str) -> Result<Scope> {
    let mut setup = Setup::new(SIZE)?;
    for (number, rate) in files.iter().enumerate() {
        let file = setup.folder().join(format!("{number}.wav"));
        wav_of(&file, layout, *rate, 3.0, higher(number));
    }
    let script = format!("cd {}; {script}", setup.folder().display());
    setup.args(["--audio-channels", &layout.channels().to_string()]);
    setup.program(["sh", "-c", &script]);
    setup.start()
}

/// A tone in each channel, by one program after the other, each from a file of so many samples a second.
fn played(layout: Layout, programs: &[(&str, u32)]) -> Result<()> {
    let rates: Vec<_> = programs.iter().map(|(_, rate)| *rate).collect();
    let each = programs
        .iter()
        .enumerate()
        .map(|(n, (program, _))| format!("{program} {n}.wav; "));
    let script = format!("while :; do {} done", each.collect::<String>());
    let scope = session(layout, &rates, &script)?;
    let mut ear = Ear::new(&scope, layout)?;
    for (n, (program, rate)) in programs.iter().enumerate() {
        ear.until_clean(&format!("{layout:?} at {rate} of {program}"), higher(n))?;
    }
    Ok(())
}

#[test]
fn stereo_of_every_kind_of_program_and_every_rate() -> Result<()> {
    played(Layout::Stereo, &[(NATIVE, RATE), (PULSE, 96_000), (ALSA, 44_100)])
}

#[test]
fn surround_51() -> Result<()> {
    played(Layout::Surround51, &[(NATIVE, RATE), (PULSE, RATE)])
}

#[test]
fn surround_71() -> Result<()> {
    played(Layout::Surround71, &[(NATIVE, RATE), (PULSE, RATE)])
}

#[test]
fn two_programs_at_once_one_late() -> Result<()> {
    let again = |program: &str, n| format!("while :; do {program} {n}.wav; done");
    let late = format!("until [ -e go ]; do sleep 0.05; done; {}", again(PULSE, 1));
    let scope = session(
        Layout::Stereo,
        &[RATE, RATE],
        &format!("({}) & {late}", again(NATIVE, 0)),
    )?;
    let mut ear = Ear::new(&scope, Layout::Stereo)?;
    ear.until_clean("the first", higher(0))?;
    std::fs::write(scope.folder().join("go"), "")?;
    ear.until("both", |newest| {
        let places = Layout::Stereo.places().iter().zip(newest);
        places
            .into_iter()
            .all(|(place, samples)| (0..2).all(|n| (find(samples, higher(n)(*place)).level / LEVEL - 1.0).abs() < 0.1))
    })
}

#[test]
fn the_sound_server_is_killed_and_the_sound_comes_back() -> Result<()> {
    // As games do whose sound is lost, the program tries again.
    let scope = session(
        Layout::Stereo,
        &[RATE],
        &format!("while :; do {NATIVE} 0.wav || sleep 0.1; done"),
    )?;
    let mut ear = Ear::new(&scope, Layout::Stereo)?;
    ear.until_clean("the program", higher(0))?;
    let server = |scope: &Scope| descendant(scope.pid(), "pipewire")?.context("no server");
    let first = server(&scope)?;
    let pid = Pid::from_raw(i32::try_from(first)?).context("no pid")?;
    kill_process(pid, Signal::KILL)?;
    scope.until_logged("the restart", |line| line.contains("is started again").then_some(()))?;
    ear.forget();
    ear.until_clean("the program after the restart", higher(0))?;
    ensure!(server(&scope)? != first, "the server is the same");
    Ok(())
}

/// Neither do programs play to the host, nor record there, where the session has no server of its own.
#[test]
fn without_pipewire_the_session_is_silent_and_says_so_once() -> Result<()> {
    let mut setup = Setup::new(SIZE)?;
    let empty = setup.folder().join("bin");
    std::fs::create_dir(&empty)?;
    setup
        .args(["--xwayland-count", "0"])
        .env("PATH", &empty)
        .env("PULSE_SINK", "the-hosts")
        .env("PIPEWIRE_NODE", "the-hosts")
        .program(["/usr/bin/env"]);
    let (status, log) = setup.fail()?;
    ensure!(status.success(), "{status}:\n{log}");
    let said = log.lines().filter(|line| line.contains("the session is silent"));
    ensure!(said.count() == 1, "{log}");
    let value = |name: &str| log.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    for (name, prefix) in [
        ("PIPEWIRE_REMOTE", "/"),
        ("PULSE_SERVER", "unix:/"),
        ("ALSA_CONFIG_PATH", "/"),
    ] {
        let path = value(name)
            .and_then(|value| value.strip_prefix(prefix))
            .with_context(|| log.clone())?;
        ensure!(path.starts_with("dev/null"), "{name} is {path}");
    }
    ensure!(!log.contains("the-hosts"), "{log}");
    Ok(())
}

/// By the time stamps of the packets and the frames.
#[test]
fn a_beep_and_a_flash_are_of_one_moment() -> Result<()> {
    let figures = sound::capture(Duration::from_secs(10))?;
    let apart = figures.first().context("no figure")?;
    ensure!(apart.count() >= 10, "{}", apart.row());
    // The program itself may be late with a flash on a busy machine, but not with most.
    ensure!(apart.percentile(50) <= 2.0, "{}", apart.row());
    ensure!(apart.percentile(90) <= 20.0, "{}", apart.row());
    Ok(())
}

/// Programs record what the viewer says whose token lets it, and nothing of the one whose token doesn't.
#[test]
fn a_viewer_speaks_who_may() -> Result<()> {
    let mut setup = Setup::new(SIZE)?;
    let recorder = Recorder::native(setup.folder());
    setup.args(["--microphone"]).program(["sh", "-c", &recorder.script]);
    let scope = setup.start()?;
    let said = |viewer: &Viewer, answer: &ToClient| {
        viewer.tell(ToServer::Microphone(true));
        let found = viewer.message("an answer", |message| message == answer);
        found.map(drop).with_context(|| scope.log())
    };

    let other = scope.viewer()?;
    said(
        &other,
        &ToClient::Microphone {
            allowed: false,
            on: false,
            live: false,
        },
    )?;
    let unheard = Speaker::new(other.mouth());
    recorder.until_longer(&scope, RATE as usize)?;
    let silent = recorder.samples()?.iter().all(|sample| *sample == 0.0);
    ensure!(silent, "one is recorded who may not speak; log:\n{}", scope.log());

    let viewer = Viewer::connect(&scope.speaking_url()?).with_context(|| scope.log())?;
    said(
        &viewer,
        &ToClient::Microphone {
            allowed: true,
            on: true,
            live: true,
        },
    )?;
    let speaker = Speaker::new(viewer.mouth());
    recorder.until_clean(&scope)?;
    drop((unheard, speaker, other, viewer));
    let (_, log) = scope.stop()?;
    ensure!(
        log.contains("microphones refused"),
        "the refused are not counted:\n{log}"
    );
    Ok(())
}
