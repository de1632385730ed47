//! Sound and picture of one moment (`beep-flash`): how far they are apart at capture and in Chromium, how late the sound is,
//! and what Chromium's player says of itself.

use super::figure::{Figure, Target};
use super::stalls::{self, Watch, disturbed};
use crate::beep::Finder;
use crate::browser::Browser;
use crate::picture::Size;
use crate::scope::{Scope, Setup, binary};
use crate::viewer::{self, PATIENCE};
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

fn start(variables: &[(&str, &str)]) -> Result<Scope> {
    let mut setup = Setup::new(SIZE)?;
    for (name, value) in variables {
        setup.env(name, value);
    }
    setup.program([binary("beep-flash")?]);
    setup.start()
}

/// By time stamps at capture, with a native viewer.
pub fn capture(duration: Duration) -> Result<Vec<Figure>> {
    // Each packet's age is told where it is handed to the network.
    let scope = start(&[("GOGGLES_LOG", "warn,viewer=info,audio=trace")])?;
    let viewer = scope.viewer()?;
    viewer.listen(&viewer.audio_track().with_context(|| scope.log())?);
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
    let encoded = ages(&scope.log());
    ensure!(!encoded.is_empty(), "no packet's age is told; log:\n{}", scope.log());
    Ok(vec![
        Figure::new("sound-written-to-encoded", "ms", encoded).target(Target::median(7.0)),
        Figure::new("sound-capture-apart", "ms", apart).target(Target::of(2.0, 2.0)),
        Figure::new("sound-capture-beep-after-flash", "ms", after).detail(),
        Figure::new("sound-written-to-received", "ms", sound.ages),
    ])
}

/// From each packet's first sample's writing until the packet was handed to the network, in ms, by the log.
fn ages(log: &str) -> Vec<f64> {
    let age = |line: &str| {
        let rest = line.split_once("age_us=")?.1;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(digits.parse::<f64>().ok()? / 1000.0 - LOOKAHEAD_MS)
    };
    log.lines().filter_map(age).collect()
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

    fn take(&mut self, packet: &viewer::Heard) -> Result<()> {
        let frames = self.decoder.decode_float(&packet.data, &mut self.samples, false)?;
        let left = self.samples[..frames * 2].chunks_exact(2).map(|pair| pair[0]);
        self.beeps.extend(self.finder.look(packet.pts_us, left));
        let age = packet.received.micros() as f64 - (self.start + packet.pts_us) as f64;
        self.ages.push(age / 1000.0 - LOOKAHEAD_MS);
        Ok(())
    }
}

/// One flash and its beep, in ms: when it was heard (the device's output is in that) and seen.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
struct Moment {
    at: f64,
    sound: f64,
    output: f64,
    picture: f64,
}

impl Moment {
    /// How much later the beep was than the flash, but for the device's output, which the picture hasn't got.
    fn after(&self) -> f64 {
        self.sound - self.output - self.picture
    }
}

/// What the page's player says of itself, in ms and counts.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
struct Sample {
    at: f64,
    delay: f64,
    drift: f64,
    output: f64,
    concealed: f64,
    jumps: f64,
    underruns: f64,
}

/// What Chromium heard and saw; in the order of time.
#[derive(Clone, Debug, Default, serde::Deserialize)]
struct Heard {
    moments: Vec<Moment>,
    samples: Vec<Sample>,
}

/// How long before and after a stall (ms) nothing counts: samples are told ten times a second, and the device's clock is
/// known to have stepped after three of its times.
const BEFORE: f64 = 200.0;
const AFTER: f64 = 2_000.0;

/// In Chromium, by its own clock. All figures are there twice if the machine stood still meanwhile: of all the time, and of
/// that in which it was not disturbed.
pub fn page(duration: Duration, watch: Option<&Watch>) -> Result<Vec<Figure>> {
    let heard = listen(duration, watch)?;
    let mut figures = heard.figures("sound-page", |_| true);
    if let Some(stalls) = watch.map(Watch::take).filter(|stalls| !stalls.is_empty()) {
        let offset = stalls::since_1970();
        let calm = |at: f64| !disturbed(&stalls, at + offset, BEFORE, AFTER);
        figures.extend(heard.figures("sound-page-undisturbed", calm));
        figures.push(stalls::figure("sound-page", &stalls));
    }
    Ok(figures)
}

/// Of each beep and its flash in Chromium, in ms.
pub struct Apart {
    /// How far their times in the program's clock are apart: the beep's is when it was heard, less the player's delay, by which
    /// it plays what is of that time; the flash's is its time stamp.
    pub stamps: Vec<f64>,
    /// How much later the beep is put out than the flash is decoded.
    pub decoded: Vec<f64>,
}

/// In what Chromium decodes.
pub fn decoded(duration: Duration) -> Result<Apart> {
    let heard = listen(duration, None)?;
    let off = |moment: &Moment| {
        let near = |sample: &&Sample| (sample.at - moment.at).abs();
        let sample = heard.samples.iter().min_by(|a, b| near(a).total_cmp(&near(b)))?;
        Some((moment.sound - sample.delay).abs())
    };
    Ok(Apart {
        stamps: heard.moments.iter().filter_map(off).collect(),
        decoded: heard.moments.iter().map(Moment::after).collect(),
    })
}

fn listen(duration: Duration, watch: Option<&Watch>) -> Result<Heard> {
    let scope = start(&[])?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    drop(watch.map(Watch::take));
    let heard = browser
        .call_for(&json!({"do": "beeps", "seconds": duration.as_secs()}), duration)
        .with_context(|| scope.log())?;
    serde_json::from_value(heard).context("odd figures of the page")
}

impl Heard {
    /// Of the times that count.
    fn figures(&self, name: &str, counts: impl Fn(f64) -> bool) -> Vec<Figure> {
        let moments: Vec<_> = self.moments.iter().filter(|moment| counts(moment.at)).collect();
        let samples: Vec<_> = self.samples.iter().filter(|sample| counts(sample.at)).collect();
        let of = |what: fn(&Moment) -> f64| moments.iter().map(|moment| what(moment)).collect::<Vec<_>>();
        let said = |what: fn(&Sample) -> f64| samples.iter().map(|sample| what(sample)).collect::<Vec<_>>();
        // What was counted between two samples in a row that both count; a new player counts from zero.
        let counted = |what: fn(&Sample) -> f64| {
            let pairs = self
                .samples
                .windows(2)
                .filter(|pair| counts(pair[0].at) && counts(pair[1].at));
            vec![pairs.map(|pair| (what(&pair[1]) - what(&pair[0])).max(0.0)).sum()]
        };
        let figure = |what: &str, unit, values| Figure::new(format!("{name}-{what}"), unit, values);
        let at_ear = of(|moment| moment.sound - moment.picture);
        let apart = of(Moment::after);
        let sizes = |values: &[f64]| values.iter().map(|ms| ms.abs()).collect();
        let drift = said(|sample| sample.drift.abs());
        let of_drift = figure("drift", "ms", drift);
        let (high, largest) = (of_drift.percentile(99), of_drift.percentile(100));
        vec![
            figure("apart", "ms", sizes(&apart)).target(Target::of(20.0, 20.0)),
            figure("beep-after-flash", "ms", apart).detail(),
            figure("apart-at-ear", "ms", sizes(&at_ear)).target(Target::of(20.0, 20.0)),
            figure("game-to-ear", "ms", of(|moment| moment.sound)).target(Target::median(40.0)),
            figure("game-to-picture", "ms", of(|moment| moment.picture)).detail(),
            figure("delay", "ms", said(|sample| sample.delay)).detail(),
            figure("output", "ms", said(|sample| sample.output)).detail(),
            of_drift,
            figure("drift-99th", "ms", vec![high]).target(Target::median(0.5)),
            figure("drift-largest", "ms", vec![largest]).target(Target::median(2.0)),
            figure("concealed", "packets", counted(|s| s.concealed)).target(Target::median(0.0)),
            figure("jumps", "", counted(|s| s.jumps)).target(Target::median(0.0)),
            figure("underruns", "", counted(|s| s.underruns)).target(Target::median(0.0)),
        ]
    }
}
