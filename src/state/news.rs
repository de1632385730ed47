//! What the other threads tell the loop.

use super::State;
use crate::backend::Backend;
use crate::link::{EncoderToScope, ToScope};
use crate::stream::audio;

impl State {
    /// Takes the network's news.
    pub fn from_network(&mut self, message: ToScope) {
        self.scope.now = self.scope.clock.now();
        match message {
            ToScope::Demand { viewers } => {
                tracing::debug!(viewers, "viewers");
                let Backend::Headless(headless) = &mut self.backend;
                headless.set_viewers(viewers);
            }
            ToScope::KeyFrame => {
                let Backend::Headless(headless) = &mut self.backend;
                headless.want_key_frame();
            }
            ToScope::InputHolder(holder) => self.input_holder(holder),
            ToScope::Input { viewer, batch, at } => self.input_batch(viewer, &batch, at),
            ToScope::Text { viewer, text } => self.type_text(viewer, &text),
            ToScope::Loudspeakers(layout) => {
                if let Some(audio) = &self.scope.audio {
                    audio.send(audio::Message::Loudspeakers(layout));
                }
            }
            ToScope::Sent { frame, at } => self.scope.stats.sent(frame, at),
            ToScope::Report { report, .. } => self.scope.stats.seen(&report),
            ToScope::Counters(counters) => {
                for (what, count) in counters.into_iter().filter(|(_, count)| *count > 0) {
                    tracing::info!("{what}: {count}");
                }
            }
        }
    }

    /// Takes the encoder's news.
    pub fn from_encoder(&mut self, event: &EncoderToScope) {
        self.scope.now = self.scope.clock.now();
        if let EncoderToScope::Done {
            frame,
            times,
            bytes,
            key_frame,
        } = event
        {
            self.scope.pacer.took(times.encoded.since(times.latch));
            self.scope.stats.encoded(*frame, times, *bytes, *key_frame);
        }
        let Backend::Headless(headless) = &mut self.backend;
        headless.encoder_event(event);
    }
}
