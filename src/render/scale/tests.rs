//! Each filter on pictures whose result is known, and one hash each that keeps its bits.

use super::*;

/// A picture from a function of the place.
fn picture(w: usize, h: usize, paint: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    let pixels = (0..w * h).flat_map(|i| {
        let [r, g, b] = paint(i % w, i / w);
        [b, g, r, 0xff]
    });
    pixels.collect()
}

fn drawn(kind: Kind, data: &[u8], (w, h): (usize, usize), place: Place, (ow, oh): (usize, usize)) -> Vec<u8> {
    let source = Source {
        data,
        stride: w * 4,
        w,
        h,
    };
    // What was there before must not be seen.
    let mut output = vec![0xaa; ow * oh * 4];
    scale(kind, source, &place, ow, &mut output, &mut Scratch::default()).unwrap();
    output
}

fn at(picture: &[u8], width: usize, x: usize, y: usize) -> [u8; 3] {
    let p = &picture[(y * width + x) * 4..];
    [p[2], p[1], p[0]]
}

/// The whole output.
fn whole(from: (usize, usize), to: (usize, usize)) -> Place {
    Place {
        scale: (to.0 as f64 / from.0 as f64, to.1 as f64 / from.1 as f64),
        offset: (0.0, 0.0),
    }
}

const ALL: [Kind; 4] = [Kind::Linear, Kind::Pixel, Kind::Fsr(2), Kind::Nis(2)];

/// Lines at every angle, a checkerboard, a ramp, letters' edges: what upscalers are bad at.
fn card(x: usize, y: usize) -> [u8; 3] {
    let (dx, dy) = (x as i64 - 48, y as i64 - 32);
    let ring = (dx * dx + dy * dy) / 60 % 2 == 0;
    match (x / 32, y / 32) {
        (0, 0) => [(x * 8) as u8, (y * 8) as u8, 128],
        (1, 0) if (x + y).is_multiple_of(2) => [255, 255, 255],
        (1, 0) => [0, 0, 0],
        (2, _) if (x * 3 + y * 7) % 31 < 3 => [255, 200, 0],
        (2, _) => [0, 40, 90],
        _ if ring => [230, 230, 230],
        _ => [20, 60, 20],
    }
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    })
}

#[test]
fn one_colour_stays_that_colour() {
    for kind in ALL {
        for colour in [[0, 0, 0], [255, 255, 255], [1, 128, 254]] {
            let small = picture(7, 5, |_, _| colour);
            let large = drawn(kind, &small, (7, 5), whole((7, 5), (20, 13)), (20, 13));
            assert!(
                (0..260).all(|i| at(&large, 20, i % 20, i / 20) == colour),
                "{kind:?} {colour:?}"
            );
        }
    }
}

#[test]
fn around_the_picture_it_is_black() {
    for kind in ALL {
        let small = picture(8, 4, |_, _| [90, 90, 90]);
        let place = Place {
            scale: (2.0, 2.0),
            offset: (3.0, 5.0),
        };
        let large = drawn(kind, &small, (8, 4), place, (24, 16));
        for y in 0..16 {
            for x in 0..24 {
                let inside = (3..19).contains(&x) && (5..13).contains(&y);
                let colour = if inside { [90; 3] } else { [0; 3] };
                assert_eq!(at(&large, 24, x, y), colour, "{kind:?} {x} {y}");
            }
        }
    }
}

#[test]
fn a_picture_beside_the_output_is_not_drawn() {
    for kind in ALL {
        let small = picture(4, 4, |_, _| [90, 90, 90]);
        for offset in [(100.0, 0.0), (0.0, 100.0), (-100.0, -100.0)] {
            let place = Place {
                scale: (2.0, 2.0),
                offset,
            };
            let large = drawn(kind, &small, (4, 4), place, (10, 10));
            assert!(
                (0..100).all(|i| at(&large, 10, i % 10, i / 10) == [0; 3]),
                "{kind:?} {offset:?}"
            );
        }
    }
}

#[test]
fn pixel_is_exact_at_whole_ratios_and_blends_only_borders_at_others() {
    let small = picture(6, 4, |x, y| [(x * 40) as u8, (y * 60) as u8, 7]);
    let large = drawn(Kind::Pixel, &small, (6, 4), whole((6, 4), (18, 8)), (18, 8));
    for y in 0..8 {
        for x in 0..18 {
            assert_eq!(at(&large, 18, x, y), at(&small, 6, x / 3, y / 2));
        }
    }
    // 2 pixels on 5: the middle one is half of each.
    let two = picture(2, 1, |x, _| [if x == 0 { 0 } else { 200 }; 3]);
    let five = drawn(Kind::Pixel, &two, (2, 1), whole((2, 1), (5, 1)), (5, 1));
    assert_eq!([0, 1, 2, 3, 4].map(|x| at(&five, 5, x, 0)[0]), [0, 0, 100, 200, 200]);
}

#[test]
fn fsr_keeps_an_edge_steeper_than_bilinear_and_does_not_ring() {
    steep_without_ringing(Kind::Fsr(20));
}

#[test]
fn nis_keeps_an_edge_steeper_than_bilinear_and_does_not_ring_however_sharp() {
    steep_without_ringing(Kind::Nis(20));
    steep_without_ringing(Kind::Nis(0));
}

fn steep_without_ringing(kind: Kind) {
    let edge = picture(16, 16, |x, y| [if x > y { 220 } else { 30 }; 3]);
    let large = drawn(kind, &edge, (16, 16), whole((16, 16), (48, 48)), (48, 48));
    let row: Vec<u8> = (0..48).map(|x| at(&large, 48, x, 24)[0]).collect();
    assert!(row.windows(2).all(|w| w[0] <= w[1].saturating_add(12)), "{row:?}");
    // Bilinear is between the two for 6 pixels of a diagonal at this ratio.
    let between = row.iter().filter(|v| (50..200).contains(*v)).count();
    assert!((1..=4).contains(&between), "{row:?}");
    assert!(row[8] <= 35 && row[40] >= 215, "{row:?}");
}

#[test]
fn sharpness_goes_from_most_to_least() {
    let small = picture(96, 64, card);
    for kind in [Kind::Fsr, Kind::Nis] {
        let contrast = |sharpness| -> u64 {
            let place = whole((96, 64), (144, 96));
            let large = drawn(kind(sharpness), &small, (96, 64), place, (144, 96));
            large.chunks_exact(8).map(|p| u64::from(p[1].abs_diff(p[5]))).sum()
        };
        let steps: Vec<u64> = [0, 5, 10, 20].map(contrast).to_vec();
        assert!(steps.windows(2).all(|w| w[0] > w[1]), "{steps:?}");
    }
}

#[test]
fn every_filter_keeps_its_bits() {
    let small = picture(96, 64, card);
    let hashes = |kind| {
        let even = drawn(kind, &small, (96, 64), whole((96, 64), (192, 128)), (192, 128));
        let place = Place {
            scale: (1.7, 1.9),
            offset: (-3.0, 4.0),
        };
        let odd = drawn(kind, &small, (96, 64), place, (161, 131));
        [hash(&even), hash(&odd)].map(|h| format!("{h:016x}"))
    };
    assert_eq!(hashes(Kind::Pixel), ["c03a0d77bcb76fa5", "7914fd7d15dae11a"]);
    assert_eq!(hashes(Kind::Fsr(2)), ["3bfcd6c6459e16b7", "bd17a88d5e857452"]);
    assert_eq!(hashes(Kind::Nis(2)), ["57c20761e3bd1963", "54df418efe433116"]);
}
