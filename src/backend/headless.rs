//! The headless output: a latched frame becomes an `EncodeJob`.
//!
//! A frame is made only for somebody: with no viewer nothing is rendered. It counts what is under way, so that the
//! pacer latches as late as the encoder allows, and remembers when the next job must start a group.

use super::RenderResult;
use crate::link::{EncodeJob, EncoderToScope, FrameId, Pixels, Rate, Refresh, Size, TimeLine};
use crate::render::{compose::Composer, gamma::Ramps, passthrough};
use crate::state::Scope;
use smithay::backend::allocator::dmabuf::Dmabuf;
use smithay::backend::renderer::utils::CommitCounter;
use smithay::reexports::wayland_server::backend::ObjectId;

/// Jobs that may be under way: one being encoded, one waiting.
const DEPTH: usize = 2;

/// Where jobs go: the encoder's mailbox, or a test's list.
pub type JobSink = Box<dyn FnMut(EncodeJob)>;

/// The headless output.
pub struct Headless {
    composer: Composer,
    refresh: Refresh,
    rate: Rate,
    sink: Option<JobSink>,
    viewers: usize,
    in_flight: usize,
    key_wanted: bool,
    last: FrameId,
    shown: Shown,
}

/// What the last frame was made from.
#[derive(Debug)]
enum Shown {
    Nothing,
    Direct(ObjectId, CommitCounter),
    Composed,
}

impl std::fmt::Debug for Headless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Headless")
            .field("last", &self.last)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

impl Headless {
    /// An output that hands its jobs to `sink`.
    pub fn new(composer: Composer, refresh: Refresh, rate: Rate, sink: Option<JobSink>) -> Self {
        Self {
            composer,
            refresh,
            rate,
            sink,
            viewers: 0,
            in_flight: 0,
            key_wanted: true,
            last: FrameId(0),
            shown: Shown::Nothing,
        }
    }

    /// See [`super::Backend::is_free`].
    pub fn is_free(&self) -> bool {
        self.in_flight < DEPTH
    }

    /// See [`super::Backend::wants_frame`].
    pub fn wants_frame(&self) -> bool {
        self.key_wanted && self.viewers > 0 && self.sink.is_some()
    }

    /// How many subscribers the video has.
    pub fn set_viewers(&mut self, viewers: usize) {
        self.viewers = viewers;
    }

    /// The next frame must start a group.
    pub fn want_key_frame(&mut self) {
        self.key_wanted = true;
    }

    /// The size of its frames.
    pub fn size(&self) -> Size {
        self.composer.size()
    }

    /// Takes the encoder's news.
    pub fn encoder_event(&mut self, event: &EncoderToScope) {
        match event {
            EncoderToScope::Done { .. } | EncoderToScope::Replaced(_) => {
                self.in_flight = self.in_flight.saturating_sub(1)
            }
            EncoderToScope::PacketDropped(_) => {
                self.in_flight = self.in_flight.saturating_sub(1);
                self.key_wanted = true;
            }
            EncoderToScope::Failed { frame, why } => {
                tracing::warn!(frame = frame.0, why, "the encoder failed at a frame");
                self.in_flight = self.in_flight.saturating_sub(1);
                self.key_wanted = true;
            }
        }
    }

    /// See [`super::Backend::snapshot`].
    pub fn snapshot(&mut self, scope: &Scope) -> anyhow::Result<Vec<u8>> {
        self.composer.snapshot(&scope.placed, &scope.look())
    }

    /// See [`super::Backend::set_gamma`].
    pub fn set_gamma(&mut self, ramps: Option<Ramps>) -> bool {
        let other = self.composer.set_gamma(ramps);
        if other {
            self.shown = Shown::Nothing;
        }
        other
    }

    /// See [`super::Backend::set_rate`].
    pub fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// See [`super::Backend::import`].
    pub fn import(&mut self, buffer: &Dmabuf) -> anyhow::Result<()> {
        self.composer.import(buffer)
    }

    /// See [`super::Backend::set_mode`].
    pub fn set_mode(&mut self, size: Size, refresh: Refresh) -> anyhow::Result<()> {
        if size != self.composer.size() {
            self.composer = self.composer.resized(size)?;
            self.shown = Shown::Nothing;
        }
        self.refresh = refresh;
        // The encoder starts anew.
        self.key_wanted = true;
        Ok(())
    }

    /// See [`super::Backend::submit`].
    pub fn submit(&mut self, scope: &mut Scope) -> RenderResult {
        let (Some(sink), true) = (&mut self.sink, self.viewers > 0) else {
            return RenderResult::Skipped;
        };
        let size = self.composer.size();
        let last = match &self.shown {
            Shown::Direct(id, commit) => Some((id.clone(), *commit)),
            _ => None,
        };
        let latch = scope.now;
        let mut rendered = latch;
        let direct = passthrough::find(&scope.placed, &scope.fit, size, last.as_ref());
        let direct = direct.filter(|_| !scope.controls.composite_force && !self.composer.has_gamma());
        let pixels = if let Some(direct) = direct {
            if !direct.damaged && !self.key_wanted {
                return RenderResult::NoDamage;
            }
            self.shown = Shown::Direct(direct.surface, direct.commit);
            Pixels::Client(direct.buffer)
        } else {
            let force = self.key_wanted || !matches!(self.shown, Shown::Composed);
            match self.composer.compose(&scope.placed, &scope.look(), force) {
                Ok(Some(image)) => {
                    self.shown = Shown::Composed;
                    rendered = scope.clock.now();
                    Pixels::Composed(image)
                }
                Ok(None) => return RenderResult::NoDamage,
                Err(why) => {
                    tracing::error!("{why:#}");
                    return RenderResult::Skipped;
                }
            }
        };
        self.last = FrameId(self.last.0 + 1);
        let times = TimeLine {
            commit: scope.last_commit,
            latch,
            rendered,
            ..TimeLine::default()
        };
        self.in_flight += 1;
        sink(EncodeJob {
            frame: self.last,
            pixels,
            size,
            refresh: self.refresh,
            key_frame: std::mem::take(&mut self.key_wanted),
            rate: self.rate,
            times,
        });
        scope.stats.latched(latch);
        RenderResult::Submitted
    }
}
