//! What `beep-flash` beeps, and where a beep begins in what was decoded.

use std::time::Duration;

/// From beep to beep; a quantum more if need be.
pub const EVERY: Duration = Duration::from_millis(500);
/// How long one is.
pub const BEEP: Duration = Duration::from_millis(50);
/// Its pitch in Hz, and how loud it is.
pub const BEEP_HZ: f32 = 1000.0;
/// Of 1.
pub const LEVEL: f32 = 0.5;
/// Between the beeps, in Hz.
pub const TONE_HZ: f32 = 200.0;
/// Of 1.
pub const TONE_LEVEL: f32 = 0.02;
/// Louder than the tone, and softer than a beep.
const THRESHOLD: f32 = 0.2;

/// Finds the beginnings of beeps in samples that come in pieces.
#[derive(Debug, Default)]
pub struct Finder {
    /// When it was loud for the last time, in µs.
    loud: Option<u64>,
}

impl Finder {
    /// Looks at samples of one channel at 48 kHz, of which the first is at `at` µs: when a beep begins in them.
    pub fn look(&mut self, at: u64, samples: impl IntoIterator<Item = f32>) -> Option<u64> {
        let mut found = None;
        for (n, sample) in samples.into_iter().enumerate() {
            let at = at + n as u64 * 1000 / 48;
            if sample.abs() < THRESHOLD {
                continue;
            }
            let quiet = self.loud.is_none_or(|loud| at.saturating_sub(loud) > 100_000);
            self.loud = Some(at);
            if quiet {
                found = Some(at);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beep_begins_once_where_it_gets_loud() {
        let mut finder = Finder::default();
        assert_eq!(finder.look(0, [0.02; 480]), None);
        let wave = |n: usize| if n < 48 { 0.01 } else { 0.5 * (n as f32 / 8.0).cos() };
        let begins = finder.look(10_000, (0..480).map(wave)).unwrap();
        assert!((11_000..11_300).contains(&begins), "{begins}");
        assert_eq!(finder.look(20_000, (480..960).map(wave)), None);
        assert_eq!(finder.look(130_000, [0.01; 480]), None);
        assert_eq!(finder.look(530_000, [0.5]), Some(530_000));
    }
}
