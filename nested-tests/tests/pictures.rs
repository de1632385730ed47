//! Programs of ours, whose every pixel is known: what they draw is what a viewer decodes, and what a viewer presses
//! reaches them.

use anyhow::Result;
use goggles_protocols::control::ToClient;
use goggles_protocols::input::Event;
use nested_tests::decode::{Picture, is_near};
use nested_tests::keyboard::LEFT;
use nested_tests::picture::{Mode, PALETTE, SCROLL_STEP, Size, TOLERANCE, colour};
use nested_tests::scope::Scope;
use nested_tests::viewer::{Shown, Viewer};

const SPACE: u16 = 57;
const HD: Size = Size { w: 1280, h: 720 };
const FULL_HD: Size = Size { w: 1920, h: 1080 };

/// The whole picture is of the colour after `presses`, up to its corners.
fn is_flipped(shown: &Shown, presses: usize) -> bool {
    shown.picture.share(|c| is_near(c, colour(presses), TOLERANCE)) > 0.999
}

fn flips(program: &str, size: Size) -> Result<()> {
    let (scope, viewer) = Scope::with_picture(program, Mode::Flip, size)?;
    for presses in 1..=PALETTE.len() {
        viewer.tap(SPACE);
        let shown = viewer.until_shown("the next colour all over", |s| is_flipped(s, presses))?;
        assert_eq!(shown.picture.size(), (size.w, size.h));
        if presses == 1 {
            shown
                .picture
                .save(&nested_tests::output("nested")?.join(format!("{program}-flip-{size}.png")))?;
        }
    }
    let (status, log) = scope.stop()?;
    assert!(log.contains("draw-times"), "the program was not ended cleanly:\n{log}");
    assert_eq!(status.code(), Some(0), "{log}");
    Ok(())
}

#[test]
fn wayland_flip() -> Result<()> {
    flips("wl-picture", HD)?;
    flips("wl-picture", FULL_HD)
}

#[test]
fn x11_flip() -> Result<()> {
    flips("x11-picture", HD)?;
    flips("x11-picture", FULL_HD)
}

/// A size that is not a whole number of macroblocks.
#[test]
fn odd_sizes() -> Result<()> {
    flips("wl-picture", Size { w: 1366, h: 768 })?;
    flips("wl-picture", Size { w: 642, h: 362 })
}

fn scrolls(program: &str) -> Result<()> {
    let (_scope, viewer) = Scope::with_picture(program, Mode::Scroll, HD)?;
    viewer.tap(SPACE);
    let is_next = |s: &Shown| is_near(s.picture.centre(), colour(1), TOLERANCE);
    let first = viewer.until_shown("the square's next colour", is_next)?;
    first
        .picture
        .save(&nested_tests::output("nested")?.join(format!("{program}-scroll.png")))?;
    // Each picture is the one before it, moved upwards by a whole number of steps.
    let mut last = first;
    for _ in 0..10 {
        let next = viewer.until_shown("another picture", |_| true)?;
        let (rows, error) = moved_by(&last.picture, &next.picture);
        assert!(
            rows > 0 && rows % SCROLL_STEP == 0 && error < 1.5,
            "moved by {rows} rows; mean difference {error}"
        );
        last = next;
    }
    Ok(())
}

/// By how many rows what was in `old` is further up in `new`, and how well that fits: the mean difference of the rows'
/// mean green, which rows keep while they sway sideways.
fn moved_by(old: &Picture, new: &Picture) -> (usize, f64) {
    const ROWS: usize = 240;
    let mean =
        |p: &Picture, y| (0..HD.w).step_by(4).map(|x| f64::from(p.rgb(x, y)[1])).sum::<f64>() / (HD.w / 4) as f64;
    // Above the square.
    let (old, new): (Vec<_>, Vec<_>) = (0..300).map(|y| (mean(old, y), mean(new, y))).unzip();
    let error = |rows: usize| (0..ROWS).map(|y| (old[y + rows] - new[y]).abs()).sum::<f64>() / ROWS as f64;
    let all = (0..=15 * SCROLL_STEP).map(|rows| (rows, error(rows)));
    all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
}

#[test]
fn wayland_scroll() -> Result<()> {
    scrolls("wl-picture")
}

#[test]
fn x11_scroll() -> Result<()> {
    scrolls("x11-picture")
}

fn is_clicked(program: &str) -> Result<()> {
    let (_scope, viewer) = Scope::with_picture(program, Mode::Flip, HD)?;
    viewer.input(Event::Absolute { x: 0.25, y: 0.75 });
    viewer.tap(LEFT);
    viewer.until_shown("the colour after a click", |s| is_flipped(s, 1))?;
    Ok(())
}

#[test]
fn wayland_click() -> Result<()> {
    is_clicked("wl-picture")
}

#[test]
fn x11_click() -> Result<()> {
    is_clicked("x11-picture")
}

/// A picture that doesn't change costs no packets; the next change comes all the same.
#[test]
fn nothing_is_sent_while_nothing_changes() -> Result<()> {
    let (_scope, viewer) = Scope::with_picture("wl-picture", Mode::Flip, HD)?;
    viewer.tap(SPACE);
    viewer.until_shown("the next colour all over", |s| is_flipped(s, 1))?;
    let quiet = std::time::Duration::from_millis(500);
    // Whatever was on its way comes within that time; after it there must be nothing for as long again.
    while viewer.next(quiet)?.is_some() {}
    assert!(viewer.next(2 * quiet)?.is_none(), "a packet without a change");
    viewer.tap(SPACE);
    viewer.until_shown("the next colour all over", |s| is_flipped(s, 2))?;
    Ok(())
}

/// The second viewer starts with a whole picture, though the program draws nothing; the first sees no harm from it.
#[test]
fn a_late_viewer_starts_with_a_whole_picture() -> Result<()> {
    let (scope, first) = Scope::with_picture("wl-picture", Mode::Flip, HD)?;
    first.tap(SPACE);
    first.until_shown("the next colour all over", |s| is_flipped(s, 1))?;
    let url = scope.until_logged("the next address", {
        let used = scope.url()?;
        move |line| {
            let start = line.find("http")?;
            let url = line[start..].split_whitespace().next()?;
            (url.contains('#') && url != used).then(|| url.to_owned())
        }
    })?;
    let second = Viewer::connect(&url)?;
    second.until_shown("the colour all over", |s| is_flipped(s, 1))?;
    // The role is the first one's still.
    let role = second.message("who holds the input role", |m| matches!(m, ToClient::Role { .. }))?;
    assert_eq!(
        role,
        ToClient::Role {
            input: false,
            holder: true
        }
    );
    first.tap(SPACE);
    first.until_shown("the next colour all over", |s| is_flipped(s, 2))?;
    second.until_shown("the same for the other", |s| is_flipped(s, 2))?;
    second.take_input()?;
    second.tap(SPACE);
    first.until_shown("what the other did", |s| is_flipped(s, 3))?;
    Ok(())
}

/// The catalog says what the stream is, in hang's words.
#[test]
fn the_catalog_describes_the_video() -> Result<()> {
    let (_scope, viewer) = Scope::with_picture("wl-picture", Mode::Flip, HD)?;
    let catalog = viewer.catalog()?;
    let video = &catalog["video"]["renditions"]["video"];
    assert_eq!(
        (video["codedWidth"].as_u64(), video["codedHeight"].as_u64()),
        (Some(1280), Some(720)),
        "{catalog}"
    );
    assert!(
        video["codec"].as_str().is_some_and(|c| c.starts_with("avc3.")),
        "{catalog}"
    );
    assert_eq!(video["container"]["kind"], "legacy", "{catalog}");
    Ok(())
}

/// A token is good once, a wrong one or none is not good at all.
#[test]
fn nobody_enters_without_a_token() -> Result<()> {
    let (scope, _viewer) = Scope::with_picture("wl-picture", Mode::Flip, HD)?;
    let used = scope.url()?;
    let (page, _) = used.split_once('#').unwrap_or((&used, ""));
    for url in [used.clone(), page.to_owned(), format!("{page}#{}", "A".repeat(32))] {
        let refused = Viewer::connect(&url).err().map(|e| format!("{e:#}"));
        assert!(
            refused.as_ref().is_some_and(|e| e.contains("not let in")),
            "{url}: {refused:?}"
        );
    }
    Ok(())
}
