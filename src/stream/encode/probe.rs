//! Which encoders this machine really has: each is asked to encode one picture.

use super::Config;
use super::element::{Element, Setup};
use super::kind::Kind;
use crate::config::Encoder as Choice;
use crate::link::{Rate, Refresh, Size};
use anyhow::{Context, Result, anyhow, bail};
use gstreamer as gst;
use std::time::Instant;

/// What a probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The element's name.
    pub name: &'static str,
    /// It encoded a picture.
    pub works: bool,
    /// Why it does not work, or what it made.
    pub reason: String,
    /// What the user can do about it; empty if it works.
    pub remedy: String,
    /// How long the probe took, in milliseconds.
    pub ms: f64,
}

/// The size of the picture that is encoded.
const SIZE: Size = Size { w: 1280, h: 720 };

/// Probes every encoder that a choice allows, best first.
pub fn probe(choice: Choice) -> Vec<Probe> {
    let init = gst::init().context("error starting GStreamer");
    Kind::candidates(choice)
        .iter()
        .map(|&kind| {
            let start = Instant::now();
            let result = match &init {
                Ok(()) => try_one(kind, &Config::default()),
                Err(e) => Err(anyhow!("{e:#}")),
            };
            let ms = start.elapsed().as_secs_f64() * 1000.0;
            match result {
                Ok(_) => Probe {
                    name: kind.element(),
                    works: true,
                    reason: format!("encoded {}x{}", SIZE.w, SIZE.h),
                    remedy: String::new(),
                    ms,
                },
                Err(e) => Probe {
                    name: kind.element(),
                    works: false,
                    reason: format!("{e:#}"),
                    remedy: format!("install {}", kind.package()),
                    ms,
                },
            }
        })
        .collect()
}

/// The best encoder that passes, ready for the first job that the configuration expects.
pub fn choose(config: &Config) -> Result<(Kind, Option<Element>)> {
    gst::init().context("error starting GStreamer")?;
    let mut reasons = Vec::new();
    for &kind in Kind::candidates(config.choice) {
        match try_one(kind, config) {
            Ok(element) => return Ok((kind, config.expect.map(|_| element))),
            Err(e) => {
                tracing::debug!("{} does not work: {e:#}", kind.element());
                reasons.push(format!("{}: {e:#} (install {})", kind.element(), kind.package()));
            }
        }
    }
    bail!("no video encoder works: {}", reasons.join("; "))
}

/// Encodes one grey picture.
fn try_one(kind: Kind, config: &Config) -> Result<Element> {
    if gst::ElementFactory::find(kind.element()).is_none() {
        bail!("GStreamer has no element {}", kind.element());
    }
    let rate = config.expect.map_or(
        Rate::Quality {
            crf: 23,
            max_kbps: 20_000,
        },
        |e| e.rate,
    );
    let (size, refresh) = config.expect.map_or((SIZE, Refresh(60_000)), |e| (e.size, e.refresh));
    let setup = Setup::new(kind, size, refresh, rate, config.threads, config.preset);
    let mut element = Element::open(setup, rate)?;
    let mut picture = element.picture()?;
    let pixels = picture.get_mut().context("the picture is in use")?;
    pixels.map_writable().context("error mapping a picture")?.fill(0x80);
    let unit = element.encode(picture, gst::ClockTime::ZERO, true)?;
    anyhow::ensure!(unit.head.is_key(), "the first access unit is no key frame");
    Ok(element)
}
