//! Clients that mean harm lose their own connection; the game goes on being shown, and others are answered.

use anyhow::{Context, Result, ensure};
use nested_tests::bad;
use nested_tests::picture::{Mode, Size};
use nested_tests::scope::{Setup, picture_program};
use std::ffi::OsStr;

/// What all of them together may leave behind, MiB. Most of it is what one composition may draw apart, twice 12.4 Mpx, which
/// the allocator keeps; the same floods three times leave no more than once.
const KEPT: f64 = 192.0;

#[test]
fn they_are_let_go_and_the_session_goes_on() -> Result<()> {
    let size = Size { w: 640, h: 360 };
    let mut setup = Setup::new(size)?;
    let stats = setup.folder().join("stats");
    std::fs::write(&stats, "")?;
    setup.program(picture_program("wl-picture", Mode::Scroll, size)?);
    setup.args([OsStr::new("-T"), stats.as_os_str()]);
    let scope = setup.start()?;
    let viewer = scope.viewer()?;
    viewer.until_shown("the program's first picture", |_| true)?;
    let mut memory = Vec::new();
    bad::all(&scope, |outcome| {
        ensure!(outcome.ended || outcome.bearable, "was borne: {outcome:?}");
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
    let stats = std::fs::read_to_string(stats)?;
    let counts: Vec<usize> = stats
        .lines()
        .filter_map(|line| line.strip_prefix("let-go=")?.parse().ok())
        .collect();
    // Of those that are let go for what they have or do, each once, and the 300 that speak nonsense.
    assert!(
        counts.is_sorted() && counts.last().is_some_and(|n| *n > 100),
        "{counts:?}"
    );
    let (status, log) = scope.stop()?;
    assert!(status.success(), "{status}:\n{log}");
    for end in [
        "objects of wl_surface",
        "objects of wl_callback",
        "rectangles",
        "commits wait",
        "a selection has too many types",
        "configures are not acknowledged",
        "open files",
        "an X11 program had more than 4096 windows",
        "clients let go for what they had: ",
        "clients let go for breaking a protocol: ",
    ] {
        assert!(log.contains(end), "no {end:?} in:\n{log}");
    }
    assert!(!log.contains("panicked"), "{log}");
    Ok(())
}
