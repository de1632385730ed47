//! A picture as numbers, with a border around it, so that the filters that look at many neighbours need no check.

use super::{Source, bands};

/// Blue, green, red from 0 to 1, and nothing.
pub type Colour = [f32; 4];

/// The source's colours; the border repeats the outermost.
#[derive(Debug, Default)]
pub struct Colours {
    /// Row by row, the border's, too.
    pub all: Vec<Colour>,
    /// Pixels a row with its border.
    pub stride: usize,
}

/// Pixels of border before the first one: taps reach two pixels before the nearest, which may be the one before the
/// first.
pub const BEFORE: usize = 3;
/// And behind the last.
pub const BEHIND: usize = 3;

impl Colours {
    /// Takes the colours of another picture.
    pub fn read(&mut self, source: Source<'_>) {
        self.stride = source.w + BEFORE + BEHIND;
        self.all
            .resize(self.stride * (source.h + BEFORE + BEHIND), Colour::default());
        bands::rows(&mut self.all, self.stride, |y, out| {
            let row = source.row(y.saturating_sub(BEFORE).min(source.h - 1));
            let (before, rest) = out.split_at_mut(BEFORE);
            let (inside, behind) = rest.split_at_mut(source.w);
            for (to, from) in inside.iter_mut().zip(row) {
                *to = from.map(|c| f32::from(c) * (1.0 / 255.0));
            }
            before.fill(inside[0]);
            behind.fill(inside[source.w - 1]);
        });
    }

    /// The luminance of each, with the same indices.
    pub fn lumas(&self, to: &mut Vec<f32>) {
        to.resize(self.all.len(), 0.0);
        bands::rows(to, self.stride, |y, out| {
            let row = &self.all[y * self.stride..][..out.len()];
            for (to, colour) in out.iter_mut().zip(row) {
                *to = luma(*colour);
            }
        });
    }

    /// Of a source pixel, or the one before the first.
    pub fn index(&self, x: isize, y: isize) -> usize {
        (y + BEFORE as isize) as usize * self.stride + (x + BEFORE as isize) as usize
    }

    /// Of the pixel that is so many columns and rows away.
    pub fn beside(&self, at: usize, (x, y): (isize, isize)) -> usize {
        at.wrapping_add_signed(y * self.stride as isize + x)
    }
}

/// Twice the luminance, roughly: green counts as much as the other two.
pub fn luma(c: Colour) -> f32 {
    0.5 * c[0] + 0.5 * c[2] + c[1]
}

/// The lesser of two numbers, by one instruction; `f32::min` also minds what is not a number.
pub fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The greater of two numbers, likewise.
pub fn most(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// From 0 to 1 in 255 steps, to the nearest. Where a float's last bit is worth 1 it rounds by itself.
pub fn byte(value: f32) -> u8 {
    const ONES: f32 = (1 << 23) as f32;
    (value * 255.0 + ONES).to_bits() as u8
}
