//! What a frame limit costs: a game that could draw at 300 is held to 60. How old its frames are when they are latched,
//! and how even the latches are.

use super::figure::{Figure, Target};
use super::stalls::{self, Stall, Watch, disturbed};
use crate::picture::{Mode, Size};
use crate::scope::{Setup, picture_program};
use anyhow::{Context, Result, ensure};
use goggles_protocols::frame::Times;
use std::time::{Duration, Instant};

const SIZE: Size = Size { w: 1280, h: 720 };
/// Frames a second, of the limit. The game could draw 300.
const LIMIT: u32 = 60;

/// One way to be limited: its name, options of ours, options of the program. In the `fixed` ones the clock
/// chooses when to latch, not the game by its commit.
type Way = (&'static str, &'static [&'static str], &'static [&'static str]);

const WAYS: [Way; 8] = [
    ("callbacks-at-60", &["-r", "60"], &[]),
    ("callbacks-at-300", &["-r", "300", "--framerate-limit", "60"], &[]),
    ("free-at-60", &["-r", "60"], &["--free", "300"]),
    (
        "free-at-300",
        &["-r", "300", "--framerate-limit", "60"],
        &["--free", "300"],
    ),
    // Five of its frames are no whole number of the limit's intervals: who shows each as it is drawn can't be even.
    ("free-250-at-60", &["-r", "60"], &["--free", "250"]),
    ("fixed-callbacks", &["-r", "60", "--adaptive-sync=false"], &[]),
    ("fixed-free", &["-r", "60", "--adaptive-sync=false"], &["--free", "300"]),
    (
        "fixed-free-rt",
        &["-r", "60", "--adaptive-sync=false", "--rt"],
        &["--free", "300"],
    ),
];

/// Watches each way for so long.
pub fn measure(duration: Duration, stalls: Option<&Watch>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, ours, theirs) in WAYS {
        drop(stalls.map(Watch::take));
        let times = watch(ours, theirs, duration).context(name)?;
        figures.extend(judge(name, &times, stalls.map(Watch::take)));
    }
    Ok(figures)
}

/// The times of the frames of so long, in their order; the first second is the start's.
fn watch(ours: &[&str], theirs: &[&str], duration: Duration) -> Result<Vec<Times>> {
    let mut setup = Setup::new(SIZE)?;
    setup.args(ours);
    let mut program = picture_program("wl-picture", Mode::Scroll, SIZE)?;
    program.extend(theirs.iter().map(Into::into));
    setup.program(program);
    let scope = setup.start()?;
    let viewer = scope.viewer()?;
    viewer.until_shown("a picture", |_| true)?;
    let (start, warm) = (Instant::now(), Duration::from_secs(1));
    let mut stamps = Vec::new();
    while let Some(left) = (duration + warm).checked_sub(start.elapsed()) {
        match viewer.next(left)? {
            Some(shown) if start.elapsed() > warm => stamps.push(shown.pts_us),
            _ => {}
        }
    }
    stamps.dedup();
    let times: Vec<_> = stamps
        .iter()
        .map(|&stamp| viewer.until_times(stamp))
        .collect::<Result<_>>()?;
    let most = duration.as_secs_f64() * f64::from(LIMIT);
    ensure!(times.len() as f64 > most / 2.0, "{} frames of {most}", times.len());
    Ok(times)
}

/// `stalls`: when the machine stood still; the jitter without the latches that followed at once is a figure of its own.
fn judge(name: &str, times: &[Times], stalls: Option<Vec<Stall>>) -> Vec<Figure> {
    let name = format!("limiter-{LIMIT}-{name}");
    let ms = |us: u64| us as f64 / 1000.0;
    let age = times.iter().map(|t| ms(t.latch.saturating_sub(t.commit))).collect();
    let period = 1000.0 / f64::from(LIMIT);
    let intervals: Vec<_> = times
        .windows(2)
        .map(|t| ms(t[1].latch.saturating_sub(t[0].latch)))
        .collect();
    let jitter: Vec<_> = intervals.iter().map(|interval| (interval - period).abs()).collect();
    let age = Figure::new(format!("{name}-commit-to-latch"), "ms", age);
    let mut figures = vec![
        // Who draws each 3.3 ms without being asked has a frame of that age at the most when the clock chooses.
        if name.contains("fixed-free") {
            age
        } else {
            age.target(Target::p95(1.5))
        },
        Figure::new(format!("{name}-jitter-of-latches"), "ms", jitter.clone()).target(Target::p99(1.0)),
        Figure::new(format!("{name}-between-latches"), "ms", intervals).detail(),
    ];
    if let Some(stalls) = stalls.filter(|stalls| !stalls.is_empty()) {
        let latches = times.iter().skip(1).map(|t| ms(t.latch));
        let calm = latches
            .zip(jitter)
            .filter(|(at, _)| !disturbed(&stalls, *at, 1.0, 2.0 * period));
        let jitter = calm.map(|(_, jitter)| jitter).collect();
        figures.push(Figure::new(format!("{name}-jitter-undisturbed"), "ms", jitter).target(Target::p99(1.0)));
        figures.push(stalls::figure(&name, &stalls));
    }
    figures
}
