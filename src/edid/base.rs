//! The base block (VESA E-EDID Standard, release A2).

use super::modes::{Code, Limits, Plan};
use super::spec::Spec;
use super::timing::Timing;
use super::{BLOCK, seal};

/// The first eight bytes of every EDID.
pub const HEADER: [u8; 8] = [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];

/// Our one product.
pub const PRODUCT: u16 = 0x6767;

/// The model's year; that of manufacture could lie ahead of a machine's clock.
pub const YEAR: u16 = 2025;

/// Where the four descriptors of 18 bytes are.
pub const DESCRIPTORS: usize = 54;

/// A descriptor that is no timing: the tags.
pub const SERIAL: u8 = 0xff;
pub const NAME: u8 = 0xfc;
const RANGE: u8 = 0xfd;
const NOTHING: u8 = 0x10;

pub fn block(spec: &Spec, plan: &Plan) -> [u8; BLOCK] {
    let mut b = [0; BLOCK];
    b[..8].copy_from_slice(&HEADER);
    b[8..10].copy_from_slice(&spec.vendor.packed());
    b[10..12].copy_from_slice(&PRODUCT.to_le_bytes());
    // The serial number's four bytes stay zero: CTA-861 wants it in one place, and a descriptor has it as text.
    // The year is the model's.
    b[16] = 0xff;
    b[17] = (YEAR - 1990) as u8;
    b[18..20].copy_from_slice(&[1, 4]);
    // Digital; 8 or 10 bits a colour; DisplayPort.
    b[20] = if spec.hdr.is_some() { 0xb5 } else { 0xa5 };
    let cm = |mm: u32| ((mm + 5) / 10).clamp(1, 255) as u8;
    (b[21], b[22]) = (cm(spec.millimetres.0), cm(spec.millimetres.1));
    // Gamma 2.2.
    b[23] = 120;
    // RGB 4:4:4; sRGB; the first timing is preferred, also where a better one is in the DisplayID block, or else who reads
    // no further would prefer a television's; continuous frequencies.
    let range = range_limits(&plan.limits);
    b[24] = u8::from(spec.hdr.is_none()) << 2 | 0x02 | u8::from(spec.variable_from.is_some() && range.is_some());
    b[25..35].copy_from_slice(&chromaticity(spec.chromaticity().numbers()));
    let mut standard = 38;
    b[38..54].fill(0x01);
    for known in &plan.known {
        match known.code {
            Code::Established(byte, bit) => b[35 + byte] |= bit,
            Code::Standard(code) if standard < DESCRIPTORS => {
                b[standard..standard + 2].copy_from_slice(&code);
                standard += 2;
            }
            Code::Standard(_) | Code::Vic(_) => {}
        }
    }
    let descriptors = [
        detailed(&plan.first, spec.millimetres),
        range.unwrap_or_else(|| descriptor(NOTHING, &[0; 13])),
        text(NAME, spec.name.as_str()),
        text(SERIAL, &format!("{:08}", spec.serial)),
    ];
    b[DESCRIPTORS..126].copy_from_slice(descriptors.as_flattened());
    b[126] = if plan.beyond.is_some() { 2 } else { 1 };
    seal(b)
}

/// Ten bits each: the low ones first, two bits a number, then the high ones.
fn chromaticity(numbers: [f64; 8]) -> [u8; 10] {
    let ten = numbers.map(|n| ((n * 1024.0).round() as u16).min(1023));
    let low = |four: &[u16]| four.iter().fold(0u16, |byte, n| byte << 2 | (n & 3)) as u8;
    let mut out = [0; 10];
    (out[0], out[1]) = (low(&ten[..4]), low(&ten[4..]));
    for (to, n) in out[2..].iter_mut().zip(ten) {
        *to = (n >> 2) as u8;
    }
    out
}

/// A detailed timing of 18 bytes, which [`Plan`] has checked that it fits.
pub fn detailed(t: &Timing, millimetres: (u32, u32)) -> [u8; 18] {
    let mut d = [0; 18];
    d[..2].copy_from_slice(&((t.clock_khz / 10) as u16).to_le_bytes());
    // Eight low bits each, and the four high ones of two in one byte.
    let pair = |a: u32, b: u32| [a as u8, b as u8, ((a >> 8 & 15) << 4 | (b >> 8 & 15)) as u8];
    d[2..5].copy_from_slice(&pair(t.h.active, t.h.blank()));
    d[5..8].copy_from_slice(&pair(t.v.active, t.v.blank()));
    d[8] = t.h.front as u8;
    d[9] = t.h.sync as u8;
    d[10] = ((t.v.front & 15) << 4 | (t.v.sync & 15)) as u8;
    d[11] =
        ((t.h.front >> 8 & 3) << 6 | (t.h.sync >> 8 & 3) << 4 | (t.v.front >> 4 & 3) << 2 | (t.v.sync >> 4 & 3)) as u8;
    let (w, h) = (millimetres.0.min(4095), millimetres.1.min(4095));
    d[12..15].copy_from_slice(&pair(w, h));
    // Digital, separate sync.
    d[17] = 0x18 | u8::from(t.v.positive) << 2 | u8::from(t.h.positive) << 1;
    d
}

fn descriptor(tag: u8, bytes: &[u8; 13]) -> [u8; 18] {
    let mut d = [0; 18];
    d[3] = tag;
    d[5..].copy_from_slice(bytes);
    d
}

/// Up to 13 characters, a line feed after a shorter text, then spaces.
fn text(tag: u8, text: &str) -> [u8; 18] {
    let mut bytes = [b' '; 13];
    let text = &text.as_bytes()[..text.len().min(13)];
    bytes[..text.len()].copy_from_slice(text);
    if let Some(end) = bytes.get_mut(text.len()) {
        *end = b'\n';
    }
    descriptor(tag, &bytes)
}

/// `None`: the numbers are beyond what the descriptor can say (510 Hz, 510 kHz, 2550 MHz).
fn range_limits(limits: &Limits) -> Option<[u8; 18]> {
    // From 256 on, 255 are taken off and a flag says so; the flag for the lower of the two needs the other one, too.
    let offset = |(low, high): (u64, u64)| -> Option<(u8, u8, u8)> {
        let (low_off, high_off) = (low > 255, high > 255);
        let flags = u8::from(high_off) << 1 | u8::from(low_off);
        let byte = |v: u64, off: bool| u8::try_from(if off { v - 255 } else { v }).ok();
        Some((byte(low, low_off)?, byte(high, high_off)?, flags))
    };
    let (v_min, v_max, v_flags) = offset(limits.v_hz)?;
    let (h_min, h_max, h_flags) = offset(limits.h_khz)?;
    let clock = u8::try_from(limits.clock_10mhz).ok()?;
    // Limits only: no formula makes other modes.
    let mut bytes = [v_min, v_max, h_min, h_max, clock, 0x01, b'\n', 0, 0, 0, 0, 0, 0];
    bytes[7..].fill(b' ');
    let mut d = descriptor(RANGE, &bytes);
    d[4] = h_flags << 2 | v_flags;
    Some(d)
}
