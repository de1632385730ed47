//! A sound for the page: a tone for each loudspeaker. Owns the thread that makes and encodes it.

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
    layouts: Sender<Layout>,
    follows: bool,
}

impl Sound {
    /// Starts it; without a layout it is what the page can play.
    pub fn start(sink: AudioSink, layout: Option<Layout>) -> Result<Self> {
        let (follows, layout) = (layout.is_none(), layout.unwrap_or_default());
        let (layouts, changes) = channel();
        // Ends with the channel, and blocks nobody; the process's end ends it as well.
        std::thread::Builder::new().name("sound".into()).spawn(move || {
            if let Err(e) = run(&sink, layout, &changes) {
                tracing::error!("no sound any more: {e:#}");
            }
        })?;
        Ok(Self { layouts, follows })
    }

    /// The page says what it can play.
    pub fn can_play(&self, layout: Layout) {
        if self.follows {
            // It may have ended, which it has told.
            let _ = self.layouts.send(layout);
        }
    }
}

fn run(sink: &AudioSink, mut layout: Layout, changes: &Receiver<Layout>) -> Result<()> {
    let start = Mono::now();
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
                Ok(next) if next != layout => {
                    layout = next;
                    break;
                }
                Ok(_) => continue,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let samples = tones(layout, packet);
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
fn tones(layout: Layout, packet: u32) -> Vec<f32> {
    let places = layout.places();
    let first = u64::from(packet) * FRAMES as u64;
    (first..first + FRAMES as u64)
        .flat_map(|n| {
            // A second has whole periods.
            let seconds = (n % u64::from(RATE)) as f32 / RATE as f32;
            places
                .iter()
                .map(move |place| LEVEL * (TAU * pitch(*place) * seconds).sin())
        })
        .collect()
}
