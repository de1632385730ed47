//! Clients that mean harm lose their own connection; the game goes on being shown, and others are answered.

use anyhow::{Context, Result, ensure};
use nested_tests::bad;
use nested_tests::picture::{Mode, Size};
use nested_tests::scope::Scope;

/// What all of them together may leave behind, MiB.
const KEPT: f64 = 64.0;

#[test]
fn they_are_let_go_and_the_session_goes_on() -> Result<()> {
    let (scope, viewer) = Scope::with_picture("wl-picture", Mode::Scroll, Size { w: 640, h: 360 })?;
    let mut memory = Vec::new();
    bad::all(&scope, |outcome| {
        ensure!(outcome.ended || outcome.takes_time, "was borne: {outcome:?}");
        ensure!(!outcome.waited.is_empty(), "nobody else was answered: {outcome:?}");
        // What the viewer has already is from before.
        let newest = viewer.drain().last().map_or(0, |shown| shown.pts_us);
        viewer
            .until_shown("a picture that moves on", |shown| shown.pts_us > newest)
            .with_context(|| scope.log())?;
        memory.push(outcome.memory);
        Ok(())
    })?;
    let (first, last) = (memory[0][0], memory[memory.len() - 1][2]);
    assert!(last < first + KEPT, "{memory:?}");
    let (status, log) = scope.stop()?;
    assert!(status.success(), "{status}:\n{log}");
    for end in [
        "objects of wl_surface",
        "objects of wl_callback",
        "rectangles",
        "open files",
    ] {
        assert!(log.contains(end), "no {end:?} in:\n{log}");
    }
    assert!(!log.contains("panicked"), "{log}");
    Ok(())
}
