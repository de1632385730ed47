//! Sharp bilinear: each source pixel is a rectangle, and only output pixels on the border of two are blended, by how
//! much of each they show. At whole ratios that is nearest neighbour; at others no pixel is wider than its neighbour.

use super::place::Along;
use super::{Source, bands, margins};

/// Two neighbours, and how much of 256 the second one has.
#[derive(Clone, Copy)]
struct Blend {
    first: usize,
    second: usize,
    part: u32,
}

pub fn draw(source: Source<'_>, (x, y): (&Along, &Along), width: usize, output: &mut [[u8; 4]]) {
    let (across, down) = (blends(x, source.w), blends(y, source.h));
    bands::rows(output, width, |row, out| {
        let seen = y.inside.contains(&row);
        margins(out, &x.inside, seen);
        if !seen {
            return;
        }
        let v = down[row - y.inside.start];
        let (upper, lower) = (source.row(v.first), source.row(v.second));
        for (to, h) in out[x.inside.clone()].iter_mut().zip(&across) {
            let above = mix(upper[h.first], upper[h.second], h.part);
            *to = if v.part == 0 {
                above
            } else {
                mix(above, mix(lower[h.first], lower[h.second], h.part), v.part)
            };
        }
    });
}

fn blends(along: &Along, length: usize) -> Vec<Blend> {
    // Smaller pixels than the output's are blended over their whole width, which is bilinear.
    let slope = along.scale.max(1.0);
    let last = length as isize - 1;
    let blend = along.at.iter().map(|at| {
        let part = ((f64::from(at.part) - 0.5) * slope + 0.5).clamp(0.0, 1.0);
        Blend {
            first: at.first.clamp(0, last) as usize,
            second: (at.first + 1).clamp(0, last) as usize,
            part: (part * 256.0).round() as u32,
        }
    });
    blend.collect()
}

fn mix(a: [u8; 4], b: [u8; 4], part: u32) -> [u8; 4] {
    std::array::from_fn(|i| ((u32::from(a[i]) * (256 - part) + u32::from(b[i]) * part + 128) >> 8) as u8)
}
