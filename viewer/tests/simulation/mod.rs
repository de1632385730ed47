//! A server, a network and a sound device with clocks of their own; virtual time, the same at each run.

use goggles_protocols::clock::{Estimator, Pong, Schedule};
use goggles_viewer::audio::clock::{ClockSource, Device};
use goggles_viewer::audio::player::{Block, Metrics, Player, Sound};
use goggles_viewer::audio::watchdog::Event;
use std::collections::BTreeMap;

/// A packet's length in µs.
pub const FRAME: u64 = 5_000;
const QUANTUM: f64 = 128.0;
const US_PER_FRAME: f64 = 1e6 / 48_000.0;
/// The client's clock starts elsewhere.
const CLIENT_AHEAD: f64 = 7_000_000_000.0;

/// xorshift64*: as good as needed here.
pub struct Random(pub u64);

impl Random {
    /// From 0 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponential, with this mean.
    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.next()).ln()
    }
}

/// What the world is like. Parts of one, µs and ppm.
pub struct World {
    /// The client's clock to the server's, and the device's to the client's.
    pub client_ppm: f64,
    pub device_ppm: f64,
    /// Mean of the exponential jitter of each way.
    pub jitter: f64,
    pub spike: f64,
    pub spikes: f64,
    pub loss: f64,
    /// Each payload has the two packets before it once more, as the tracks `NAME.red`.
    pub redundant: bool,
    pub duplicates: f64,
    /// Nothing but silence is recorded in these parts of each 10 s: no packets.
    pub pauses: bool,
    /// From this time on the way is longer by so much.
    pub detour: Option<(f64, f64)>,
    /// At this time the device stops for so long.
    pub stall: Option<(f64, f64)>,
    /// The client has a clock that hardware keeps at the server's time (PTP), and needs no pings.
    pub hardware: bool,
    pub seed: u64,
}

/// That clock: the client's own is off it by so many ppm.
struct Hardware(f64);

impl ClockSource for Hardware {
    fn server(&self, local: f64) -> Option<f64> {
        Some((local - CLIENT_AHEAD) / (1.0 + self.0 * 1e-6))
    }
}

impl Default for World {
    fn default() -> Self {
        Self {
            client_ppm: 0.0,
            device_ppm: 0.0,
            jitter: 1_000.0,
            spike: 15_000.0,
            spikes: 0.005,
            loss: 0.0,
            redundant: false,
            duplicates: 0.0,
            pauses: false,
            detour: None,
            stall: None,
            hardware: false,
            seed: 1,
        }
    }
}

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    /// At each block after the settling: by how far the sound was truly off, in µs.
    pub drift: Vec<f64>,
    pub events: Vec<(f64, Event)>,
    pub played: Vec<u64>,
    pub metrics: Metrics,
    /// At the end of each second.
    pub delays: Vec<f64>,
    /// Blocks of made-up sound after the settling.
    pub concealed: u64,
}

const BASE: f64 = 2_000.0;

impl World {
    fn way(&self, random: &mut Random, at: f64) -> f64 {
        let spike = if random.next() < self.spikes { self.spike } else { 0.0 };
        let detour = self
            .detour
            .filter(|(from, _)| at >= *from)
            .map_or(0.0, |(_, longer)| longer);
        BASE + random.exponential(self.jitter) + spike + detour
    }

    fn client(&self, server: f64) -> f64 {
        CLIENT_AHEAD + server * (1.0 + self.client_ppm * 1e-6)
    }

    /// Runs for so many seconds of the server's time; the first `settling` don't count.
    pub fn run(&self, seconds: u64, settling: u64) -> Outcome {
        let mut random = Random(self.seed | 1);
        let mut outcome = Outcome::default();
        let hardware = Hardware(self.client_ppm);
        let (mut estimator, mut device) = (Estimator::new(Schedule::default()), Device::default());
        let mut player = Player::new(FRAME as f64);
        // Packets' time stamps and numbers by the µs of their arrival (and a count, since two may come at once).
        let mut under_way: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
        let mut pongs: BTreeMap<u64, Pong> = BTreeMap::new();
        let (mut captured, mut count, mut sent) = (0u64, 0u64, 0u64);
        let (mut frame, mut position, mut stalled) = (0.0, 0.0, 0.0);
        let rate = 1.0 + (self.device_ppm + self.client_ppm) * 1e-6;
        let end = (seconds * 1_000_000) as f64;
        loop {
            if let Some((_, long)) = self.stall.filter(|(at, _)| frame * US_PER_FRAME > *at) {
                stalled = long;
            }
            let truth = |frame: f64| frame * US_PER_FRAME / rate + stalled;
            let now = truth(frame);
            if now >= end {
                break;
            }
            while captured as f64 + (FRAME as f64) <= now {
                let silent = self.pauses && captured % 10_000_000 > 8_000_000;
                let lost = random.next() < self.loss;
                let copies = 1 + usize::from(random.next() < self.duplicates);
                for _ in 0..copies {
                    let whole = (captured + FRAME) as f64;
                    let arrival = (whole + self.way(&mut random, whole)) as u64;
                    if !lost && !silent {
                        let earlier = if self.redundant { 2 } else { 0 };
                        for age in (0..=earlier).rev().filter(|age| age * FRAME <= captured) {
                            count += 1;
                            under_way.insert((arrival, count), (captured - age * FRAME, sent.saturating_sub(age)));
                        }
                    }
                }
                captured += FRAME;
                sent += u64::from(!silent);
            }
            let local = self.client(now) as u64;
            if let Some(ping) = estimator.poll(local) {
                let there = now + self.way(&mut random, now);
                let back = there + self.way(&mut random, there);
                let (t1, t2) = (there as u64, there as u64 + 20);
                pongs.insert(self.client(back) as u64, Pong { t0: ping.t0, t1, t2 });
            }
            while let Some(entry) = pongs.first_entry().filter(|entry| *entry.key() <= local) {
                let (at, pong) = entry.remove_entry();
                estimator.on_pong(at, pong);
            }
            let steps = device.steps();
            device.add(frame, self.client(now) + (random.next() - 0.5) * 1_000.0);
            if device.steps() > steps {
                player.slipped();
            }
            let clock: &dyn ClockSource = if self.hardware { &hardware } else { &estimator };
            let ear = |frame: f64| clock.server(device.at(frame)?);
            if let Some(first) = ear(frame) {
                while let Some(entry) = under_way.first_entry().filter(|entry| entry.key().0 as f64 <= now) {
                    let (pts, number) = entry.remove();
                    player.arrived(first, pts, number);
                }
                while position < frame + QUANTUM {
                    let Some(at) = ear(position) else { break };
                    let block = player.pull(at);
                    let settled = now > (settling * 1_000_000) as f64;
                    outcome.note(&block, &player.metrics(), truth(position), at, settled);
                    position += block.us / US_PER_FRAME / block.speed;
                }
            } else {
                position = frame + QUANTUM;
            }
            frame += QUANTUM;
            if now as u64 / 1_000_000 > outcome.delays.len() as u64 {
                outcome.delays.push(player.metrics().delay);
            }
        }
        outcome.metrics = player.metrics();
        outcome
    }
}

impl Outcome {
    fn note(&mut self, block: &Block, metrics: &Metrics, truth: f64, at: f64, settled: bool) {
        self.events.extend(block.event.map(|event| (truth, event)));
        if let Sound::Packet { pts, .. } = block.sound {
            self.played.push(pts);
        }
        if settled && block.sound != Sound::Silence {
            self.drift.push(metrics.drift + truth - at);
            self.concealed += u64::from(block.sound == Sound::Conceal);
        }
    }

    /// The size of the drift that so many of 100 stay under, in µs.
    pub fn percentile(&self, percent: f64) -> f64 {
        let mut sizes: Vec<f64> = self.drift.iter().map(|drift| drift.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let last = sizes.len() - 1;
        sizes[(last as f64 * percent / 100.0) as usize]
    }
}
