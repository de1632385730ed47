//! Which time it is elsewhere: at the server, and in the sound device.

use super::RATE;
use goggles_protocols::clock::Estimator;
use std::collections::VecDeque;

/// Knows the server's clock. The one for networks is [`Estimator`] (four time stamps a sample, the least round trips
/// trusted most, a line through them); one for hardware clocks (PTP) fits behind the same seam.
pub trait ClockSource {
    /// The server's clock at `local` of ours, both in µs; `None`: not known yet.
    fn server(&self, local: f64) -> Option<f64>;
}

impl ClockSource for Estimator {
    fn server(&self, local: f64) -> Option<f64> {
        // The offset changes by far less than 1 µs in 1 µs.
        Some(local + self.offset(local.max(0.0) as u64)? as f64)
    }
}

/// Samples kept, and the least time between two, in µs.
const KEPT: usize = 64;
const APART: f64 = 100_000.0;
/// With fewer samples or less time the device is believed to run at the rate that was known before it stepped, or its nominal one.
const FIT_SAMPLES: usize = 16;
const FIT_SPAN: f64 = 2_000_000.0;
/// By how much a device may differ from its nominal rate.
const MAX_SKEW: f64 = 1000e-6;
/// A sample this far from the line is strange, and so many in a row are a new truth: the device has stopped, changed, or
/// missed a quantum (2.7 ms).
const STRANGE: f64 = 2_000.0;
const STRANGE_RUN: usize = 3;

/// A sound device's clock: which of its frames is heard when. Fed with pairs that the device tells now and then, whose
/// times are noisy; a line through them is not.
#[derive(Clone, Debug, Default)]
pub struct Device {
    samples: VecDeque<(f64, f64)>,
    /// Those that were far from the line, in a row.
    strange: VecDeque<(f64, f64)>,
    steps: u32,
    line: Option<Line>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    frame: f64,
    us: f64,
    us_per_frame: f64,
}

impl Line {
    fn at(&self, frame: f64) -> f64 {
        self.us + (frame - self.frame) * self.us_per_frame
    }
}

impl Device {
    /// Frame number `frame` is heard at `us`. Pairs that come too close to the last, or run backwards, say nothing new.
    pub fn add(&mut self, frame: f64, us: f64) {
        if let Some((last_frame, last_us)) = self.strange.back().or(self.samples.back()).copied()
            && (us - last_us < APART || frame <= last_frame)
        {
            return;
        }
        if let Some(line) = self.line {
            let far = (line.at(frame) - us).abs() > STRANGE;
            if !far {
                self.strange.clear();
            } else if self.strange.len() + 1 < STRANGE_RUN {
                self.strange.push_back((frame, us));
                return;
            } else {
                self.samples = std::mem::take(&mut self.strange);
                self.steps += 1;
            }
        }
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back((frame, us));
        self.line = self.fit();
    }

    /// When `frame` is heard, in µs; `None`: nothing is known yet.
    pub fn at(&self, frame: f64) -> Option<f64> {
        self.line.map(|line| line.at(frame))
    }

    /// How often the clock was found to have stepped.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    fn fit(&self) -> Option<Line> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let nominal = 1e6 / f64::from(RATE);
        let count = self.samples.len() as f64;
        // Relative to the last sample, so that f64 has digits to spare.
        let points = || self.samples.iter().map(|(frame, us)| (frame - last.0, us - last.1));
        let mean_frame = points().map(|(frame, _)| frame).sum::<f64>() / count;
        let mean_us = points().map(|(_, us)| us).sum::<f64>() / count;
        let mut us_per_frame = self.line.map_or(nominal, |line| line.us_per_frame);
        if self.samples.len() >= FIT_SAMPLES && last.1 - first.1 >= FIT_SPAN {
            let squares: f64 = points()
                .map(|(frame, _)| (frame - mean_frame) * (frame - mean_frame))
                .sum();
            let products: f64 = points().map(|(frame, us)| (frame - mean_frame) * (us - mean_us)).sum();
            let slope = products / squares;
            us_per_frame = slope.clamp(nominal * (1.0 - MAX_SKEW), nominal * (1.0 + MAX_SKEW));
        }
        Some(Line {
            frame: last.0 + mean_frame,
            us: last.1 + mean_us,
            us_per_frame,
        })
    }
}
