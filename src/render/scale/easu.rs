//! FSR 1's first half: edge-adaptive spatial upsampling, after AMD's published description of the algorithm.
//!
//! An output pixel is a weighted sum of the 12 source pixels around it. The weights are a Lanczos-like kernel that is
//! turned along the edge found there and stretched by how sure the edge is; the result is kept between the four nearest
//! pixels, so that it does not ring. The edge of a source pixel does not depend on the output pixel: it is looked for once
//! a source pixel, and interpolated. Pixels are worked on side by side, so that the compiler uses the processor's vectors.

use super::colours::{BEFORE, BEHIND, Colour, Colours, byte, least, most};
use super::place::{Along, At};
use super::{bands, margins};

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

/// So many output pixels side by side.
const SIDE: usize = 16;
type Lanes = [f32; SIDE];

/// An edge: across it (x, y), not of length one, and from 0 (none) to 2 (sharp in both directions).
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    x: f32,
    y: f32,
    sharp: f32,
}

impl Edge {
    fn towards(self, other: Self, part: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * part;
        Self {
            x: mix(self.x, other.x),
            y: mix(self.y, other.y),
            sharp: mix(self.sharp, other.sharp),
        }
    }
}

/// Memory that is kept from picture to picture.
#[derive(Debug, Default)]
pub struct Scratch {
    lumas: Vec<f32>,
    edges: Vec<Edge>,
}

pub fn draw(colours: &Colours, (x, y): (&Along, &Along), width: usize, scratch: &mut Scratch, output: &mut [[u8; 4]]) {
    colours.lumas(&mut scratch.lumas);
    find(&scratch.lumas, colours.stride, &mut scratch.edges);
    let edges = &scratch.edges;
    bands::rows(output, width, |row, out| {
        let seen = y.inside.contains(&row);
        margins(out, &x.inside, seen);
        if seen {
            let v = y.at[row - y.inside.start];
            let edges = between(colours, edges, v);
            let out = &mut out[x.inside.clone()];
            for (out, at) in out.chunks_mut(SIDE).zip(x.at.chunks(SIDE)) {
                side_by_side(colours, &edges, at, v, out);
            }
        }
    });
}

/// The edge at each source pixel and at the border's inner pixels, with the colours' indices.
fn find(lumas: &[f32], stride: usize, edges: &mut Vec<Edge>) {
    edges.resize(lumas.len(), Edge::default());
    let height = lumas.len() / stride;
    debug_assert!(BEFORE.min(BEHIND) > 1, "the taps of the outermost pixels have edges");
    bands::rows(edges, stride, |y, out| {
        if y == 0 || y == height - 1 {
            return;
        }
        let row = |y: usize| &lumas[y * stride..][..stride];
        let (above, row, below) = (row(y - 1), row(y), row(y + 1));
        let inner = out[1..]
            .iter_mut()
            .zip(row.windows(3))
            .zip(&above[1..])
            .zip(&below[1..]);
        for (((edge, near), up), down) in inner {
            *edge = Edge {
                x: near[2] - near[0],
                y: down - up,
                sharp: sharpness(near[0], near[1], near[2]) + sharpness(*up, near[1], *down),
            };
        }
    });
}

/// 1 where the three rise or fall evenly, less the more the middle one stands out.
fn sharpness(before: f32, here: f32, after: f32) -> f32 {
    let step = most((after - here).abs(), (here - before).abs());
    // Where all three are the same, 0 of anything.
    let ratio = least((after - before).abs() / most(step, f32::MIN_POSITIVE), 1.0);
    ratio * ratio
}

/// The edges of an output row, between those of the source's rows above and below, for each of the source's columns.
fn between(colours: &Colours, edges: &[Edge], v: At) -> Vec<Edge> {
    let start = colours.index(-(BEFORE as isize), v.first);
    let (above, below) = edges[start..][..2 * colours.stride].split_at(colours.stride);
    above.iter().zip(below).map(|(a, b)| a.towards(*b, v.part)).collect()
}

/// Up to [`SIDE`] pixels of a row.
fn side_by_side(colours: &Colours, edges: &[Edge], across: &[At], v: At, out: &mut [[u8; 4]]) {
    let (mut edge, mut part) = ([[0.0; SIDE]; 3], [0.0; SIDE]);
    for (i, h) in across.iter().enumerate() {
        part[i] = h.part;
        let near = &edges[(h.first + BEFORE as isize) as usize..][..2];
        let here = near[0].towards(near[1], h.part);
        (edge[0][i], edge[1][i], edge[2][i]) = (here.x, here.y, here.sharp);
    }
    let weights = weights(&edge, &part, v.part);
    for (i, (to, h)) in out.iter_mut().zip(across).enumerate() {
        *to = pixel(
            colours,
            colours.index(h.first, v.first),
            std::array::from_fn(|tap| weights[tap][i]),
        );
    }
}

/// Each tap's weight, which all together are 1.
fn weights(edge: &[Lanes; 3], part: &Lanes, down: f32) -> [Lanes; 12] {
    // What turns and stretches the kernel, and its lobe.
    let [mut xx, mut xy, mut yx, mut yy, mut lobe, mut end] = [[0.0; SIDE]; 6];
    for i in 0..SIDE {
        let (x, y) = (edge[0][i], edge[1][i]);
        let length = x * x + y * y;
        // Below this it is noise, and any direction will do.
        let noise = length < 1.0 / 32768.0;
        let one = 1.0 / most(length, 1.0 / 32768.0).sqrt();
        let dx = if noise { 1.0 } else { x * one };
        let dy = if noise { 0.0 } else { y * one };
        let sure = edge[2][i] * 0.5;
        let sure = sure * sure;
        // Across the edge the kernel becomes narrower, up to the diagonal's length; along it up to twice as long.
        let diagonal = 1.0 / most(dx.abs(), dy.abs());
        let narrow = 1.0 + (diagonal - 1.0) * sure;
        let long = 1.0 - 0.5 * sure;
        (xx[i], xy[i]) = (dx * narrow, dy * narrow);
        (yx[i], yy[i]) = (dy * long, dx * long);
        // The negative lobe: from a half (none) to what keeps an edge from ringing too much.
        lobe[i] = 0.5 + ((0.25 - 0.04) - 0.5) * sure;
        end[i] = 1.0 / lobe[i];
    }
    let mut weights = [[0.0; SIDE]; 12];
    let mut total = [0.0; SIDE];
    for (weights, (x, y)) in weights.iter_mut().zip(TAPS) {
        let (x, y) = (x as f32, y as f32 - down);
        for i in 0..SIDE {
            let x = x - part[i];
            let across = x * xx[i] + y * xy[i];
            let along = y * yy[i] - x * yx[i];
            let d2 = least(across * across + along * along, end[i]);
            // A polynomial in place of the windowed sine: base times window.
            let base = 0.4 * d2 - 1.0;
            let base = 1.5625 * base * base - 0.5625;
            let window = lobe[i] * d2 - 1.0;
            weights[i] = base * window * window;
            total[i] += weights[i];
        }
    }
    for weights in &mut weights {
        for i in 0..SIDE {
            weights[i] /= total[i];
        }
    }
    weights
}

fn pixel(colours: &Colours, at: usize, weights: [f32; 12]) -> [u8; 4] {
    let row = |y: isize| &colours.all[colours.beside(at, (-1, y))..][..4];
    let rows = [row(-1), row(0), row(1), row(2)];
    let tap = |(x, y): (isize, isize)| rows[(y + 1) as usize][(x + 1) as usize];
    let mut sum: Colour = [0.0; 4];
    for (weight, place) in weights.iter().zip(TAPS) {
        let colour = tap(place);
        for (s, c) in sum.iter_mut().zip(colour) {
            *s += c * weight;
        }
    }
    let near = NEAREST.map(|i| tap(TAPS[i]));
    std::array::from_fn(|i| {
        let low = least(least(near[0][i], near[1][i]), least(near[2][i], near[3][i]));
        let high = most(most(near[0][i], near[1][i]), most(near[2][i], near[3][i]));
        byte(least(most(sum[i], low), high))
    })
}
