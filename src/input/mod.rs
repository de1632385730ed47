//! One way in for every device and for the network.

pub mod inject;
pub mod remote;
mod text;
