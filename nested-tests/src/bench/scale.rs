//! What the scaling filters cost (1280x720 to 1920x1080), and what HDR10 does (1280x720): in memory, with as many threads as
//! the compositor takes.

use super::figure::Figure;
use anyhow::{Context, Result};
use goggles_scope::render::color::{Converter, Curve, Depth, Space};
use goggles_scope::render::scale::{Kind, Place, Scratch, Source, scale};
use std::time::Instant;

const FROM: (usize, usize) = (1280, 720);
const TO: (usize, usize) = (1920, 1080);

/// Each filter `count` times.
pub fn measure(count: usize) -> Result<Vec<Figure>> {
    // Edges of every direction everywhere, which is the most work.
    let pixel = |i: usize| {
        let (x, y) = (i % FROM.0, i / FROM.0);
        let light = if (x * x + y * y) / 700 % 2 == 0 { 220 } else { 30 };
        [light, (x / 5) as u8, (y / 3) as u8, 255]
    };
    let data: Vec<u8> = (0..FROM.0 * FROM.1).flat_map(pixel).collect();
    let source = Source {
        data: &data,
        stride: FROM.0 * 4,
        w: FROM.0,
        h: FROM.1,
    };
    let place = Place {
        scale: (TO.0 as f64 / FROM.0 as f64, TO.1 as f64 / FROM.1 as f64),
        offset: (0.0, 0.0),
    };
    let (mut output, mut scratch) = (vec![0; TO.0 * TO.1 * 4], Scratch::default());
    let kinds = [
        ("linear", Kind::Linear),
        ("pixel", Kind::Pixel),
        ("fsr", Kind::Fsr(2)),
        ("nis", Kind::Nis(2)),
    ];
    let mut figures = Vec::new();
    for (name, kind) in kinds {
        let mut times = Vec::new();
        for _ in 0..count {
            let start = Instant::now();
            scale(kind, source, &place, TO.0, &mut output, &mut scratch)?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        figures.push(Figure::new(format!("scale-{name}-720p-to-1080p"), "ms", times));
    }
    figures.push(Figure::new("convert-hdr10-720p", "ms", hdr10(count)?));
    Ok(figures)
}

/// A whole picture of HDR10 as sRGB: how long each time took, in ms.
fn hdr10(count: usize) -> Result<Vec<f64>> {
    let hdr10 = Space {
        curve: Curve::Pq,
        primaries: [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)],
        full: 10_000.0,
        white: 203.0,
        peak: 1_000.0,
    };
    let converter = Converter::new(hdr10).context("these are BT.2020's primaries")?;
    // All colours, one after the other.
    let pixel = |i: usize| ((3 << 30) | (i as u32 * 1165)).to_le_bytes();
    let from: Vec<[u8; 4]> = (0..FROM.0 * FROM.1).map(pixel).collect();
    let mut to = vec![0; from.len()];
    let once = |_| {
        let start = Instant::now();
        converter.convert(Depth::Ten, &from, &mut to, FROM.0);
        start.elapsed().as_secs_f64() * 1000.0
    };
    Ok((0..count).map(once).collect())
}
