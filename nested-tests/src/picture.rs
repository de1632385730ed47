//! What the test programs show: pictures made once, of which a frame is a copy, so that drawing takes next to no time
//! and the figures are goggles-scope's.
//!
//! Pixels are 32 bits, B G R x in memory (`wl_shm` xrgb8888; an X11 visual of depth 24 on a little-endian machine).

use std::str::FromStr;

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The colours that follow one another at key presses; far apart in luma or in chroma, also after 4:2:0.
pub const PALETTE: [Rgb; 6] = [
    [200, 40, 40],
    [40, 190, 60],
    [50, 60, 210],
    [210, 200, 50],
    [40, 190, 200],
    [220, 220, 220],
];

/// How far a decoded colour may be from what was drawn, in each component: 4:2:0, quantisation and rounding.
pub const TOLERANCE: u8 = 12;

/// How far the scrolling picture moves in a frame, in rows.
pub const SCROLL_STEP: usize = 4;

/// Rows also sway sideways, by up to so many pixels either way: a picture that only moves as a whole costs an encoder
/// next to nothing, unlike a game's.
const SWAY: usize = 12;
/// Rows from one crest of the swaying to the next.
const SWAY_ROWS: usize = 96;
/// Frames from one crest to the next.
const SWAY_FRAMES: usize = 12;

/// After so many rows the scrolling picture repeats.
const PERIOD: usize = 512;

/// The colour shown after `presses` key presses.
pub fn colour(presses: usize) -> Rgb {
    PALETTE[presses % PALETTE.len()]
}

/// What a test program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// One colour all over, the next at each press of a key or button; nothing is drawn in between.
    Flip,
    /// A textured picture that moves as a whole in each frame; the square at its centre changes colour at key presses.
    Scroll,
    /// The textured picture, drawn once.
    Static,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Width.
    pub w: usize,
    /// Height.
    pub h: usize,
}

impl Size {
    /// Bytes of a picture.
    pub fn bytes(self) -> usize {
        self.w * self.h * 4
    }
}

impl FromStr for Size {
    type Err = String;

    /// `720p`, `1080p` or `WxH`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "720p" => return Ok(Self { w: 1280, h: 720 }),
            "1080p" => return Ok(Self { w: 1920, h: 1080 }),
            _ => (),
        }
        let size = text.split_once('x').and_then(|(w, h)| {
            Some(Self {
                w: w.parse().ok()?,
                h: h.parse().ok()?,
            })
        });
        size.filter(|s| (64..=8192).contains(&s.w) && (64..=8192).contains(&s.h))
            .ok_or_else(|| format!("{text:?} is not 720p, 1080p or WIDTHxHEIGHT"))
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.w, self.h)
    }
}

/// The pictures of one program.
pub struct Painter {
    mode: Mode,
    size: Size,
    /// `Flip`: a whole picture of each colour; else the texture, [`PERIOD`] rows of it, each wider by twice [`SWAY`].
    source: Vec<u8>,
    /// The swaying over one period, in steps that rows and frames are whole numbers of; 0 to twice [`SWAY`].
    sway: Vec<usize>,
}

impl Painter {
    /// Makes the pictures.
    pub fn new(mode: Mode, size: Size) -> Self {
        let source = match mode {
            Mode::Flip => PALETTE.iter().flat_map(|c| pixel(*c).repeat(size.w * size.h)).collect(),
            Mode::Scroll | Mode::Static => texture(size.w + 2 * SWAY, PERIOD),
        };
        let steps = SWAY_ROWS * SWAY_FRAMES;
        let wave = |i| (i as f64 / steps as f64 * std::f64::consts::TAU).sin();
        let sway = (0..steps)
            .map(|i| (SWAY as f64 * (1.0 + wave(i))).round() as usize)
            .collect();
        Self {
            mode,
            size,
            source,
            sway,
        }
    }

    /// Draws frame number `frame` after `presses` key presses into `to`, [`Size::bytes`] long.
    pub fn draw(&self, frame: usize, presses: usize, to: &mut [u8]) {
        let row = self.size.w * 4;
        match self.mode {
            Mode::Flip => {
                let start = (presses % PALETTE.len()) * self.size.bytes();
                to.copy_from_slice(&self.source[start..start + self.size.bytes()]);
            }
            Mode::Scroll | Mode::Static => {
                let source: Vec<_> = self.source.chunks_exact((self.size.w + 2 * SWAY) * 4).collect();
                for (y, line) in to.chunks_exact_mut(row).enumerate() {
                    let start = self.sway[(y * SWAY_FRAMES + frame * SWAY_ROWS) % self.sway.len()] * 4;
                    line.copy_from_slice(&source[(y + frame * SCROLL_STEP) % PERIOD][start..start + row]);
                }
                let side = marker_side(self.size);
                let (x, y) = ((self.size.w - side) / 2, (self.size.h - side) / 2);
                let fill = pixel(colour(presses)).repeat(side);
                for line in to.chunks_exact_mut(row).skip(y).take(side) {
                    line[x * 4..][..fill.len()].copy_from_slice(&fill);
                }
            }
        }
    }
}

/// The side of the square at the centre, in pixels.
fn marker_side(size: Size) -> usize {
    size.w.min(size.h) / 8 / 2 * 2
}

fn pixel([r, g, b]: Rgb) -> [u8; 4] {
    [b, g, r, 0xff]
}

/// Smooth hills with some detail and a little grain. Swaying, at 1280x720 and x264's CRF 23, it takes about 10 Mbit/s and
/// 1 ms to decode, as what other systems have been measured with. Repeats after [`PERIOD`] rows.
fn texture(w: usize, rows: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(w * rows * 4);
    for y in 0..rows {
        let y = y % PERIOD;
        for x in 0..w {
            let hills = noise(x, y, 64, 1);
            let detail = noise(x, y, 8, 2);
            let grain = noise(x, y, 1, 3);
            let edges = if detail > 0.5 { 14.0 } else { 0.0 };
            let luma = 30.0 + 100.0 * hills + 40.0 * detail + edges + 8.0 * grain;
            let tint = 60.0 * (noise(x, y, 128, 4) - 0.5);
            out.extend([luma - tint, luma, luma + tint].map(|v| v.clamp(0.0, 255.0) as u8));
            out.push(0xff);
        }
    }
    out
}

/// Value noise in 0 to 1, a random value every `cell` pixels; `cell` divides [`PERIOD`].
fn noise(x: usize, y: usize, cell: usize, seed: u32) -> f32 {
    let (cx, cy) = (x / cell, y / cell);
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fx, fy) = (
        smooth((x % cell) as f32 / cell as f32),
        smooth((y % cell) as f32 / cell as f32),
    );
    let at = |dx, dy| hash(cx + dx, (cy + dy) % (PERIOD / cell), seed);
    let top = at(0, 0) * (1.0 - fx) + at(1, 0) * fx;
    let bottom = at(0, 1) * (1.0 - fx) + at(1, 1) * fx;
    top * (1.0 - fy) + bottom * fy
}

/// A number in 0 to 1 that looks random, the same at every run.
fn hash(x: usize, y: usize, seed: u32) -> f32 {
    let mut h =
        (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    for _ in 0..2 {
        h ^= h >> 15;
        h = h.wrapping_mul(0x2c1b_3c6d);
        h ^= h >> 13;
    }
    (h >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { w: 128, h: 96 };

    fn rgb(picture: &[u8], x: usize, y: usize) -> Rgb {
        let p = &picture[(y * SIZE.w + x) * 4..][..4];
        [p[2], p[1], p[0]]
    }

    #[test]
    fn flip_is_one_colour_and_the_next_after_a_press() {
        let painter = Painter::new(Mode::Flip, SIZE);
        let mut picture = vec![0; SIZE.bytes()];
        for presses in 0..PALETTE.len() + 1 {
            painter.draw(0, presses, &mut picture);
            assert!(picture.chunks_exact(4).all(|p| p == pixel(colour(presses))));
        }
    }

    #[test]
    fn scroll_moves_all_but_the_square() {
        let painter = Painter::new(Mode::Scroll, SIZE);
        let (mut a, mut b) = (vec![0; SIZE.bytes()], vec![0; SIZE.bytes()]);
        painter.draw(0, 0, &mut a);
        painter.draw(1, 1, &mut b);
        let row = SIZE.w * 4;
        // Up by a step, and sideways by some pixels.
        let (here, there) = (&b[..row], &a[SCROLL_STEP * row..][..row]);
        let is_moved = |by: usize| here[by * 4..] == there[..row - by * 4] || here[..row - by * 4] == there[by * 4..];
        assert!((0..=2 * SWAY).any(is_moved));
        assert_eq!(rgb(&a, SIZE.w / 2, SIZE.h / 2), colour(0));
        assert_eq!(rgb(&b, SIZE.w / 2, SIZE.h / 2), colour(1));
        // It repeats without a seam.
        painter.draw(PERIOD * SWAY_FRAMES, 0, &mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!("720p".parse(), Ok(Size { w: 1280, h: 720 }));
        assert_eq!("640x480".parse(), Ok(Size { w: 640, h: 480 }));
        for bad in ["", "640", "0x0", "640x", "99999x10", "-1x64"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }
}
