//! What clients that mean harm cost the session: memory while they are there and afterwards, and the time that a client
//! that plays fair waits to be answered meanwhile.

use super::figure::{Figure, Target};
use crate::bad;
use crate::picture::{Mode, Size};
use crate::scope::Scope;
use anyhow::{Result, ensure};

/// All of them, against a session with a game and a viewer.
pub fn measure() -> Result<Vec<Figure>> {
    let size = Size { w: 1280, h: 720 };
    let (scope, _viewer) = Scope::with_picture("wl-picture", Mode::Scroll, size)?;
    let mut figures = Vec::new();
    let mut waits = Vec::new();
    let mut memory: Vec<[f64; 3]> = Vec::new();
    bad::all(&scope, |outcome| {
        ensure!(
            outcome.ended || outcome.bearable,
            "{} were borne: {}",
            outcome.done,
            outcome.name
        );
        waits.extend(outcome.waited.iter().map(|wait| wait.as_secs_f64() * 1000.0));
        let [before, most, _] = outcome.memory;
        memory.push(outcome.memory);
        let one = |what: &str, unit, value| {
            Figure::new(format!("bad-clients-{}-{what}", outcome.name), unit, vec![value]).detail()
        };
        figures.push(one("done", "times", outcome.done as f64));
        figures.push(one("memory", "MiB", most - before));
        Ok(())
    })?;
    let kept = memory.last().map_or(0.0, |[_, _, after]| *after) - memory.first().map_or(0.0, |[before, _, _]| *before);
    let most = memory.iter().map(|[before, most, _]| most - before).fold(0.0, f64::max);
    figures.push(Figure::new("bad-clients-memory-at-most", "MiB", vec![most]).target(Target::median(64.0)));
    figures.push(Figure::new("bad-clients-memory-kept", "MiB", vec![kept]).target(Target::median(64.0)));
    figures.push(Figure::new("bad-clients-a-fair-one-waits", "ms", waits));
    Ok(figures)
}
