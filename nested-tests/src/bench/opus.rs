//! What encoding the sound costs, and how often the sink was left without a quantum: said by goggles-scope at its end.

use super::figure::{Figure, Target};
use super::process;
use crate::picture::{Mode, Size};
use crate::scope::{Setup, picture_program};
use crate::viewer::Viewer;
use anyhow::{Context, Result};
use std::path::Path;
use std::time::{Duration, Instant};

const SIZE: Size = Size { w: 640, h: 360 };
const RATE: u32 = 48_000;
/// More than what the listening takes with all around it.
const SPARE: Duration = Duration::from_secs(20);

/// Plays noise of so many channels for so long to a listener: noise costs the encoder most.
pub fn cost(channels: u16, duration: Duration) -> Result<Vec<Figure>> {
    let mut setup = Setup::new(SIZE)?;
    let file = setup.folder().join("noise.wav");
    noise(&file, channels, duration + SPARE)?;
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
    let name = |what: &str| format!("sound-{channels}-{what}");
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

/// White noise, another in each channel, as a WAV file of 16 bits.
fn noise(path: &Path, channels: u16, duration: Duration) -> Result<()> {
    let count = duration.as_secs() as u32 * RATE * u32::from(channels);
    // xorshift32 (Marsaglia, 2003).
    let mut state = 0x9e37_79b9u32;
    let sample = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state as i16) / 4
    };
    let data: Vec<u8> = (0..count).map(sample).flat_map(i16::to_le_bytes).collect();
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
