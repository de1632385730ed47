//! The page's sound and microphone in Chromium, served by the real binary.

use anyhow::{Context, Result, ensure};
use goggles_protocols::audio::RATE;
use nested_tests::bench::sound;
use nested_tests::browser::Browser;
use nested_tests::picture::Size;
use nested_tests::recorder::Recorder;
use nested_tests::scope::{Setup, binary};
use std::time::Duration;

const SIZE: Size = Size { w: 640, h: 360 };

/// A program of the session records Chromium's own microphone for tests, which beeps: from the page that may speak, and
/// nothing from the one that may not.
#[test]
fn programs_record_the_pages_microphone() -> Result<()> {
    let mut setup = Setup::new(SIZE)?;
    let recorder = Recorder::native(setup.folder());
    let both = format!("{} & {}", binary("beep-flash")?.display(), recorder.script);
    setup.args(["--microphone"]).program(["sh", "-c", &both]);
    let scope = setup.start()?;
    let mut browser = Browser::start()?;
    browser.play(&scope.url()?)?;
    browser.until("window.__goggles.role === 'input'")?;
    let may = browser.evaluate("!document.getElementById('microphone').hidden")?;
    ensure!(may == false, "it may speak with an address that doesn't say so: {may}");
    // Pressed all the same.
    browser.evaluate("document.getElementById('microphone').click()")?;
    let count = recorder.samples()?.len();
    recorder.until_longer(&scope, count + RATE as usize)?;
    let silent = recorder.samples()?.iter().all(|sample| *sample == 0.0);
    ensure!(silent, "one is recorded who may not speak; log:\n{}", scope.log());
    drop(browser);
    // The controls are free then.
    scope.until_logged("that the viewer has gone", |l| l.contains("is gone").then_some(()))?;
    let mut browser = Browser::start()?;
    browser.play(&scope.speaking_url()?)?;
    browser.speak().with_context(|| scope.log())?;
    recorder.until_beep(&scope)
}

/// In what Chromium decodes: by the program's own clock, and by when they are heard and seen.
#[test]
fn a_beep_and_a_flash_are_of_one_moment() -> Result<()> {
    let apart = sound::decoded(Duration::from_secs(10))?;
    // The program itself may be late with a flash on a busy machine, but not with most.
    let [stamps, decoded] = [apart.stamps, apart.decoded].map(|mut all| {
        all.sort_by(f64::total_cmp);
        all
    });
    ensure!(stamps.len() >= 10 && decoded.len() >= 10, "{stamps:?} {decoded:?}");
    ensure!(stamps[stamps.len() / 2] <= 20.0, "{stamps:?}");
    ensure!(stamps[stamps.len() * 9 / 10] <= 60.0, "{stamps:?}");
    // What broadcasters allow (EBU R 37); the bench has the figures.
    let after = decoded[decoded.len() / 2];
    ensure!((-40.0..=60.0).contains(&after), "{decoded:?}");
    Ok(())
}
