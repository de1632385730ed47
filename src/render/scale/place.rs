//! Where the picture is on the output, and which source pixels an output pixel is made of.

use std::ops::Range;

/// `output = source * scale + offset`, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Horizontally and vertically.
    pub scale: (f64, f64),
    /// Where the source's upper left corner is.
    pub offset: (f64, f64),
}

/// One output pixel's centre among the source's pixel centres: `first + part`, where `part` is from 0 to below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// The pixel before it; -1 before the first one's centre.
    pub first: isize,
    /// How far it is on the way to the next.
    pub part: f32,
}

/// All output pixels along one axis.
#[derive(Debug)]
pub struct Along {
    /// Those whose centres lie on the source.
    pub inside: Range<usize>,
    /// One for each of `inside`.
    pub at: Vec<At>,
    /// Output pixels for a source pixel.
    pub scale: f64,
}

impl Along {
    /// Lays `source` pixels along `output` ones.
    pub fn new(scale: f64, offset: f64, source: usize, output: usize) -> Self {
        let place = |x: usize| (x as f64 + 0.5 - offset) / scale;
        let on = |x: usize| (0.0..source as f64).contains(&place(x));
        // The place grows with x, so that those inside stand together.
        let start = (0..output).find(|x| on(*x)).unwrap_or(output);
        let end = (start..output).find(|x| !on(*x)).unwrap_or(output);
        let at = (start..end).map(|x| {
            let centre = place(x) - 0.5;
            let first = centre.floor();
            At {
                first: first as isize,
                part: (centre - first) as f32,
            }
        });
        Self {
            inside: start..end,
            at: at.collect(),
            scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_whose_centres_are_on_the_source_are_inside() {
        // 3 pixels, scaled by 2.5 from 1.5 on: up to 9.0.
        let along = Along::new(2.5, 1.5, 3, 12);
        assert_eq!(along.inside, 1..9);
        assert_eq!(along.at.len(), 8);
        // 1.5 on the output is the very edge, half a pixel before the first centre.
        assert_eq!(along.at[0], At { first: -1, part: 0.5 });
        let cropped = Along::new(2.0, -3.0, 8, 10);
        assert_eq!((cropped.inside, cropped.at[0].first), (0..10, 1));
        let beside = Along::new(2.0, 50.0, 8, 10);
        assert!(beside.inside.is_empty() && beside.at.is_empty());
    }
}
