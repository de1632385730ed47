//! From the scene to one buffer: the client's own when it fills the output alone, else a composed one.

pub mod compose;
mod draw;
mod faded;
pub mod gamma;
pub mod look;
pub mod passthrough;
pub mod scale;
