//! What shows a frame and what times it.

pub mod headless;

use crate::link::{Rate, Refresh, Size};
use crate::render::gamma::Ramps;
use crate::state::Scope;
use smithay::backend::allocator::dmabuf::Dmabuf;

/// One of the ways to show frames. The arms are written out where they differ.
#[derive(Debug)]
pub enum Backend {
    /// The stream only.
    Headless(headless::Headless),
}

/// What became of a latched frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderResult {
    /// It is on its way.
    Submitted,
    /// It would have been the same picture again.
    NoDamage,
    /// Nobody looks.
    Skipped,
}

impl Backend {
    /// Whether a frame handed over now would not displace one that still waits.
    pub fn is_free(&self) -> bool {
        match self {
            Self::Headless(h) => h.is_free(),
        }
    }

    /// Whether a frame is wanted although nothing changed.
    pub fn wants_frame(&self) -> bool {
        match self {
            Self::Headless(h) => h.wants_frame(),
        }
    }

    /// What is shown, at the output's size: B G R x, rows without gaps.
    pub fn snapshot(&mut self, scope: &Scope) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Headless(h) => h.snapshot(scope),
        }
    }

    /// Sets the output's gamma. Whether the picture will be another one.
    pub fn set_gamma(&mut self, ramps: Option<Ramps>) -> bool {
        match self {
            Self::Headless(h) => h.set_gamma(ramps),
        }
    }

    /// Gives the output another size and rate.
    pub fn set_mode(&mut self, size: Size, refresh: Refresh) -> anyhow::Result<()> {
        match self {
            Self::Headless(h) => h.set_mode(size, refresh),
        }
    }

    /// From the next frame on it is encoded with so many bits.
    pub fn set_rate(&mut self, rate: Rate) {
        match self {
            Self::Headless(h) => h.set_rate(rate),
        }
    }

    /// Maps a client's DMA-BUF, so that it can be drawn.
    pub fn import(&mut self, buffer: &Dmabuf) -> anyhow::Result<()> {
        match self {
            Self::Headless(h) => h.import(buffer),
        }
    }

    /// Renders the scene and shows it.
    pub fn submit(&mut self, scope: &mut Scope) -> RenderResult {
        match self {
            Self::Headless(h) => h.submit(scope),
        }
    }
}
