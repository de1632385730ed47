//! The harness of the nested tests and of the bench: it starts the real binary with real programs, takes its stream as
//! a viewer would, and decodes it.
//!
//! `picture` and `program` are the test programs' (`src/bin/wl-picture.rs`, `src/bin/x11-picture.rs`).

pub mod picture;
pub mod program;
