//! From the ring to the network: what the sink's data thread has put there becomes Opus packets.

use super::Outlet;
use super::encode::{Encoder, LOOKAHEAD};
use super::frames::Frames;
use super::ring::Reader;
use crate::link::{AudioFormat, AudioToNetwork};
use crate::time::Mono;
use anyhow::Result;
use std::sync::Arc;

/// From the ring to the network.
pub struct Pipe {
    reader: Reader,
    frames: Frames,
    encoder: Encoder,
    /// What is encoded.
    pub format: Arc<AudioFormat>,
    /// Packets were left out since the last: nobody listened.
    skipped: bool,
}

impl Pipe {
    /// For a sink of this format.
    ///
    /// # Errors
    /// Opus refuses it.
    pub fn new(format: AudioFormat, reader: Reader) -> Result<Self> {
        Ok(Self {
            reader,
            frames: Frames::new(format.layout, format.packet),
            encoder: Encoder::new(&format)?,
            format: Arc::new(format),
            skipped: true,
        })
    }

    /// Goes on with another format, if it is one for the same sink; `false`: it is not.
    ///
    /// # Errors
    /// Opus refuses it.
    pub fn change(&mut self, format: AudioFormat) -> Result<bool> {
        let same_sink = format.layout == self.format.layout && format.packet == self.format.packet;
        if same_sink && format != *self.format {
            self.say_cost();
            self.encoder = Encoder::new(&format)?;
            self.format = Arc::new(format);
        }
        Ok(same_sink)
    }

    fn say_cost(&self) {
        let (packets, took) = self.encoder.cost();
        if packets > 0 {
            let whole = self.format.packet * packets;
            tracing::info!(
                target: "audio",
                "sound of {} channels: {packets} packets, {} holes, encoding took {:.2} % of a core",
                self.format.layout.channels(),
                self.frames.holes(),
                100.0 * took.as_secs_f64() / whole.as_secs_f64(),
            );
        }
    }

    /// Leaves out what is there.
    pub fn skip(&mut self) {
        while self.reader.read(|_, _| ()) {}
    }

    /// Encodes what is there.
    pub fn run(&mut self, network: &dyn Outlet) {
        let was = self.frames.is_sounding();
        let Self {
            reader,
            frames,
            encoder,
            format,
            skipped,
        } = self;
        while reader.read(|at, samples| {
            frames.push(Mono(at), samples, |frame| {
                if !network.is_listened() {
                    *skipped = true;
                    return;
                }
                let first = std::mem::take(skipped) || frame.first;
                match encoder.encode(frame.samples, first) {
                    Ok(data) => {
                        network.try_send(AudioToNetwork::Packet {
                            format: format.clone(),
                            at: frame.at - LOOKAHEAD,
                            data,
                        });
                    }
                    Err(e) => tracing::error!(target: "audio", "{e:#}"),
                }
            });
        }) {}
        let lost = reader.lost();
        if lost > 0 {
            tracing::warn!(target: "audio", "the machine is too busy: {lost} quanta of sound were lost");
        }
        if was != frames.is_sounding() {
            tracing::debug!(target: "audio", "{}", if was { "silence" } else { "sound" });
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.say_cost();
    }
}
