//! Opus: one encoder for the session's layout.

use crate::link::AudioFormat;
use anyhow::{Context, Result};
use bytes::Bytes;
use goggles_protocols::audio::{Layout, MAX_PACKET, RATE};
use std::time::Duration;

/// What a decoder puts out for a packet begins so much before the packet's first sample (`OPUS_GET_LOOKAHEAD`).
pub const LOOKAHEAD: Duration = Duration::from_micros(2500);
const LOOKAHEAD_SAMPLES: i32 = 120;

/// The least that analyses how tonal the sound is; without, tones come out up to 12 dB worse. From 8 on it searches for
/// longer, and nothing is heard of it.
const COMPLEXITY: i32 = 7;
/// With so many bits a second for each channel no packet needs to lean on those before it.
const ENOUGH: u32 = 48_000;

/// The encoder's own default for a layout, in bits a second: of a tone in each channel it leaves 42 dB and more, and it
/// is less than what a picture takes.
pub fn default_bitrate(layout: Layout) -> u32 {
    match layout {
        Layout::Stereo => 160_000,
        Layout::Surround51 => 400_000,
        Layout::Surround71 => 512_000,
    }
}

/// An encoder.
pub struct Encoder {
    opus: opus::MSEncoder,
    buffer: Vec<u8>,
    packets: u32,
    took: Duration,
}

impl Encoder {
    /// For this format; frames are given in Opus's channel order.
    ///
    /// # Errors
    /// Opus refuses it.
    pub fn new(format: &AudioFormat) -> Result<Self> {
        let (streams, coupled) = format.layout.streams();
        let mapping = format.layout.mapping();
        let mut opus = opus::MSEncoder::new(RATE, streams, coupled, mapping, opus::Application::LowDelay)
            .context("error opening Opus")?;
        opus.set_bitrate(opus::Bitrate::Bits(format.bitrate as i32))
            .context("error setting Opus's bit rate")?;
        // Constant would spend as much on silence as on an explosion. Unconstrained, tones get what they need: half as
        // much again while many sound in every channel.
        opus.set_vbr(true)
            .and_then(|()| opus.set_vbr_constraint(false))
            .context("error setting Opus's rate control")?;
        // Without prediction there is no search for a pitch, a quarter of the work; and a lost packet spoils none after it.
        let independent = format.bitrate >= u64::from(ENOUGH) * u64::from(format.layout.channels());
        opus.set_complexity(COMPLEXITY)
            .and_then(|()| opus.set_prediction_disabled(independent))
            .context("error setting how Opus encodes")?;
        let lookahead = opus.get_lookahead().context("error asking for Opus's delay")?;
        if lookahead != LOOKAHEAD_SAMPLES {
            tracing::error!("Opus's delay is {lookahead} samples, and the time stamps say {LOOKAHEAD_SAMPLES}");
        }
        Ok(Self {
            opus,
            buffer: vec![0; MAX_PACKET],
            packets: 0,
            took: Duration::ZERO,
        })
    }

    /// Encodes a frame. `first`: it does not follow the last one.
    ///
    /// # Errors
    /// Not of 2.5, 5 or 10 ms.
    pub fn encode(&mut self, samples: &[f32], first: bool) -> Result<Bytes> {
        if first {
            self.opus.reset_state().context("error resetting Opus")?;
        }
        let start = cpu_time();
        let len = self
            .opus
            .encode_float(samples, &mut self.buffer)
            .context("error encoding sound")?;
        self.took += cpu_time().saturating_sub(start);
        self.packets += 1;
        Ok(Bytes::copy_from_slice(&self.buffer[..len]))
    }

    /// How many packets were made, and how much of the thread's CPU time they took.
    pub fn cost(&self) -> (u32, Duration) {
        (self.packets, self.took)
    }
}

/// Of this thread.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
