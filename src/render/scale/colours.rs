//! A picture as numbers, with a border around it, so that the filters that look at many neighbours need no check.

use super::Source;

/// Blue, green, red from 0 to 1, and nothing.
pub type Colour = [f32; 4];

/// The source's colours; the border repeats the outermost.
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
    pub fn new(source: Source<'_>) -> Self {
        let stride = source.w + BEFORE + BEHIND;
        let mut all = Vec::with_capacity(stride * (source.h + BEFORE + BEHIND));
        for y in 0..source.h + BEFORE + BEHIND {
            let row = source.row(y.saturating_sub(BEFORE).min(source.h - 1));
            let colour = |x: usize| row[x].map(|c| f32::from(c) * (1.0 / 255.0));
            all.extend(std::iter::repeat_n(colour(0), BEFORE));
            all.extend((0..source.w).map(colour));
            all.extend(std::iter::repeat_n(colour(source.w - 1), BEHIND));
        }
        Self { all, stride }
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
