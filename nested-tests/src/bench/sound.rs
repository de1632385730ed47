//! Sound and picture of one moment (`beep-flash`): how far they are apart at capture and in Chromium, how late the sound is,
//! and what Chromium's player says of itself.

use super::figure::{Figure, Target};
use crate::beep::Finder;
use crate::browser::Browser;
use crate::picture::Size;
use crate::scope::{Scope, Setup, binary};
use crate::viewer::{Heard, PATIENCE, Viewer};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::time::{Duration, Instant};

const SIZE: Size = Size { w: 640, h: 360 };
/// Samples of a channel a packet holds at most: 20 ms.
const LONGEST: usize = 960;
/// A beep and a flash further apart than this (µs) are not of one moment.
const APART: u64 = 200_000;
/// A pixel is black below this, and white above.
const GREY: u8 = 128;
/// The encoder's delay in ms: the packets' time stamps are of decoded samples, that much before the encoder's.
const LOOKAHEAD_MS: f64 = 2.5;

fn start() -> Result<Scope> {
    let mut setup = Setup::new(SIZE)?;
    setup.program([binary("beep-flash")?]);
    setup.start()
}

/// The track of the sound in the catalog.
fn track(viewer: &Viewer) -> Result<String> {
    let catalog = viewer.catalog()?;
    let renditions = catalog["audio"]["renditions"]
        .as_object()
        .context("no sound in the catalog")?;
    renditions.keys().next().cloned().context("no sound in the catalog")
}

/// By time stamps at capture, with a native viewer.
pub fn capture(duration: Duration) -> Result<Vec<Figure>> {
    let scope = start()?;
    let viewer = scope.viewer()?;
    viewer.listen(&track(&viewer).with_context(|| scope.log())?);
    let mut sound = Listener::new(viewer.start_us()?)?;
    let (mut flashes, mut black) = (Vec::new(), false);
    let begin = Instant::now();
    while begin.elapsed() < duration + PATIENCE && (begin.elapsed() < duration || sound.beeps.len() < 2) {
        if let Some(shown) = viewer.next(Duration::from_millis(100))? {
            let white = shown.picture.centre()[0] > GREY;
            if white && black {
                flashes.push(shown.pts_us);
            }
            black = !white;
        }
        for packet in viewer.packets() {
            sound.take(&packet)?;
        }
    }
    ensure!(sound.beeps.len() > 1, "no beeps are heard; log:\n{}", scope.log());
    let near = |beep: &u64| flashes.iter().min_by_key(|flash| flash.abs_diff(*beep)).copied();
    let pairs = sound.beeps.iter().filter_map(|beep| Some((*beep, near(beep)?)));
    let pairs: Vec<_> = pairs.filter(|(beep, flash)| beep.abs_diff(*flash) < APART).collect();
    let apart = pairs
        .iter()
        .map(|(beep, flash)| beep.abs_diff(*flash) as f64 / 1000.0)
        .collect();
    let after = pairs
        .iter()
        .map(|(beep, flash)| (*beep as f64 - *flash as f64) / 1000.0)
        .collect();
    Ok(vec![
        Figure::new("sound-capture-apart", "ms", apart).target(Target::of(2.0, 2.0)),
        Figure::new("sound-capture-beep-after-flash", "ms", after).detail(),
        Figure::new("sound-written-to-received", "ms", sound.ages).target(Target::median(7.5)),
    ])
}

/// Decodes packets.
struct Listener {
    decoder: opus::Decoder,
    finder: Finder,
    samples: Vec<f32>,
    /// The server's clock at the time stamp 0, in µs.
    start: u64,
    /// When beeps begin, in µs since the session's start.
    beeps: Vec<u64>,
    /// From a packet's first sample's writing until it had arrived, in ms.
    ages: Vec<f64>,
}

impl Listener {
    fn new(start: u64) -> Result<Self> {
        Ok(Self {
            decoder: opus::Decoder::new(48_000, opus::Channels::Stereo)?,
            finder: Finder::default(),
            samples: vec![0.0; LONGEST * 2],
            start,
            beeps: Vec::new(),
            ages: Vec::new(),
        })
    }

    fn take(&mut self, packet: &Heard) -> Result<()> {
        let frames = self.decoder.decode_float(&packet.data, &mut self.samples, false)?;
        let left = self.samples[..frames * 2].chunks_exact(2).map(|pair| pair[0]);
        self.beeps.extend(self.finder.look(packet.pts_us, left));
        let age = packet.received.micros() as f64 - (self.start + packet.pts_us) as f64;
        self.ages.push(age / 1000.0 - LOOKAHEAD_MS);
        Ok(())
    }
}

/// In Chromium, by its own clock.
pub fn page(duration: Duration) -> Result<Vec<Figure>> {
    let scope = start()?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    let heard = browser
        .call_for(&json!({"do": "beeps", "seconds": duration.as_secs()}), duration)
        .with_context(|| scope.log())?;
    let values = |name: &str| {
        serde_json::from_value::<Vec<f64>>(heard[name].clone()).with_context(|| format!("no numbers of {name}"))
    };
    let sizes = |name: &str| anyhow::Ok(values(name)?.into_iter().map(f64::abs).collect::<Vec<_>>());
    let drift = sizes("drift")?;
    let of_drift = Figure::new("", "ms", drift.clone());
    let (high, largest) = (of_drift.percentile(99), of_drift.percentile(100));
    Ok(vec![
        Figure::new("sound-page-apart", "ms", sizes("apart")?).target(Target::of(20.0, 20.0)),
        Figure::new("sound-page-beep-after-flash", "ms", values("apart")?).detail(),
        Figure::new("sound-page-game-to-ear", "ms", values("sound")?).target(Target::median(40.0)),
        Figure::new("sound-page-game-to-picture", "ms", values("picture")?).detail(),
        Figure::new("sound-page-delay", "ms", values("delay")?).detail(),
        Figure::new("sound-page-output", "ms", values("output")?).detail(),
        Figure::new("sound-page-drift", "ms", drift),
        Figure::new("sound-page-drift-99th", "ms", vec![high]).target(Target::median(0.5)),
        Figure::new("sound-page-drift-largest", "ms", vec![largest]).target(Target::median(2.0)),
        Figure::new("sound-page-concealed", "packets", values("concealed")?).target(Target::median(0.0)),
        Figure::new("sound-page-jumps", "", values("jumps")?).target(Target::median(0.0)),
        Figure::new("sound-page-underruns", "", values("underruns")?).target(Target::median(0.0)),
    ])
}
