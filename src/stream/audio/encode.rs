//! Opus: one encoder for the session's layout.

use crate::link::AudioFormat;
use anyhow::{Context, Result};
use bytes::Bytes;
use goggles_protocols::audio::{Layout, MAX_PACKET, RATE};
use std::time::Duration;

/// What a decoder puts out for a packet begins so much before the packet's first sample (`OPUS_GET_LOOKAHEAD`).
pub const LOOKAHEAD: Duration = Duration::from_micros(2500);
const LOOKAHEAD_SAMPLES: i32 = 120;

/// The least that analyses how tonal the sound is; from 8 on it searches for longer, and nothing is heard of it.
const COMPLEXITY: i32 = 7;
/// With so many bits a second stereo's packets need not lean on those before. A channel that is alone always gains by it:
/// of a tone 3 dB more are left.
const INDEPENDENT: u64 = 96_000;
/// One packet in so many doesn't lean on another all the same: what is lost is heard for 100 ms at most.
const REFRESH: u32 = 20;

/// The encoder's own default for a layout, in bits a second: of a tone in each channel it leaves 40 dB and more, it is
/// little beside a picture, and of each layout two earlier packets of 5 ms fit a datagram beside a new one. (Of 10 ms none
/// does, but of stereo's.)
pub fn default_bitrate(layout: Layout) -> u32 {
    match layout {
        Layout::Stereo => 240_000,
        Layout::Surround51 => 480_000,
        Layout::Surround71 => 576_000,
    }
}

/// From so many bits a second on nothing is looked for: neither what is tonal, nor where a blow begins in a packet's
/// 5 ms, nor what may be spread. A fifth more bits leave less noise than the search would, in two thirds of the time.
fn enough(layout: Layout) -> u32 {
    match layout {
        Layout::Stereo => 192_000,
        Layout::Surround51 | Layout::Surround71 => 72_000 * u32::from(layout.channels()),
    }
}

/// An encoder.
pub struct Encoder {
    opus: opus::MSEncoder,
    /// No packet leans on another.
    independent: bool,
    /// Packets since the last that didn't; `None`: there was none.
    leaning: Option<u32>,
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
        let enough = format.bitrate >= u64::from(enough(format.layout));
        opus.set_complexity(if enough { 0 } else { COMPLEXITY })
            .and_then(|()| opus.set_prediction_disabled(true))
            .context("error setting how Opus encodes")?;
        let lookahead = opus.get_lookahead().context("error asking for Opus's delay")?;
        if lookahead != LOOKAHEAD_SAMPLES {
            tracing::error!("Opus's delay is {lookahead} samples, and the time stamps say {LOOKAHEAD_SAMPLES}");
        }
        Ok(Self {
            opus,
            independent: format.layout == Layout::Stereo && format.bitrate >= INDEPENDENT,
            leaning: None,
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
            self.leaning = None;
        }
        let start = cpu_time();
        if !self.independent {
            self.refresh()?;
        }
        let len = self
            .opus
            .encode_float(samples, &mut self.buffer)
            .context("error encoding sound")?;
        self.took += cpu_time().saturating_sub(start);
        self.packets += 1;
        Ok(Bytes::copy_from_slice(&self.buffer[..len]))
    }

    /// Says whether the next packet leans on others.
    fn refresh(&mut self) -> Result<()> {
        let leaning = self.leaning.map_or(0, |packets| (packets + 1) % REFRESH);
        if leaning < 2 {
            let set = self.opus.set_prediction_disabled(leaning == 0);
            set.context("error setting how Opus encodes")?;
        }
        self.leaning = Some(leaning);
        Ok(())
    }

    /// How many packets were made, and how much of the thread's CPU time they took.
    pub fn cost(&self) -> (u32, Duration) {
        (self.packets, self.took)
    }
}

/// Of this thread.
fn cpu_time() -> Duration {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // libc's, as in [`crate::time::Mono::now`].
    // SAFETY: it fills in the `timespec` that it is given; the clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut t) };
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}
