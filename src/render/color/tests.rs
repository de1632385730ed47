use super::convert::{Converter, Depth, Space};
use super::curve::{Curve, pq_light, pq_signal};
use super::primaries::{Points, SRGB, apply, to_srgb};
use super::tone::rolled_off;

const BT2020: Points = [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)];
const DCI_P3: Points = [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)];

const HDR10: Space = Space {
    curve: Curve::Pq,
    primaries: BT2020,
    full: 10_000.0,
    white: 203.0,
    peak: 1_000.0,
};

fn is_near(a: f64, b: f64, by: f64) {
    assert!((a - b).abs() <= by, "{a} is not {b}");
}

/// The three channels that a ten-bit grey of these levels becomes.
fn ten(converter: &Converter, [r, g, b]: [u32; 3]) -> [u32; 3] {
    let pixel = converter.pixel(Depth::Ten, 3 << 30 | r << 20 | g << 10 | b);
    assert_eq!(pixel >> 24, 255);
    [pixel >> 16 & 255, pixel >> 8 & 255, pixel & 255]
}

#[test]
fn pq_is_as_st_2084_and_bt_2408_say() {
    // ITU-R BT.2408's table of levels: 58 % is 203 cd/m², 75 % is 983, and 100 cd/m² are 51 %.
    is_near(pq_light(0.58) * 10_000.0, 203.0, 2.0);
    is_near(pq_light(0.75) * 10_000.0, 983.0, 2.0);
    is_near(pq_signal(0.01), 0.508, 0.0005);
    is_near(pq_light(0.0), 0.0, 1e-9);
    is_near(pq_light(1.0), 1.0, 1e-9);
    for i in 0..=100 {
        is_near(pq_signal(pq_light(f64::from(i) / 100.0)), f64::from(i) / 100.0, 1e-6);
    }
}

#[test]
fn hlg_is_as_bt_2100_says() {
    is_near(Curve::Hlg.light(0.5), 1.0 / 12.0, 1e-9);
    is_near(Curve::Hlg.light(1.0), 1.0, 1e-6);
    is_near(Curve::Hlg.display(1_000.0), 0.2, 1e-9);
    // A signal of 75 % is 203 cd/m² on a display of 1000: BT.2408's reference white.
    let scene = Curve::Hlg.light(0.75);
    is_near(1_000.0 * scene * scene.powf(0.2), 203.0, 1.0);
}

#[test]
fn primaries_are_as_bt_2087_says() {
    // ITU-R BT.2087, the inverse of its matrix.
    let wanted = [
        [1.6605, -0.5876, -0.0728],
        [-0.1246, 1.1329, -0.0083],
        [-0.0182, -0.1006, 1.1187],
    ];
    let matrix = to_srgb(BT2020).unwrap();
    for (row, wanted) in matrix.iter().zip(wanted) {
        for (value, wanted) in row.iter().zip(wanted) {
            is_near(*value, wanted, 0.0002);
        }
    }
    for points in [SRGB, BT2020, DCI_P3] {
        for channel in apply(to_srgb(points).unwrap(), [1.0; 3]) {
            is_near(channel, 1.0, 1e-6);
        }
    }
    assert!(to_srgb([(0.3, 0.3); 4]).is_none());
    assert!(to_srgb([(0.0, 0.0); 4]).is_none());
}

#[test]
fn highlights_roll_off_and_the_rest_stays() {
    let peak = 1_000.0 / 203.0;
    // Worked out by hand from BT.2390's formulas: the knee is at 89 cd/m², and 203 become 158.
    is_near(rolled_off(80.0 / 203.0, peak, 203.0), 80.0 / 203.0, 1e-12);
    is_near(rolled_off(1.0, peak, 203.0) * 203.0, 158.0, 2.0);
    is_near(rolled_off(peak, peak, 203.0), 1.0, 1e-6);
    let mut last = 0.0;
    for i in 0..=1000 {
        let now = rolled_off(peak * f64::from(i) / 1000.0, peak, 203.0);
        assert!(now >= last && now <= 1.0, "{i}: {now} after {last}");
        last = now;
    }
    // What has no highlights keeps its white.
    is_near(rolled_off(1.0, 1.0, 203.0), 1.0, 1e-12);
}

#[test]
fn hdr10_becomes_srgb() {
    let converter = Converter::new(HDR10).unwrap();
    assert_eq!(ten(&converter, [0; 3]), [0; 3]);
    let level = |nits: f64| (pq_signal(nits / 10_000.0) * 1023.0).round() as u32;
    // The peak is white; a tenth of the white's light is as dark as sRGB has it (255 · 0.1^(1 / 2.2)); greys stay grey.
    assert_eq!(ten(&converter, [level(1_000.0); 3]), [255; 3]);
    for channel in ten(&converter, [level(20.3); 3]) {
        is_near(f64::from(channel), 89.5, 1.0);
    }
    let white = ten(&converter, [level(203.0); 3]);
    // 255 · (158 / 203)^(1 / 2.2).
    is_near(f64::from(white[0]), 227.5, 1.5);
    assert!(white.iter().all(|v| *v == white[0]), "{white:?}");
    // BT.2020's red is outside of sRGB: it stays red, and as light as it is.
    let [r, g, b] = ten(&converter, [level(60.0), 0, 0]);
    assert!(r > 130 && g < 3 && b < 60, "{r} {g} {b}");
}

#[test]
fn hlg_becomes_srgb() {
    let converter = Converter::new(Space {
        curve: Curve::Hlg,
        full: 1_000.0,
        ..HDR10
    });
    let converter = converter.unwrap();
    assert_eq!(ten(&converter, [0; 3]), [0; 3]);
    assert_eq!(ten(&converter, [1023; 3]), [255; 3]);
    // 75 % are 203 cd/m² on a display of 1000: as with PQ, 255 · (158 / 203)^(1 / 2.2).
    for channel in ten(&converter, [767; 3]) {
        is_near(f64::from(channel), 227.5, 1.5);
    }
    // A half is 50.6 cd/m² (1000 · (1 / 12)^1.2), below the knee.
    for channel in ten(&converter, [512; 3]) {
        is_near(f64::from(channel), 255.0 * (50.7f64 / 203.0).powf(1.0 / 2.2), 1.5);
    }
}

#[test]
fn what_has_no_highlights_is_itself_but_for_its_gamut() {
    let of = |curve, primaries| Space {
        curve,
        primaries,
        full: 80.0,
        white: 80.0,
        peak: 80.0,
    };
    let same = Converter::new(of(Curve::Power(2.2), SRGB)).unwrap();
    for level in 0..=255u32 {
        let pixel = 0xff00_0000 | level << 16 | level << 8 | level;
        assert_eq!(same.pixel(Depth::Eight, pixel), pixel);
    }
    let wide = Converter::new(of(Curve::Power(2.2), DCI_P3)).unwrap();
    assert_eq!(wide.pixel(Depth::Eight, 0xffff_ffff), 0xffff_ffff);
    let linear = Converter::new(of(Curve::Linear, SRGB)).unwrap();
    // 255 · 0.5^(1 / 2.2) of half the light.
    assert_eq!(ten(&linear, [512; 3]), [186; 3]);
}

#[test]
fn colours_are_multiplied_by_their_alpha() {
    let converter = Converter::new(HDR10).unwrap();
    assert_eq!(converter.pixel(Depth::Ten, 0x3fff_ffff), 0);
    let opaque = converter.pixel(Depth::Eight, 0xff80_8080);
    let half = converter.pixel(Depth::Eight, 0x8040_4040);
    assert_eq!(half >> 24, 0x80);
    is_near(f64::from(half & 255), f64::from(opaque & 255) * 128.0 / 255.0, 1.5);
    // More colour than alpha is as much as can be.
    let odd = converter.pixel(Depth::Eight, 0x10ff_ffff);
    assert_eq!(odd, 0x1010_1010);
}

#[test]
fn it_is_the_same_each_time() {
    let converter = Converter::new(HDR10).unwrap();
    let (w, h) = (97usize, 131usize);
    let from: Vec<[u8; 4]> = (0..w * h)
        .map(|i| (i as u32).wrapping_mul(0x9e37_79b9).to_le_bytes())
        .collect();
    let mut to = vec![0; w * h];
    converter.convert(Depth::Ten, &from, &mut to, w);
    for (from, to) in from.iter().zip(&to) {
        assert_eq!(converter.pixel(Depth::Ten, u32::from_le_bytes(*from)), *to);
    }
    // FNV-1a.
    let hash = to.iter().flat_map(|pixel| pixel.to_le_bytes());
    let hash = hash.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(hash, 0x7293_669c_0096_111d, "{hash:#x}");
}
