//! Pictures of another colour space as sRGB (a power of 2.2, as the output says that it is), bit for bit the same each time.
//!
//! A channel's signal becomes light by a table, the primaries are changed by a matrix, what lies beyond sRGB's gamut is
//! desaturated until it doesn't (its luminance and hue stay), highlights are rolled off by the largest channel, so that
//! colours keep their hue, and a table makes 8-bit signals of the light.

use super::curve::Curve;
use super::primaries::{Points, to_srgb};
use super::tone::rolled_off;
use crate::render::scale::bands;

/// How fine the tables are that are asked by a square root of light.
const FINE: usize = 4096;
/// Ten bits.
const LEVELS: usize = 1024;
/// How much each of sRGB's primaries has of its white's luminance.
const LUMA: [f32; 3] = [0.212_64, 0.715_17, 0.072_19];
/// BT.2020's, which HLG's display light is made by.
const HLG_LUMA: [f32; 3] = [0.2627, 0.6780, 0.0593];
/// The output's power.
const OUTPUT: f64 = 2.2;

/// What a picture's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Space {
    /// How a signal becomes light.
    pub curve: Curve,
    /// x and y of red, green, blue and white.
    pub primaries: Points,
    /// The luminance of a full signal, in cd/m².
    pub full: f64,
    /// The luminance that is to be the output's white, in cd/m².
    pub white: f64,
    /// The brightest that there is, in cd/m².
    pub peak: f64,
}

/// How the three colours of a pixel lie in its 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Eight bits each, alpha highest (DRM's `ARGB8888`).
    Eight,
    /// Ten bits each, and two of alpha (DRM's `ARGB2101010`).
    Ten,
}

/// Makes sRGB of a colour space.
#[derive(Debug)]
pub struct Converter {
    space: Space,
    /// From ten-bit signals to light, of the white's; eight-bit ones are every fourth or so.
    light: Box<[f32; LEVELS]>,
    /// By which power of its luminance the light grows, and the factor of that.
    display: Option<(f32, f32)>,
    matrix: [[f32; 3]; 3],
    /// By what a colour is made darker, by the root of the share that its largest channel has of the peak.
    tone: Option<Box<[f32]>>,
    peak: f32,
    /// Eight-bit signals, by the root of light.
    signal: Box<[u8]>,
}

impl Converter {
    /// `None`: the numbers make no sense.
    pub fn new(space: Space) -> Option<Self> {
        let matrix = to_srgb(space.primaries)?.map(|row| row.map(|v| v as f32));
        let (full, peak) = (space.full / space.white, (space.peak / space.white).max(1e-3));
        if !(full.is_finite() && peak.is_finite() && full > 0.0 && space.white > 0.0) {
            return None;
        }
        let growth = space.curve.display(space.full) as f32;
        // HLG's light stays the scene's until its luminance is known.
        let whole = if growth == 0.0 { full } else { 1.0 };
        let light = (0..LEVELS).map(|i| (space.curve.light(i as f64 / (LEVELS - 1) as f64) * whole) as f32);
        let root = |i: usize| (i as f64 / (FINE - 1) as f64).powi(2);
        let tone = (peak > 1.0).then(|| {
            let factor = |i: usize| {
                let light = root(i.max(1)) * peak;
                (rolled_off(light, peak, space.white) / light) as f32
            };
            (0..FINE).map(factor).collect()
        });
        let signal = |i: usize| (root(i).powf(1.0 / OUTPUT) * 255.0).round() as u8;
        Some(Self {
            space,
            light: Box::new(light.collect::<Vec<_>>().try_into().ok()?),
            display: (growth != 0.0).then_some((growth, full as f32)),
            matrix,
            tone,
            peak: peak as f32,
            signal: (0..FINE).map(signal).collect(),
        })
    }

    /// Of what.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Converts lines of `width` pixels without padding between them, on several processors.
    pub fn convert(&self, depth: Depth, from: &[[u8; 4]], to: &mut [u32], width: usize) {
        let width = width.max(1);
        bands::rows(to, width, |y, row| {
            let from = from.get(y * width..).unwrap_or_default();
            for (to, from) in row.iter_mut().zip(from) {
                *to = self.pixel(depth, u32::from_le_bytes(*from));
            }
        });
    }

    /// One pixel, whose colours are multiplied by its alpha, as `ARGB8888`.
    pub fn pixel(&self, depth: Depth, from: u32) -> u32 {
        let (alpha, signal) = signals(depth, from);
        if alpha == 0 {
            return 0;
        }
        let colour = self.signals_of(signal.map(|level| self.light[level as usize]));
        let [r, g, b] = colour.map(|v| (u32::from(v) * alpha + 127) / 255);
        alpha << 24 | r << 16 | g << 8 | b
    }

    /// The output's signals of light in the space's primaries.
    fn signals_of(&self, mut light: [f32; 3]) -> [u8; 3] {
        if let Some((growth, full)) = self.display {
            let luminance: f32 = (0..3).map(|i| light[i] * HLG_LUMA[i]).sum();
            let factor = full * luminance.powf(growth);
            light = light.map(|v| v * factor);
        }
        let mut rgb = self
            .matrix
            .map(|row| row[0] * light[0] + row[1] * light[1] + row[2] * light[2]);
        let least = rgb[0].min(rgb[1]).min(rgb[2]);
        if least < 0.0 {
            let luminance: f32 = (0..3).map(|i| rgb[i] * LUMA[i]).sum();
            let share = (luminance / (luminance - least)).max(0.0);
            rgb = rgb.map(|v| luminance + (v - luminance) * share);
        }
        if let Some(tone) = &self.tone {
            let most = rgb[0].max(rgb[1]).max(rgb[2]);
            let factor = tone[place((most / self.peak).min(1.0))];
            rgb = rgb.map(|v| v * factor);
        }
        rgb.map(|v| self.signal[place(v.clamp(0.0, 1.0))])
    }
}

/// Where in a table the root of a share is.
fn place(share: f32) -> usize {
    ((share.sqrt() * (FINE - 1) as f32 + 0.5) as usize).min(FINE - 1)
}

/// The alpha, of 255, and the ten-bit signals that are not multiplied by it any more.
fn signals(depth: Depth, pixel: u32) -> (u32, [u32; 3]) {
    let (alpha, signals) = match depth {
        Depth::Eight => {
            // 255 becomes 1023.
            let ten = |v: u32| (v & 0xff) << 2 | (v & 0xff) >> 6;
            (pixel >> 24, [ten(pixel >> 16), ten(pixel >> 8), ten(pixel)])
        }
        Depth::Ten => {
            let ten = |v: u32| v & 0x3ff;
            ((pixel >> 30) * 85, [ten(pixel >> 20), ten(pixel >> 10), ten(pixel)])
        }
    };
    match alpha {
        0 | 255 => (alpha, signals),
        _ => (
            alpha,
            signals.map(|v| ((v * 255 + alpha / 2) / alpha).min(LEVELS as u32 - 1)),
        ),
    }
}
