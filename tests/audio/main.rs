//! The sound of real programs through a real PipeWire, down to Opus packets and back.

mod life;
mod microphone;
mod programs;
mod rig;
mod speaker;
mod tone;
mod tones;
