//! Just enough of H.264's byte stream (ITU-T H.264, 7.3.1, 7.3.2.1.1 and annex B) to describe an access unit.

/// What the head of an access unit says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// profile_idc, the constraint flags and level_idc of its SPS, if there is one.
    pub sps: Option<[u8; 3]>,
    /// It has a PPS.
    pub pps: bool,
    /// Its first slice is of an IDR picture.
    pub idr: bool,
    /// It has a slice at all.
    pub slice: bool,
}

impl Head {
    /// Decoding can start here: an IDR picture with its parameter sets inline.
    pub fn is_key(&self) -> bool {
        self.idr && self.pps && self.sps.is_some()
    }
}

const SLICE: u8 = 1;
const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;

/// Reads an Annex B access unit up to its first slice; never fails, what isn't there isn't reported.
pub fn head(au: &[u8]) -> Head {
    let mut head = Head::default();
    let mut rest = au;
    while let Some(at) = rest.windows(3).position(|w| w == [0, 0, 1]) {
        rest = &rest[at + 3..];
        let Some(&first) = rest.first() else { break };
        match first & 0x1f {
            SPS => head.sps = rest.get(1..4).and_then(|b| b.try_into().ok()).or(head.sps),
            PPS => head.pps = true,
            kind @ SLICE..=IDR => {
                head.slice = true;
                head.idr = kind == IDR;
                break;
            }
            _ => {}
        }
    }
    head
}

/// The RFC 6381 codec string of a stream with inline parameter sets (ISO/IEC 14496-15, annex E).
pub fn codec(sps: [u8; 3]) -> String {
    let [profile, constraints, level] = sps;
    format!("avc3.{profile:02x}{constraints:02x}{level:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_heads() {
        let key = [
            0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 9, 0, 0, 1, 0x68, 1, 0, 0, 1, 6, 5, 0, 0, 1, 0x65, 0x88,
        ];
        let h = head(&key);
        assert!(h.is_key() && h.slice);
        assert_eq!(codec(h.sps.unwrap()), "avc3.42c01f");
        let delta = [0, 0, 0, 1, 0x41, 0x9a, 0, 0, 1, 0x65];
        assert_eq!(
            head(&delta),
            Head {
                slice: true,
                ..Head::default()
            }
        );
        assert!(!head(&key[9..]).is_key(), "an IDR picture without its SPS is no start");
    }

    #[test]
    fn takes_anything() {
        for bad in [
            &[][..],
            &[0, 0, 1],
            &[0, 0, 0, 1],
            &[0, 0, 1, 0x67],
            &[0, 0, 1, 0x67, 1, 2],
            &[7; 9],
        ] {
            assert_eq!(head(bad), Head::default());
        }
    }
}
