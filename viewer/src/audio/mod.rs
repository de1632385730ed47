//! Playing the session's sound in step with its picture. Everything here is pure: packets and times go in, samples and
//! figures come out; the edges read clocks and own devices.
//!
//! There is one time scale, the *server's clock at the ear*: the time of a sample is when it will be heard, in µs of the
//! server's clock ([`clock`]). A packet is late by the time at which it could have been heard at the earliest less its
//! time stamp; so decoding, threads and the device's own buffer are all in the lateness that [`depth`] measures, and the
//! delay it asks for is the whole delay from the game to the ear. [`player`] decides what is played when, holds that
//! delay with [`control`], and gives up gracefully by [`watchdog`]. [`render`] turns its decisions into samples.
//!
//! resources/web/src/audio is the same in TypeScript; `protocols/vectors/audio-player.json` holds both together.

pub mod clock;
pub mod conceal;
pub mod control;
pub mod depth;
pub mod player;
pub mod redundancy;
pub mod render;
pub mod stalls;
pub mod stretch;
pub mod watchdog;

/// Samples a second, of every channel.
pub const RATE: u32 = 48_000;
