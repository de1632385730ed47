//! Viewers' voices: from Opus packets as they come to one channel of sound without holes. Each voice has a decoder and the
//! viewer's own jitter buffer (`goggles_viewer::audio`), here with the microphone's source in the place of the ear. Pure.

use super::frames::duration;
use crate::link::{NetworkToAudio, ViewerId};
use crate::time::Mono;
use goggles_protocols::audio::{Microphone, RATE};
use goggles_viewer::audio::render::Renderer;
use std::collections::BTreeMap;
use std::time::Duration;

/// Samples in packets of 5 to 20 ms.
const FRAMES: std::ops::RangeInclusive<usize> = 240..=960;
/// The network lets fewer speak at once; one that has just stopped is still here.
const MAX_VOICES: usize = 8;
/// A voice of which nothing has come for so long is over. Its next packet begins another.
const IDLE: Duration = Duration::from_secs(2);
/// A packet whose time is further from its arrival is of another clock than ours, and would never be due or never be over.
const APART: Duration = Duration::from_secs(2);
/// If nobody has recorded for so long, nobody does, and packets are not kept for later.
const UNHEARD: Duration = Duration::from_millis(500);
/// So many packets that are missing are made up by the decoder; of more, nothing is known.
const MADE_UP: u32 = 3;

/// Mixes what is heard of all voices.
#[derive(Default)]
pub struct Mixer {
    voices: BTreeMap<ViewerId, Voice>,
    /// When sound was asked for last.
    rendered: Option<Mono>,
    /// When that ended which was asked for.
    end: Mono,
    scratch: Vec<f32>,
}

/// One viewer's microphone.
struct Voice {
    decoder: opus::Decoder,
    renderer: Renderer,
    /// Samples in a packet.
    frame: usize,
    /// The newest packet's number and time.
    last: Option<(u32, u64)>,
    /// When it came.
    at: Mono,
}

impl Mixer {
    /// Takes a packet as it came. What is no Opus, of another time, too old, or not asked for by anybody is dropped.
    pub fn take(&mut self, voice: &NetworkToAudio) {
        let NetworkToAudio { viewer, at, packet } = voice;
        if !self.is_recorded(*at) {
            self.voices.clear();
            return;
        }
        let Ok(frame) = opus::packet::get_nb_samples(&packet.packet, RATE) else {
            return;
        };
        if !FRAMES.contains(&frame) || packet.time.abs_diff(at.micros()) > APART.as_micros() as u64 {
            return;
        }
        self.voices.retain(|_, voice| at.since(voice.at) < IDLE);
        let goes_on = self
            .voices
            .get(viewer)
            .is_some_and(|v| v.frame == frame && !v.begins(packet));
        if !goes_on {
            if self.voices.len() >= MAX_VOICES && !self.voices.contains_key(viewer) {
                return;
            }
            match Voice::new(frame, *at) {
                Ok(voice) => drop(self.voices.insert(*viewer, voice)),
                Err(why) => return tracing::error!(target: "audio", "{why}"),
            }
        }
        if let Some(voice) = self.voices.get_mut(viewer) {
            voice.take(packet, *at);
        }
    }

    /// Fills `out` with what is heard of all; its first sample is recorded at `at`.
    pub fn render(&mut self, at: Mono, out: &mut [f32]) {
        let missed = at.since(self.end);
        if missed > duration(out.len()) / 2 && self.is_recorded(at) {
            // What nobody has asked for in time is gone. It must not be caught up with: that would be heard as another pitch.
            let mut gone = vec![0.0; (missed.as_secs_f64() * f64::from(RATE)).round() as usize];
            self.mix(self.end, &mut gone);
        }
        self.rendered = Some(at);
        self.end = at + duration(out.len());
        self.mix(at, out);
    }

    fn mix(&mut self, at: Mono, out: &mut [f32]) {
        out.fill(0.0);
        self.scratch.resize(out.len(), 0.0);
        for voice in self.voices.values_mut() {
            voice.renderer.render(micros(at), &mut self.scratch);
            for (sum, sample) in out.iter_mut().zip(&self.scratch) {
                *sum += sample;
            }
        }
        for sample in out {
            *sample = sample.clamp(-1.0, 1.0);
        }
    }

    /// Whether sound has been asked for lately.
    pub fn is_recorded(&self, now: Mono) -> bool {
        self.rendered.is_some_and(|at| now.since(at) < UNHEARD)
    }
}

impl Voice {
    fn new(frame: usize, at: Mono) -> Result<Self, String> {
        let decoder = opus::Decoder::new(RATE, opus::Channels::Mono).map_err(|e| e.to_string())?;
        let renderer = Renderer::new(1, micros_of(frame)).map_err(|e| e.to_string())?;
        Ok(Self {
            decoder,
            renderer,
            frame,
            last: None,
            at,
        })
    }

    /// Whether the packet starts another story: its number has gone back, but its time has not.
    fn begins(&self, packet: &Microphone) -> bool {
        let newer = |(seq, time)| ahead(packet.seq, seq) <= 0 && packet.time > time;
        self.last.is_some_and(newer)
    }

    fn take(&mut self, packet: &Microphone, at: Mono) {
        let missing = match self.last {
            // The decoder can't go back.
            Some((seq, _)) if ahead(packet.seq, seq) <= 0 => return,
            Some((seq, _)) => packet.seq.wrapping_sub(seq) - 1,
            None => 0,
        };
        self.last = Some((packet.seq, packet.time));
        self.at = at;
        if missing <= MADE_UP {
            for age in (1..=missing).rev() {
                // What the newest has of the one before it, or else what the decoder makes up.
                let (from, has) = if age == 1 {
                    (&packet.packet[..], true)
                } else {
                    (&[][..], false)
                };
                let time = packet.time.checked_sub(u64::from(age) * micros_of(self.frame) as u64);
                self.play(from, has, time.map(|time| (packet.seq.wrapping_sub(age), time)), at);
            }
        }
        self.play(&packet.packet, false, Some((packet.seq, packet.time)), at);
    }

    /// Decodes a packet, or the one `before` it, and hands it on with its number and time.
    fn play(&mut self, packet: &[u8], before: bool, place: Option<(u32, u64)>, at: Mono) {
        let mut samples = vec![0.0; self.frame];
        match (self.decoder.decode_float(packet, &mut samples, before), place) {
            (Ok(count), Some((seq, time))) => {
                samples.truncate(count);
                // A copy, or too late: then it has been made up.
                let _ = self.renderer.arrived(micros(at), time, seq.into(), samples);
            }
            (Ok(_), None) => {}
            (Err(e), _) => tracing::trace!(target: "audio", "a microphone's packet: {e}"),
        }
    }
}

/// How far `seq` is ahead of another; numbers wrap.
fn ahead(seq: u32, other: u32) -> i32 {
    seq.wrapping_sub(other) as i32
}

fn micros(at: Mono) -> f64 {
    at.0 as f64 / 1000.0
}

/// What so many samples last, in µs.
fn micros_of(samples: usize) -> f64 {
    samples as f64 * 1e6 / f64::from(RATE)
}

#[cfg(test)]
mod tests;
