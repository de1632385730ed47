//! What the scaling filters cost: 1280x720 to 1920x1080, in memory, with as many threads as the compositor takes.

use super::figure::Figure;
use anyhow::Result;
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
    Ok(figures)
}
