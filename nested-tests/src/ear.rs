//! What a viewer hears of a session, decoded.

use crate::scope::Scope;
use crate::tone::{Found, LEVEL, find};
use crate::viewer::{PATIENCE, Viewer};
use anyhow::{Context, Result, ensure};
use goggles_protocols::audio::{Layout, Place, RATE};
use std::time::{Duration, Instant};

/// Samples of a channel in the longest packet: 20 ms.
const LONGEST: usize = 960;
/// It is looked at what was heard each time that so many samples more have come: 25 ms.
const STEP: usize = 1200;
/// How much is looked at, in samples: 100 ms, so that a machine that is busy for long has one without a hole.
const PIECE: usize = 4800;

/// Listens to a session and decodes it.
pub struct Ear<'a> {
    scope: &'a Scope,
    /// Who listens.
    pub viewer: Viewer,
    layout: Layout,
    decoder: opus::MSDecoder,
    /// What has come since the last [`Ear::forget`], of each channel in Opus's order.
    heard: Vec<Vec<f32>>,
}

impl<'a> Ear<'a> {
    /// Begins to listen to what must be of this layout.
    pub fn new(scope: &'a Scope, layout: Layout) -> Result<Self> {
        Self::of(scope, scope.viewer()?, layout)
    }

    /// The same with a viewer that is there already.
    pub fn of(scope: &'a Scope, viewer: Viewer, layout: Layout) -> Result<Self> {
        let log = || format!("log:\n{}", scope.log());
        let name = viewer.audio_track().with_context(log)?;
        let channels = &viewer.catalog()?["audio"]["renditions"][&name]["numberOfChannels"];
        ensure!(*channels == layout.channels(), "{channels} channels; {}", log());
        viewer.listen(&name);
        let (streams, coupled) = layout.streams();
        Ok(Self {
            scope,
            viewer,
            layout,
            decoder: opus::MSDecoder::new(RATE, streams, coupled, layout.mapping())?,
            heard: vec![Vec::new(); layout.channels().into()],
        })
    }

    /// The same, once the sound is of this layout.
    pub fn changed(scope: &'a Scope, viewer: Viewer, layout: Layout) -> Result<Self> {
        let is = |sound: &serde_json::Value| sound["numberOfChannels"] == layout.channels();
        Self::once(scope, viewer, layout, is)
    }

    /// The same, once this is so of the sound as the catalog has it.
    pub fn once(
        scope: &'a Scope,
        viewer: Viewer,
        layout: Layout,
        is: impl Fn(&serde_json::Value) -> bool,
    ) -> Result<Self> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let sound = &viewer.catalog()?["audio"]["renditions"][viewer.audio_track()?];
            if is(sound) {
                return Self::of(scope, viewer, layout);
            }
            ensure!(Instant::now() < give_up, "{sound}; log:\n{}", scope.log());
            // The pictures, for which nobody has room.
            viewer.next(Duration::from_millis(100))?;
        }
    }

    /// What has come so far is not looked at any more.
    pub fn forget(&mut self) {
        self.heard.iter_mut().for_each(Vec::clear);
    }

    /// Listens until there is a clean tone in every channel, each at its level, for a while on end: on a busy machine there
    /// may be holes.
    pub fn until_clean(&mut self, what: &str, frequency: impl Fn(Place) -> f64) -> Result<()> {
        let places = self.layout.places();
        self.until(what, |newest| {
            let clean = |f: &Found| (f.level / LEVEL - 1.0).abs() < 0.02 && f.snr >= 40.0;
            // One after the other, so that most that can't be are told by the first.
            places
                .iter()
                .zip(newest)
                .all(|(place, samples)| clean(&find(samples, frequency(*place))))
        })
    }

    /// Listens until this is so of the newest 100 ms of each channel.
    pub fn until(&mut self, what: &str, is: impl Fn(&[&[f32]]) -> bool) -> Result<()> {
        let (give_up, channels) = (Instant::now() + PATIENCE, self.heard.len());
        let (mut buffer, mut looked) = (vec![0.0; LONGEST * channels], self.heard[0].len());
        loop {
            ensure!(Instant::now() < give_up, "{what} is not heard; {}", self.story());
            // Nobody looks at the pictures.
            self.viewer.drain().for_each(drop);
            let Some(packet) = self.viewer.hear(Duration::from_millis(200))? else {
                continue;
            };
            // One that was under way when another track was asked for is of another layout.
            let Ok(count) = self.decoder.decode_float(&packet.data, &mut buffer, false) else {
                continue;
            };
            for frame in buffer[..count * channels].chunks_exact(channels) {
                for (channel, sample) in self.heard.iter_mut().zip(frame) {
                    channel.push(*sample);
                }
            }
            let len = self.heard[0].len();
            if len < looked + STEP || len < PIECE {
                continue;
            }
            looked = len;
            let newest: Vec<_> = self.heard.iter().map(|channel| &channel[len - PIECE..]).collect();
            if is(&newest) {
                return Ok(());
            }
        }
    }

    /// For people: what was heard last, and the log.
    fn story(&self) -> String {
        let loudest = |channel: &Vec<f32>| {
            let from = channel.len().saturating_sub(PIECE);
            channel[from..]
                .iter()
                .fold(0.0f32, |loudest, sample| loudest.max(sample.abs()))
        };
        let loudest: Vec<_> = self.heard.iter().map(loudest).collect();
        let seconds = self.heard[0].len() as f64 / f64::from(RATE);
        format!(
            "{seconds:.1} s came, the newest at most {loudest:?}; log:\n{}",
            self.scope.log()
        )
    }
}
