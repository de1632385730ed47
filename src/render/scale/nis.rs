//! NIS: NVIDIA Image Scaling's method as it is published (a six-tap scaler, four directional filters, adaptive sharpening,
//! all in one pass), with kernels and thresholds of our own.
//!
//! A pixel's colour comes from a separable six-tap kernel (Keys 1981, the fourth-order one). Where the luminance around it
//! has an edge with a sure direction, the pixel's luminance is taken from that direction's filter instead: six taps across
//! the edge, two along it. Then it is sharpened against a blurred luminance, less the more contrast there is already.

use super::colours::{BEFORE, BEHIND, Colour, Colours, luma};
use super::place::Along;
use super::{bands, margins};

/// The first tap, from the pixel before the output's centre.
const FIRST: isize = -2;

/// Luminance (from 0 to 2) that must change for an edge to be one.
const LEAST: f32 = 1.0 / 16.0;

/// The luminances around a pixel: rows, then columns, from [`FIRST`] on.
type Around = [[f32; 6]; 6];

/// How sure an edge is, from 0 to 1, that runs: level, upright, falling to the right, rising to the right.
type Edges = [f32; 4];

/// One axis of one output pixel: its kernel, its blur's, and its phase.
#[derive(Clone, Copy)]
struct Taps {
    kernel: [f32; 6],
    blur: [f32; 4],
    part: f32,
    first: isize,
}

/// Memory that is kept from picture to picture.
#[derive(Debug, Default)]
pub struct Scratch {
    lumas: Vec<f32>,
    edges: Vec<Edges>,
}

/// Sharpness from 0 (most) to 20 (none).
pub fn draw(
    sharpness: u8,
    colours: &Colours,
    (x, y): (&Along, &Along),
    width: usize,
    Scratch { lumas, edges }: &mut Scratch,
    output: &mut [[u8; 4]],
) {
    colours.lumas(lumas);
    find(lumas, colours.stride, edges);
    let (lumas, edges) = (&*lumas, &*edges);
    let strength = f32::from(20 - sharpness.min(20)) * (1.0 / 20.0);
    let taps = |along: &Along| -> Vec<Taps> {
        let one = |at: &super::place::At| Taps {
            kernel: kernel(at.part),
            blur: blur(at.part),
            part: at.part,
            first: at.first,
        };
        along.at.iter().map(one).collect()
    };
    let (across, down) = (taps(x), taps(y));
    bands::rows(output, width, |row, out| {
        let seen = y.inside.contains(&row);
        margins(out, &x.inside, seen);
        if !seen {
            return;
        }
        let v = down[row - y.inside.start];
        let columns = columns(colours, lumas, v);
        for (to, h) in out[x.inside.clone()].iter_mut().zip(&across) {
            let at = colours.index(h.first, v.first);
            let column = (h.first + BEFORE as isize) as usize;
            let colour = sum6(&columns, column, h.kernel);
            let mut light = luma(colour);
            let direction = mixed(edges, at, colours.stride, h.part, v.part);
            if direction.iter().sum::<f32>() > 0.0 {
                let around = around(lumas, at, colours.stride);
                light += directed(&around, direction, h, &v, light);
            }
            let corners = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|place| colours.beside(at, place));
            light += sharpened(
                &columns,
                column,
                h.blur,
                luma(colour),
                corners.map(|i| lumas[i]),
                strength,
            );
            let gain = (light - luma(colour)) * 0.5;
            *to = bounded(colour, gain, corners.map(|i| colours.all[i]));
        }
    });
}

/// Keys' six-point kernel at the distances of the six taps from a point that lies `part` behind the third.
fn kernel(part: f32) -> [f32; 6] {
    let near = |s: f32| (4.0 / 3.0 * s - 7.0 / 3.0) * s * s + 1.0;
    let middle = |s: f32| ((-7.0 / 12.0 * s + 3.0) * s - 59.0 / 12.0) * s + 2.5;
    let far = |s: f32| ((1.0 / 12.0 * s - 2.0 / 3.0) * s + 1.75) * s - 1.5;
    let rest = 1.0 - part;
    [
        far(2.0 + part),
        middle(1.0 + part),
        near(part),
        near(rest),
        middle(1.0 + rest),
        far(2.0 + rest),
    ]
}

/// The cubic B-spline's weights of the four nearest.
fn blur(part: f32) -> [f32; 4] {
    let rest = 1.0 - part;
    let outer = |s: f32| s * s * s * (1.0 / 6.0);
    let inner = |s: f32| 2.0 / 3.0 - s * s + 0.5 * s * s * s;
    [outer(rest), inner(part), inner(rest), outer(part)]
}

/// For each column of the source with its border: the colour by the kernel, and in its fourth place the luminance by the
/// blur.
fn columns(colours: &Colours, lumas: &[f32], v: Taps) -> Vec<Colour> {
    let row = |j: usize| (v.first + FIRST + j as isize + BEFORE as isize) as usize * colours.stride;
    let rows: [usize; 6] = std::array::from_fn(row);
    let column = |x: usize| {
        let mut sum: Colour = [0.0; 4];
        for (start, weight) in rows.iter().zip(v.kernel) {
            let colour = colours.all[start + x];
            for (s, c) in sum.iter_mut().zip(colour).take(3) {
                *s += c * weight;
            }
        }
        for (start, weight) in rows[1..5].iter().zip(v.blur) {
            sum[3] += lumas[start + x] * weight;
        }
        sum
    };
    (0..colours.stride).map(column).collect()
}

fn sum6(columns: &[Colour], column: usize, kernel: [f32; 6]) -> Colour {
    let mut sum: Colour = [0.0; 4];
    for (colour, weight) in columns[column - 2..column + 4].iter().zip(kernel) {
        for (s, c) in sum.iter_mut().zip(colour).take(3) {
            *s += c * weight;
        }
    }
    sum
}

/// The edges at each source pixel and at the border's inner pixels, with the colours' indices.
fn find(lumas: &[f32], stride: usize, edges: &mut Vec<Edges>) {
    edges.resize(lumas.len(), Edges::default());
    let height = lumas.len() / stride;
    let reach = BEFORE.min(BEHIND) - 1;
    bands::rows(edges, stride, |y, out| {
        let inner = (reach..height - reach).contains(&y);
        for (x, edge) in out.iter_mut().enumerate() {
            *edge = match inner && (reach..stride - reach).contains(&x) {
                true => edges_at(lumas, stride, y * stride + x),
                false => Edges::default(),
            };
        }
    });
}

fn edges_at(lumas: &[f32], stride: usize, at: usize) -> Edges {
    let l = |x: isize, y: isize| lumas[at.wrapping_add_signed(y * stride as isize + x)];
    let (nw, n, ne) = (l(-1, -1), l(0, -1), l(1, -1));
    let (w, e) = (l(-1, 0), l(1, 0));
    let (sw, s, se) = (l(-1, 1), l(0, 1), l(1, 1));
    let quarter = |a: f32, b: f32| (a - b).abs() * 0.25;
    // How much it changes downwards, to the right, to the lower left, to the lower right.
    let down = quarter(nw + 2.0 * n + ne, sw + 2.0 * s + se);
    let right = quarter(nw + 2.0 * w + sw, ne + 2.0 * e + se);
    let lower_left = quarter(2.0 * ne + n + e, 2.0 * sw + w + s);
    let lower_right = quarter(2.0 * nw + n + w, 2.0 * se + e + s);
    let (level, upright) = pair(down, right);
    let (falling, rising) = pair(lower_left, lower_right);
    // An edge in between the two pairs is shared.
    let total = (level + upright + falling + rising).max(1.0);
    [level, upright, falling, rising].map(|sure| sure / total)
}

/// How sure the one or the other of two directions at right angles is.
fn pair(a: f32, b: f32) -> (f32, f32) {
    let (most, least) = (a.max(b), a.min(b));
    if most <= LEAST {
        return (0.0, 0.0);
    }
    let sure = ((most - 2.0 * least) / most).max(0.0) * ((most - LEAST) / LEAST).min(1.0);
    if a > b { (sure, 0.0) } else { (0.0, sure) }
}

/// Bilinear, of the four nearest.
fn mixed(edges: &[Edges], at: usize, stride: usize, x: f32, y: f32) -> Edges {
    let near = [at, at + 1, at + stride, at + stride + 1];
    let weights = [(1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y];
    let mut sum = Edges::default();
    for (i, weight) in near.iter().zip(weights) {
        for (s, e) in sum.iter_mut().zip(edges[*i]) {
            *s += e * weight;
        }
    }
    sum
}

fn around(lumas: &[f32], at: usize, stride: usize) -> Around {
    let start = at.wrapping_add_signed(FIRST * (stride as isize + 1));
    std::array::from_fn(|j| std::array::from_fn(|i| lumas[start + j * stride + i]))
}

/// What the directions' filters add to the luminance `light`.
fn directed(around: &Around, edges: Edges, h: &Taps, v: &Taps, light: f32) -> f32 {
    let between = |a: f32, b: f32, part: f32| a + (b - a) * part;
    let [level, upright, falling, rising] = edges;
    let mut sum = 0.0;
    if level > 0.0 {
        let at = |j: usize| between(around[j][2], around[j][3], h.part);
        sum += level * (sum_of(v.kernel, at) - light);
    }
    if upright > 0.0 {
        let at = |i: usize| between(around[2][i], around[3][i], v.part);
        sum += upright * (sum_of(h.kernel, at) - light);
    }
    if falling > 0.0 {
        let at = |x: isize, y: isize| around[(y - FIRST) as usize][(x - FIRST) as usize];
        sum += falling * (diagonal(at, h.part, v.part) - light);
    }
    if rising > 0.0 {
        // The same, upside down.
        let at = |x: isize, y: isize| around[(1 - y - FIRST) as usize][(x - FIRST) as usize];
        sum += rising * (diagonal(at, h.part, 1.0 - v.part) - light);
    }
    sum
}

fn sum_of(kernel: [f32; 6], at: impl Fn(usize) -> f32) -> f32 {
    kernel.iter().enumerate().map(|(i, weight)| weight * at(i)).sum()
}

/// Along an edge that falls to the right the pixels with the same x - y stand: six such lines across, two pixels along.
fn diagonal(at: impl Fn(isize, isize) -> f32, x: f32, y: f32) -> f32 {
    let across = x - y;
    let first = floor(across);
    let along = (x + y) * 0.5;
    let kernel = kernel(across - first as f32);
    sum_of(kernel, |i| {
        let line = first + FIRST + i as isize;
        let place = along + line as f32 * 0.5;
        let before = floor(place);
        let x = before.clamp(FIRST, 2);
        let y = (x - line).clamp(FIRST, 2);
        let (a, b) = (at(x, y), at(x + 1, y + 1));
        a + (b - a) * (place - before as f32)
    })
}

/// Of a number above -8: `f32::floor` is a call where the processor's first vectors are all that may be used.
fn floor(value: f32) -> isize {
    (value + 8.0) as isize - 8
}

/// What sharpening adds to the luminance.
fn sharpened(columns: &[Colour], column: usize, weights: [f32; 4], light: f32, near: [f32; 4], strength: f32) -> f32 {
    let taps = columns[column - 1..column + 3].iter().zip(weights);
    let blurred: f32 = taps.map(|(column, weight)| column[3] * weight).sum();
    let contrast =
        near.iter().fold(0.0f32, |most, l| most.max(*l)) - near.iter().fold(2.0f32, |least, l| least.min(*l));
    let limit = 0.02 + 0.125 * contrast;
    let wanted = (light - blurred) * (1.5 - 0.5 * contrast) * strength;
    wanted.clamp(-limit * strength, limit * strength)
}

/// The colour with so much added to each channel, no further beyond the four nearest than a little, so that no edge gets
/// a halo.
fn bounded(colour: Colour, gain: f32, near: [Colour; 4]) -> [u8; 4] {
    std::array::from_fn(|i| {
        if i == 3 {
            return 0;
        }
        let low = near[0][i].min(near[1][i]).min(near[2][i].min(near[3][i]));
        let high = near[0][i].max(near[1][i]).max(near[2][i].max(near[3][i]));
        let beyond = (high - low) * 0.0625;
        let bound = (colour[i] + gain).max(low - beyond).min(high + beyond);
        (bound.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
    })
}
