//! FSR 1's second half: robust contrast-adaptive sharpening, after AMD's published description of the algorithm.
//!
//! A pixel is sharpened against its four neighbours, as strongly as no channel clips, and at most by a limit; the
//! sharpness takes from that.

use super::{bands, margins};
use std::ops::Range;

/// The strongest negative weight of a neighbour.
const LIMIT: f32 = 0.25 - 1.0 / 16.0;

/// 2^(-n/10): a tenth of a stop a step; exp2 does not give the same bits everywhere.
const STOPS: [f32; 21] = [
    1.0,
    0.933_033,
    0.870_550_6,
    0.812_252_4,
    0.757_858_3,
    std::f32::consts::FRAC_1_SQRT_2,
    0.659_754,
    0.615_572_2,
    0.574_349_2,
    0.535_886_7,
    0.5,
    0.466_516_5,
    0.435_275_3,
    0.406_126_2,
    0.378_929_1,
    0.353_553_4,
    0.329_877,
    0.307_786_1,
    0.287_174_6,
    0.267_943_4,
    0.25,
];

/// Sharpens the part of `source` that is inside (columns, rows), of rows of `width` pixels; black around it.
pub fn draw(sharpness: u8, inside: (&Range<usize>, &Range<usize>), width: usize, source: &[u8], output: &mut [u8]) {
    let strength = STOPS[usize::from(sharpness).min(STOPS.len() - 1)];
    let (columns, rows) = inside;
    let pixels: &[[u8; 4]] = source.as_chunks().0;
    bands::rows(output, width, |y, out| {
        let seen = rows.contains(&y) && !columns.is_empty();
        margins(out, columns, seen);
        if !seen {
            return;
        }
        let row = |y: usize| &pixels[y * width..][..width];
        let (up, here, down) = (row(y.max(rows.start + 1) - 1), row(y), row((y + 1).min(rows.end - 1)));
        for x in columns.clone() {
            let (left, right) = (x.max(columns.start + 1) - 1, (x + 1).min(columns.end - 1));
            out[x] = pixel(here[x], [up[x], here[left], here[right], down[x]], strength);
        }
    });
}

fn pixel(centre: [u8; 4], ring: [[u8; 4]; 4], strength: f32) -> [u8; 4] {
    let unit = |p: [u8; 4]| p.map(|c| f32::from(c) * (1.0 / 255.0));
    let (e, ring) = (unit(centre), ring.map(unit));
    let [a, b, c, d] = ring;
    let mut lobe = -LIMIT;
    // The fourth byte is nothing.
    for i in 0..3 {
        let low = a[i].min(b[i]).min(c[i].min(d[i]));
        let high = a[i].max(b[i]).max(c[i].max(d[i]));
        // How much may be taken away before black, or white, is reached.
        let black = if high > 0.0 { low.min(e[i]) / (4.0 * high) } else { 0.0 };
        let white = if low < 1.0 {
            (1.0 - high.max(e[i])) / (4.0 - 4.0 * low)
        } else {
            0.0
        };
        lobe = lobe.max(-black.min(white));
    }
    let lobe = lobe.min(0.0) * strength;
    let whole = 1.0 / (4.0 * lobe + 1.0);
    std::array::from_fn(|i| {
        let sharp = (lobe * (a[i] + b[i] + c[i] + d[i]) + e[i]) * whole;
        (sharp.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
    })
}
