//! FSR 1's first half: edge-adaptive spatial upsampling, after AMD's published description of the algorithm.
//!
//! An output pixel is a weighted sum of the 12 source pixels around it. The weights are a Lanczos-like kernel that is
//! turned along the edge found there and stretched by how sure the edge is; the result is kept between the four nearest
//! pixels, so that it does not ring. The edge of a source pixel does not depend on the output pixel: it is looked for once
//! a source pixel, and interpolated.

use super::colours::{BEFORE, BEHIND, Colours, luma};
use super::place::Along;
use super::{Source, bands, margins};

/// The taps around the pixel before the output's centre, in both directions.
const TAPS: [(isize, isize); 12] = [
    (0, -1),
    (1, -1),
    (-1, 0),
    (0, 0),
    (1, 0),
    (2, 0),
    (-1, 1),
    (0, 1),
    (1, 1),
    (2, 1),
    (0, 2),
    (1, 2),
];
/// Of these, the four nearest, in the order left to right, top to bottom.
const NEAREST: [usize; 4] = [3, 4, 7, 8];

/// An edge: across it (x, y), not of length one, and from 0 (none) to 2 (sharp in both directions).
#[derive(Clone, Copy, Default)]
struct Edge {
    x: f32,
    y: f32,
    sharp: f32,
}

pub fn draw(source: Source<'_>, x: &Along, y: &Along, width: usize, output: &mut [u8]) {
    let colours = Colours::new(source);
    let edges = edges(&colours, source);
    bands::rows(output, width, |row, out| {
        let seen = y.inside.contains(&row);
        margins(out, &x.inside, seen);
        if !seen {
            return;
        }
        let v = y.at[row - y.inside.start];
        for (to, h) in out[x.inside.clone()].iter_mut().zip(&x.at) {
            let at = colours.index(h.first, v.first);
            let near: [usize; 4] = NEAREST.map(|i| colours.beside(at, TAPS[i]));
            let edge = mixed(near.map(|i| edges[i]), h.part, v.part);
            *to = pixel(&colours, at, edge, (h.part, v.part));
        }
    });
}

/// The edge at each source pixel and at the border's inner pixels, with the colours' indices.
fn edges(colours: &Colours, source: Source<'_>) -> Vec<Edge> {
    let mut edges = vec![Edge::default(); colours.all.len()];
    let stride = colours.stride;
    for y in 1..source.h + BEFORE + BEHIND - 1 {
        let row = &mut edges[y * stride..][..stride];
        for (x, edge) in row.iter_mut().enumerate().take(stride - 1).skip(1) {
            let at = y * stride + x;
            let l = |i: usize| luma(colours.all[i]);
            let (here, left, right) = (l(at), l(at - 1), l(at + 1));
            let (up, down) = (l(at - stride), l(at + stride));
            *edge = Edge {
                x: right - left,
                y: down - up,
                sharp: sharpness(left, here, right) + sharpness(up, here, down),
            };
        }
    }
    edges
}

/// 1 where the three rise or fall evenly, less the more the middle one stands out.
fn sharpness(before: f32, here: f32, after: f32) -> f32 {
    let step = (after - here).abs().max((here - before).abs());
    if step == 0.0 {
        return 0.0;
    }
    let ratio = ((after - before).abs() / step).min(1.0);
    ratio * ratio
}

/// Bilinear, of the four nearest.
fn mixed(near: [Edge; 4], x: f32, y: f32) -> Edge {
    let weights = [(1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y];
    let mut sum = Edge::default();
    for (edge, w) in near.iter().zip(weights) {
        sum.x += edge.x * w;
        sum.y += edge.y * w;
        sum.sharp += edge.sharp * w;
    }
    sum
}

fn pixel(colours: &Colours, at: usize, edge: Edge, part: (f32, f32)) -> [u8; 4] {
    let length = edge.x * edge.x + edge.y * edge.y;
    // Below this it is noise, and any direction will do.
    let (dx, dy) = if length < 1.0 / 32768.0 {
        (1.0, 0.0)
    } else {
        let one = 1.0 / length.sqrt();
        (edge.x * one, edge.y * one)
    };
    let sure = edge.sharp * 0.5;
    let sure = sure * sure;
    // Across the edge the kernel becomes narrower, up to the diagonal's length; along it up to twice as long.
    let diagonal = 1.0 / dx.abs().max(dy.abs());
    let narrow = 1.0 + (diagonal - 1.0) * sure;
    let long = 1.0 - 0.5 * sure;
    // The negative lobe: from a half (none) to what keeps an edge from ringing too much.
    let lobe = 0.5 + ((0.25 - 0.04) - 0.5) * sure;
    let end = 1.0 / lobe;

    let mut weights = [0.0f32; 12];
    for (weight, (x, y)) in weights.iter_mut().zip(TAPS) {
        let (ox, oy) = (x as f32 - part.0, y as f32 - part.1);
        let across = (ox * dx + oy * dy) * narrow;
        let along = (oy * dx - ox * dy) * long;
        let d2 = (across * across + along * along).min(end);
        // A polynomial in place of the windowed sine: base times window.
        let base = 0.4 * d2 - 1.0;
        let base = 1.5625 * base * base - 0.5625;
        let window = lobe * d2 - 1.0;
        *weight = base * window * window;
    }
    let mut sum = [0.0f32; 4];
    let mut total = 0.0f32;
    for (weight, tap) in weights.iter().zip(TAPS) {
        let colour = colours.all[colours.beside(at, tap)];
        for (s, c) in sum.iter_mut().zip(colour) {
            *s += c * weight;
        }
        total += weight;
    }
    let near = NEAREST.map(|i| colours.all[colours.beside(at, TAPS[i])]);
    let part = 1.0 / total;
    std::array::from_fn(|i| {
        let low = near[0][i].min(near[1][i]).min(near[2][i].min(near[3][i]));
        let high = near[0][i].max(near[1][i]).max(near[2][i].max(near[3][i]));
        ((sum[i] * part).max(low).min(high) * 255.0 + 0.5) as u8
    })
}
