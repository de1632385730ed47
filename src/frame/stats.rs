//! Counters and time lines of a session: the log line at exit, and what `-T` writes.

use crate::link::{FrameId, TimeLine};
use crate::time::Mono;
use goggles_protocols::frame;
use std::collections::VecDeque;
use std::time::Duration;

/// How often `-T` writes.
const EVERY: Duration = Duration::from_secs(1);

/// How many samples of a stage are kept; older ones make room.
const KEEP: usize = 4096;

/// The stages between the stamps of a [`TimeLine`], in order.
pub const STAGES: [&str; 9] = [
    "latch", "render", "queue", "convert", "encode", "send", "arrive", "decode", "paint",
];

/// How many frames' stamps are remembered for what the network and the viewers tell of them later.
const REMEMBER: usize = 512;

/// The session's statistics.
#[derive(Debug)]
pub struct Stats {
    started: Mono,
    commits: u64,
    frames: u64,
    bytes: u64,
    keys: u64,
    stages: [Ring; STAGES.len()],
    recent: VecDeque<(FrameId, TimeLine)>,
    /// This second's begin, and the commits in it.
    window: (Mono, u64),
    /// There were some in the second before.
    moving: bool,
    fps: Option<f64>,
}

/// The newest samples of one stage, in µs.
#[derive(Clone, Debug, Default)]
struct Ring {
    samples: Vec<u32>,
    at: usize,
}

impl Ring {
    fn push(&mut self, value: Duration) {
        let value = u32::try_from(value.as_micros()).unwrap_or(u32::MAX);
        if self.samples.len() < KEEP {
            self.samples.push(value);
        } else {
            self.samples[self.at] = value;
            self.at = (self.at + 1) % KEEP;
        }
    }

    fn percentile(&self, p: usize) -> Option<u32> {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len().checked_sub(1)?) * p / 100).copied()
    }
}

impl Stats {
    /// Statistics from `now` on.
    pub fn new(now: Mono) -> Self {
        Self {
            started: now,
            commits: 0,
            frames: 0,
            bytes: 0,
            keys: 0,
            stages: Default::default(),
            recent: VecDeque::new(),
            window: (now, 0),
            moving: false,
            fps: None,
        }
    }

    /// A client committed something new.
    pub fn committed(&mut self, now: Mono) {
        if !self.is_counting() {
            self.window.0 = now;
        }
        self.commits += 1;
        self.window.1 += 1;
    }

    /// Something moves, or it has not been told that nothing does any more.
    fn is_counting(&self) -> bool {
        self.moving || self.window.1 > 0
    }

    /// A frame was latched.
    pub fn latched(&mut self, _now: Mono) {
        self.frames += 1;
    }

    /// A frame left the encoder.
    pub fn encoded(&mut self, frame: FrameId, t: &TimeLine, bytes: usize, key: bool) {
        if self.recent.len() == REMEMBER {
            self.recent.pop_front();
        }
        self.recent.push_back((frame, *t));
        self.bytes += bytes as u64;
        self.keys += u64::from(key);
        let spans = [
            t.latch.since(t.commit),
            t.rendered.since(t.latch),
            t.encode_start.since(t.rendered),
            t.converted.since(t.encode_start),
            t.encoded.since(t.converted),
        ];
        for (ring, span) in self.stages.iter_mut().zip(spans) {
            ring.push(span);
        }
    }

    /// A frame's packet was handed to the network.
    pub fn sent(&mut self, frame: FrameId, at: Mono) {
        // The news of the encoder and of the network come by different ways: a frame may be unknown still or no more.
        if let Some((_, t)) = self.recent.iter_mut().rev().find(|(id, _)| *id == frame) {
            t.sent = at;
            self.stages[5].push(at.since(t.encoded));
        }
    }

    /// A viewer told what became of some frames.
    pub fn seen(&mut self, report: &frame::Report) {
        for seen in &report.frames {
            let Some((_, t)) = self.recent.iter().rev().find(|(id, _)| id.0 == seen.frame) else {
                continue;
            };
            let sent = if t.sent == Mono(0) { t.encoded } else { t.sent };
            let stamps = [sent.micros(), seen.received, seen.decoded, seen.painted];
            for (stage, pair) in (6..).zip(stamps.windows(2)) {
                if pair[1] != 0 {
                    self.stages[stage].push(Duration::from_micros(pair[1].saturating_sub(pair[0])));
                }
            }
        }
    }

    /// When [`Self::roll`] is due; only while something moves, so that an idle session sleeps.
    pub fn deadline(&self) -> Option<Mono> {
        self.is_counting().then(|| self.window.0 + EVERY)
    }

    /// Begins a new second, if one has passed.
    pub fn roll(&mut self, now: Mono) {
        let span = now.since(self.window.0);
        if span >= EVERY && self.is_counting() {
            self.fps = Some(self.window.1 as f64 / span.as_secs_f64());
            self.moving = self.window.1 > 0;
            self.window = (now, 0);
        }
    }

    /// The game's frames a second over the last second; once for each second, and 0 once.
    pub fn fps(&mut self) -> Option<f64> {
        self.fps.take()
    }

    /// One line for the log at exit.
    pub fn summary(&self, now: Mono) -> String {
        let stages: Vec<String> = STAGES
            .iter()
            .zip(&self.stages)
            .filter_map(|(name, ring)| {
                Some(format!(
                    "{name} {}/{}",
                    ms(ring.percentile(50)?),
                    ms(ring.percentile(95)?)
                ))
            })
            .collect();
        format!(
            "{:.1} s, {} commits, {} frames ({} key), {:.1} MB; p50/p95 ms: {}",
            now.since(self.started).as_secs_f64(),
            self.commits,
            self.frames,
            self.keys,
            self.bytes as f64 / 1e6,
            if stages.is_empty() {
                "nothing was encoded".into()
            } else {
                stages.join(", ")
            }
        )
    }
}

fn ms(us: u32) -> String {
    format!("{:.2}", f64::from(us) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_each_stage() {
        let mut s = Stats::new(Mono(0));
        assert!(s.summary(Mono(1_000_000_000)).contains("nothing was encoded"));
        let t = |us: u64| Mono(us * 1000);
        s.encoded(
            FrameId(1),
            &TimeLine {
                commit: t(1),
                latch: t(101),
                rendered: t(301),
                encode_start: t(311),
                converted: t(500),
                encoded: t(3500),
                sent: Mono(0),
            },
            1000,
            true,
        );
        s.sent(FrameId(1), t(3550));
        s.sent(FrameId(2), t(3600));
        let line = s.summary(Mono(1_000_000_000));
        assert!(line.contains("latch 0.10/0.10, render 0.20/0.20, queue 0.01/0.01, convert 0.19/0.19, encode 3.00/3.00, send 0.05/0.05"), "{line}");
        let seen = frame::Seen {
            frame: 1,
            received: 3_900,
            decoded: 4_900,
            painted: 0,
        };
        s.seen(&frame::Report {
            offset: Some(0),
            frames: vec![seen],
        });
        let line = s.summary(Mono(1_000_000_000));
        assert!(line.ends_with("arrive 0.35/0.35, decode 1.00/1.00"), "{line}");
    }

    #[test]
    fn fps_is_of_the_last_second() {
        let mut s = Stats::new(Mono(0));
        assert_eq!(s.deadline(), None);
        let at = |ms: u64| Mono(ms * 1_000_000);
        // The first second begins with a frame.
        s.roll(at(3_000));
        for n in 0..120 {
            s.committed(at(4_000 + n * 10));
        }
        s.roll(at(4_500));
        assert_eq!((s.fps(), s.deadline()), (None, Some(at(5_000))));
        s.roll(at(6_000));
        assert_eq!(s.fps(), Some(60.0));
        // Its end is told, once.
        assert_eq!((s.fps(), s.deadline()), (None, Some(at(7_000))));
        s.roll(at(7_000));
        assert_eq!(s.fps(), Some(0.0));
        s.roll(at(9_000));
        assert_eq!((s.fps(), s.deadline()), (None, None));
    }
}
