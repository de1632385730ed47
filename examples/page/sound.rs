//! A sound for the page: a tone for each loudspeaker, or beeps. Owns the thread that makes and encodes it.

use anyhow::Result;
use bytes::Bytes;
use goggles_protocols::audio::{Layout, Place, RATE};
use goggles_scope::link::{AudioFormat, AudioToNetwork};
use goggles_scope::stream::transport::AudioSink;
use goggles_scope::time::Mono;
use opus::{Application, Bitrate, MSEncoder};
use std::f32::consts::TAU;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

const PACKET: Duration = Duration::from_millis(5);
/// Samples of a channel in a packet.
const FRAMES: usize = 240;
/// The encoder's delay.
const LOOKAHEAD: Duration = Duration::from_micros(2500);
const BITRATE: i32 = 320_000;
const LEVEL: f32 = 0.25;
/// From beep to beep, and how long one is, in packets.
const BEEPS: (u32, u32) = (100, 10);
const BEEP_HZ: f32 = 1000.0;
/// As loud as a beep, and what is heard between.
const BEEP_LEVELS: (f32, f32) = (0.5, 0.02);

/// What is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A tone from each loudspeaker of a layout; `None`: what the page can play.
    Tones(Option<Layout>),
    /// Beeps, in stereo; [`Sound::next_flash`] says when.
    Beeps,
}

/// A tone's pitch in Hz.
fn pitch(place: Place) -> f32 {
    match place {
        Place::Low => 120.0,
        Place::FrontLeft => 440.0,
        Place::FrontRight => 560.0,
        Place::FrontCentre => 680.0,
        Place::RearLeft => 800.0,
        Place::RearRight => 920.0,
        Place::SideLeft => 1040.0,
        Place::SideRight => 1160.0,
    }
}

/// The thread's handle; it ends with this.
pub struct Sound {
    /// `None`: the next of [`Layout::ALL`].
    layouts: Sender<Option<Layout>>,
    what: What,
    start: Mono,
}

impl Sound {
    /// Starts it.
    pub fn start(sink: AudioSink, what: What) -> Result<Self> {
        let start = Mono::now();
        let (layouts, changes) = channel();
        // Ends with the channel, and blocks nobody; the process's end ends it as well.
        std::thread::Builder::new().name("sound".into()).spawn(move || {
            if let Err(e) = run(&sink, what, start, &changes) {
                tracing::error!("no sound any more: {e:#}");
            }
        })?;
        Ok(Self { layouts, what, start })
    }

    /// The page says what it can play.
    pub fn can_play(&self, layout: Layout) {
        if self.what == What::Tones(None) {
            // It may have ended, which it has told.
            let _ = self.layouts.send(Some(layout));
        }
    }

    /// The tones come from the next layout's loudspeakers.
    pub fn next_layout(&self) {
        if self.what != What::Beeps {
            // As above.
            let _ = self.layouts.send(None);
        }
    }

    /// When the next beep begins (`true`) or ends after `now`; `None`: there are none.
    pub fn next_flash(&self, now: Mono) -> Option<(Mono, bool)> {
        let (every, long) = (PACKET * BEEPS.0, PACKET * BEEPS.1);
        let beep = self.start + every * u32::try_from(now.since(self.start).as_micros() / every.as_micros()).ok()?;
        let next = if now < beep + long {
            (beep + long, false)
        } else {
            (beep + every, true)
        };
        (self.what == What::Beeps).then_some(next)
    }
}

fn run(sink: &AudioSink, what: What, start: Mono, changes: &Receiver<Option<Layout>>) -> Result<()> {
    let mut layout = match what {
        What::Tones(layout) => layout.unwrap_or_default(),
        What::Beeps => Layout::Stereo,
    };
    let mut packet = 0u32;
    loop {
        let format = Arc::new(AudioFormat {
            layout,
            bitrate: BITRATE as u64,
            packet: PACKET,
        });
        let (streams, coupled) = layout.streams();
        let mut encoder = MSEncoder::new(RATE, streams, coupled, layout.mapping(), Application::LowDelay)?;
        encoder.set_bitrate(Bitrate::Bits(BITRATE))?;
        loop {
            // A packet can be made when its last sample has been.
            let due = start + PACKET * (packet + 1);
            match changes.recv_timeout(Duration::from_micros(due.micros().saturating_sub(Mono::now().micros()))) {
                Ok(next) if next != Some(layout) => {
                    let all = Layout::ALL.into_iter().cycle();
                    let after = || all.skip_while(|l| *l != layout).nth(1);
                    layout = next.or_else(after).unwrap_or_default();
                    break;
                }
                Ok(_) => continue,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let samples = samples(layout, what, packet);
            let data = encoder.encode_vec_float(&samples, goggles_protocols::audio::MAX_PACKET)?;
            sink.try_send(AudioToNetwork::Packet {
                format: format.clone(),
                at: due - PACKET - LOOKAHEAD,
                data: Bytes::from(data),
            });
            packet += 1;
        }
    }
}

/// The samples of a packet, in Opus's order.
fn samples(layout: Layout, what: What, packet: u32) -> Vec<f32> {
    let places = layout.places();
    let first = u64::from(packet) * FRAMES as u64;
    let level = if packet % BEEPS.0 < BEEPS.1 {
        BEEP_LEVELS.0
    } else {
        BEEP_LEVELS.1
    };
    (first..first + FRAMES as u64)
        .flat_map(|n| {
            // A second has whole periods.
            let seconds = (n % u64::from(RATE)) as f32 / RATE as f32;
            places.iter().map(move |place| match what {
                What::Tones(_) => LEVEL * (TAU * pitch(*place) * seconds).sin(),
                What::Beeps => level * (TAU * BEEP_HZ * seconds).cos(),
            })
        })
        .collect()
}
