//! Tones: as files, and as what is found in samples.

use goggles_protocols::audio::{Layout, Place, RATE};
use std::f64::consts::TAU;
use std::path::Path;

/// Each tone's amplitude.
pub const LEVEL: f64 = 0.25;

/// The tone of a loudspeaker, in Hz.
pub fn frequency(place: Place) -> f64 {
    440.0 + 170.0 * f64::from(place as u8)
}

/// A WAV file with a tone of its own in each channel, in the order of files (that of [`Place`]).
pub fn wav(path: &Path, layout: Layout, rate: u32, seconds: f64) {
    wav_of(path, layout, rate, seconds, frequency);
}

/// The same with other tones.
pub fn wav_of(path: &Path, layout: Layout, rate: u32, seconds: f64, frequency: impl Fn(Place) -> f64) {
    let mut places = layout.places().to_vec();
    places.sort_by_key(|place| *place as u8);
    let count = (seconds * f64::from(rate)) as u32;
    let mut data = Vec::new();
    for n in 0..count {
        for place in &places {
            let v = LEVEL * (TAU * frequency(*place) * f64::from(n) / f64::from(rate)).sin();
            data.extend((v as f32).to_le_bytes());
        }
    }
    // The bits of WAVEFORMATEXTENSIBLE are in the order of `Place`.
    let mask: u32 = match layout {
        Layout::Stereo => 0x3,
        Layout::Surround51 => 0x3f,
        Layout::Surround71 => 0x63f,
    };
    let channels = u16::from(layout.channels());
    let block = channels * 4;
    let mut out = b"RIFF".to_vec();
    out.extend((60 + data.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(40u32.to_le_bytes());
    out.extend(0xfffeu16.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(block)).to_le_bytes());
    out.extend(block.to_le_bytes());
    for field in [32u16, 22, 32] {
        out.extend(field.to_le_bytes());
    }
    out.extend(mask.to_le_bytes());
    // KSDATAFORMAT_SUBTYPE_IEEE_FLOAT
    out.extend([3, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    std::fs::write(path, out).unwrap();
}

/// How strong a tone is among samples, and how strong all else is.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Amplitude of the tone.
    pub level: f64,
    /// Power of the tone over the power of the rest, in dB.
    pub snr: f64,
}

/// Fits a tone, by least squares, to whole periods' worth of samples.
pub fn find(samples: &[f32], frequency: f64) -> Found {
    let angle = |n: usize| TAU * frequency * n as f64 / f64::from(RATE);
    let (mut ss, mut cc, mut sc, mut sy, mut cy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (n, y) in samples.iter().enumerate() {
        let ((s, c), y) = (angle(n).sin_cos(), f64::from(*y));
        ss += s * s;
        cc += c * c;
        sc += s * c;
        sy += s * y;
        cy += c * y;
    }
    let det = ss * cc - sc * sc;
    let (a, b) = ((sy * cc - cy * sc) / det, (cy * ss - sy * sc) / det);
    let (mut tone, mut rest) = (0.0, 1e-30);
    for (n, y) in samples.iter().enumerate() {
        let (s, c) = angle(n).sin_cos();
        let fit = a * s + b * c;
        tone += fit * fit;
        rest += (f64::from(*y) - fit).powi(2);
    }
    Found {
        level: a.hypot(b),
        snr: 10.0 * (tone / rest).log10(),
    }
}
