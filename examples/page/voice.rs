//! What the pages' microphones say: decoded and measured. Owns a decoder for each.

use goggles_protocols::audio::RATE;
use goggles_scope::stream::audio::VoiceReceiver;
use opus::{Channels, Decoder};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Samples that are measured at once: half a second.
const PART: usize = RATE as usize / 2;
/// The longest packet, in samples.
const LONGEST: usize = 960;

/// Listens to all.
pub struct Voices {
    packets: VoiceReceiver,
    voices: HashMap<u64, Voice>,
}

struct Voice {
    decoder: Decoder,
    samples: Vec<f32>,
    /// The newest packet's number, and how many are missing before it.
    seq: u32,
    lost: u32,
    /// When the newest packet should begin by its samples, in µs, and the most that a packet's time was off.
    next: u64,
    off: u64,
    /// From the recording's time until the packet came, in µs: the longest.
    age: u64,
}

impl Voices {
    /// Of a session.
    pub fn new(packets: VoiceReceiver) -> Self {
        Self {
            packets,
            voices: HashMap::new(),
        }
    }

    /// What there is to say of what has come.
    pub fn listen(&mut self) -> Vec<Value> {
        let mut said = Vec::new();
        while let Some(heard) = self.packets.try_recv() {
            let viewer = heard.viewer.0;
            let Ok(decoder) = Decoder::new(RATE, Channels::Mono) else {
                continue;
            };
            let voice = self.voices.entry(viewer).or_insert_with(|| Voice {
                decoder,
                samples: Vec::new(),
                seq: heard.packet.seq.wrapping_sub(1),
                lost: 0,
                next: heard.packet.time,
                off: 0,
                age: 0,
            });
            let mut samples = [0.0; LONGEST];
            let frames = match voice.decoder.decode_float(&heard.packet.packet, &mut samples, false) {
                Ok(frames) => frames,
                Err(error) => {
                    said.push(json!({ "voice": { "viewer": viewer, "error": error.to_string() } }));
                    continue;
                }
            };
            voice.lost += heard.packet.seq.wrapping_sub(voice.seq).saturating_sub(1);
            voice.seq = heard.packet.seq;
            voice.off = voice.off.max(heard.packet.time.abs_diff(voice.next));
            voice.next = heard.packet.time + frames as u64 * 1_000_000 / u64::from(RATE);
            voice.age = voice.age.max(heard.at.micros().saturating_sub(heard.packet.time));
            voice.samples.extend(&samples[..frames]);
            if voice.samples.len() >= PART {
                said.push(json!({ "voice": voice.measured(viewer, frames) }));
            }
        }
        said
    }
}

impl Voice {
    fn measured(&mut self, viewer: u64, frames: usize) -> Value {
        let part = std::mem::take(&mut self.samples);
        let peak = part.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
        // A beep's pitch: from the first to the last time that it rises through the middle while it is loud.
        let loud = |n: usize| part[n..].iter().take(120).any(|sample| sample.abs() > peak / 2.0);
        let rises: Vec<usize> = (1..part.len())
            .filter(|n| part[n - 1] < 0.0 && part[*n] >= 0.0 && loud(*n))
            .collect();
        // A pause between two beeps is no period.
        let periods: Vec<usize> = rises
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .filter(|n| *n < 480)
            .collect();
        let hz = periods.len() as f32 * RATE as f32 / periods.iter().sum::<usize>().max(1) as f32;
        json!({
            "viewer": viewer, "frames": frames, "seq": self.seq, "lost": self.lost, "peak": peak, "hz": hz,
            "off_us": std::mem::take(&mut self.off), "age_us": std::mem::take(&mut self.age),
        })
    }
}
