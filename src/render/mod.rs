//! From the scene to one buffer: the client's own when it fills the output alone, else a composed one.

mod budget;
pub mod color;
pub mod compose;
mod draw;
mod elements;
mod faded;
pub mod gamma;
pub mod look;
pub mod passthrough;
pub mod scale;
