//! The page in Chromium, served by the real binary, with real programs under it.

use anyhow::{Context, Result};
use nested_tests::browser::Browser;
use nested_tests::picture::{Mode, Size, colour};
use nested_tests::scope::{Scope, Setup, picture_program};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

const HD: Size = Size { w: 1280, h: 720 };

fn start(program: &[&str]) -> Result<Scope> {
    let mut setup = Setup::new(HD)?;
    setup.program(program);
    setup.start()
}

/// `wl-picture` that flips its colour.
fn flipping(more: &[&str]) -> Result<Scope> {
    let mut setup = Setup::new(HD)?;
    let mut program = picture_program("wl-picture", Mode::Flip, HD)?;
    program.extend(more.iter().map(Into::into));
    setup.program(program);
    setup.start()
}

fn shot(browser: &mut Browser, name: &str) -> Result<()> {
    browser.screenshot(&nested_tests::output("nested")?.join(format!("{name}.png")))
}

#[test]
fn right_colours_keys_and_clicks() -> Result<()> {
    let scope = flipping(&[])?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    assert_eq!(browser.evaluate("window.__goggles.size")?, "1280x720");
    for (x, y) in [(0.5, 0.5), (0.01, 0.01), (0.99, 0.99)] {
        browser.until_colour(x, y, colour(0))?;
    }
    browser.call(&json!({"do": "press", "key": "a"}))?;
    browser.until_colour(0.5, 0.5, colour(1)).with_context(|| scope.log())?;
    browser.call(&json!({"do": "click", "x": 640, "y": 360}))?;
    browser.until_colour(0.5, 0.5, colour(2)).with_context(|| scope.log())?;
    shot(&mut browser, "chromium-flip")
}

#[test]
fn types_into_foot() -> Result<()> {
    let mut setup = Setup::new(HD)?;
    let home = setup.folder().to_owned();
    setup.env("HOME", &home).env("ENV", "/dev/null");
    setup.program(["foot", "--override=font=monospace:size=20", "/bin/sh"]);
    let scope = setup.start()?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    // foot is there, and has the keyboard, once its dark grey is; before it all is black.
    browser.until_colour(0.5, 0.5, [17, 17, 17])?;
    let line = "echo 'Ab_1!' > typed; printf '\\033[41m\\033[2J'; read x";
    browser.call(&json!({"do": "type", "text": format!("cd; {line}\n")}))?;
    // The screen is foot's red once the file has been written.
    browser
        .until_colour(0.5, 0.5, [204, 147, 147])
        .with_context(|| scope.log())?;
    assert_eq!(std::fs::read_to_string(home.join("typed"))?, "Ab_1!\n");
    shot(&mut browser, "chromium-foot")
}

/// The program locks the pointer; a click in the page locks the page's, and motion arrives as relative motion.
#[test]
fn locks_the_pointer() -> Result<()> {
    let scope = flipping(&["--lock"])?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    scope.until_logged("the pointer's lock", |line| {
        line.contains("pointer locked").then_some(())
    })?;
    browser.until("document.getElementById('notice').textContent.startsWith('Click')")?;
    browser.call(&json!({"do": "click", "x": 640, "y": 360}))?;
    browser.until("window.__goggles.pointerLocked")?;
    browser.call(&json!({"do": "move", "x": 680, "y": 330}))?;
    let moved = |line: &str| -> Option<(f64, f64)> {
        let (x, y) = line.strip_prefix("pointer moved ")?.split_once(' ')?;
        Some((x.parse().ok()?, y.parse().ok()?)).filter(|(x, y): &(f64, f64)| *x >= 39.0 && *y <= -29.0)
    };
    let (x, y) = scope.until_logged("relative motion", moved)?;
    assert!((x - 40.0).abs() < 1.0 && (y + 30.0).abs() < 1.0, "moved by {x} {y}");
    Ok(())
}

#[test]
fn the_connection_is_lost_and_comes_back() -> Result<()> {
    let scope = flipping(&[])?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    browser.until_colour(0.5, 0.5, colour(0))?;
    let pid = Pid::from_raw(i32::try_from(scope.pid())?).context("no pid")?;
    kill_process(pid, Signal::STOP)?;
    let lost = browser.until("window.__goggles.state === 'reconnecting'");
    // Whatever came of it: a stopped process can't be ended.
    kill_process(pid, Signal::CONT)?;
    lost?;
    browser.until("window.__goggles.state === 'live' && window.__goggles.role === 'input'")?;
    browser.call(&json!({"do": "press", "key": "a"}))?;
    browser.until_colour(0.5, 0.5, colour(1)).with_context(|| scope.log())
}

#[test]
fn refused_without_the_token() -> Result<()> {
    let scope = flipping(&[])?;
    let url = scope.url()?;
    let page = url.split('#').next().context("no address")?;
    let mut browser = Browser::start()?;
    browser.open(page, "window.__goggles?.state === 'refused'")?;
    assert_eq!(browser.evaluate("window.__goggles.painted")?, 0);
    shot(&mut browser, "chromium-refused")?;
    // The token is still good for the one it was meant for.
    browser.play(&url)?;
    browser.until_colour(0.5, 0.5, colour(0))
}

#[test]
fn a_real_program_is_seen() -> Result<()> {
    let scope = start(&["glmark2-es2-wayland", "--size", "1280x720", "-b", "build:duration=60"])?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    browser.until("window.__goggles.painted > 60")?;
    shot(&mut browser, "chromium-glmark2")
}

#[test]
fn an_x11_program_takes_keys() -> Result<()> {
    let mut setup = Setup::new(HD)?;
    setup.program(picture_program("x11-picture", Mode::Flip, HD)?);
    let scope = setup.start()?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    browser.until_colour(0.5, 0.5, colour(0))?;
    browser.call(&json!({"do": "press", "key": "a"}))?;
    browser.until_colour(0.5, 0.5, colour(1)).with_context(|| scope.log())
}
