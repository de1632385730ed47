//! Chromium under it: a page tells what has arrived.

use crate::{HD, PATIENCE};
use anyhow::Result;
use goggles_protocols::input::Event;
use nested_tests::decode::{Picture, is_near};
use nested_tests::page::Page;
use nested_tests::picture::Rgb;
use nested_tests::play::Play;
use nested_tests::scope::Setup;

/// `KEY_ESC`.
const ESC: u16 = 1;

/// Red at first, green once it was typed right, blue in full screen.
const PAGE: &str = r#"<!doctype html><meta charset=utf-8><title>Goggles</title>
<body style="margin:0;background:#c82828"><input style="position:absolute;left:100px;top:100px;width:500px;height:60px">
<script>
const field = document.querySelector('input'), root = document.documentElement;
const say = body => fetch('/say', {method: 'POST', body}), paint = c => document.body.style.background = c;
const size = () => `${innerWidth}x${innerHeight}`;
field.oninput = () => { say(`value ${field.value}`); if (field.value === 'Hi, Tux!') paint('#28be3c'); };
document.onclick = e => {
  if (e.target === field) return say('field');
  say(`clicked ${e.clientX} ${e.clientY}`);
  if (!wasFull) root.requestFullscreen().catch(e => say(`no full screen: ${e}`));
  else if (!wasLocked) root.requestPointerLock().catch(e => say(`no lock: ${e}`));
  else document.exitFullscreen();
};
let x = 0, y = 0, wasFull = false, wasLocked = false;
document.onmousemove = e => document.pointerLockElement && say(`moved ${x += e.movementX} ${y += e.movementY}`);
document.onpointerlockchange = () => {
  const locked = !!document.pointerLockElement;
  wasLocked ||= locked;
  say(locked ? 'locked' : 'free');
};
document.onwheel = e => say(e.deltaY > 0 ? 'wheel down' : 'wheel up');
onresize = () => document.fullscreenElement && say(`full ${size()}`);
document.onfullscreenchange = () => {
  if (!document.fullscreenElement) return say('window');
  wasFull = true;
  paint('#323cd2');
  say(`full ${size()}`);
};
onload = () => say('here');
</script>"#;

/// The page's ground, all but the field and what Chromium writes over it.
fn is_ground(colour: Rgb) -> impl Fn(&Picture) -> bool {
    move |p| p.share(|c| is_near(c, colour, 16)) > 0.85
}

fn start(platform: &str, page: &Page) -> Result<Play> {
    let setup = Setup::new(HD)?;
    let data = format!("--user-data-dir={}", setup.folder().join("data").display());
    // As root it runs only without its sandbox; --test-type leaves the warning of that out.
    let mut program = vec!["chromium", "--no-sandbox", "--test-type", "--no-first-run"];
    // Nothing but the page is asked for.
    program.extend(["--disable-background-networking", "--disable-component-update"]);
    program.extend(["--disable-sync", "--password-store=basic"]);
    program.extend(["--window-size=1280,720", "--window-position=0,0"]);
    let (ozone, app) = (format!("--ozone-platform={platform}"), format!("--app={}", page.url()));
    program.extend([ozone.as_str(), &data, &app]);
    Ok(Play::with(setup, HD, &program)?.patient(PATIENCE))
}

/// Typing, clicks, the wheel, full screen and mouse-look reach a page, and the way out of both.
fn chromium(platform: &str) -> Result<()> {
    let mut page = Page::serve(PAGE)?;
    let play = start(platform, &page)?;
    let mut said = |what: &str| page.until_said(PATIENCE, what);
    let see = |what: &str, colour| play.see(&format!("chromium-{platform}-{what}"), is_ground(colour));
    said("here")?;
    see("start", [200, 40, 40])?;
    play.click(350, 130);
    said("field")?;
    play.types("Hi, Tux!")?;
    said("value Hi, Tux!")?;
    see("typed", [40, 190, 60])?;
    // On X11 Chromium doesn't report the first step.
    play.viewer.input(Event::Scroll { dx: 0.0, dy: 120.0 });
    play.viewer.input(Event::Scroll { dx: 0.0, dy: 120.0 });
    said("wheel down")?;
    // On X11 its window is a pixel smaller than the output, and scaled; this place is the same in both.
    play.click(300, 300);
    said("clicked 300 300")?;
    said("full 1280x720")?;
    see("full", [50, 60, 210])?;
    play.click(700, 600);
    said("clicked 700 600")?;
    said("locked")?;
    if platform == "wayland" {
        // On X11 Chromium only hides the cursor, and warps it when it comes near the border; then Xwayland asks for a lock.
        play.locked()?;
    }
    // More than twice the screen to the right: it turns and turns.
    for step in 1..=30 {
        play.viewer.input(Event::Relative { dx: 100.0, dy: 0.0 });
        said(&format!("moved {} 0", step * 100))?;
    }
    play.locked()?;
    play.viewer.input(Event::Relative { dx: -30.0, dy: -20.0 });
    said("moved 2970 -20")?;
    play.viewer.tap(ESC);
    said("free")?;
    play.unlocked()?;
    play.click(300, 250);
    said("clicked 300 250")?;
    said("window")
}

#[test]
#[ignore = "make test-games"]
fn on_wayland() -> Result<()> {
    chromium("wayland")
}

#[test]
#[ignore = "make test-games"]
fn on_x11() -> Result<()> {
    chromium("x11")
}
