//! The stream: what turns frames into packets and carries them to viewers.

pub mod audio;
pub mod encode;
pub mod session;
pub mod transport;
