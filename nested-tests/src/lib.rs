//! The harness of the nested tests and of the bench: it starts the real binary with real programs, takes its stream as
//! a viewer would, and decodes it.
//!
//! `picture`, `beep` and `program` are the test programs' (`src/bin`); `tone` and `speaker` are those of `tests/audio`.

pub mod bad;
pub mod beep;
pub mod bench;
pub mod browser;
pub mod decode;
pub mod ear;
pub mod keyboard;
pub mod page;
pub mod picture;
pub mod play;
pub mod program;
pub mod raw;
pub mod recorder;
pub mod scope;
#[path = "../../tests/audio/speaker.rs"]
pub mod speaker;
#[path = "../../tests/audio/tone.rs"]
pub mod tone;
pub mod viewer;

use anyhow::{Context, Result};
use std::path::PathBuf;

/// The workspace's folder, from where we were started. Not from where we were compiled: that may be another checkout.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let root = here.ancestors().find(|dir| dir.join("Cargo.lock").exists());
    Ok(root.context("not started within the workspace")?.to_owned())
}

/// `target/NAME` of the workspace, made if it isn't there: for what people look at. It is in the checkout even when the
/// build is elsewhere.
pub fn output(name: &str) -> Result<PathBuf> {
    let dir = root()?.join("target").join(name);
    std::fs::create_dir_all(&dir).with_context(|| format!("error creating {}", dir.display()))?;
    Ok(dir)
}
