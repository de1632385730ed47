//! Sizes beyond reason, each by a client with a window of its own.

use crate::raw::{Event, Raw};
use anyhow::{Context, Result, ensure};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

const MOST: u32 = i32::MAX as u32;
const LEAST: u32 = i32::MIN as u32;
const MINUS: u32 = u32::MAX;

/// A window that is shown, 64x64.
pub struct Shown {
    pub compositor: u32,
    pub shm: u32,
    wm: u32,
    pub surface: u32,
    xdg: u32,
    toplevel: u32,
    pub buffer: u32,
    file: OwnedFd,
}

impl Shown {
    /// Makes it; `None`: its maker was let go.
    pub fn new(raw: &mut Raw) -> Result<Option<Self>> {
        let file = rustix::fs::memfd_create("bad", rustix::fs::MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, 64 * 64 * 4)?;
        let [compositor, shm, wm] = raw.bind(["wl_compositor", "wl_shm", "xdg_wm_base"])?;
        let surface = make(raw, compositor, 0)?;
        let xdg = raw.id();
        put(raw, wm, 2, &[xdg, surface], None)?;
        let toplevel = make(raw, xdg, 1)?;
        put(raw, surface, 6, &[], None)?;
        let Ok(events) = raw.roundtrip()? else {
            return Ok(None);
        };
        configured(raw, xdg, &events)?;
        let (pool, buffer) = (raw.id(), raw.id());
        put(raw, shm, 0, &[pool, 64 * 64 * 4], Some(file.as_fd()))?;
        put(raw, pool, 0, &[buffer, 0, 64, 64, 256, 1], None)?;
        let shown = Self {
            compositor,
            shm,
            wm,
            surface,
            xdg,
            toplevel,
            buffer,
            file,
        };
        shown.commit(raw)?;
        Ok(Some(shown))
    }

    /// Shows its buffer again, with all of it damaged.
    pub fn commit(&self, raw: &Raw) -> Result<()> {
        put(raw, self.surface, 1, &[self.buffer, 0, 0], None)?;
        put(raw, self.surface, 9, &[0, 0, MOST, MOST], None)?;
        put(raw, self.surface, 6, &[], None)
    }

    fn region(&self, raw: &mut Raw, rectangle: [u32; 4]) -> Result<u32> {
        let region = make(raw, self.compositor, 1)?;
        put(raw, region, 1, &rectangle, None)?;
        Ok(region)
    }

    fn buffer(&self, raw: &mut Raw, pool_bytes: u32, shape: [u32; 4]) -> Result<()> {
        let (pool, buffer) = (raw.id(), raw.id());
        put(raw, self.shm, 0, &[pool, pool_bytes], Some(self.file.as_fd()))?;
        put(raw, pool, 0, &[&[buffer], shape.as_slice(), &[1]].concat(), None)?;
        put(raw, self.surface, 1, &[buffer, 0, 0], None)
    }

    fn viewport(&self, raw: &mut Raw) -> Result<u32> {
        let [viewporter] = raw.bind(["wp_viewporter"])?;
        let viewport = raw.id();
        put(raw, viewporter, 1, &[viewport, self.surface], None)?;
        Ok(viewport)
    }

    /// A popup of these sizes.
    fn popup(&self, raw: &mut Raw, size: u32, anchor: u32, offset: u32) -> Result<()> {
        let positioner = make(raw, self.wm, 1)?;
        put(raw, positioner, 1, &[size, size], None)?;
        put(raw, positioner, 2, &[anchor, anchor, size, size], None)?;
        // All adjustments of the constraint.
        put(raw, positioner, 5, &[63], None)?;
        put(raw, positioner, 6, &[offset, offset], None)?;
        let surface = make(raw, self.compositor, 0)?;
        let (xdg, popup) = (raw.id(), raw.id());
        put(raw, self.wm, 2, &[xdg, surface], None)?;
        put(raw, xdg, 2, &[popup, self.xdg, positioner], None)?;
        put(raw, surface, 6, &[], None)?;
        // An end is told by the last answer.
        let events = raw.roundtrip()?.unwrap_or_default();
        configured(raw, xdg, &events)?;
        put(raw, surface, 1, &[self.buffer, 0, 0], None)?;
        put(raw, surface, 6, &[], None)
    }

    fn child(&self, raw: &mut Raw, x: u32, y: u32) -> Result<()> {
        let [subcompositor] = raw.bind(["wl_subcompositor"])?;
        let (child, role) = (make(raw, self.compositor, 0)?, raw.id());
        put(raw, subcompositor, 1, &[role, child, self.surface], None)?;
        put(raw, role, 1, &[x, y], None)?;
        put(raw, child, 1, &[self.buffer, 0, 0], None)?;
        put(raw, child, 6, &[], None)
    }
}

type Case = fn(&mut Raw, &Shown) -> Result<()>;

/// Those of them that the protocols forbid.
const FORBIDDEN: [usize; 12] = [0, 1, 3, 4, 5, 8, 9, 14, 17, 21, 22, 25];

/// All of them; what is legal is borne, the rest ends its client.
const CASES: [Case; 27] = [
    |raw, w| w.buffer(raw, 4096, [0, 0x7fff, 0x7fff, 0x1_fffc]),
    |raw, w| w.buffer(raw, 4096, [0, MOST, MOST, MOST]),
    |raw, w| w.buffer(raw, MOST, [0, 16_384, 16_384, 65_536]),
    |raw, w| w.buffer(raw, MOST, [MOST, 64, 64, 256]),
    |raw, w| w.buffer(raw, MINUS, [0, 64, 64, 256]),
    |raw, w| w.buffer(raw, 4096, [0, 32, 32, LEAST]),
    // The file is shorter than the pool says.
    |raw, w| w.buffer(raw, 64 << 20, [32 << 20, 64, 64, 256]),
    |raw, w| put(raw, w.surface, 8, &[MOST], None),
    |raw, w| put(raw, w.surface, 8, &[0], None),
    |raw, w| put(raw, w.surface, 8, &[LEAST], None),
    |raw, w| put(raw, w.surface, 10, &[MOST, LEAST], None),
    |raw, w| put(raw, w.surface, 2, &[LEAST, LEAST, MOST, MOST], None),
    |raw, w| put(raw, w.surface, 9, &[MOST, MOST, MOST, MOST], None),
    |raw, w| put(raw, w.xdg, 3, &[LEAST, LEAST, MOST, MOST], None),
    |raw, w| put(raw, w.xdg, 3, &[0, 0, MINUS, MINUS], None),
    |raw, w| put(raw, w.toplevel, 7, &[MOST, MOST], None),
    |raw, w| put(raw, w.toplevel, 8, &[MOST, MOST], None),
    |raw, w| put(raw, w.toplevel, 8, &[LEAST, LEAST], None),
    |raw, w| {
        let region = w.region(raw, [LEAST, LEAST, MOST, MOST])?;
        put(raw, w.surface, 4, &[region], None)?;
        put(raw, w.surface, 5, &[region], None)
    },
    |raw, w| {
        let region = w.region(raw, [MOST, MOST, LEAST, LEAST])?;
        put(raw, w.surface, 5, &[region], None)
    },
    |raw, w| {
        let viewport = w.viewport(raw)?;
        put(raw, viewport, 2, &[MOST, MOST], None)
    },
    |raw, w| {
        let viewport = w.viewport(raw)?;
        put(raw, viewport, 2, &[LEAST, 0], None)
    },
    |raw, w| {
        let viewport = w.viewport(raw)?;
        put(raw, viewport, 1, &[MOST, MOST, MOST, MOST], None)
    },
    |raw, w| w.popup(raw, MOST, LEAST, MOST),
    |raw, w| w.popup(raw, 1, MOST, MOST),
    |raw, w| w.popup(raw, 0, 0, LEAST),
    |raw, w| {
        w.child(raw, MOST, LEAST)?;
        w.child(raw, LEAST, MOST)
    },
];

/// A request.
pub fn put(raw: &Raw, object: u32, opcode: u32, words: &[u32], file: Option<BorrowedFd<'_>>) -> Result<()> {
    ensure!(raw.send(object, opcode, words, file), "it has ended");
    Ok(())
}

/// Acknowledges what was told of an xdg_surface.
fn configured(raw: &Raw, xdg: u32, events: &[Event]) -> Result<()> {
    let serial = events.iter().find(|(object, opcode, _)| (*object, *opcode) == (xdg, 0));
    let serial = serial.and_then(|(_, _, body)| body.first_chunk());
    serial.map_or(Ok(()), |four| put(raw, xdg, 4, &[u32::from_ne_bytes(*four)], None))
}

/// The new object of a request whose only argument it is.
pub fn make(raw: &mut Raw, object: u32, opcode: u32) -> Result<u32> {
    let id = raw.id();
    put(raw, object, opcode, &[id], None)?;
    Ok(id)
}

/// Does each of them on a connection of its own; `look` is called after each. How many there were, and whether those were let
/// go that ask for what the protocols forbid.
///
/// Error: one that asks for nothing forbidden was let go.
pub fn all(path: &Path, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let mut ended = Vec::new();
    for (at, case) in CASES.into_iter().enumerate() {
        let mut raw = Raw::new(path)?;
        if let Some(shown) = Shown::new(&mut raw).with_context(|| format!("before number {at}"))? {
            // What can't be sent any more, the answer tells.
            let _ = case(&mut raw, &shown).and_then(|()| shown.commit(&raw));
        }
        // After the first answer it has been looked at, and after the second it has been laid out.
        if raw.roundtrip()?.is_err() || raw.roundtrip()?.is_err() {
            ended.push(at);
        }
        look().with_context(|| format!("after number {at}"))?;
    }
    ensure!(
        ended.iter().all(|at| FORBIDDEN.contains(at)),
        "these were let go: {ended:?}"
    );
    Ok((CASES.len(), ended == FORBIDDEN))
}
