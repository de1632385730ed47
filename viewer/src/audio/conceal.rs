//! Makes up sound that goes on from what was heard last: its last period, again and again, quieter and quieter.

/// What is remembered, in frames.
const HISTORY: usize = 960;
/// Periods that are looked for, in frames: 480 Hz down to 100 Hz; higher tones have several in one.
const SHORTEST: usize = 100;
const LONGEST: usize = 480;
/// Over how many frames periods are compared.
const COMPARED: usize = 240;
/// After so many frames it has faded away.
const FADE: usize = 2_880;

/// Owns the last samples that were heard; interleaved.
#[derive(Clone, Debug)]
pub struct Concealer {
    channels: usize,
    history: Vec<f32>,
    /// The period that is being repeated and how many frames of it were given out.
    period: Option<(usize, usize)>,
}

impl Concealer {
    /// Knows silence.
    pub fn new(channels: usize) -> Self {
        Self {
            channels,
            history: vec![0.0; HISTORY * channels],
            period: None,
        }
    }

    /// These samples are heard; they are no make-up.
    pub fn heard(&mut self, samples: &[f32]) {
        self.period = None;
        let samples = &samples[samples.len().saturating_sub(self.history.len())..];
        self.history.drain(..samples.len());
        self.history.extend(samples);
    }

    /// Fills `out` with what goes on.
    pub fn go_on(&mut self, out: &mut [f32]) {
        let (period, mut done) = self.period.unwrap_or_else(|| (self.find(), 0));
        for frame in out.chunks_exact_mut(self.channels) {
            let gain = 1.0 - (done as f32 / FADE as f32).min(1.0);
            let from = HISTORY - period + done % period;
            for (channel, sample) in frame.iter_mut().enumerate() {
                *sample = self.history[from * self.channels + channel] * gain;
            }
            done += 1;
        }
        self.period = Some((period, done));
    }

    /// The shift at which the end looks most like what was before it.
    fn find(&self) -> usize {
        let mono: Vec<f32> = self
            .history
            .chunks_exact(self.channels)
            .map(|f| f.iter().sum())
            .collect();
        let end = &mono[HISTORY - COMPARED..];
        if end.iter().all(|sample| *sample == 0.0) {
            return LONGEST;
        }
        let mut best = (LONGEST, f32::NEG_INFINITY);
        for shift in SHORTEST..=LONGEST {
            let before = &mono[HISTORY - COMPARED - shift..][..COMPARED];
            let product: f32 = end.iter().zip(before).map(|(a, b)| a * b).sum();
            let energy: f32 = before.iter().map(|b| b * b).sum();
            let likeness = product / (energy + 1e-9).sqrt();
            if likeness > best.1 {
                best = (shift, likeness);
            }
        }
        best.0
    }
}
