//! The DisplayID 2.0 extension, for a native mode beyond EDID's own detailed timings.

use super::base::{PRODUCT, YEAR};
use super::spec::Spec;
use super::timing::{Axis, Timing};
use super::{BLOCK, seal, sum};

/// What follows the section's header, its checksum not counted.
const PAYLOAD: usize = 121;

/// The data blocks' tags.
const PRODUCT_ID: u8 = 0x20;
const PARAMETERS: u8 = 0x21;
const TYPE_VII: u8 = 0x22;
const RANGE: u8 = 0x25;
const INTERFACE: u8 = 0x26;

pub fn block(spec: &Spec, native: &Timing) -> [u8; BLOCK] {
    let mut b = [0; BLOCK];
    // The extension's tag; version 2.0, its length, a gaming display, no further extension.
    b[..5].copy_from_slice(&[0x70, 0x20, PAYLOAD as u8, 0x05, 0x00]);
    let mut at = 5;
    for data in [
        data_block(PRODUCT_ID, 0, &product(spec)),
        data_block(PARAMETERS, 0x80, &parameters(spec)),
        data_block(TYPE_VII, 0, &type_vii(native)),
        data_block(RANGE, 1, &range(spec, native)),
        data_block(INTERFACE, 0, &interface(spec)),
    ] {
        b[at..at + data.len()].copy_from_slice(&data);
        at += data.len();
    }
    // The section has a checksum of its own, without the extension's tag.
    b[5 + PAYLOAD] = sum(&b[1..5 + PAYLOAD]).wrapping_neg();
    seal(b)
}

fn data_block(tag: u8, revision: u8, payload: &[u8]) -> Vec<u8> {
    let mut block = vec![tag, revision, payload.len() as u8];
    block.extend(payload);
    block
}

fn product(spec: &Spec) -> Vec<u8> {
    // An IEEE company id is wanted: ours is one that is locally administered, with the vendor's letters in it.
    let [high, low] = spec.vendor.packed();
    let mut p = vec![0x02, high, low];
    p.extend(PRODUCT.to_le_bytes());
    p.extend(spec.serial.to_le_bytes());
    p.extend([0xff, (YEAR - 2000) as u8]);
    p.push(spec.name.as_str().len() as u8);
    p.extend(spec.name.as_str().bytes());
    p
}

fn parameters(spec: &Spec) -> Vec<u8> {
    let mut p = Vec::with_capacity(29);
    for n in [spec.millimetres.0, spec.millimetres.1, spec.size.w, spec.size.h] {
        p.extend((n.min(0xffff) as u16).to_le_bytes());
    }
    // Left to right, top to bottom; luminance is for guidance; CIE 1931; no speakers.
    p.push(0x88);
    for xy in spec.chromaticity().numbers().chunks_exact(2) {
        let twelve = |n: f64| ((n * 4096.0).round() as u32).min(4095);
        p.extend(&(twelve(xy[0]) | twelve(xy[1]) << 12).to_le_bytes()[..3]);
    }
    let (average, max, min) = spec
        .hdr
        .map_or((0.0, 0.0, 0.0), |h| (h.max_average_nits, h.max_nits, h.min_nits));
    for nits in [average, max, min] {
        p.extend(half(nits).to_le_bytes());
    }
    // 8 or 10 bits a colour; the technology is not said.
    p.push(if spec.hdr.is_some() { 3 } else { 2 });
    // Gamma 2.2, in hundredths from 1.
    p.push(120);
    p
}

fn type_vii(t: &Timing) -> [u8; 20] {
    let mut d = [0; 20];
    let clock = (t.clock_khz.max(1) - 1).min(0xff_ffff) as u32;
    d[..3].copy_from_slice(&clock.to_le_bytes()[..3]);
    // Preferred, progressive, mono; the ratio's code.
    d[3] = 0x80 | ratio(t.h.active, t.v.active);
    let mut at = 4;
    for axis in [&t.h, &t.v] {
        for n in words(axis) {
            d[at..at + 2].copy_from_slice(&n.to_le_bytes());
            at += 2;
        }
    }
    d
}

/// Each less one; the front porch carries the polarity.
fn words(axis: &Axis) -> [u16; 4] {
    let less_one = |n: u32| (n.max(1) - 1).min(0xffff) as u16;
    let front = less_one(axis.front) & 0x7fff | u16::from(axis.positive) << 15;
    [
        less_one(axis.active),
        less_one(axis.blank()),
        front,
        less_one(axis.sync),
    ]
}

fn ratio(w: u32, h: u32) -> u8 {
    let ratios = [(1, 1), (5, 4), (4, 3), (15, 9), (16, 9), (16, 10), (64, 27), (256, 135)];
    let found = ratios.iter().position(|(a, b)| w * b == h * a);
    // 8: to be computed.
    found.unwrap_or(8) as u8
}

fn range(spec: &Spec, native: &Timing) -> [u8; 9] {
    let mut r = [0; 9];
    let clock = |khz: u64| ((khz.max(1) - 1).min(0xff_ffff) as u32).to_le_bytes();
    let max = native.rate_mhz().div_ceil(1000).min(1023);
    let min = spec.variable_from.map_or(max.min(60), u64::from);
    // The slowest clock is that of the mode that every monitor has.
    r[..3].copy_from_slice(&clock(25_175.min(native.clock_khz))[..3]);
    r[3..6].copy_from_slice(&clock(native.clock_khz)[..3]);
    r[6] = min.min(255) as u8;
    r[7] = max as u8;
    r[8] = (max >> 8) as u8 | if spec.variable_from.is_some() { 0x80 } else { 0 };
    r
}

fn interface(spec: &Spec) -> [u8; 9] {
    // RGB with 8 bits, and 10 with HDR; sRGB, and BT.2020 with SMPTE ST 2084.
    let (depths, spaces) = if spec.hdr.is_some() { (0x06, 0x41) } else { (0x02, 0x01) };
    [depths, 0, 0, 0, 0, 0, spaces, 0, 0]
}

/// IEEE 754's half precision, for numbers from 0 to 65504, rounded to nearest.
fn half(value: f64) -> u16 {
    if value.is_nan() || value < 2f64.powi(-24) {
        return 0;
    }
    let exponent = value.log2().floor().clamp(-14.0, 15.0);
    let steps = (value / (exponent - 10.0).exp2()).round();
    // A number below 2^-14 has no leading one, and rounding up may carry into the exponent: both come out right.
    let bits = (exponent + 14.0) * 1024.0 + steps;
    bits.min(f64::from(0x7bff)) as u16
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision() {
        for (value, bits) in [
            (0.0, 0),
            (1.0, 0x3c00),
            (0.5, 0x3800),
            (1000.0, 0x63d0),
            (65504.0, 0x7bff),
            (1e9, 0x7bff),
            (2f64.powi(-14), 0x0400),
            (2f64.powi(-24), 1),
            (2047.6, 0x6800),
        ] {
            assert_eq!(half(value), bits, "{value}");
        }
    }
}
