//! Transfer functions: from a signal (0 to 1) to light, and back. Pure.

/// SMPTE ST 2084's constants.
const M1: f64 = 2610.0 / 16384.0;
const M2: f64 = 2523.0 / 4096.0 * 128.0;
const C1: f64 = 3424.0 / 4096.0;
const C2: f64 = 2413.0 / 4096.0 * 32.0;
const C3: f64 = 2392.0 / 4096.0 * 32.0;

/// ARIB STD-B67's constants (ITU-R BT.2100).
const A: f64 = 0.178_832_77;
const B: f64 = 0.284_668_92;
const C: f64 = 0.559_910_73;

/// How a signal becomes light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// A power; the light of a full signal is 1.
    Power(f64),
    /// The signal is the light.
    Linear,
    /// SMPTE ST 2084; the light of a full signal is 1, 10,000 cd/m².
    Pq,
    /// ARIB STD-B67, of the scene: what a display of a peak makes of it is [`Curve::display`]'s.
    Hlg,
}

impl Curve {
    /// The light of a signal.
    pub fn light(self, signal: f64) -> f64 {
        match self {
            Self::Power(exponent) => signal.powf(exponent),
            Self::Linear => signal,
            Self::Pq => pq_light(signal),
            Self::Hlg if signal <= 0.5 => signal * signal / 3.0,
            Self::Hlg => (((signal - C) / A).exp() + B) / 12.0,
        }
    }

    /// By which power of the scene's luminance a display of this peak (cd/m²) brightens it; 0 where there is none. From
    /// ITU-R BT.2100.
    pub fn display(self, peak: f64) -> f64 {
        match self {
            Self::Hlg => 0.2 + 0.42 * (peak / 1000.0).log10(),
            _ => 0.0,
        }
    }
}

/// The light of a PQ signal, of 10,000 cd/m².
pub fn pq_light(signal: f64) -> f64 {
    let p = signal.max(0.0).powf(1.0 / M2);
    ((p - C1).max(0.0) / (C2 - C3 * p)).powf(1.0 / M1)
}

/// The PQ signal of a light, of 10,000 cd/m².
pub fn pq_signal(light: f64) -> f64 {
    let p = light.max(0.0).powf(M1);
    ((C1 + C2 * p) / (1.0 + C3 * p)).powf(M2)
}
