//! goggles-scope: a Wayland and Xwayland compositor for one game, whose stream is one of its outputs.
//!
//! The binary is a thin `main.rs` over this library, so that tests drive the same compositor in-process.
//! CONTRIBUTING.md has the map; `link` has the only types that cross threads.

pub mod backend;
pub mod child;
pub mod cli;
pub mod clients;
pub mod config;
pub mod dmabuf;
pub mod edid;
pub mod files;
mod focus;
pub mod frame;
pub mod handlers;
pub mod input;
pub mod limiter;
mod lines;
pub mod link;
pub mod monitor;
pub mod preflight;
pub mod priority;
pub mod ready;
pub mod render;
pub mod resize;
pub mod run;
pub mod scene;
pub mod screenshot;
pub mod state;
pub mod stats_fifo;
pub mod stream;
pub mod syncobj;
pub mod time;
pub mod xwayland;
