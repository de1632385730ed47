//! Pictures of another colour space as sRGB (a power of 2.2, as the output says that it is), bit for bit the same each time.
//!
//! A channel's signal becomes light by a table, the primaries are changed by a matrix, what lies beyond sRGB's gamut is
//! desaturated until it doesn't (its luminance and hue stay), highlights are rolled off by the largest channel, so that
//! colours keep their hue, and a table makes 8-bit signals of the light.

use super::curve::Curve;
use super::primaries::{Matrix, Points, to_srgb};
use super::tone::rolled_off;
use crate::render::scale::bands;

/// How fine the tables are that are asked by a square root of light.
const FINE: usize = 4096;
/// So many pixels are converted together.
const BLOCK: usize = 64;
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

impl Space {
    /// Whether its numbers make sense, so that there can be a [`Converter`].
    pub fn spans_colours(&self) -> bool {
        self.matrix().is_some()
    }

    /// What makes linear sRGB of its linear light.
    fn matrix(&self) -> Option<Matrix> {
        let numbers = [self.full / self.white, self.peak / self.white];
        let sensible = numbers.iter().all(|v| v.is_finite()) && self.full > 0.0 && self.white > 0.0;
        sensible.then(|| to_srgb(self.primaries)).flatten()
    }
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
    tone: Option<Box<[f32; FINE]>>,
    /// What of the peak the white is.
    of_peak: f32,
    /// Eight-bit signals, by the root of light.
    signal: Box<[u8; FINE]>,
}

impl Converter {
    /// `None`: the numbers make no sense.
    pub fn new(space: Space) -> Option<Self> {
        let matrix = space.matrix()?.map(|row| row.map(|v| v as f32));
        let (full, peak) = (space.full / space.white, (space.peak / space.white).max(1e-3));
        let growth = space.curve.display(space.full) as f32;
        // HLG's light stays the scene's until its luminance is known.
        let whole = if growth == 0.0 { full } else { 1.0 };
        let light = (0..LEVELS).map(|i| (space.curve.light(i as f64 / (LEVELS - 1) as f64) * whole) as f32);
        let root = |i: usize| (i as f64 / (FINE - 1) as f64).powi(2);
        let tone = (peak > 1.0).then(|| -> Option<_> {
            let factor = |i: usize| {
                let light = root(i.max(1)) * peak;
                (rolled_off(light, peak, space.white) / light) as f32
            };
            Some(Box::new((0..FINE).map(factor).collect::<Vec<_>>().try_into().ok()?))
        });
        let signal = |i: usize| (root(i).powf(1.0 / OUTPUT) * 255.0).round() as u8;
        Some(Self {
            space,
            light: Box::new(light.collect::<Vec<_>>().try_into().ok()?),
            display: (growth != 0.0).then_some((growth, full as f32)),
            matrix,
            tone: tone.flatten(),
            of_peak: (1.0 / peak) as f32,
            signal: Box::new((0..FINE).map(signal).collect::<Vec<_>>().try_into().ok()?),
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
            for (to, from) in row.chunks_mut(BLOCK).zip(from.chunks(BLOCK)) {
                self.block(depth, from, to);
            }
        });
    }

    /// One pixel, whose colours are multiplied by its alpha, as `ARGB8888`.
    pub fn pixel(&self, depth: Depth, from: u32) -> u32 {
        let mut to = [0];
        self.block(depth, &[from.to_le_bytes()], &mut to);
        to[0]
    }

    /// At most [`BLOCK`] pixels, step by step, so that each step but the tables' is one for several pixels at once.
    fn block(&self, depth: Depth, from: &[[u8; 4]], to: &mut [u32]) {
        let mut alpha = [0; BLOCK];
        let mut light = [[0.0; BLOCK]; 3];
        for (i, from) in from.iter().enumerate().take(BLOCK) {
            let (a, signal) = signals(depth, u32::from_le_bytes(*from));
            alpha[i] = a;
            for (light, signal) in light.iter_mut().zip(signal) {
                light[i] = self.light[signal as usize % LEVELS];
            }
        }
        if let Some((growth, full)) = self.display {
            for i in 0..BLOCK {
                let luminance = sum(HLG_LUMA, [light[0][i], light[1][i], light[2][i]]);
                let factor = full * luminance.powf(growth);
                light.iter_mut().for_each(|channel| channel[i] *= factor);
            }
        }
        self.within_srgb(&mut light);
        if let Some(tone) = &self.tone {
            let mut places = [0; BLOCK];
            for i in 0..BLOCK {
                let most = light[0][i].max(light[1][i]).max(light[2][i]);
                places[i] = place(most * self.of_peak);
            }
            let factors = places.map(|place| tone[place as usize % FINE]);
            for channel in &mut light {
                channel.iter_mut().zip(factors).for_each(|(v, factor)| *v *= factor);
            }
        }
        let places = light.map(|channel| channel.map(place));
        for (i, to) in to.iter_mut().enumerate().take(BLOCK) {
            let alpha = alpha[i];
            let [r, g, b] = places.each_ref().map(|places| {
                let signal = u32::from(self.signal[places[i] as usize % FINE]);
                (signal * alpha + 127) / 255
            });
            *to = alpha << 24 | r << 16 | g << 8 | b;
        }
    }

    /// Light of the space's primaries as light of sRGB's, desaturated where one of them would be below zero.
    fn within_srgb(&self, light: &mut [[f32; BLOCK]; 3]) {
        let [red, green, blue] = light;
        for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
            let rgb = self.matrix.map(|row| sum(row, [*red, *green, *blue]));
            let least = rgb[0].min(rgb[1]).min(rgb[2]).min(0.0);
            let luminance = sum(LUMA, rgb).max(0.0);
            let share = luminance / (luminance - least).max(f32::MIN_POSITIVE);
            let share = if least < 0.0 { share } else { 1.0 };
            [*red, *green, *blue] = rgb.map(|v| luminance + (v - luminance) * share);
        }
    }
}

fn sum(weights: [f32; 3], of: [f32; 3]) -> f32 {
    weights[0] * of[0] + weights[1] * of[1] + weights[2] * of[2]
}

/// Where in a table the root of a share is.
fn place(share: f32) -> u32 {
    // Beside 2^23 there are no fractions: it is rounded, and stands in the lowest bits.
    const WHOLE: f32 = 8_388_608.0;
    let place = share.clamp(0.0, 1.0).sqrt() * (FINE - 1) as f32;
    (place + WHOLE).to_bits() & 0x7f_ffff
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
