//! Writes into a sequence parameter set that the picture is BT.709 in limited range, for encoders that don't say it
//! themselves (openh264enc): without it a decoder guesses by the picture's size, and gets small pictures wrong.
//!
//! ITU-T H.264, 7.3.2.1.1 (the set), 7.4.1.1 (emulation prevention), E.1.1 (its VUI).

/// Returns the access unit with the description in its SPS; `None` if it has no SPS, or one of a kind that is not
/// understood (then it is better left alone).
pub fn describe_colours(au: &[u8]) -> Option<Vec<u8>> {
    let sps = find_sps(au)?;
    let described = described(&unescape(&au[sps.clone()]))?;
    let mut out = Vec::with_capacity(au.len() + 16);
    out.extend_from_slice(&au[..sps.start]);
    out.extend(escape(&described));
    out.extend_from_slice(&au[sps.end..]);
    Some(out)
}

/// Where the SPS lies in a byte stream, its header byte included, the start codes not.
fn find_sps(au: &[u8]) -> Option<std::ops::Range<usize>> {
    let code = |from: usize| au[from..].windows(3).position(|w| w == [0, 0, 1]).map(|at| from + at);
    let mut start = code(0)? + 3;
    while au.get(start)? & 0x1f != 7 {
        start = code(start)? + 3;
    }
    // The zero before a start code of four bytes is not the set's.
    let mut end = code(start).unwrap_or(au.len());
    while end > start && au[end - 1] == 0 {
        end -= 1;
    }
    Some(start..end)
}

fn unescape(nal: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::with_capacity(nal.len()), 0);
    for &byte in nal {
        // 00 00 03 stands for 00 00.
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    out
}

fn escape(nal: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::with_capacity(nal.len() + 4), 0);
    for &byte in nal {
        if zeros == 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    out
}

/// Reads bits, the most significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        self.at += 1;
        Some(byte >> (7 - (self.at - 1) % 8) & 1 == 1)
    }

    fn skip(&mut self, bits: usize) -> Option<()> {
        self.at += bits;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// An Exp-Golomb code (9.1).
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value = 1u64;
        for _ in 0..zeros {
            value = value << 1 | u64::from(self.bit()?);
        }
        u32::try_from(value - 1).ok()
    }
}

/// The set with the description; `None`: of another profile than the baseline's and main, or cut short.
fn described(sps: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes: sps, at: 8 };
    if !matches!(sps.get(1)?, 66 | 77 | 88) {
        return None;
    }
    bits.skip(24)?;
    bits.ue()?; // its number
    bits.ue()?; // log2_max_frame_num_minus4
    match bits.ue()? {
        0 => {
            bits.ue()?;
        }
        2 => {}
        _ => return None, // order of output by a table: no live encoder writes one
    }
    bits.ue()?; // max_num_ref_frames
    bits.bit()?;
    bits.ue()?; // width
    bits.ue()?; // height
    if !bits.bit()? {
        bits.bit()?;
    }
    bits.bit()?;
    if bits.bit()? {
        for _ in 0..4 {
            bits.ue()?; // cropping
        }
    }
    let mut out = BitsOut::default();
    if bits.bit()? {
        if bits.bit()? {
            let extended = {
                let mut idc = 0;
                for _ in 0..8 {
                    idc = idc << 1 | u32::from(bits.bit()?);
                }
                idc == 255
            };
            bits.skip(if extended { 32 } else { 0 })?;
        }
        if bits.bit()? {
            bits.bit()?; // overscan
        }
        out.copy(sps, 0, bits.at);
        if bits.bit()? {
            bits.skip(4)?;
            if bits.bit()? {
                bits.skip(24)?;
            }
        }
        out.signal_type();
        out.copy(sps, bits.at, end(sps)?);
    } else {
        out.copy(sps, 0, bits.at - 1);
        out.put(0b100, 3); // a VUI, without aspect ratio and overscan
        out.signal_type();
        out.put(0, 6); // no chroma location, timing, HRDs, picture structure, restriction
    }
    Some(out.finish())
}

/// The position of the stop bit.
fn end(sps: &[u8]) -> Option<usize> {
    let last = sps.iter().rposition(|&b| b != 0)?;
    Some(last * 8 + 7 - sps[last].trailing_zeros() as usize)
}

#[derive(Default)]
struct BitsOut {
    bytes: Vec<u8>,
    len: usize,
}

impl BitsOut {
    fn put(&mut self, value: u32, bits: usize) {
        for i in (0..bits).rev() {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if value >> i & 1 == 1
                && let Some(last) = self.bytes.last_mut()
            {
                *last |= 0x80 >> (self.len % 8);
            }
            self.len += 1;
        }
    }

    fn copy(&mut self, from: &[u8], start: usize, end: usize) {
        for at in start..end {
            self.put(u32::from(from[at / 8] >> (7 - at % 8) & 1), 1);
        }
    }

    /// Present; unspecified format; limited range; primaries, transfer and matrix of BT.709.
    fn signal_type(&mut self) {
        self.put(0b11_0101, 6);
        self.put(0x01_01_01, 24);
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(1, 1);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A baseline set of 640x360 without a VUI, written by hand from the syntax.
    fn plain() -> Vec<u8> {
        let mut out = BitsOut::default();
        out.put(0x67_42_c0_1e, 32);
        out.put(0b1_1_1, 3); // number 0, frame numbers of 4 bits, order type 0
        out.put(0b1, 1); // of 4 bits
        out.put(0b010, 3); // one reference
        out.put(0, 1);
        out.put(0b00000_101000, 11); // width 40 macroblocks: ue(39)
        out.put(0b0000_10111, 9); // height 23 macroblocks: ue(22)
        out.put(0b1_1, 2); // frames only, direct 8x8
        out.put(0b1_1_1_1, 4); // cropped: left, right, top 0
        out.put(0b00101, 5); // bottom 4
        out.put(0, 1); // no VUI
        out.finish()
    }

    #[test]
    fn the_description_is_written_once() {
        let mut au = vec![0, 0, 0, 1];
        au.extend(escape(&plain()));
        au.extend([0, 0, 0, 1, 0x68, 0xce, 0, 0, 1, 0x65, 1, 2, 3]);
        let once = describe_colours(&au).unwrap();
        assert!(once.len() > au.len() && once.ends_with(&[0, 0, 0, 1, 0x68, 0xce, 0, 0, 1, 0x65, 1, 2, 3]));
        assert_eq!(
            describe_colours(&once).unwrap(),
            once,
            "what is there already is replaced by the same"
        );
    }

    proptest! {
        #[test]
        fn takes_anything(bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(3), Just(0x67), Just(66), any::<u8>()], 0..80)) {
            let _ = describe_colours(&bytes);
            prop_assert_eq!(unescape(&escape(&bytes)), bytes);
        }
    }
}
