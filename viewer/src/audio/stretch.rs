//! Plays a little faster or slower, by slipping a sample now and then (rubato's `Slip`: no delay, a copy most of the
//! time). Owns what is left of a chunk.

use super::RATE;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable, FixedAsync, ResampleError, Resampler, ResamplerConstructionError, Slip};
use std::collections::VecDeque;

/// Frames that are stretched at once. One of them may be slipped in each, which is 8000 ppm.
pub const CHUNK: usize = 120;

/// Takes interleaved samples, gives interleaved samples.
#[derive(Debug)]
pub struct Stretch {
    channels: usize,
    slip: Slip<f32>,
    input: VecDeque<f32>,
    chunk: Vec<f32>,
    stretched: Vec<f32>,
    output: VecDeque<f32>,
}

impl Stretch {
    /// Fails if there is no channel.
    pub fn new(channels: usize) -> Result<Self, ResamplerConstructionError> {
        let slip = Slip::new(CHUNK, channels, FixedAsync::Input)?;
        Ok(Self {
            channels,
            slip,
            input: VecDeque::new(),
            chunk: vec![0.0; CHUNK * channels],
            stretched: vec![0.0; (CHUNK + 2) * channels],
            output: VecDeque::new(),
        })
    }

    /// Takes samples to be played at `speed`: so many for each that comes out.
    pub fn push(&mut self, samples: &[f32], speed: f64) -> Result<(), ResampleError> {
        self.input.extend(samples);
        self.slip.set_resample_ratio(1.0 / speed, true)?;
        while self.input.len() >= self.chunk.len() {
            for (place, sample) in self.chunk.iter_mut().zip(self.input.drain(..CHUNK * self.channels)) {
                *place = sample;
            }
            let room = self.stretched.len() / self.channels;
            // The sizes are ours and fit, so these can't fail; a dropped chunk is the least harm if they do.
            let (Ok(from), Ok(mut to)) = (
                InterleavedSlice::new(&self.chunk, self.channels, CHUNK),
                InterleavedSlice::new_mut(&mut self.stretched, self.channels, room),
            ) else {
                continue;
            };
            let (_, made) = self.slip.process_into_buffer(&from, &mut to, None)?;
            self.output.extend(&self.stretched[..made * self.channels]);
        }
        Ok(())
    }

    /// How long it takes, in µs, until the next sample that is pushed is played.
    pub fn pending(&self) -> f64 {
        self.us(self.input.len() + self.output.len())
    }

    /// The part of that, in µs, that can't be played before more is pushed.
    pub fn held(&self) -> f64 {
        self.us(self.input.len())
    }

    fn us(&self, samples: usize) -> f64 {
        (samples / self.channels) as f64 * 1e6 / f64::from(RATE)
    }

    /// Frames that can be had at once.
    pub fn ready(&self) -> usize {
        self.output.len() / self.channels
    }

    /// The next sample.
    pub fn pop(&mut self) -> Option<f32> {
        self.output.pop_front()
    }
}
