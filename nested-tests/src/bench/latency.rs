//! Key → decoded centre pixel, at a random moment, and where the time goes.

use super::figure::{Figure, Target};
use super::{Client, short};
use crate::browser::Browser;
use crate::decode::is_near;
use crate::picture::{Mode, Size, TOLERANCE, colour};
use crate::scope::{Scope, Setup, picture_program};
use crate::viewer::{Shown, Viewer};
use anyhow::{Context, Result};
use goggles_protocols::frame::Times;
use goggles_protocols::input::Event;
use goggles_scope::time::Mono;
use serde_json::json;
use std::time::Duration;

/// Any key.
const KEY: u16 = 57;

/// What the program does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: the key flips the whole screen.
    Flip,
    /// It scrolls.
    Moving,
}

impl Kind {
    /// For figures' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flip => "flip",
            Self::Moving => "moving",
        }
    }

    fn mode(self) -> Mode {
        match self {
            Self::Flip => Mode::Flip,
            Self::Moving => Mode::Scroll,
        }
    }

    /// The figures to reach.
    fn target(self, size: Size) -> Target {
        match (self, size.h) {
            (Self::Flip, 720) => Target::of(6.0, 9.0),
            (Self::Flip, 1080) => Target::of(11.0, 15.0),
            (Self::Moving, 720) => Target::of(13.0, 22.0),
            (Self::Moving, 1080) => Target::of(18.0, 26.0),
            _ => Target::default(),
        }
    }
}

/// One key press.
struct Press {
    key: Mono,
    shown: Shown,
    times: Times,
}

/// The stages between a key and its decoded picture, with where each begins and ends, in µs.
type Stage = (&'static str, fn(&Press) -> (u64, u64));

const STAGES: [Stage; 9] = [
    ("key to commit", |p| (p.key.micros(), p.times.commit)),
    ("commit to latch", |p| (p.times.commit, p.times.latch)),
    ("latch to rendered", |p| (p.times.latch, p.times.rendered)),
    ("rendered to encode", |p| (p.times.rendered, p.times.encode_start)),
    ("conversion", |p| (p.times.encode_start, p.times.converted)),
    ("encoding", |p| (p.times.converted, p.times.encoded)),
    ("encoded to sent", |p| (p.times.encoded, p.times.sent)),
    ("sent to received", |p| (p.times.sent, p.shown.received.micros())),
    ("received to decoded", |p| {
        (p.shown.received.micros(), p.shown.decoded.micros())
    }),
];

/// Presses the key `count` times.
pub fn measure(kind: Kind, client: Client, size: Size, count: usize) -> Result<Vec<Figure>> {
    let (scope, viewer) = Scope::with_picture(client.program(), kind.mode(), size)?;
    let mut random = Random(0x9e37_79b9);
    let mut presses = Vec::with_capacity(count);
    for n in 1..=count {
        // Not to wait for something, but to press at a random phase of every clock there is.
        std::thread::sleep(Duration::from_micros(60_000 + random.below(60_000)));
        presses.push(press(&viewer, n).with_context(|| format!("press {n}; log:\n{}", scope.log()))?);
    }
    let name = format!("{}-{}-{}", kind.name(), short(size), client.name());
    let ms = |(from, to): (u64, u64)| (to as f64 - from as f64) / 1000.0;
    let all = presses
        .iter()
        .map(|p| ms((p.key.micros(), p.shown.decoded.micros())))
        .collect();
    let mut figures = vec![Figure::new(name.clone(), "ms", all).target(kind.target(size))];
    for (stage, times) in STAGES {
        let values = presses.iter().map(|p| ms(times(p))).collect();
        figures.push(Figure::new(format!("{name}-{}", stage.replace(' ', "-")), "ms", values).detail());
    }
    Ok(figures)
}

/// The same in Chromium, by its own clock: from the page's key event to its decoder's output.
pub fn chromium(size: Size, count: usize) -> Result<Vec<Figure>> {
    let mut setup = Setup::new(size)?;
    setup.program(picture_program(Client::Wayland.program(), Mode::Flip, size)?);
    let scope = setup.start()?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    let all = browser
        .call(&json!({"do": "flips", "n": count}))
        .with_context(|| scope.log())?;
    let since_commit = browser.evaluate("window.flips.sinceCommit")?;
    let (target, commit_target) = match size.h {
        720 => (Target::median(12.0), Target::median(8.0)),
        _ => Default::default(),
    };
    let of = short(size);
    let values = |v| serde_json::from_value::<Vec<f64>>(v).context("not a list of numbers");
    Ok(vec![
        Figure::new(format!("chromium-flip-{of}"), "ms", values(all)?).target(target),
        Figure::new(
            format!("chromium-flip-{of}-commit-to-decoded"),
            "ms",
            values(since_commit)?,
        )
        .target(commit_target),
    ])
}

fn press(viewer: &Viewer, n: usize) -> Result<Press> {
    viewer.drain().for_each(drop);
    let key = Mono::now();
    viewer.input(Event::Key {
        code: KEY,
        pressed: true,
    });
    let shown = viewer.until_shown("the next colour", |s| is_near(s.picture.centre(), colour(n), TOLERANCE));
    viewer.input(Event::Key {
        code: KEY,
        pressed: false,
    });
    let shown = shown?;
    let times = viewer.until_times(shown.pts_us)?;
    Ok(Press { key, shown, times })
}

/// A small generator (Numerical Recipes' LCG): the same phases at every run.
struct Random(u32);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (u64::from(self.0 >> 8) * limit) >> 24
    }
}
