//! How fast to play so that the sound stays where it should be: a PI controller on the resampling ratio.

/// Of the drift, per second: 1 ms makes 1000 ppm.
const PROPORTIONAL: f64 = 1.0;
/// A quarter of its square damps it critically: at 200 ppm the drift peaks at 0.15 ms.
const INTEGRAL: f64 = 0.25;
/// Crystals don't differ by more than the integral may say, even two bad ones.
const MAX_INTEGRAL: f64 = 1000e-6;
/// Nothing is learnt from a drift beyond this (µs): crystals don't make it, only what has stepped or stood still.
const LEARNT: f64 = 2_000.0;
/// No more than this is ever done to the pitch: 9 cents.
pub const MAX_CHANGE: f64 = 5000e-6;
/// A pause longer than this (µs) says nothing about the time it took.
const MAX_STEP: f64 = 50_000.0;

/// Holds the drift at zero.
#[derive(Clone, Debug, Default)]
pub struct Control {
    integral: f64,
    last: Option<f64>,
}

impl Control {
    /// `drift` (µs, above zero: the sound is behind) at time `at` (µs). `wanted`: the change of speed that is wanted
    /// anyway, since the delay itself is being changed. Returns how many samples to take for one that is played.
    pub fn step(&mut self, at: f64, drift: f64, wanted: f64) -> f64 {
        let elapsed = (at - self.last.unwrap_or(at)).clamp(0.0, MAX_STEP) / 1e6;
        self.last = Some(at);
        let error = drift / 1e6;
        let change = wanted + PROPORTIONAL * error + self.integral;
        // What can't be done any more must not be asked for later.
        if change.abs() < MAX_CHANGE && drift.abs() <= LEARNT {
            let integral = self.integral + INTEGRAL * error * elapsed;
            self.integral = integral.clamp(-MAX_INTEGRAL, MAX_INTEGRAL);
        }
        1.0 + change.clamp(-MAX_CHANGE, MAX_CHANGE)
    }
}
