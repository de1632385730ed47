//! One way in for every device and for the network.

pub mod gesture;
pub mod hotkeys;
pub mod inject;
pub mod pen;
pub mod remote;
mod text;
pub mod touch;
