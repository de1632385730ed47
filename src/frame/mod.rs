//! When a frame is due: clock, pacing, statistics. Pure; `now` is an argument.

pub mod fixed;
mod follow;
pub mod pacer;
pub mod rhythm;
pub mod stats;
mod usual;
