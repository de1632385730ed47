//! Video timings by VESA's CVT 1.2 with reduced blanking, but with the pixel clock that the rate asks for: CVT rounds it
//! down to a quarter of a megahertz, which makes 59.94 of 60 Hz.

use crate::link::{Refresh, Size};

/// One direction of a timing: pixels of a line, or lines of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// What is seen.
    pub active: u32,
    /// From the end of what is seen to the sync pulse.
    pub front: u32,
    /// The sync pulse.
    pub sync: u32,
    /// From the sync pulse to the next line or frame.
    pub back: u32,
    /// The sync pulse is positive.
    pub positive: bool,
}

impl Axis {
    /// What is not seen.
    pub fn blank(&self) -> u32 {
        self.front + self.sync + self.back
    }

    /// All of it.
    pub fn total(&self) -> u32 {
        self.active + self.blank()
    }
}

/// A progressive video timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Pixels a millisecond.
    pub clock_khz: u64,
    /// Along a line.
    pub h: Axis,
    /// Down a frame.
    pub v: Axis,
}

/// CVT's shortest vertical blanking.
const MIN_BLANK_NS: u64 = 460_000;
/// CVT's shortest vertical back porch in lines.
const MIN_BACK: u32 = 6;
/// CVT's vertical front porch in lines.
const FRONT: u32 = 3;

/// The largest pixel clock of a DisplayID 2.0 detailed timing: 24 bits of kilohertz, less one.
pub const MAX_CLOCK_KHZ: u64 = 1 << 24;

impl Timing {
    /// The timing of this size at this rate, its clock a multiple of `step` kHz. A rate that no clock of an EDID can
    /// give (beyond 16.8 GHz) becomes the highest that one can, in steps of a sixteenth.
    pub fn reduced(size: Size, refresh: Refresh, step: u64) -> Self {
        let mut rate = u64::from(refresh.0.clamp(1_000, 1_000_000));
        loop {
            let timing = Self::at(size, rate, step);
            if timing.clock_khz <= MAX_CLOCK_KHZ || rate <= 1_000 {
                return timing;
            }
            rate -= rate / 16;
        }
    }

    fn at(size: Size, rate_mhz: u64, step: u64) -> Self {
        // The period is 1 ms at least, so that more than half of it is left for what is seen.
        let seen_ns = 1_000_000_000_000 / rate_mhz - MIN_BLANK_NS;
        let blank = (MIN_BLANK_NS * u64::from(size.h) / seen_ns + 1) as u32;
        let sync = sync_lines(size);
        let blank = blank.max(FRONT + sync + MIN_BACK);
        let h = Axis {
            active: size.w,
            front: 48,
            sync: 32,
            back: 80,
            positive: true,
        };
        let v = Axis {
            active: size.h,
            front: FRONT,
            sync,
            back: blank - FRONT - sync,
            positive: false,
        };
        let frame = u64::from(h.total()) * u64::from(v.total());
        // Pixels a frame times millihertz is thousandths of a hertz.
        let unit = 1_000_000 * step;
        let clock_khz = ((frame * rate_mhz + unit / 2) / unit).max(1) * step;
        Self { clock_khz, h, v }
    }

    /// Frames a second, in millihertz.
    pub fn rate_mhz(&self) -> u64 {
        let frame = u64::from(self.h.total()) * u64::from(self.v.total());
        (self.clock_khz * 1_000_000 + frame / 2) / frame
    }

    /// Lines a second.
    pub fn line_hz(&self) -> u64 {
        self.clock_khz * 1000 / u64::from(self.h.total())
    }
}

/// CVT tells the aspect ratio by the length of the vertical sync pulse.
fn sync_lines(size: Size) -> u32 {
    // CVT's widths are those multiples of 8 that come next below the exact ratio.
    let is = |a: u32, b: u32| size.h * a / b / 8 == size.w / 8;
    match () {
        () if is(4, 3) => 4,
        () if is(16, 9) => 5,
        () if is(16, 10) => 6,
        () if is(5, 4) || is(15, 9) => 7,
        () => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanking_is_that_of_the_standards_own_table() {
        // VESA's list of CVT-RB modes: htotal, vtotal, lines of sync.
        for (w, h, rate, htotal, vtotal, sync) in [
            (1920, 1080, 60_000, 2080, 1111, 5),
            (1920, 1200, 60_000, 2080, 1235, 6),
            (2560, 1600, 60_000, 2720, 1646, 6),
            (2560, 1440, 60_000, 2720, 1481, 5),
            (1400, 1050, 60_000, 1560, 1080, 4),
            (1280, 768, 60_000, 1440, 790, 7),
            (1024, 768, 120_000, 1184, 813, 4),
            (3840, 2160, 60_000, 4000, 2222, 5),
        ] {
            let t = Timing::reduced(Size { w, h }, Refresh(rate), 10);
            assert_eq!((t.h.total(), t.v.total(), t.v.sync), (htotal, vtotal, sync), "{w}x{h}");
        }
    }

    #[test]
    fn the_rate_is_the_one_asked_for() {
        for (w, h) in [(640, 480), (1366, 768), (1080, 1920), (1920, 1080), (7680, 4320)] {
            for rate in [23_976u32, 50_000, 59_940, 60_000, 119_880, 240_000] {
                let t = Timing::reduced(Size { w, h }, Refresh(rate), 10);
                let off = t.rate_mhz().abs_diff(rate.into());
                assert!(off <= 20, "{w}x{h} at {rate}: off by {off} mHz");
            }
        }
    }

    #[test]
    fn what_no_clock_can_give_is_lowered_until_one_can() {
        let t = Timing::reduced(Size { w: 16384, h: 16384 }, Refresh(1_000_000), 1);
        assert!(t.clock_khz <= MAX_CLOCK_KHZ && t.rate_mhz() > 50_000, "{t:?}");
    }
}
