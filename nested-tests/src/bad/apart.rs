//! Thousands of surfaces in one window, each of which is drawn apart before it is drawn: translucent, or of another colour
//! space. What there is no room for is left out, and nobody waits.

use super::huge::{Shown, make, put};
use crate::raw::Raw;
use anyhow::{Context, Result};
use std::os::fd::AsFd;
use std::path::Path;

/// So many, which is just below what a client may have.
const MOST: usize = 4000;
/// So many between two looks.
const BATCH: usize = 200;
/// As large as a picture of the session, or larger.
const SIZE: (u32, u32) = (1280, 720);

/// What is done to each of them.
type Each<'a> = &'a mut dyn FnMut(&mut Raw, u32) -> Result<()>;

/// Opaque pictures at half of their opacity, each stretched over all of the output.
pub fn translucent(path: &Path, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let mut raw = Raw::new(path)?;
    let shown = Shown::new(&mut raw)?.context("it was let go for a window")?;
    let [alpha, viewporter] = raw.bind(["wp_alpha_modifier_v1", "wp_viewporter"])?;
    let buffer = shown.buffer;
    pile(&mut raw, &shown, look, &mut |raw, surface| {
        let (modifier, viewport) = (raw.id(), raw.id());
        put(raw, alpha, 1, &[modifier, surface], None)?;
        put(raw, modifier, 1, &[u32::MAX / 2], None)?;
        put(raw, viewporter, 1, &[viewport, surface], None)?;
        put(raw, viewport, 2, &[SIZE.0, SIZE.1], None)?;
        put(raw, surface, 1, &[buffer, 0, 0], None)
    })
}

/// Pictures in scRGB, all from one large buffer.
pub fn described(path: &Path, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let mut raw = Raw::new(path)?;
    let shown = Shown::new(&mut raw)?.context("it was let go for a window")?;
    let [manager] = raw.bind(["wp_color_manager_v1"])?;
    let (w, h) = SIZE;
    let file = rustix::fs::memfd_create("bad", rustix::fs::MemfdFlags::CLOEXEC)?;
    rustix::fs::ftruncate(&file, u64::from(w * h * 4))?;
    let (pool, buffer, description) = (raw.id(), raw.id(), raw.id());
    put(&raw, shown.shm, 0, &[pool, w * h * 4], Some(file.as_fd()))?;
    put(&raw, pool, 0, &[buffer, 0, w, h, w * 4, 1], None)?;
    put(&raw, manager, 6, &[description], None)?;
    pile(&mut raw, &shown, look, &mut |raw, surface| {
        let managed = raw.id();
        put(raw, manager, 2, &[managed, surface], None)?;
        put(raw, managed, 1, &[description, 0], None)?;
        put(raw, surface, 1, &[buffer, 0, 0], None)
    })
}

/// How many there were, and whether they ended their client.
fn pile(raw: &mut Raw, shown: &Shown, look: &mut dyn FnMut() -> Result<()>, each: Each<'_>) -> Result<(usize, bool)> {
    let [subcompositor] = raw.bind(["wl_subcompositor"])?;
    for done in (0..MOST).step_by(BATCH) {
        for _ in 0..BATCH {
            let (surface, role) = (make(raw, shown.compositor, 0)?, raw.id());
            put(raw, subcompositor, 1, &[role, surface, shown.surface], None)?;
            each(raw, surface)?;
            put(raw, surface, 6, &[], None)?;
        }
        shown.commit(raw)?;
        // After the first answer it has been looked at, and after the second it has been drawn.
        if raw.roundtrip()?.is_err() || raw.roundtrip()?.is_err() {
            return Ok((done, true));
        }
        look()?;
    }
    Ok((MOST, false))
}
