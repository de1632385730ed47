//! From quanta of any length to Opus's frames with their times, without the silent ones. Pure.

use crate::time::Mono;
use goggles_protocols::audio::{Layout, RATE};
use std::time::Duration;

/// Below this it is silence: -100 dB, a third of 16-bit sound's smallest step.
const QUIET: f32 = 1e-5;
/// So much silence is sent, so that what fades out and the decoder come to rest.
const HANG: Duration = Duration::from_millis(200);
/// A time that is further from the expected one starts anew; what is nearer is a wake-up's jitter.
const JUMP: Duration = Duration::from_millis(20);
/// The part of a deviation that is followed at each quantum, so that a sound card's clock is, and jitter isn't.
const FOLLOW: i64 = 32;

/// A frame to encode.
#[derive(Debug, PartialEq)]
pub struct Frame<'a> {
    /// When its first sample is due.
    pub at: Mono,
    /// Interleaved.
    pub samples: &'a [f32],
    /// What came before was not sent: the encoder starts afresh.
    pub first: bool,
}

/// Cuts quanta into frames.
#[derive(Debug)]
pub struct Frames {
    channels: usize,
    /// Samples of a frame, of all channels together.
    len: usize,
    waiting: Vec<f32>,
    /// When the first that waits is due.
    at: Mono,
    /// Silence for so long; at most [`HANG`].
    quiet: Duration,
    frame: Duration,
    sent: bool,
    /// When the last quantum ended, by PipeWire's own word.
    end: Mono,
    holes: u64,
}

impl Frames {
    /// For frames of this duration: 2.5, 5 or 10 ms.
    pub fn new(layout: Layout, frame: Duration) -> Self {
        let channels = usize::from(layout.channels());
        let len = (frame.as_micros() as usize * RATE as usize / 1_000_000) * channels;
        Self {
            channels,
            len,
            waiting: Vec::with_capacity(2 * len + super::ring::SLOT),
            at: Mono::default(),
            quiet: HANG,
            frame,
            sent: false,
            end: Mono::default(),
            holes: 0,
        }
    }

    /// Takes samples, the first of which is due at `at`, and gives out the frames that are whole and not silent.
    pub fn push(&mut self, at: Mono, samples: &[f32], mut out: impl FnMut(Frame<'_>)) {
        let quantum = duration(samples.len() / self.channels);
        // PipeWire's times are those that it planned with: a wake-up that was late doesn't show in them, one that was left
        // out does.
        let left_out = at.since(self.end) > quantum / 2;
        if left_out && self.sent {
            self.holes += 1;
        }
        self.end = at + quantum;
        let waiting = duration(self.waiting.len() / self.channels);
        let expected = self.at + waiting;
        let off = at.0 as i64 - expected.0 as i64;
        if off.unsigned_abs() > JUMP.as_nanos() as u64 {
            // Nothing has come for a while, which was silence: PipeWire stops when nobody plays.
            self.waiting.clear();
            self.at = at;
            self.quiet = HANG;
            self.sent = false;
        } else if left_out {
            self.at = at - waiting;
        } else {
            self.at = Mono(self.at.0.saturating_add_signed(off / FOLLOW));
        }
        self.waiting.extend_from_slice(samples);
        let mut taken = 0;
        while self.waiting.len() - taken >= self.len {
            let samples = &self.waiting[taken..taken + self.len];
            taken += self.len;
            let at = self.at;
            self.at = at + self.frame;
            if samples.iter().all(|s| s.abs() < QUIET) {
                self.quiet = (self.quiet + self.frame).min(HANG);
            } else {
                self.quiet = Duration::ZERO;
            }
            if self.quiet >= HANG {
                self.sent = false;
                continue;
            }
            let first = !std::mem::replace(&mut self.sent, true);
            out(Frame { at, samples, first });
        }
        self.waiting.drain(..taken);
    }

    /// How often a quantum was missing while something was heard: the machine was too busy for somebody.
    pub fn holes(&self) -> u64 {
        self.holes
    }

    /// Whether anything is heard, or was a moment ago.
    pub fn is_sounding(&self) -> bool {
        self.sent
    }
}

/// What so many samples of a channel last.
pub fn duration(samples: usize) -> Duration {
    Duration::from_nanos(samples as u64 * 1_000_000_000 / u64::from(RATE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: Mono = Mono(1_000_000_000);
    const FRAME: Duration = Duration::from_millis(5);

    fn run(frames: &mut Frames, at: Mono, samples: &[f32]) -> Vec<(Mono, usize, bool)> {
        let mut all = Vec::new();
        frames.push(at, samples, |f| all.push((f.at, f.samples.len(), f.first)));
        all
    }

    #[test]
    fn nothing_is_sent_while_nothing_plays() {
        let mut frames = Frames::new(Layout::Stereo, FRAME);
        let (quiet, loud) = ([0.0; 480], [0.1; 480]);
        let mut at = T0;
        let mut sent = Vec::new();
        for n in 0..400 {
            // Silence, a beep of 5 ms, a gap of 150 ms, a beep, and silence to the end.
            let quantum = if n == 100 || n == 131 { &loud } else { &quiet };
            sent.extend(
                run(&mut frames, at, quantum)
                    .into_iter()
                    .map(|(at, _, first)| (n, at, first)),
            );
            at = at + FRAME;
        }
        assert_eq!(
            sent[0],
            (100, T0 + FRAME * 100, true),
            "the first sound starts it at once"
        );
        assert!(
            sent.windows(2).all(|two| two[1].0 == two[0].0 + 1 && !two[1].2),
            "a short gap is sent"
        );
        assert_eq!(sent.last().unwrap().0, 131 + 39, "200 ms of silence end it");
        assert!(!frames.is_sounding());
    }

    #[test]
    fn times_follow_a_drifting_clock_and_not_its_jitter() {
        let mut frames = Frames::new(Layout::Stereo, FRAME);
        let mut worst = 0i64;
        for n in 0..20_000u64 {
            let truth = T0.0 + n * 5_000_500;
            let jitter = (n * 7919 % 1000) * 1000;
            for (at, _, _) in run(&mut frames, Mono(truth + jitter), &[0.1; 480]) {
                let off = at.0 as i64 - truth as i64 - 500_000;
                if n > 500 {
                    worst = worst.max(off.abs());
                }
            }
        }
        assert!(worst < 150_000, "{worst} ns");
    }

    #[test]
    fn a_missing_quantum_is_a_hole_and_silence_is_none() {
        let mut frames = Frames::new(Layout::Stereo, FRAME);
        let sound = |n: u32| if n < 100 { [0.1; 480] } else { [0.0; 480] };
        for n in (0..20).chain(22..60).chain(61..200).chain(300..310) {
            run(&mut frames, T0 + FRAME * n, &sound(n));
        }
        assert_eq!(frames.holes(), 2);
    }

    #[test]
    fn what_comes_after_a_hole_has_its_time_at_once() {
        for frame in [FRAME, FRAME * 2] {
            let mut frames = Frames::new(Layout::Stereo, frame);
            let mut sent = Vec::new();
            for n in (0..21).chain(23..40) {
                sent.extend(run(&mut frames, T0 + FRAME * n, &[0.1; 480]));
            }
            let at = |n: u32| T0 + FRAME * n;
            // With the longer frames the one that spans the hole has the time of its end.
            let after: Vec<_> = sent.iter().map(|(at, ..)| *at).filter(|time| *time >= at(21)).collect();
            let begin = if frame == FRAME { at(23) } else { at(22) };
            for (n, time) in after.iter().enumerate() {
                assert_eq!(*time, begin + frame * n as u32, "{frame:?}");
            }
            assert!(after.len() >= 8);
        }
    }

    #[test]
    fn a_pause_of_the_server_starts_anew() {
        let mut frames = Frames::new(Layout::Stereo, FRAME);
        assert_eq!(run(&mut frames, T0, &[0.1; 400]), []);
        let later = T0 + Duration::from_secs(3);
        assert_eq!(run(&mut frames, later, &[0.1; 480]), [(later, 480, true)]);
    }

    proptest! {
        /// Whatever the quanta's lengths: all samples come out once, in order, and times rise by a frame.
        #[test]
        fn quanta_of_any_length(lengths in prop::collection::vec(1usize..600, 1..100), frame in 0usize..3) {
            let frame = [2500, 5000, 10_000].map(Duration::from_micros)[frame];
            let mut frames = Frames::new(Layout::Surround51, frame);
            let (mut next, mut seen, mut at) = (0u32, 0u32, T0);
            let mut times = Vec::new();
            for length in lengths {
                let samples: Vec<f32> = (0..length * 6).map(|n| (next + n as u32 + 1) as f32).collect();
                next += samples.len() as u32;
                frames.push(at, &samples, |f| {
                    for s in f.samples {
                        seen += 1;
                        assert_eq!(*s, seen as f32);
                    }
                    times.push(f.at);
                });
                at = at + duration(length);
            }
            prop_assert!(next - seen < 6 * 480);
            for two in times.windows(2) {
                let step = two[1].since(two[0]).as_nanos().abs_diff(frame.as_nanos());
                prop_assert!(step < 1000, "{}", step);
            }
        }
    }
}
