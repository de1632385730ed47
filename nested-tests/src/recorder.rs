//! A program that records the microphone, and what comes of it.

use crate::scope::Scope;
use crate::speaker::FREQUENCY;
use crate::tone::{LEVEL, find};
use crate::viewer::PATIENCE;
use anyhow::{Context, Result, ensure};
use goggles_protocols::audio::RATE;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How much is looked at, in samples: so many pieces of 20 ms. Short, since what says it may be played up to 0.1 % slower or
/// faster for long, while the delay is being changed; over 20 ms that leaves 30 dB.
const PIECE: usize = 960;
const PIECES: usize = 10;

/// Records into a file.
pub struct Recorder {
    file: PathBuf,
    /// What a shell is to do for it.
    pub script: String,
}

impl Recorder {
    /// Records natively, into a file in this folder.
    pub fn native(folder: &Path) -> Self {
        Self::of(
            folder,
            "pw-cat --record --format=f32 --rate=48000 --channels=1 --latency=10ms -",
        )
    }

    /// The same through PulseAudio.
    pub fn pulse(folder: &Path) -> Self {
        Self::of(
            folder,
            "parec --raw --format=float32le --rate=48000 --channels=1 --latency-msec=20",
        )
    }

    fn of(folder: &Path, program: &str) -> Self {
        let file = folder.join("recorded");
        let script = format!("exec {program} > {}", file.display());
        Self { file, script }
    }

    /// What was recorded so far.
    pub fn samples(&self) -> Result<Vec<f32>> {
        let bytes = match std::fs::read(&self.file) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.context("error reading what was recorded")?,
        };
        let (samples, _) = bytes.as_chunks::<4>();
        Ok(samples.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    /// Waits until more than `count` samples are recorded.
    pub fn until_longer(&self, scope: &Scope, count: usize) -> Result<()> {
        self.until(scope, "a recording", |samples| samples.len() > count)
    }

    /// Waits until the last is what a [`crate::speaker::Speaker`] says, clean and at its level. On a busy machine there may
    /// be holes before.
    pub fn until_clean(&self, scope: &Scope) -> Result<()> {
        self.until(scope, "a clean recording", |samples| {
            let clean = |piece| {
                let found = find(piece, FREQUENCY);
                found.snr > 25.0 && (found.level / LEVEL - 1.0).abs() < 0.02
            };
            samples.len() > PIECE * PIECES && samples.rchunks_exact(PIECE).take(PIECES).all(clean)
        })
    }

    /// Waits until there is a beep of Chromium's own microphone for tests: loud, and of some hundred Hz.
    pub fn until_beep(&self, scope: &Scope) -> Result<()> {
        self.until(scope, "a beep", |samples| {
            let loud = |piece: &[f32]| piece.iter().any(|sample| sample.abs() > 0.05);
            let crossings = |piece: &[f32]| piece.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
            let hertz = |piece: &[f32]| crossings(piece) * RATE as usize / piece.len();
            samples
                .chunks_exact(PIECE)
                .any(|piece| loud(piece) && (150..2000).contains(&hertz(piece)))
        })
    }

    fn until(&self, scope: &Scope, what: &str, is: impl Fn(&[f32]) -> bool) -> Result<()> {
        let give_up = Instant::now() + PATIENCE;
        // Nothing tells when the program has written.
        loop {
            let samples = self.samples()?;
            if is(&samples) {
                return Ok(());
            }
            let last = &samples[samples.len().saturating_sub(PIECE)..];
            ensure!(
                Instant::now() < give_up,
                "no {what} but {} samples, the last of them {:?}; log:\n{}",
                samples.len(),
                find(last, FREQUENCY),
                scope.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
