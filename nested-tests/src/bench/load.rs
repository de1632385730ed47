//! What it costs: CPU, memory, and the time to start.

use super::figure::{Figure, Target};
use super::{Client, process, short};
use crate::picture::{Mode, Size};
use crate::scope::{Scope, Setup, picture_program};
use crate::viewer::Viewer;
use anyhow::{Result, ensure};
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// One value of a CPU figure is taken over so long.
const WINDOW: Duration = Duration::from_secs(1);
/// So many of them.
const WINDOWS: usize = 10;

/// From the start until the socket, Xwayland and the stream are ready.
pub fn start(count: usize) -> Result<Vec<Figure>> {
    let size = Size { w: 1280, h: 720 };
    let mut ready = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..count {
        let mut setup = Setup::new(size)?;
        setup.program(picture_program("wl-picture", Mode::Static, size)?);
        let scope = setup.start()?;
        ready.push(scope.ready_after().as_secs_f64() * 1000.0);
        memory.push(process::resident(scope.pid())?);
    }
    Ok(vec![
        Figure::new("start-to-ready", "ms", ready).target(Target::of(1500.0, 1500.0)),
        Figure::new("memory-at-start", "MiB", memory).target(Target::median(200.0)),
    ])
}

/// CPU time a frame while the whole picture moves at 60.
pub fn moving(client: Client, size: Size) -> Result<Vec<Figure>> {
    let (scope, viewer) = Scope::with_picture(client.program(), Mode::Scroll, size)?;
    let xwayland = process::descendant(scope.pid(), "Xwayland")?;
    let mut all = Vec::new();
    let mut compositor = Vec::new();
    let mut rates = Vec::new();
    let mut bits = Vec::new();
    let mut x_server = Vec::new();
    let mut threads: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..WINDOWS {
        let x_before = xwayland.map(process::cpu).transpose()?;
        let before = process::cpu(scope.pid())?;
        let window = frames(&viewer, WINDOW)?;
        let used = process::used(&before, &process::cpu(scope.pid())?);
        ensure!(!window.stamps.is_empty(), "no frames");
        let per_frame = |ns: u64| ns as f64 / 1e6 / window.stamps.len() as f64;
        all.push(per_frame(used.values().sum()));
        // Conversion runs on the encoder's thread, without waiting for anything: its time is its CPU time.
        let own = per_frame(used.get(COMPOSITOR).copied().unwrap_or(0));
        compositor.push(own + conversion(&viewer, &window));
        for (name, ns) in &used {
            threads.entry(name.clone()).or_default().push(per_frame(*ns));
        }
        if let (Some(pid), Some(before)) = (xwayland, x_before) {
            x_server.push(per_frame(process::used(&before, &process::cpu(pid)?).values().sum()));
        }
        rates.push(window.stamps.len() as f64 / window.seconds);
        bits.push(window.bytes as f64 * 8e-6 / window.seconds);
    }
    let name = format!("cpu-{}-{}", short(size), client.name());
    let (target, compositor_target) = match size.h {
        720 => (Target::median(6.0), Target::median(0.5)),
        1080 => (Target::median(12.5), Target::median(1.2)),
        _ => Default::default(),
    };
    let mut figures = vec![
        Figure::new(format!("{name}-whole-process"), "ms/frame", all).target(target),
        Figure::new(format!("{name}-compositor-and-conversion"), "ms/frame", compositor).target(compositor_target),
    ];
    for (thread, values) in threads {
        figures.push(Figure::new(format!("{name}-thread-{}", file_name(&thread)), "ms/frame", values).detail());
    }
    if client == Client::X11 {
        figures.push(Figure::new(format!("{name}-xwayland-process"), "ms/frame", x_server).detail());
    }
    figures.push(Figure::new(format!("{name}-rate"), "frames/s", rates).detail());
    figures.push(Figure::new(format!("{name}-bits"), "Mbit/s", bits).detail());
    figures.push(Figure::new(format!("{name}-memory"), "MiB", vec![process::resident(scope.pid())?]).detail());
    Ok(figures)
}

/// The compositor's thread: the process's first.
const COMPOSITOR: &str = "goggles-scope";

/// The mean time that conversion took, in ms a frame, of the frames whose times are known.
fn conversion(viewer: &Viewer, window: &Window) -> f64 {
    let times: Vec<_> = window.stamps.iter().filter_map(|stamp| viewer.times(*stamp)).collect();
    let sum: u64 = times.iter().map(|t| t.converted.saturating_sub(t.encode_start)).sum();
    sum as f64 / 1000.0 / times.len().max(1) as f64
}

/// A picture that doesn't change.
pub fn still(size: Size) -> Result<Vec<Figure>> {
    let (scope, viewer) = Scope::with_picture("wl-picture", Mode::Flip, size)?;
    // What the start has left to do is not the steady state.
    frames(&viewer, 2 * WINDOW)?;
    let mut percent = Vec::new();
    let mut packets = Vec::new();
    for _ in 0..WINDOWS {
        let before = process::cpu(scope.pid())?;
        let window = frames(&viewer, WINDOW)?;
        let used: u64 = process::used(&before, &process::cpu(scope.pid())?).values().sum();
        percent.push(used as f64 / 1e7 / window.seconds);
        packets.push(window.all as f64 / window.seconds);
    }
    let of = short(size);
    Ok(vec![
        Figure::new(format!("static-{of}-cpu"), "% of core", percent).target(Target::of(1.0, 1.0)),
        Figure::new(format!("static-{of}-video"), "packets/s", packets).target(Target::of(0.0, 0.0)),
    ])
}

/// Memory while the picture moves, every ten seconds.
pub fn soak(size: Size, duration: Duration) -> Result<Vec<Figure>> {
    let (scope, viewer) = Scope::with_picture("wl-picture", Mode::Scroll, size)?;
    let start = Instant::now();
    let mut memory = Vec::new();
    while start.elapsed() < duration {
        frames(&viewer, Duration::from_secs(10).min(duration))?;
        memory.push(process::resident(scope.pid())?);
    }
    // The first third is for caches and pools to fill.
    let settled = &memory[memory.len() / 3..];
    let growth = settled.last().unwrap_or(&0.0) - settled.first().unwrap_or(&0.0);
    let name = format!("soak-{}-memory", short(size));
    Ok(vec![
        Figure::new(name.clone(), "MiB", memory.clone()).target(Target::of(200.0, 200.0)),
        Figure::new(format!("{name}-growth"), "MiB", vec![growth]).target(Target::median(1.0)),
    ])
}

struct Window {
    all: usize,
    /// Their time stamps: of distinct frames.
    stamps: HashSet<u64>,
    bytes: usize,
    seconds: f64,
}

/// The frames of so long a time.
fn frames(viewer: &Viewer, duration: Duration) -> Result<Window> {
    let start = Instant::now();
    let (mut all, mut bytes, mut stamps) = (0, 0, HashSet::new());
    while let Some(left) = duration.checked_sub(start.elapsed()) {
        if let Some(shown) = viewer.next(left)? {
            all += 1;
            bytes += shown.bytes;
            stamps.insert(shown.pts_us);
        }
    }
    Ok(Window {
        all,
        stamps,
        bytes,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// A thread's name as a part of a file's name.
fn file_name(thread: &str) -> String {
    thread
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        .trim_matches('-')
        .into()
}
