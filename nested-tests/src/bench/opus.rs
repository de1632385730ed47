//! What encoding the sound costs, and how often the sink was left without a quantum: said by goggles-scope at its end.

use super::figure::{Figure, Target};
use super::process;
use crate::picture::{Mode, Size};
use crate::scope::{Setup, picture_program};
use crate::viewer::Viewer;
use anyhow::{Context, Result};
use std::f64::consts::TAU;
use std::path::Path;
use std::time::{Duration, Instant};

const SIZE: Size = Size { w: 640, h: 360 };
const RATE: u32 = 48_000;
/// More than what the listening takes with all around it.
const SPARE: Duration = Duration::from_secs(20);

/// What is played in each channel, which is another's in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// White noise.
    White,
    /// Pink noise.
    Pink,
    /// Chords that fade, each half second.
    Music,
    /// Chords, a rumble, and shots.
    Game,
}

impl Material {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::White, Self::Pink, Self::Music, Self::Game];

    fn name(self) -> &'static str {
        match self {
            Self::White => "white",
            Self::Pink => "pink",
            Self::Music => "music",
            Self::Game => "game",
        }
    }
}

/// Plays this in so many channels for so long to a listener.
pub fn cost(channels: u16, material: Material, duration: Duration) -> Result<Vec<Figure>> {
    let mut setup = Setup::new(SIZE)?;
    let file = setup.folder().join("sound.wav");
    write(&file, channels, material, duration + SPARE)?;
    let picture = picture_program("wl-picture", Mode::Static, SIZE)?;
    let picture: Vec<_> = picture.iter().map(|word| word.to_string_lossy()).collect();
    let both = format!("pw-cat -p {} & exec {}", file.display(), picture.join(" "));
    // What it says of the encoder is not said unasked.
    setup.env("GOGGLES_LOG", "warn,viewer=info,audio=info");
    setup.args(["--audio-channels", &channels.to_string()]);
    setup.program(["sh", "-c", &both]);
    let scope = setup.start()?;
    let viewer = scope.viewer()?;
    viewer.listen(&viewer.audio_track().with_context(|| scope.log())?);
    until_heard(&viewer).with_context(|| scope.log())?;
    let (before, begin) = (process::cpu(scope.pid())?, Instant::now());
    let mut packets = 0;
    while begin.elapsed() < duration {
        viewer.next(Duration::from_millis(100))?;
        packets += viewer.packets().count();
    }
    let elapsed = begin.elapsed();
    let used = process::used(&before, &process::cpu(scope.pid())?);
    drop(viewer);
    let (_, log) = scope.stop()?;
    let said = |before: &str, after: &str| {
        let line = log.lines().find(|line| line.contains("encoding took"));
        let value = line.and_then(|line| line.split_once(before)?.1.split_once(after)?.0.parse::<f64>().ok());
        value.with_context(|| format!("nothing is said of the encoder:\n{log}"))
    };
    let encoding = said("encoding took ", " %")?;
    let whole = used.get("audio").copied().unwrap_or(0) as f64 / elapsed.as_nanos() as f64 * 100.0;
    let target = if channels == 2 { 1.0 } else { 3.0 };
    let name = |what: &str| format!("sound-{channels}-{}-{what}", material.name());
    Ok(vec![
        Figure::new(name("encoding"), "% of a core", vec![encoding]).target(Target::median(target)),
        Figure::new(name("thread-rest"), "% of a core", vec![whole - encoding]).detail(),
        Figure::new(name("holes"), "", vec![said("packets, ", " holes")?]).target(Target::median(0.0)),
        Figure::new(
            name("packets-a-second"),
            "",
            vec![packets as f64 / elapsed.as_secs_f64()],
        )
        .detail(),
    ])
}

fn until_heard(viewer: &Viewer) -> Result<()> {
    let begin = Instant::now();
    while viewer.packets().count() == 0 {
        anyhow::ensure!(begin.elapsed() < SPARE, "no sound comes");
        viewer.next(Duration::from_millis(100))?;
    }
    Ok(())
}

/// How long the material is until it begins again.
const LOOP: Duration = Duration::from_secs(2);
/// From chord to chord, and from shot to shot, in seconds.
const CHORD: f64 = 0.5;
const SHOT: f64 = 0.4;

/// One channel's, of [`LOOP`].
fn channel(number: u16, material: Material) -> Vec<f64> {
    // xorshift32 (Marsaglia, 2003).
    let mut state = 0x9e37_79b9u32.rotate_left(number.into());
    let mut white = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state as i16) / 32_768.0
    };
    // Three poles (Kellet's economy filter), 0.05 dB off -3 dB an octave.
    let mut poles = [0.0; 3];
    let mut pink = |white: f64| {
        for (pole, (keep, take)) in poles
            .iter_mut()
            .zip([(0.99765, 0.0990460), (0.963, 0.2965164), (0.57, 1.0526913)])
        {
            *pole = keep * *pole + take * white;
        }
        0.1 * (poles.iter().sum::<f64>() + 0.1848 * white)
    };
    let chord = |t: f64| {
        let base = 110.0 + 27.5 * f64::from(number % 3);
        let notes = [base, base * 1.25, base * 1.5];
        let parts = notes
            .iter()
            .flat_map(|note| (1..8).map(move |h| (note * f64::from(h), 1.0 / f64::from(h))));
        0.06 * (-4.0 * (t % CHORD)).exp() * parts.map(|(hz, level)| level * (TAU * hz * t).sin()).sum::<f64>()
    };
    let sample = |n: u64| {
        let (t, white) = (n as f64 / f64::from(RATE), white());
        match material {
            Material::White => 0.25 * white,
            Material::Pink => pink(white),
            Material::Music => chord(t),
            Material::Game => chord(t) + 0.1 * pink(white) + 0.4 * white * (-60.0 * (t % SHOT)).exp(),
        }
    };
    (0..LOOP.as_secs() * u64::from(RATE)).map(sample).collect()
}

/// As a WAV file of 16 bits.
fn write(path: &Path, channels: u16, material: Material, duration: Duration) -> Result<()> {
    let all: Vec<_> = (0..channels).map(|number| channel(number, material)).collect();
    let samples = (0..all[0].len()).flat_map(|n| all.iter().map(move |channel| channel[n]));
    let once: Vec<u8> = samples.flat_map(|v| ((v * 32_767.0) as i16).to_le_bytes()).collect();
    let data = once.repeat(duration.as_secs().div_ceil(LOOP.as_secs()) as usize);
    let block = channels * 2;
    let mut out = [&b"RIFF"[..], &(36 + data.len() as u32).to_le_bytes(), b"WAVEfmt "].concat();
    out.extend(16u32.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(RATE.to_le_bytes());
    out.extend((RATE * u32::from(block)).to_le_bytes());
    out.extend(block.to_le_bytes());
    out.extend(16u16.to_le_bytes());
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    Ok(std::fs::write(path, out)?)
}
