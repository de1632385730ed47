//! Which modes are listed beside the native one, and the limits that hold for all of them.

use super::spec::Spec;
use super::timing::Timing;
use crate::link::{Refresh, Size};

/// How EDID names a mode that everybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A bit of the established timings: which byte of the three, which bit.
    Established(usize, u8),
    /// A standard timing's two bytes.
    Standard([u8; 2]),
    /// CTA-861's video identification code.
    Vic(u8),
}

/// A mode that everybody knows.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub size: (u32, u32),
    pub code: Code,
    line_hz: u64,
    rate_mhz: u64,
    clock_khz: u64,
}

const fn known(size: (u32, u32), code: Code, line_hz: u64, rate_mhz: u64, clock_khz: u64) -> Known {
    Known {
        size,
        code,
        line_hz,
        rate_mhz,
        clock_khz,
    }
}

/// The mode that every monitor with a CTA-861 extension has.
const FAIL_SAFE: Known = known((640, 480), Code::Established(0, 0x20), 31_469, 59_940, 25_175);

/// VESA's DMT 1.0 and CTA-861-G; of the latter, the most wanted first.
const KNOWN: &[Known] = &[
    known((800, 600), Code::Established(0, 0x01), 37_879, 60_317, 40_000),
    known((1024, 768), Code::Established(1, 0x08), 48_363, 60_004, 65_000),
    known((1280, 800), Code::Standard([0x81, 0x00]), 49_702, 59_810, 83_500),
    known((1280, 1024), Code::Standard([0x81, 0x80]), 63_981, 60_020, 108_000),
    known((1440, 900), Code::Standard([0x95, 0x00]), 55_935, 59_887, 106_500),
    known((1600, 900), Code::Standard([0xa9, 0xc0]), 60_000, 60_000, 108_000),
    known((1600, 1200), Code::Standard([0xa9, 0x40]), 75_000, 60_000, 162_000),
    known((1680, 1050), Code::Standard([0xb3, 0x00]), 65_290, 59_954, 146_250),
    known((1920, 1200), Code::Standard([0xd1, 0x00]), 74_556, 59_885, 193_250),
    known((3840, 2160), Code::Vic(97), 135_000, 60_000, 594_000),
    known((1920, 1080), Code::Vic(16), 67_500, 60_000, 148_500),
    known((1280, 720), Code::Vic(4), 45_000, 60_000, 74_250),
];

/// Sizes that are listed at the native rate, too.
const SIZES: &[(u32, u32)] = &[(3840, 2160), (2560, 1440), (1920, 1080), (1600, 900), (1280, 720)];

/// How many detailed timings the CTA-861 extension takes beside its data blocks.
const DETAILED: usize = 4;

/// The whole list.
#[derive(Debug)]
pub struct Plan {
    /// The detailed timing of the base block: the native mode, or the best that fits there.
    pub first: Timing,
    /// The native mode, where it does not fit there.
    pub beyond: Option<Timing>,
    /// Other modes at the native rate.
    pub detailed: Vec<Timing>,
    /// Other modes.
    pub known: Vec<Known>,
    /// What holds for all of them.
    pub limits: Limits,
}

/// The slowest and the fastest of all modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Frames, rounded outwards to hertz.
    pub v_hz: (u64, u64),
    /// Lines, rounded outwards to kilohertz.
    pub h_khz: (u64, u64),
    /// The fastest clock, rounded up to 10 MHz.
    pub clock_10mhz: u64,
}

impl Plan {
    /// Chooses: nothing is larger or faster than the native mode but the one that must be there.
    pub fn new(spec: &Spec) -> Self {
        let native = Timing::reduced(spec.size, spec.refresh, 10);
        let (first, beyond) = if fits_dtd(&native) {
            (native, None)
        } else {
            let exact = Timing::reduced(spec.size, spec.refresh, 1);
            (smaller(spec.size, spec.refresh), Some(exact))
        };
        let within = |w: u32, h: u32| w <= spec.size.w && h <= spec.size.h && (w, h) != (spec.size.w, spec.size.h);
        let detailed = SIZES
            .iter()
            .filter(|(w, h)| within(*w, *h))
            .filter(|size| spec.refresh.0 != 60_000 || KNOWN.iter().all(|known| known.size != **size))
            .map(|(w, h)| Timing::reduced(Size { w: *w, h: *h }, spec.refresh, 10))
            .filter(|t| fits_dtd(t) && *t != first)
            .take(DETAILED)
            .collect::<Vec<_>>();
        let known: Vec<Known> = KNOWN
            .iter()
            .filter(|k| within(k.size.0, k.size.1) && u64::from(spec.refresh.0) + 500 >= k.rate_mhz)
            // Else it would count as another form of the first timing, and win over it.
            .filter(|k| k.size != (first.h.active, first.v.active))
            .chain([&FAIL_SAFE])
            .copied()
            .collect();
        let timings = detailed.iter().chain(&beyond).chain([&first]);
        let all: Vec<(u64, u64, u64)> = timings
            .map(|t| (t.rate_mhz(), t.line_hz(), t.clock_khz))
            .chain(known.iter().map(|k| (k.rate_mhz, k.line_hz, k.clock_khz)))
            .collect();
        let limits = Limits::of(&all, spec.variable_from);
        Self {
            first,
            beyond,
            detailed,
            known,
            limits,
        }
    }
}

impl Limits {
    fn of(all: &[(u64, u64, u64)], variable_from: Option<u32>) -> Self {
        let rates = all.iter().map(|m| m.0);
        let lines = all.iter().map(|m| m.1);
        let slowest = rates.clone().min().unwrap_or(0) / 1000;
        Self {
            v_hz: (
                variable_from.map_or(slowest, |hz| slowest.min(hz.into())).max(1),
                // The clock's steps make 144.002 of 144 Hz, and that is no reason to say 145.
                rates.max().unwrap_or(0).saturating_sub(50).div_ceil(1000),
            ),
            h_khz: (
                (lines.clone().min().unwrap_or(0) / 1000).max(1),
                lines.max().unwrap_or(0).div_ceil(1000),
            ),
            clock_10mhz: all.iter().map(|m| m.2).max().unwrap_or(0).div_ceil(10_000),
        }
    }
}

/// Whether EDID's 18 bytes can say it.
fn fits_dtd(t: &Timing) -> bool {
    t.clock_khz <= 655_350
        && t.h.active <= 4095
        && t.v.active <= 4095
        && t.h.blank() <= 4095
        && t.v.blank() <= 4095
        && t.v.sync <= 63
}

/// The largest, and then the fastest, mode of that aspect ratio that fits EDID's 18 bytes: what is shown by who reads
/// only the base block.
fn smaller(size: Size, refresh: Refresh) -> Timing {
    let mut side = Size {
        w: size.w.max(1),
        h: size.h.max(1),
    };
    // Halves keep the ratio and are even modes of their own: 7680x4320 becomes 3840x2160.
    while side.w > 4095 || side.h > 4095 {
        side = Size {
            w: (side.w / 2).max(1),
            h: (side.h / 2).max(1),
        };
    }
    let mut rate = refresh.0.clamp(1_000, 1_000_000);
    loop {
        let timing = Timing::reduced(side, Refresh(rate), 10);
        if fits_dtd(&timing) || rate <= 1_000 {
            return timing;
        }
        // A half of the rate, of which each second frame is one, and then 60 Hz.
        rate = match rate {
            120_001.. => rate / 2,
            60_001..=120_000 => 60_000,
            _ => rate / 2,
        }
        .max(1_000);
    }
}
