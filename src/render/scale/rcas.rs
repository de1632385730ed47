//! FSR 1's second half: robust contrast-adaptive sharpening, after AMD's published description of the algorithm.
//!
//! A pixel is sharpened against its four neighbours, as strongly as no channel clips, and at most by a limit; the
//! sharpness takes from that.

use super::colours::{byte, least, most};
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

/// So many pixels side by side, so that the compiler uses the processor's vectors.
const SIDE: usize = 16;

/// Pixels as numbers, B G R x from the lowest byte on.
type Pixels<const N: usize> = [u32; N];

/// Sharpens the part of `source` that is inside (columns, rows), of rows of `width` pixels; black around it.
pub fn draw(
    sharpness: u8,
    inside: (&Range<usize>, &Range<usize>),
    width: usize,
    source: &[[u8; 4]],
    output: &mut [[u8; 4]],
) {
    let strength = STOPS[usize::from(sharpness).min(STOPS.len() - 1)];
    let (columns, rows) = inside;
    bands::rows(output, width, |y, out| {
        let seen = rows.contains(&y) && !columns.is_empty();
        margins(out, columns, seen);
        if !seen {
            return;
        }
        let row = |y: usize| &source[y * width..][..width];
        let (up, here, down) = (row(y.max(rows.start + 1) - 1), row(y), row((y + 1).min(rows.end - 1)));
        let one = |x: usize| {
            let (left, right) = (x.max(columns.start + 1) - 1, (x + 1).min(columns.end - 1));
            let ring = [up[x], here[left], here[right], down[x]];
            sharpened(
                [u32::from_le_bytes(here[x])],
                ring.map(|p| [u32::from_le_bytes(p)]),
                strength,
            )[0]
            .to_le_bytes()
        };
        // The first and the last have no neighbour on one side.
        let mut x = columns.start + 1;
        while x + SIDE < columns.end {
            let many = |row: &[[u8; 4]], x: usize| {
                let mut pixels: Pixels<SIDE> = [0; SIDE];
                for (pixel, bytes) in pixels.iter_mut().zip(&row[x..][..SIDE]) {
                    *pixel = u32::from_le_bytes(*bytes);
                }
                pixels
            };
            let ring = [many(up, x), many(here, x - 1), many(here, x + 1), many(down, x)];
            let sharp = sharpened(many(here, x), ring, strength);
            for (to, pixel) in out[x..][..SIDE].iter_mut().zip(sharp) {
                *to = pixel.to_le_bytes();
            }
            x += SIDE;
        }
        out[columns.start] = one(columns.start);
        for (to, x) in out[x..].iter_mut().zip(x..columns.end) {
            *to = one(x);
        }
    });
}

fn sharpened<const N: usize>(centre: Pixels<N>, ring: [Pixels<N>; 4], strength: f32) -> Pixels<N> {
    // The fourth byte is nothing.
    let mut colours = [[[0.0f32; N]; 3]; 5];
    for (colours, pixels) in colours
        .iter_mut()
        .zip([&centre, &ring[0], &ring[1], &ring[2], &ring[3]])
    {
        for (channel, colours) in colours.iter_mut().enumerate() {
            for i in 0..N {
                colours[i] = (pixels[i] >> (8 * channel) & 0xff) as f32 * (1.0 / 255.0);
            }
        }
    }
    let mut lobes = [-LIMIT; N];
    for channel in 0..3 {
        let [e, a, b, c, d] = colours.each_ref().map(|of| &of[channel]);
        for i in 0..N {
            let low = least(least(a[i], b[i]), least(c[i], d[i]));
            let high = most(most(a[i], b[i]), most(c[i], d[i]));
            // How much may be taken away before black, or white, is reached. Where the ring is black or white already,
            // that is 0 of anything.
            let black = least(low, e[i]) / most(4.0 * high, f32::MIN_POSITIVE);
            let white = (1.0 - most(high, e[i])) / most(4.0 - 4.0 * low, f32::MIN_POSITIVE);
            lobes[i] = most(lobes[i], -least(black, white));
        }
    }
    let mut sharp = [0; N];
    for channel in 0..3 {
        let [e, a, b, c, d] = colours.each_ref().map(|of| &of[channel]);
        for i in 0..N {
            let lobe = least(lobes[i], 0.0) * strength;
            let whole = 1.0 / (4.0 * lobe + 1.0);
            let value = (lobe * (a[i] + b[i] + c[i] + d[i]) + e[i]) * whole;
            sharp[i] |= u32::from(byte(least(most(value, 0.0), 1.0))) << (8 * channel);
        }
    }
    sharp
}
