//! Turns the player's decisions into samples. Owns the decoded packets that wait.

use super::RATE;
use super::conceal::Concealer;
use super::player::{Fate, MAX_WAITING, Metrics, Player, Sound};
use super::stretch::Stretch;
use super::watchdog::Event;
use rubato::ResamplerConstructionError;
use std::collections::BTreeMap;

/// A fade takes so many frames: 2.5 ms.
const FADE: usize = 120;

/// Plays one stream of interleaved samples.
#[derive(Debug)]
pub struct Renderer {
    channels: usize,
    /// Packets of another length (in frames) have another player.
    frame: usize,
    player: Player,
    round_trip: Option<f64>,
    stretch: Stretch,
    concealer: Concealer,
    /// By time stamp; no more than may wait.
    packets: BTreeMap<u64, Vec<f32>>,
    block: Vec<f32>,
    before: Vec<f32>,
    event: Option<Event>,
}

impl Renderer {
    /// For packets of `frame` µs, until others come. Fails if there is no channel.
    pub fn new(channels: usize, frame: f64) -> Result<Self, ResamplerConstructionError> {
        Ok(Self {
            channels,
            frame: (frame * f64::from(RATE) / 1e6).round() as usize,
            player: Player::new(frame),
            round_trip: None,
            stretch: Stretch::new(channels)?,
            concealer: Concealer::new(channels),
            packets: BTreeMap::new(),
            block: Vec::new(),
            before: vec![0.0; FADE * channels],
            event: None,
        })
    }

    /// A decoded packet, which could be heard at `now` (µs) at the earliest; `number` as [`Player::arrived`] has it.
    pub fn arrived(&mut self, now: f64, pts: u64, number: u64, samples: Vec<f32>) -> Fate {
        let frames = samples.len() / self.channels;
        if frames > 0 && frames != self.frame {
            self.frame = frames;
            self.player = Player::new(frames as f64 * 1e6 / f64::from(RATE));
            self.packets.clear();
            if let Some(us) = self.round_trip {
                self.player.set_round_trip(us);
            }
        }
        // What follows a piece of a chunk must be there so much earlier.
        let fate = self.player.arrived(now + self.stretch.held(), pts, number);
        if fate == Fate::Kept {
            self.packets.insert(pts, samples);
            // What the player has let go of is told only when a packet is played, which may never be.
            if self.packets.len() > MAX_WAITING {
                self.packets.pop_first();
            }
        }
        fate
    }

    /// Fills `out`, whose first frame will be heard at `at` (µs).
    pub fn render(&mut self, at: f64, out: &mut [f32]) {
        let frame_us = 1e6 / f64::from(RATE);
        for (index, frame) in out.chunks_exact_mut(self.channels).enumerate() {
            while self.stretch.ready() == 0 {
                self.next(at + index as f64 * frame_us + self.stretch.pending());
            }
            for sample in frame {
                *sample = self.stretch.pop().unwrap_or(0.0);
            }
        }
    }

    /// What was measured.
    pub fn metrics(&self) -> Metrics {
        self.player.metrics()
    }

    /// What the watchdog said last, once.
    pub fn take_event(&mut self) -> Option<Event> {
        self.event.take()
    }

    /// The thread that calls [`Renderer::render`] stood still until `now` (µs), see [`super::stalls`].
    pub fn stood_still(&mut self, now: f64) {
        self.player.stood_still(now);
    }

    /// The network's round trip, in µs.
    pub fn set_round_trip(&mut self, us: f64) {
        self.round_trip = Some(us);
        self.player.set_round_trip(us);
    }

    fn next(&mut self, at: f64) {
        let block = self.player.pull(at);
        self.event = block.event.or(self.event);
        let per_us = f64::from(RATE) / 1e6;
        let frames = ((block.us * per_us).round() as usize).max(1);
        self.block.clear();
        self.block.resize(frames * self.channels, 0.0);
        let real = if let Sound::Packet { pts, skip } = block.sound {
            let skip = (skip * per_us).round() as usize * self.channels;
            let samples = self.packets.remove(&pts).unwrap_or_default();
            for (place, sample) in self.block.iter_mut().zip(samples.iter().skip(skip)) {
                *place = *sample;
            }
            self.packets = self.packets.split_off(&pts);
            true
        } else {
            false
        };
        if block.sound == Sound::Conceal {
            self.concealer.go_on(&mut self.block);
        } else if block.fade {
            let frames = frames.min(FADE);
            let before = &mut self.before[..frames * self.channels];
            self.concealer.go_on(before);
            for (index, sample) in self.block.iter_mut().take(before.len()).enumerate() {
                let weight = (index / self.channels + 1) as f32 / (frames + 1) as f32;
                *sample = *sample * weight + before[index] * (1.0 - weight);
            }
        }
        if real || block.sound == Sound::Silence {
            self.concealer.heard(&self.block);
        }
        // It is clamped to what can be done; and a chunk that could not be stretched is only missing.
        let _ = self.stretch.push(&self.block, block.speed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time stamps that are always far ahead of what is played: each begins another story, and none is ever heard.
    #[test]
    fn what_is_never_played_is_not_kept_for_ever() {
        let mut renderer = Renderer::new(1, 20_000.0).expect("a channel");
        let mut out = [0.0; 240];
        for n in 0..10_000u64 {
            let now = 5_000_000.0 + (n * 5_000) as f64;
            renderer.arrived(now, 1_000_000_000_000 + n * 20_000, n, vec![0.0; 960]);
            renderer.render(now, &mut out);
        }
        assert_eq!(renderer.metrics().played, 0, "the test is in order");
        assert!(renderer.packets.len() <= MAX_WAITING, "{}", renderer.packets.len());
    }
}
