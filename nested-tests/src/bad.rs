//! Clients that mean harm, and what they cost: how much memory the session takes and keeps, and how long a client that
//! plays fair waits meanwhile.

mod apart;
mod chaos;
mod huge;
#[path = "../../tests/compositor/interfaces.rs"]
mod interfaces;
#[path = "../../tests/compositor/nonsense.rs"]
mod nonsense;
mod x11;

use crate::bench::process::own;
use crate::raw::Raw;
use crate::scope::Scope;
use anyhow::{Context, Result, bail, ensure};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Of them, these leave nothing behind.
const ENDLESS: &str = "requests-without-end";
const STRIPS: &str = "opaque-strips";
const TOKENS: &str = "activation-tokens";
const TRANSLUCENT: &str = "translucent-surfaces";
const DESCRIBED: &str = "described-surfaces";
/// So many requests are sent between two looks.
const BATCH: usize = 1000;

/// What came of one of them.
#[derive(Debug)]
pub struct Outcome {
    /// What it does.
    pub name: &'static str,
    /// How often it could.
    pub done: usize,
    /// The session's own resident memory before, at most, and when it is gone, MiB.
    pub memory: [f64; 3],
    /// How long a client that plays fair waited to be taken in and answered.
    pub waited: Vec<Duration>,
    /// It was let go. What only takes time is let go where it would keep the others from being answered.
    pub ended: bool,
    /// It need not be: what it does takes only time, or is left out where it is too much.
    pub bearable: bool,
}

/// The objects that the floods are made of.
struct Objects {
    compositor: u32,
    shm: u32,
    activation: u32,
    toplevel: u32,
    surface: u32,
    /// Shown with the surface, which never is.
    child: u32,
    region: u32,
    /// As long as a region may be.
    long_region: u32,
    selection: u32,
}

impl Objects {
    fn new(raw: &mut Raw) -> Result<Self> {
        let [compositor, shm, children, wm] =
            raw.bind(["wl_compositor", "wl_shm", "wl_subcompositor", "xdg_wm_base"])?;
        let [selections, activation] = raw.bind(["wl_data_device_manager", "xdg_activation_v1"])?;
        let [surface, child, region, long_region] = [0; 4].map(|_| raw.id());
        let [window, role, shell, toplevel, selection] = [0; 5].map(|_| raw.id());
        // As they are numbered.
        for (new, kind) in [(surface, 0), (child, 0), (region, 1), (long_region, 1), (window, 0)] {
            raw.send(compositor, kind, &[new], None);
        }
        raw.send(children, 1, &[role, child, surface], None);
        raw.send(wm, 2, &[shell, window], None);
        raw.send(shell, 1, &[toplevel], None);
        // The window's first commit: its size is asked for, and it never answers.
        raw.send(window, 6, &[], None);
        raw.send(selections, 0, &[selection], None);
        // Columns across rows.
        (0..512).for_each(|at| {
            raw.send(long_region, 1, &[2 * at, 0, 1, 4096], None);
            raw.send(long_region, 1, &[0, 2 * at, 4096, 1], None);
        });
        Ok(Self {
            compositor,
            shm,
            activation,
            toplevel,
            surface,
            child,
            region,
            long_region,
            selection,
        })
    }
}

/// A text as an argument.
fn text(length: usize) -> Vec<u8> {
    let mut bytes = (length as u32 + 1).to_ne_bytes().to_vec();
    bytes.extend(std::iter::repeat_n(b'x', length));
    bytes.resize(4 + (length + 1).next_multiple_of(4), 0);
    bytes
}

/// Something to be done many times. Whether it was taken.
type Flood = fn(&mut Raw, &Objects, &OwnedFd) -> bool;

/// What, how often, and how.
const FLOODS: [(&str, usize, Flood); 14] = [
    ("surfaces", 10_000, |raw, objects, _| {
        let (surface, callback) = (raw.id(), raw.id());
        raw.send(objects.compositor, 0, &[surface], None)
            && raw.send(surface, 3, &[callback], None)
            && raw.send(surface, 6, &[], None)
    }),
    ("frame-callbacks", 100_000, |raw, objects, _| {
        let callback = raw.id();
        // Never committed: else they are told, also to a surface that nobody sees.
        raw.send(objects.surface, 3, &[callback], None)
    }),
    ("rectangles", 1_200_000, |raw, objects, _| {
        raw.send(objects.region, 1, &[raw.next_free() % 9973, 7, 3, 3], None)
    }),
    ("regions", 50_000, |raw, objects, _| {
        let region = raw.id();
        raw.send(objects.compositor, 1, &[region], None)
    }),
    ("long-regions-everywhere", 4_000, |raw, objects, _| {
        let surface = raw.id();
        raw.send(objects.compositor, 0, &[surface], None)
            && raw.send(surface, 5, &[objects.long_region], None)
            && raw.send(surface, 6, &[], None)
    }),
    (STRIPS, 10, |raw, objects, file| {
        let (surface, pool, buffer) = (raw.id(), raw.id(), raw.id());
        raw.send(objects.compositor, 0, &[surface], None)
            && raw.send(objects.shm, 0, &[pool, 4 << 20], Some(file.as_fd()))
            && raw.send(pool, 0, &[buffer, 0, 1024, 1024, 4096, 0], None)
            && raw.send(surface, 4, &[objects.long_region], None)
            && raw.send(surface, 1, &[buffer, 0, 0], None)
            && raw.send(surface, 6, &[], None)
            && raw.send(surface, 0, &[], None)
            && raw.send(buffer, 0, &[], None)
            && raw.send(pool, 1, &[], None)
    }),
    ("commits-that-wait-for-ever", 1_000_000, |raw, objects, _| {
        raw.send(objects.child, 9, &[0, 0, 1, 1], None) && raw.send(objects.child, 6, &[], None)
    }),
    ("types-of-a-selection", 100_000, |raw, objects, _| {
        raw.request(objects.selection, 0, &text(4000), &[] as &[OwnedFd])
    }),
    (TOKENS, 20_000, |raw, objects, _| {
        let token = raw.id();
        raw.send(objects.activation, 1, &[token], None)
            && raw.request(token, 1, &text(2000), &[] as &[OwnedFd])
            && raw.send(token, 3, &[], None)
            && raw.send(token, 4, &[], None)
    }),
    ("configures-never-acknowledged", 100_000, |raw, objects, _| {
        raw.send(objects.toplevel, 9, &[], None) && raw.send(objects.toplevel, 10, &[], None)
    }),
    ("pools-of-16-mib", 5_000, |raw, objects, file| {
        let pool = raw.id();
        raw.send(objects.shm, 0, &[pool, 16 << 20], Some(file.as_fd()))
    }),
    ("files-for-nothing", 30_000, |raw, objects, file| {
        raw.send(objects.surface, 1, &[0, 0, 0], Some(file.as_fd()))
    }),
    ("buffers-beyond-their-pool", 10, |raw, objects, file| {
        let (pool, buffer) = (raw.id(), raw.id());
        raw.send(objects.shm, 0, &[pool, 4096], Some(file.as_fd()))
            && raw.send(pool, 0, &[buffer, 0, 0x7fff, 0x7fff, 0x1_fffc, 0], None)
    }),
    ("unknown-requests", 10, |raw, objects, _| {
        raw.send(objects.surface, 999, &[1, 2, 3], None)
    }),
];

/// All of them, one after the other, against a session. `each` is given each outcome.
pub fn all(scope: &Scope, mut each: impl FnMut(Outcome) -> Result<()>) -> Result<()> {
    let path = socket(scope)?;
    fair(&path)?;
    for (name, most, kind) in FLOODS {
        each(watched(scope, &path, name, |look| flood(&path, most, kind, look))?)?;
    }
    each(watched(scope, &path, "answers-never-read", |look| deaf(&path, look))?)?;
    each(watched(scope, &path, ENDLESS, |look| endless(&path, look))?)?;
    each(watched(scope, &path, TRANSLUCENT, |look| {
        apart::translucent(&path, look)
    })?)?;
    each(watched(scope, &path, DESCRIBED, |look| apart::described(&path, look))?)?;
    each(watched(scope, &path, "huge-sizes", |look| huge::all(&path, look))?)?;
    each(watched(scope, &path, "nonsense", |look| chaos::all(&path, look))?)?;
    each(watched(scope, &path, "random-bytes", |look| noise(&path, look))?)?;
    let display = scope.ready_line().split_whitespace().next().context("no display")?;
    for (name, portions, kind) in x11::FLOODS {
        let flood = |look: &mut dyn FnMut() -> Result<()>| x11::flood(display, portions, kind, look);
        each(watched(scope, &path, name, flood)?)?;
    }
    Ok(())
}

/// Where the session's Wayland socket is.
fn socket(scope: &Scope) -> Result<PathBuf> {
    let name = scope.ready_line().split_whitespace().last().context("no socket")?;
    Ok(scope.folder().join(name))
}

/// Does it, with looks at the memory between, while a fair client comes again and again.
fn watched(
    scope: &Scope,
    path: &Path,
    name: &'static str,
    bad: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)>,
) -> Result<Outcome> {
    let before = own(scope.pid())?;
    let (stop, stopped) = mpsc::channel::<()>();
    let fair_path = path.to_owned();
    let fair_one = std::thread::spawn(move || -> Result<Vec<Duration>> {
        let mut waits = Vec::new();
        loop {
            waits.push(fair(&fair_path)?);
            match stopped.recv_timeout(Duration::from_millis(20)) {
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(waits),
            }
        }
    });
    let mut most = before;
    let result = bad(&mut || {
        most = most.max(own(scope.pid())?);
        Ok(())
    });
    // It ends by itself, too, if the session does.
    drop(stop);
    let (done, ended) = result.with_context(|| format!("{name}; log:\n{}", scope.log()))?;
    let waited = fair_one.join().ok().context("the fair client panicked")??;
    // What is left of it is put away by threads of their own; a few more answers, and it has been.
    for _ in 0..20 {
        fair(path)?;
    }
    let after = own(scope.pid())?;
    Ok(Outcome {
        name,
        done,
        memory: [before, most.max(after), after],
        waited,
        ended,
        bearable: [ENDLESS, STRIPS, TOKENS, TRANSLUCENT, DESCRIBED].contains(&name) || x11::is_bearable(name),
    })
}

fn flood(path: &Path, most: usize, kind: Flood, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let mut raw = Raw::new(path)?;
    let objects = Objects::new(&mut raw)?;
    let file = rustix::fs::memfd_create("bad", rustix::fs::MemfdFlags::CLOEXEC)?;
    rustix::fs::ftruncate(&file, 16 << 20)?;
    let mut done = 0;
    while done < most {
        let taken = (0..BATCH.min(most - done)).take_while(|_| kind(&mut raw, &objects, &file));
        done += taken.count();
        let ended = raw.roundtrip()?.is_err();
        look()?;
        if ended {
            return Ok((done, true));
        }
    }
    Ok((done, false))
}

/// One that asks and never reads the answers.
fn deaf(path: &Path, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let mut raw = Raw::new(path)?;
    for done in 0..1_000_000 {
        let id = raw.id();
        if !raw.send(1, 0, &[id], None) {
            return Ok((done, true));
        }
        if done % BATCH == 0 {
            look()?;
        }
    }
    Ok((1_000_000, false))
}

/// One that never pauses, with requests that are all allowed and leave nothing behind.
fn endless(path: &Path, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let mut raw = Raw::new(path)?;
    let [compositor] = raw.bind(["wl_compositor"])?;
    let surface = raw.id();
    raw.send(compositor, 0, &[surface], None);
    // wl_surface.attach of nothing.
    let request = [surface, 20 << 16 | 1, 0, 0, 0]
        .map(u32::to_ne_bytes)
        .concat()
        .repeat(BATCH);
    let begin = Instant::now();
    for done in 0.. {
        if !raw.bytes(&request) {
            return Ok((done * BATCH, true));
        }
        look()?;
        if begin.elapsed() > Duration::from_secs(3) {
            return Ok((done * BATCH, false));
        }
    }
    bail!("it stopped by itself")
}

/// 300 connections, each with other bytes.
fn noise(path: &Path, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let mut seed = 1u32;
    let mut ended = 0;
    for _ in 0..300 {
        let mut raw = Raw::new(path)?;
        let bytes: Vec<u8> = (0..4096)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        raw.bytes(&bytes);
        ended += usize::from(raw.roundtrip()?.is_err());
        look()?;
    }
    Ok((300, ended == 300))
}

/// One that plays fair: it comes, binds and is answered. Gives how long that took.
fn fair(path: &Path) -> Result<Duration> {
    let begin = Instant::now();
    let mut raw = Raw::new(path)?;
    raw.bind(["wl_compositor", "wl_shm"])?;
    ensure!(raw.roundtrip()?.is_ok(), "a client that plays fair was let go");
    Ok(begin.elapsed())
}
