//! Scaling: from a picture of the game's size to its place on the output.
//!
//! | file | what it does |
//! |---|---|
//! | `place` | which source pixels an output pixel is made of |
//! | `bands` | shares the rows among threads |
//! | `linear` | bilinear, by Pixman |
//! | `pixel` | sharp bilinear: whole pixels, blended only at their borders |
//! | `easu`, `rcas` | FSR 1: edge-adaptive upsampling, then sharpening |
//! | `nis` | NIS: six taps, directional where there are edges, adaptive sharpening |
//! | `colours` | the picture as numbers with a border, for the filters with many taps |
//!
//! Every filter of our own gives the same bits on every machine and for every number of threads: integers, or `f32` in a fixed order
//! without a function whose result is not exact by IEEE 754.

pub(super) mod bands;
mod colours;
mod easu;
mod linear;
mod nis;
mod pixel;
mod place;
mod rcas;

pub use place::Place;

use anyhow::Result;
use place::Along;

/// A picture, B G R x in memory.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// `stride * h` bytes.
    pub data: &'a [u8],
    /// Bytes a row.
    pub stride: usize,
    /// Pixels a row, from 1.
    pub w: usize,
    /// Rows, from 1.
    pub h: usize,
}

impl Source<'_> {
    fn row(&self, y: usize) -> &[[u8; 4]] {
        self.data[y * self.stride..][..self.w * 4].as_chunks().0
    }
}

/// Which of the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bilinear.
    Linear,
    /// Sharp bilinear.
    Pixel,
    /// FSR 1 with this sharpness, 0 (most) to 20 (least), tenths of a stop.
    Fsr(u8),
    /// NIS with this sharpness, 0 (most) to 20 (none).
    Nis(u8),
}

/// Memory that is kept from picture to picture.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The upsampled picture that is to be sharpened.
    upsampled: Vec<[u8; 4]>,
    easu: easu::Scratch,
    nis: nis::Scratch,
    colours: colours::Colours,
}

/// Draws `source` at its place in `output` (rows of `width` pixels, nothing between them), black around it.
pub fn scale(
    kind: Kind,
    source: Source<'_>,
    place: &Place,
    width: usize,
    output: &mut [u8],
    scratch: &mut Scratch,
) -> Result<()> {
    let height = output.len() / (width * 4);
    let x = Along::new(place.scale.0, place.offset.0, source.w, width);
    let y = Along::new(place.scale.1, place.offset.1, source.h, height);
    let axes = (&x, &y);
    let output = output.as_chunks_mut().0;
    match kind {
        Kind::Linear => linear::draw(source, place, axes, width, output)?,
        Kind::Pixel => pixel::draw(source, axes, width, output),
        Kind::Nis(sharpness) => {
            scratch.colours.read(source);
            nis::draw(sharpness, &scratch.colours, axes, width, &mut scratch.nis, output);
        }
        Kind::Fsr(sharpness) => {
            scratch.colours.read(source);
            scratch.upsampled.resize(output.len(), [0; 4]);
            easu::draw(&scratch.colours, axes, width, &mut scratch.easu, &mut scratch.upsampled);
            rcas::draw(sharpness, (&x.inside, &y.inside), width, &scratch.upsampled, output);
        }
    }
    Ok(())
}

/// Black where nothing is drawn: the whole row, or what is left and right of `inside`.
fn margins(row: &mut [[u8; 4]], inside: &std::ops::Range<usize>, seen: bool) {
    if seen {
        row[..inside.start].fill([0; 4]);
        row[inside.end..].fill([0; 4]);
    } else {
        row.fill([0; 4]);
    }
}

#[cfg(test)]
mod tests;
