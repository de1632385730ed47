//! The network thread as its peers see it, over loopback: who is let in, what arrives, and what doesn't.

mod client;
mod control;
mod microphone;
mod refused;
mod sound;
mod video;
